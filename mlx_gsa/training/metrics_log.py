"""`metrics.jsonl`: one JSON row per epoch, appended; what a resumed training repeats is cut off first."""

import json
from pathlib import Path

from mlx_gsa.data.atomic import atomic_write_text

METRICS_FILE = "metrics.jsonl"


class MetricsLog:
    """The metrics of one run.

    Parameters
    ----------
    folder : Path
        Run folder.
    """

    def __init__(self, folder: Path):
        self.path = Path(folder) / METRICS_FILE

    def append(self, row: dict) -> None:
        """Add one row."""
        with open(self.path, "a") as file:
            file.write(json.dumps(row) + "\n")

    def rewind(self, epochs: int) -> None:
        """Drop rows of epochs after the first `epochs`, and a last line that a kill cut short."""
        kept = [row for row in read_metrics(self.path.parent) if row["epoch"] <= epochs]
        atomic_write_text(self.path, "".join(json.dumps(row) + "\n" for row in kept))


def read_metrics(folder: Path) -> list[dict]:
    """Read the rows of a run folder's `metrics.jsonl`; a line cut short by a kill is left out."""
    path = Path(folder) / METRICS_FILE
    if not path.is_file():
        return []
    rows = []
    for line in path.read_text().splitlines():
        try:
            rows.append(json.loads(line))
        except json.JSONDecodeError:
            break  # only the last line can be incomplete; what follows a break was never written
    return rows

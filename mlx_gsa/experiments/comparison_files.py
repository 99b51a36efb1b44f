"""A comparison on disk: comparison.json whole, and comparison.tsv with a row for each pair of models."""

import json
from pathlib import Path

from mlx_gsa.data.atomic import atomic_write_text

NAME = "comparison"
COLUMNS = (
    "data_set", "metric", "first", "second", "pairs", "first_mean", "second_mean", "difference", "low", "high", "p",
    "q", "retention", "retention_low", "retention_high", "p_inferior_0.95", "p_inferior_0.9", "verdict", "delong_z",
    "delong_p", "corrected_t", "corrected_p",
)  # fmt: skip


def save_comparison(comparison, folder) -> list[Path]:
    """Write comparison.json and comparison.tsv, each whole or not at all.

    Parameters
    ----------
    comparison : dict
        As `comparison.compare_collection` makes it.
    folder : path
        Made if missing.

    Returns
    -------
    list of Path
        The two files.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{NAME}.json", folder / f"{NAME}.tsv"]
    atomic_write_text(paths[0], json.dumps(comparison, indent=1, allow_nan=False) + "\n")
    atomic_write_text(paths[1], comparison_table(comparison))
    return paths


def comparison_table(comparison) -> str:
    """Lay out every comparison as a row of tab-separated text; empty where something is not defined."""
    rows = [
        _row(name, found, each) for name, found in comparison["datasets"].items() for each in found["comparisons"]
    ]
    return "".join("\t".join(map(_text, row)) + "\n" for row in [COLUMNS, *rows])


def _row(name, found, each):
    retention, delong, corrected = (each[part] or {} for part in ("retention", "delong", "nadeau_bengio"))
    return [
        name, found["metric"], each["first"], each["second"], each["pairs"], *each["means"],
        *(each["difference"][part] for part in ("value", "low", "high")), each["p"], each["q"],
        *(retention.get(part) for part in ("value", "low", "high")), *each["p_inferior"].values(), each["verdict"],
        *(delong.get(part) for part in ("z", "p")), *(corrected.get(part) for part in ("t", "p")),
    ]  # fmt: skip


def _text(value):
    return "" if value is None else f"{value:.6g}" if isinstance(value, float) else str(value)

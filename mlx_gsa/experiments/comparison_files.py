"""A comparison on disk: comparison.json whole, and comparison.tsv with a row for each pair of models."""

import json
from pathlib import Path

from mlx_gsa.data.atomic import atomic_write_text

NAME = "comparison"
COLUMNS = (
    "data_set", "records", "metric", "first", "second", "pairs", "first_mean", "second_mean", "difference", "low",
    "high", "p", "q", "retention", "retention_low", "retention_high", "p_inferior_0.95", "p_inferior_0.9", "verdict",
    "delong_z", "delong_p", "corrected_t", "corrected_p", "single_runs", "retention_lowest", "retention_highest",
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
        [name, part, found["metric"], *_row(each)]
        for name, found in comparison["datasets"].items()
        for part, inside in {"all": found, **found["strata"]}.items()
        for each in inside["comparisons"]
    ]
    return "".join("\t".join(map(_text, row)) + "\n" for row in [COLUMNS, *rows])


def _row(each):
    retention, delong, corrected = (each[part] or {} for part in ("retention", "delong", "nadeau_bengio"))
    return [
        each["first"], each["second"], each["pairs"], *each["means"],
        *(each["difference"][part] for part in ("value", "low", "high")), each["p"], each["q"],
        *(retention.get(part) for part in ("value", "low", "high")), *each["p_inferior"].values(), each["verdict"],
        *(delong.get(part) for part in ("z", "p")), *(corrected.get(part) for part in ("t", "p")),
        len(each["single_runs"]), *_extremes(each),
    ]  # fmt: skip


def _extremes(each):
    """Return the lowest and the highest retention of single runs."""
    known = [run["retention"] for run in each["single_runs"] if run["retention"] is not None]
    return [min(known, default=None), max(known, default=None)]


def _text(value):
    return "" if value is None else f"{value:.6g}" if isinstance(value, float) else str(value)

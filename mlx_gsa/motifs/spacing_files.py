"""Spacing of motif pairs written down: spacing.json, spacing.tsv, and the rows of the figure."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mlx_gsa.data.atomic import atomic_write_text
from mlx_gsa.evaluation.jsonable import jsonable
from mlx_gsa.motifs.spacing import ALPHA, PairSpacing

FORMAT, FORMAT_VERSION = "mlx_gsa.spacing", 1
JSON, TSV = "spacing.json", "spacing.tsv"
COLUMNS = (
    *("first", "second", "bin_low", "bin_high", "present", "selected", "expected", "low", "high", "p", "q"),
    *("attention", "attention_expected", "attention_p", "attention_q"),
)


def spacing_dict(results: Sequence[PairSpacing], manifest: dict) -> dict:
    """Give what was measured as what JSON can hold.

    Parameters
    ----------
    results : sequence of PairSpacing
    manifest : dict
        As `novel_files.novel_manifest` makes it, with another format.
    """
    header = {**manifest, "format": FORMAT, "format_version": FORMAT_VERSION}
    return jsonable({"manifest": header, "alpha": ALPHA, "pairs": [_pair_dict(each) for each in results]})


def _pair_dict(each: PairSpacing) -> dict:
    """Give one pair as a dictionary."""
    return {
        "first": {"id": each.first.id, "name": each.first.name, "width": each.first.width},
        "second": {"id": each.second.id, "name": each.second.name, "width": each.second.width},
        "records": each.records,
        "pairs": each.pairs,
        "tested": each.tested,
        "peaks": [peak._asdict() for peak in each.peaks],
        "edges": each.edges,
        "present": each.present,
        "selected": each.selected._asdict(),
        "attention": each.attention._asdict(),
    }


def spacing_table(results: Sequence[PairSpacing]) -> str:
    """Lay out every bin of every pair as tab-separated text."""
    lines = ["\t".join(COLUMNS)]
    for each in results:
        for i, (low, high) in enumerate(zip(each.edges[:-1], each.edges[1:], strict=True)):
            selected, attention = each.selected, each.attention
            cells = [each.first.name, each.second.name, low, high, int(each.present[i]), int(selected.observed[i])]
            cells += [getattr(selected, name)[i] for name in ("expected", "low", "high", "p", "q")]
            cells += [getattr(attention, name)[i] for name in ("observed", "expected", "p", "q")]
            lines.append("\t".join(f"{x:.6g}" if isinstance(x, float) else str(x) for x in cells))
    return "\n".join(lines) + "\n"


def save_spacing(results: Sequence[PairSpacing], folder, manifest: dict) -> list[Path]:
    """Write spacing.json and spacing.tsv, each whole or not at all.

    Parameters
    ----------
    results : sequence of PairSpacing
    folder : Path
        Made if missing.
    manifest : dict

    Returns
    -------
    list of Path
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / JSON, folder / TSV]
    atomic_write_text(paths[0], json.dumps(spacing_dict(results, manifest), indent=1, allow_nan=False) + "\n")
    atomic_write_text(paths[1], spacing_table(results))
    return paths


def spacing_rows(results: Sequence[PairSpacing]) -> list[dict]:
    """Return the rows that `explain.figures.spacing.spacing_figure` draws."""
    return [
        {"first": each.first.name, "second": each.second.name, "edges": each.edges, "note": peak_text(each),
         "selected": each.selected._asdict(), "attention": each.attention._asdict()}
        for each in results
    ]  # fmt: skip


def peak_text(each: PairSpacing) -> str:
    """Say in a line where the sites of a pair lie, beyond the null."""
    if not each.tested:
        return f"{each.pairs} kept pairs: too few to test"
    if not each.peaks:
        return f"no distance beyond the null among {each.pairs:,} kept pairs"
    peak = each.peaks[0]
    side = "upstream" if peak.mode < 0 else "downstream"
    more = f"; {len(each.peaks) - 1} more" if len(each.peaks) > 1 else ""
    span = f"{peak.gap_low:.0f}–{peak.gap_high:.0f} bp between the sites"
    return f"{each.first.name} {side}, {span}, {peak.enrichment:.1f} x, q {peak.q:.1g}{more}"


def enriched_pairs(motifs: Sequence, most: int = 5) -> list[tuple]:
    """Pair up the first few motifs of a list with each other."""
    few = list(motifs)[:most]
    return [(few[i], few[j]) for i, j in zip(*np.triu_indices(len(few), 1), strict=True)]

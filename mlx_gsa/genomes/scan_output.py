"""The results of a scan: chunk files joined into tracks and peaks, and the manifest that says how they were made."""

import datetime
import json
from collections.abc import Callable

import numpy as np

from mlx_gsa.data.atomic import atomic_write_text
from mlx_gsa.errors import GenomeError
from mlx_gsa.genomes.bigwig import read_values, relevance_values, strength_values, write_bigwig
from mlx_gsa.genomes.peaks import find_peaks, narrowpeak_lines, with_summits
from mlx_gsa.genomes.scan_state import FORMAT, FORMAT_VERSION, MANIFEST, ScanState
from mlx_gsa.runtime import machine, versions

STRENGTH, RELEVANCE, PEAKS = "strength.bw", "relevance.bw", "peaks.narrowPeak"


def write_results(scan, state: ScanState, facts: dict, writing: Callable | None = None) -> dict:
    """Join the chunks of a finished scan into its files, the manifest last, and remove the chunks.

    Each file is written beside and renamed; killed here, the same command writes them again.

    Parameters
    ----------
    scan : Scan
    state : ScanState
        With every chunk done.
    facts : dict
        What else to note.
    writing : callable, optional
        Called as ``writing(bp_written, bp_in_all)`` while the relevance is written.

    Returns
    -------
    dict
        What ``scan.json`` holds.

    Raises
    ------
    GenomeError
        No tile could be scored, a chunk is missing or damaged, or a file could not be written.
    """
    check_complete(state)
    numbers = _count(scan, state)
    out, lengths, settings = state.out, scan.genome.lengths, scan.settings
    for name in (MANIFEST, RELEVANCE):  # of an older scan that this one replaces
        (out / name).unlink(missing_ok=True)
    write_bigwig(out / STRENGTH, lengths, strength_values(_chunks(scan, state)), state.folder)
    files, peaks = [STRENGTH, PEAKS], find_peaks(_chunks(scan, state), settings.top, scan.threshold)
    if settings.relevance:
        report = (lambda bp: writing(bp, numbers["bp_scored"])) if writing else None
        write_bigwig(out / RELEVANCE, lengths, relevance_values(_chunks(scan, state, True)), state.folder, report)
        files.append(RELEVANCE)
        with read_values(out / RELEVANCE) as values:
            peaks = with_summits(peaks, values)
    atomic_write_text(out / PEAKS, "".join(narrowpeak_lines(peaks, scan.strength.is_probability)))
    manifest = _manifest(scan, numbers | {"peaks": len(peaks)}, files, facts)
    atomic_write_text(out / MANIFEST, json.dumps(manifest, indent=1, allow_nan=False) + "\n")
    state.finish()
    return manifest


def check_complete(state: ScanState) -> None:
    """Raise if a chunk is missing: a rank has not done its share."""
    missing = state.missing()
    if missing:
        raise GenomeError(
            "chunks of the scan are missing", where=str(state.folder), expected=f"{state.n_chunks:,} chunks",
            found=f"{state.n_chunks - len(missing):,}", mend="Run the same command again; all ranks need this folder.",
        )  # fmt: skip


def check_scored(scan, n_tiles: int) -> None:
    """Raise if no tile could be scored."""
    if not n_tiles:
        raise GenomeError(
            "no tile could be scored", where=str(scan.genome.path), found="too much N in every tile",
            expected=f"a tile with at most {scan.settings.max_n:.0%} N",
        )  # fmt: skip


def _chunks(scan, state, relevance=False):
    """Yield the pieces and the scores of each chunk, in order; one is held at a time."""
    for number, pieces in enumerate(scan.plan):
        yield pieces, state.load(number, relevance)


def _count(scan, state):
    """Count tiles and bases, and describe the strength over all tiles."""
    n, total, low, high = 0, 0.0, np.inf, -np.inf
    skipped = np.zeros(2, dtype=np.int64)
    for _, scores in _chunks(scan, state):
        skipped += scores.skipped
        if len(scores.strength):
            n, total = n + len(scores.strength), total + float(scores.strength.sum(dtype=np.float64))
            low, high = min(low, float(scores.strength.min())), max(high, float(scores.strength.max()))
    check_scored(scan, n)
    return {
        "bp": scan.bp,
        "bp_scored": scan.bp - scan.short - int(skipped[1]),
        "bp_skipped_n": int(skipped[1]),
        "bp_skipped_short": scan.short,
        "tiles": n,
        "tiles_skipped_n": int(skipped[0]),
        "strength": {"mean": total / n, "min": low, "max": high},
    }


def _manifest(scan, numbers, files, facts):
    return {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "created": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        **facts,
        "run": str(scan.run.path),
        "shipped_model": bool(scan.run.shipped),
        "strength_is": scan.strength.meaning,
        "regions": scan.regions,
        "result": numbers,
        "files": files,
        "workers": scan.n_workers,
        "backend": scan.backend,
        "identity": scan.identity,
        "versions": versions(),
        "machine": machine(),
    }

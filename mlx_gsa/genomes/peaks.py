"""Peaks of the strength track: tiles that no overlapping tile surpasses, as narrowPeak.

A peak is the whole tile, since all of it was read for its score. Two peaks never overlap: of overlapping tiles only the
strongest can be one, of equally strong ones the first.
"""

import heapq
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from mlx_gsa.genomes.grid import Piece
from mlx_gsa.genomes.scan_chunk import ChunkScores

HIGHEST_SCORE = 1000  # of narrowPeak: the shade in which a browser draws it


class Peak(NamedTuple):
    """One peak, 0-based and half-open, in bp.

    ``rank`` is 1 for the strongest; ``summit`` the position on the chromosome, by default the middle of the tile.
    """

    rank: int
    chrom: str
    start: int
    end: int
    strength: float
    summit: int


def local_maxima(starts: np.ndarray, ends: np.ndarray, strength: np.ndarray) -> np.ndarray:
    """Find the tiles of one sequence that no overlapping tile surpasses.

    Parameters
    ----------
    starts, ends : np.ndarray int64 (T,)
        Of the tiles, ascending.
    strength : np.ndarray float (T,)

    Returns
    -------
    np.ndarray int64
        Their numbers, ascending; none of them overlap.
    """
    highest, distance = np.ones(len(starts), dtype=bool), 1
    while distance < len(starts):
        overlap = starts[distance:] < ends[:-distance]
        if not overlap.any():
            break
        highest[:-distance] &= ~overlap | (strength[:-distance] >= strength[distance:])
        highest[distance:] &= ~overlap | (strength[distance:] >= strength[:-distance])
        distance += 1
    chosen, reach = [], -1
    for number in np.flatnonzero(highest).tolist():  # those that overlap are equally strong
        if starts[number] >= reach:
            chosen.append(number)
            reach = ends[number]
    return np.array(chosen, dtype=np.int64)


def find_peaks(chunks: Iterable[tuple[list[Piece], ChunkScores]], top: int, threshold: float | None) -> list[Peak]:
    """Find the strongest peaks of a genome; memory holds one chromosome's tiles and ``top`` peaks.

    Parameters
    ----------
    chunks : iterable of (pieces, ChunkScores)
        In the order of the plan.
    top : int
        At most so many.
    threshold : float, optional
        At least so strong.

    Returns
    -------
    list of Peak
        In the order of the genome; of equally strong ones at the limit, those that come first.
    """
    best, number = [], 0  # a heap of (strength, -number, ...): the weakest of the last ones leaves first
    for chrom, starts, ends, strength in _by_sequence(chunks):
        for i in local_maxima(starts, ends, strength).tolist():
            value = float(strength[i])
            if threshold is not None and value < threshold:
                continue
            number += 1
            entry = (value, -number, chrom, int(starts[i]), int(ends[i]))
            (heapq.heappush if len(best) < top else heapq.heappushpop)(best, entry)
    ranked = sorted(best, reverse=True)
    peaks = [
        (-order, Peak(rank, chrom, start, end, value, (start + end) // 2))
        for rank, (value, order, chrom, start, end) in enumerate(ranked, 1)
    ]
    return [peak for _, peak in sorted(peaks)]


def _by_sequence(chunks):
    """Yield the tiles of each sequence, joined over chunks: chrom, starts, ends, strength."""
    name, held = None, []
    for pieces, scores in chunks:
        for number, piece in enumerate(pieces):
            if piece.chrom != name and held:
                yield name, *(np.concatenate(column) for column in zip(*held, strict=True))
                held = []
            name, own = piece.chrom, scores.piece == number
            held.append((scores.tile[own], scores.tile_end[own], scores.strength[own]))
    if held:
        yield name, *(np.concatenate(column) for column in zip(*held, strict=True))


def with_summits(peaks: list[Peak], values) -> list[Peak]:
    """Move the summit of each peak to its base of highest relevance.

    Parameters
    ----------
    peaks : list of Peak
    values : callable
        ``values(chrom, start, end)`` gives the relevance of each base, NaN where it is not known; a bigWig's.
    """
    moved = []
    for peak in peaks:
        relevance = np.asarray(values(peak.chrom, peak.start, peak.end))
        known = not np.isnan(relevance).all()
        moved.append(peak._replace(summit=peak.start + int(np.nanargmax(relevance))) if known else peak)
    return moved


def narrowpeak_lines(peaks: list[Peak], is_probability: bool) -> Iterable[str]:
    """Yield lines of narrowPeak.

    The ten columns: chrom, start, end, ``peak_RANK``, score, strand ``.``, signalValue (the strength), pValue and
    qValue -1 (there is no test), and the summit's distance from the start. The score, 0 to 1000, is a thousand times
    the strength if that is a probability, else the strength between those of the weakest (0) and the strongest peak.

    Source: the UCSC Genome Browser's description of ENCODE narrowPeak.
    """
    low = 0.0 if is_probability or not peaks else min(peak.strength for peak in peaks)
    high = 1.0 if is_probability or not peaks else max(peak.strength for peak in peaks)
    for peak in peaks:
        share = (peak.strength - low) / (high - low) if high > low else 1.0
        score = round(HIGHEST_SCORE * min(max(share, 0.0), 1.0))
        columns = (peak.chrom, peak.start, peak.end, f"peak_{peak.rank}", score, ".", f"{peak.strength:.7g}", -1, -1,
                   peak.summit - peak.start)  # fmt: skip
        yield "\t".join(map(str, columns)) + "\n"

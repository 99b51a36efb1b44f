"""From attention among kept positions to a picture at true coordinates in which nothing disappears."""

from itertools import permutations
from typing import NamedTuple

import numpy as np


class Raster(NamedTuple):
    """A square map in bins of ``bin_size`` bp.

    ``values`` has shape (n, n), row = query, column = key: the largest attention in the bin as a multiple
    of even attention (1 = what each key would get if all got the same), NaN where no kept pair lies.
    ``extent`` is the last edge (bp), a multiple of ``bin_size`` at or beyond the sequence's end.
    """

    values: np.ndarray
    bin_size: int
    extent: int


def attention_raster(weights, kept, length: int, max_bins: int = 280) -> Raster:
    """Put the attention map of the kept positions at their true coordinates.

    Bins hold the *maximum* of their pairs, so the strongest pair of 25 million survives the reduction.

    Parameters
    ----------
    weights : ndarray
        Shape (K, K), rows sum to 1: row = query, column = key.
    kept : ndarray
        Shape (K,), ascending positions (bp).
    length : int
        Length of the sequence (bp).
    max_bins : int
        Most bins on a side; below it, one bin is one base.

    Returns
    -------
    Raster
    """
    kept = np.asarray(kept, dtype=np.int64)
    bin_size = max(1, -(-length // max_bins))
    n_bins = max(1, -(-length // bin_size))
    values = np.full((n_bins, n_bins), np.nan)
    if len(kept):
        bins = kept // bin_size
        first = np.flatnonzero(np.r_[True, np.diff(bins) > 0])
        pooled = np.maximum.reduceat(np.maximum.reduceat(weights, first, axis=0), first, axis=1)
        values[np.ix_(bins[first], bins[first])] = pooled.astype(np.float64) * len(kept)
    return Raster(values, bin_size, n_bins * bin_size)


def pooled_track(values, max_bins: int = 1200) -> tuple[np.ndarray, np.ndarray]:
    """Reduce a track to at most ``max_bins`` steps by maximum.

    Parameters
    ----------
    values : ndarray
        Shape (L,).

    Returns
    -------
    edges : ndarray
        Shape (n + 1,), bin edges (bp).
    highest : ndarray
        Shape (n,), the largest value in each bin.
    """
    values = np.asarray(values, dtype=np.float64)
    size = max(1, -(-len(values) // max_bins))
    starts = np.arange(0, len(values), size)
    return np.r_[starts, len(values)], np.maximum.reduceat(values, starts)


def strongest_links(weights, kept, spans, n: int = 5, apart: int = 20) -> list[tuple[int, int, float]]:
    """Find the strongest attention between different spans.

    Parameters
    ----------
    weights : ndarray
        Shape (K, K).
    kept : ndarray
        Shape (K,), ascending.
    spans : sequence of Span
        The spans of interest; kept positions outside them are not looked at.
    n : int
        Links returned at most.
    apart : int
        Least distance of the two positions (bp).

    Returns
    -------
    list of (int, int, float)
        Query position, key position, attention as a multiple of even attention; the strongest first, at
        most one link for each ordered pair of spans.
    """
    kept = np.asarray(kept)
    blocks = [range(*np.searchsorted(kept, (span.start, span.end))) for span in spans]
    links = []
    for queries, keys in permutations([block for block in blocks if len(block)], 2):
        folds = np.asarray(weights[queries.start : queries.stop, keys.start : keys.stop]) * len(kept)
        i, j = np.unravel_index(folds.argmax(), folds.shape)
        query, key = int(kept[queries[i]]), int(kept[keys[j]])
        if abs(query - key) >= apart:
            links.append((query, key, float(folds[i, j])))
    return sorted(links, key=lambda link: -link[2])[:n]

"""Positions of the same record with the same local GC and location as those looked at: strata, and what they expect."""

from typing import NamedTuple

import numpy as np

from mlx_gsa.motifs.hits import Pool

GC_WINDOW = 20  # bp
GC_BINS = 10
LOCATIONS = 10  # bins along a record
NARROWEST = 50  # bp; in a narrower bin every other position lies in the very site that is tested


class Strata(NamedTuple):
    """Which positions may stand for each other.

    ``of`` has shape (bases,), the stratum of each position of the pool; ``size`` shape (S,), its number of positions.
    """

    of: np.ndarray
    size: np.ndarray


class Matching(NamedTuple):
    """How well positions could be matched.

    ``positions`` looked at; ``matched`` of them have a position in their stratum that is not looked at;
    ``alternatives`` is the median number of such positions.
    """

    positions: int
    matched: int
    alternatives: float


def make_strata(pool: Pool) -> Strata:
    """Put positions of one record, tenth of it and decile of local GC together.

    Parameters
    ----------
    pool : Pool

    Returns
    -------
    Strata
        Local GC is that of the 20 bp around a position, its deciles those of all positions of the pool. Bins of
        location are a tenth of the record, but at least 50 bp.
    """
    record = np.repeat(np.arange(len(pool)), pool.lengths)
    place = np.arange(len(pool.tokens)) - pool.offsets[record]
    width = np.maximum(pool.lengths / LOCATIONS, NARROWEST)[record]
    location = np.minimum((place / width).astype(np.int64), LOCATIONS - 1)
    gc = local_gc(pool)
    edges = np.unique(np.quantile(gc, np.arange(1, GC_BINS) / GC_BINS)) if gc.size else gc
    key = (record * LOCATIONS + location) * GC_BINS + np.searchsorted(edges, gc, side="right")
    _, of, size = np.unique(key, return_inverse=True, return_counts=True)
    return Strata(of.ravel(), size)


def local_gc(pool: Pool) -> np.ndarray:
    """Return the share of G and C among the known bases of the 20 bp around each position, shape (bases,)."""
    record = np.repeat(np.arange(len(pool)), pool.lengths)
    here = np.arange(len(pool.tokens))
    first = np.maximum(here - GC_WINDOW // 2, pool.offsets[record])
    last = np.minimum(here + GC_WINDOW // 2, pool.offsets[record + 1])
    known, strong = pool.tokens < 4, (pool.tokens == 1) | (pool.tokens == 2)
    sums = [np.concatenate([[0], np.cumsum(marked)]) for marked in (strong, known)]
    n_strong, n_known = (total[last] - total[first] for total in sums)
    return np.where(n_known > 0, n_strong / np.maximum(n_known, 1), 0.5)


def expected_share(strata: Strata, focus: np.ndarray) -> np.ndarray:
    """Return how likely each position is drawn if as many as are looked at are drawn from each stratum.

    Parameters
    ----------
    strata : Strata
    focus : np.ndarray
        Positions of the pool, each once.

    Returns
    -------
    np.ndarray, shape (bases,)
        The mean over all redraws of matched positions, exactly; it sums to ``len(focus)``.
    """
    drawn = np.bincount(strata.of[focus], minlength=len(strata.size))
    return (drawn / strata.size)[strata.of]


def draw_matched(strata: Strata, focus: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Draw positions at random, as many from each stratum as are looked at in it.

    Returns
    -------
    np.ndarray
        Ascending positions of the pool, ``len(focus)`` of them.
    """
    drawn = np.bincount(strata.of[focus], minlength=len(strata.size))
    order = np.lexsort((rng.random(len(strata.of)), strata.of))
    first = np.concatenate([[0], np.cumsum(strata.size)[:-1]])
    rank = np.arange(len(order)) - np.repeat(first, strata.size)
    return np.sort(order[rank < np.repeat(drawn, strata.size)])


def matching_of(strata: Strata, focus: np.ndarray) -> Matching:
    """Count the positions that could be matched."""
    drawn = np.bincount(strata.of[focus], minlength=len(strata.size))
    others = (strata.size - drawn)[strata.of[focus]]
    return Matching(len(focus), int((others > 0).sum()), float(np.median(others)) if len(focus) else 0.0)

"""Sites of two motifs in the same records: how far apart they are, which are kept, how much attention passes."""

from typing import NamedTuple

import numpy as np

from mlx_gsa.motifs.hits import HitTable, Pool


class MotifSites(NamedTuple):
    """Sites of one motif, one row each, by record and start; overlapping hits count as one, the best.

    ``record`` is a number in the pool; ``start`` and ``end`` are within the record (bp); ``sense`` is +1 or -1;
    ``kept`` says whether a kept position lies in the site.
    """

    record: np.ndarray
    start: np.ndarray
    end: np.ndarray
    sense: np.ndarray
    kept: np.ndarray

    def select(self, mask) -> "MotifSites":
        """Return the sites that a boolean mask or an index array picks."""
        return MotifSites(*(column[mask] for column in self))

    @property
    def centre(self) -> np.ndarray:
        """Middle of each site (bp), a multiple of 1/2."""
        return (self.start + self.end - 1) / 2


class Pairs(NamedTuple):
    """Two sites each, ``first`` and ``second`` by number, and their signed ``distance`` (bp).

    The distance is that of the middles, as read on the strand of the second: negative where the first is upstream.
    """

    first: np.ndarray
    second: np.ndarray
    distance: np.ndarray


def sites_of(hits: HitTable, number: int, pool: Pool, kept) -> MotifSites:
    """Gather the sites of one motif.

    Parameters
    ----------
    hits : HitTable
    number : int
        Of the motif.
    pool : Pool
    kept : np.ndarray of bool, shape (bases,)
        Whether each position of the pool is kept.

    Returns
    -------
    MotifSites
    """
    rows = np.flatnonzero(hits.motif == number)
    rows = rows[_best_of_overlapping(hits, rows)]
    record, start, end = hits.record[rows], hits.start[rows], hits.end[rows]
    before = np.concatenate([[0], np.cumsum(kept)])
    sense = np.where(hits.strand[rows] == "-", -1, 1)
    offset = pool.offsets[record]
    return MotifSites(record, start - offset, end - offset, sense, before[end] > before[start])


def _best_of_overlapping(hits, rows):
    """Return, of hits sorted by record and start, the best of each run of overlapping ones."""
    best: list[int] = []
    furthest = -1
    for i, row in enumerate(rows.tolist()):
        if best and hits.start[row] < furthest:
            if hits.score[row] > hits.score[rows[best[-1]]]:
                best[-1] = i
        else:
            best.append(i)
        furthest = max(furthest, int(hits.end[row]))
    return np.array(best, np.int64)


def pair_up(first: MotifSites, second: MotifSites, reach: int, partner=None) -> Pairs:
    """Pair each site of one motif with those of another in the same record.

    Parameters
    ----------
    first, second : MotifSites
    reach : int
        Largest distance (bp).
    partner : np.ndarray of int, optional
        For each record the one whose second sites are taken instead of its own; -1 for none.

    Returns
    -------
    Pairs
        Without sites that overlap: they share positions, so one cannot be kept without the other.
    """
    wanted = first.record if partner is None else partner[first.record]
    low, high = (np.searchsorted(second.record, wanted, side=side) for side in ("left", "right"))
    number = high - low
    one = np.repeat(np.arange(len(wanted)), number)
    other = np.arange(len(one)) - np.repeat(np.cumsum(number) - number, number) + low[one]
    distance = (first.centre[one] - second.centre[other]) * second.sense[other]
    apart = (first.start[one] >= second.end[other]) | (second.start[other] >= first.end[one])
    near = apart & (np.abs(distance) <= reach)
    return Pairs(one[near], other[near], distance[near])


def shifted(sites: MotifSites, lengths, rng) -> MotifSites:
    """Move the sites of each record together by a random number of positions, around the end of the record.

    Parameters
    ----------
    sites : MotifSites
    lengths : np.ndarray, shape (n_records,)
        bp.
    rng : np.random.Generator
    """
    by = (rng.random(len(lengths)) * lengths).astype(np.int64)
    width = sites.end - sites.start
    room = np.maximum(lengths[sites.record] - width + 1, 1)
    start = (sites.start + by[sites.record]) % room
    order = np.lexsort((start, sites.record))
    return sites._replace(start=start, end=start + width).select(order)


def attention_between(weights, kept, one, other) -> float:
    """Return how much kept positions of two sites attend to each other, over even attention.

    Parameters
    ----------
    weights : np.ndarray, shape (K, K)
        Rows are queries and sum to 1.
    kept : np.ndarray, shape (K,)
        Ascending positions.
    one, other : (int, int)
        Start and end of the sites.

    Returns
    -------
    float
        Mean weight from either to the other, times K; nan where one has no kept position.
    """
    a, b = (np.arange(*np.searchsorted(kept, site)) for site in (one, other))
    if not len(a) or not len(b):
        return float("nan")
    both = (weights[np.ix_(a, b)].mean() + weights[np.ix_(b, a)].mean()) / 2
    return float(both * len(kept))

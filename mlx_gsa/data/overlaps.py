"""Records whose places in the genome overlap: which belong together, and how many bp they share."""

import numpy as np

from mlx_gsa.data.records import UNKNOWN
from mlx_gsa.dna.intervals import IntervalSet


def overlap_groups(chrom, start, end):
    """Number the records so that those whose places overlap, directly or through others, have the same number.

    Parameters
    ----------
    chrom : np.ndarray of str, shape (n,)
    start, end : np.ndarray of int64, shape (n,)
        0-based, half-open, in bp; -1 where not known: such a record is on its own, as is one on chromosome ``.``.

    Returns
    -------
    np.ndarray of int64, shape (n,)
    """
    number = np.arange(len(start), dtype=np.int64)
    for rows in _by_chrom(chrom, start):
        reached = np.maximum.accumulate(end[rows])
        fresh = np.concatenate([[True], start[rows][1:] >= reached[:-1]])
        number[rows] = rows[fresh][np.cumsum(fresh) - 1]
    return number


def overlap_bp(chrom, start, end, chosen, others):
    """Return how many bp of each chosen record lie within others.

    Parameters
    ----------
    chrom, start, end
        As for `overlap_groups`.
    chosen, others : np.ndarray of bool, shape (n,)

    Returns
    -------
    np.ndarray of int64, shape (number chosen,)
        In the order of the records; 0 where a place is not known.
    """
    shared = np.zeros(len(start), dtype=np.int64)
    for rows in _by_chrom(chrom, start):
        covering = rows[others[rows]]
        asked = rows[chosen[rows]]
        if len(covering) and len(asked):
            name = str(chrom[rows[0]])
            covered = IntervalSet.on_one(name, start[covering], end[covering])
            shared[asked] = covered.overlap_bp(name, start[asked], end[asked])
    return shared[chosen]


def _by_chrom(chrom, start):
    """Yield the numbers of the records of each chromosome that have a place, sorted by start."""
    chrom = np.asarray(chrom, dtype=object)
    placed = np.flatnonzero((start >= 0) & (chrom != UNKNOWN))
    if not len(placed):
        return
    _, number = np.unique(chrom[placed].astype(str), return_inverse=True)
    order = np.lexsort((start[placed], number))
    yield from np.split(placed[order], np.flatnonzero(np.diff(number[order])) + 1)

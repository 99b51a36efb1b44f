"""How many of the positions looked at lie in a site of each motif, record by record."""

from typing import NamedTuple

import numpy as np

from mlx_gsa.motifs.hits import HitTable, Pool


class Cover(NamedTuple):
    """Runs of positions in a site of one motif: overlapping hits are joined, so that no position counts twice.

    ``record``, ``motif``, ``start``, ``end`` have shape (R,); positions are those of the pool.
    """

    record: np.ndarray
    motif: np.ndarray
    start: np.ndarray
    end: np.ndarray
    n_records: int
    n_motifs: int


def cover_of(hits: HitTable, pool: Pool, n_motifs: int) -> Cover:
    """Join the overlapping hits of each motif.

    Parameters
    ----------
    hits : HitTable
    pool : Pool
    n_motifs : int

    Returns
    -------
    Cover
    """
    order = np.lexsort((hits.start, hits.record, hits.motif))
    record, motif, start, end = (column[order] for column in (hits.record, hits.motif, hits.start, hits.end))
    if not len(order):
        return Cover(record, motif, start, end, len(pool), n_motifs)
    key = motif * len(pool) + record
    # Widths of a motif's hits are equal, so the furthest end so far is that of the hit before.
    begins = np.concatenate([[True], (key[1:] != key[:-1]) | (start[1:] > end[:-1])])
    first = np.flatnonzero(begins)
    last = np.concatenate([first[1:], [len(start)]]) - 1
    return Cover(record[first], motif[first], start[first], end[last], len(pool), n_motifs)


def count_in_sites(cover: Cover, weights: np.ndarray) -> np.ndarray:
    """Add up a weight over the positions of each record that lie in a site of each motif.

    Parameters
    ----------
    cover : Cover
    weights : np.ndarray, shape (bases,)
        1 at the positions looked at and 0 elsewhere, or how likely each is drawn.

    Returns
    -------
    np.ndarray, shape (n_records, n_motifs), float32
    """
    total = np.concatenate([[0.0], np.cumsum(weights, dtype=np.float64)])
    inside = total[cover.end] - total[cover.start]
    key = cover.record * cover.n_motifs + cover.motif
    counts = np.bincount(key, inside, cover.n_records * cover.n_motifs)
    return counts.reshape(cover.n_records, cover.n_motifs).astype(np.float32)


def mark(positions: np.ndarray, bases: int) -> np.ndarray:
    """Return 1 at these positions of the pool and 0 elsewhere, shape (bases,)."""
    marked = np.zeros(bases)
    marked[positions] = 1.0
    return marked

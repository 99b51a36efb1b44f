"""How alike two sequences are along their shared diagonals: local scores of many pairs at once."""

import numpy as np

from mlx_gsa.dna.alphabet import COMPLEMENT, N

MISMATCH = -1
GAP_COST = 12  # a second diagonal counts for what it has above this, about what chance gives
DIAGONALS = 4
NEAR = 64  # bp on each side of a seed looked at first
NEAR_SCORE, NEAR_SLOPE, NEAR_MOST = 22, 0.02, 60  # score it takes to look further: more for longer sequences
_CELLS_AT_ONCE = 1 << 18  # fits a processor's cache


def local_scores(tokens, starts_a, starts_b, lengths, opposite):
    """Return the best local score of two strips of each pair, without gaps.

    A match counts 1, a mismatch -1, N is a mismatch; the score is that of the best stretch.

    Parameters
    ----------
    tokens : np.ndarray, shape (bases,), uint8
    starts_a, starts_b : np.ndarray of int64, shape (p,)
        First base of each strip in `tokens`; of an opposite strip b, its last base, as it is read backwards.
    lengths : np.ndarray of int64, shape (p,)
        bp.
    opposite : np.ndarray of bool, shape (p,)
        Strip b is on the reverse strand.

    Returns
    -------
    np.ndarray of int64, shape (p,)

    Source: maximal segment pairs of BLAST (Altschul et al. 1990), with the scores of hashFrag (Rafi et al. 2025).
    """
    scores = np.zeros(len(lengths), dtype=np.int64)
    order = np.argsort(lengths, kind="stable")
    for rows in _batches(order, lengths):
        scores[rows] = _batch(tokens, starts_a[rows], starts_b[rows], lengths[rows], opposite[rows])
    return scores


def _batches(order, lengths):
    """Yield the numbers of strips of about the same length, few enough to be scored at once."""
    first = 0
    while first < len(order):
        most = _CELLS_AT_ONCE // max(int(lengths[order[first]]), 1) + 1
        widths = lengths[order[first : first + most]]
        fitting = widths * np.arange(1, len(widths) + 1) <= _CELLS_AT_ONCE
        last = first + max(int(fitting.sum()), 1)
        yield order[first:last]
        first = last


def _batch(tokens, starts_a, starts_b, lengths, opposite):
    """Score strips of about the same length."""
    longest = int(lengths.max(initial=0))
    step = np.arange(longest, dtype=np.int64)
    last = len(tokens) - 1
    a = tokens[np.minimum(starts_a[:, None] + step, last)]
    b = tokens[np.clip(starts_b[:, None] + np.where(opposite, -1, 1)[:, None] * step, 0, last)]
    b[opposite] = COMPLEMENT[b[opposite]]
    same = (a == b) & (a < N) & (step < lengths[:, None])
    gains = np.where(same, np.int8(1), np.int8(MISMATCH))
    total = np.cumsum(gains, axis=1, dtype=np.int16 if longest < 1 << 15 else np.int32)
    lowest = np.minimum(np.minimum.accumulate(total, axis=1), 0)
    return np.maximum((total - lowest).max(axis=1, initial=0), 0)


def near_score(shorter):
    """Return the score around a seed that makes a diagonal worth a look at its whole, by the shorter length in bp."""
    return np.minimum(NEAR_SCORE + NEAR_SLOPE * np.maximum(shorter - 2 * NEAR, 0), NEAR_MOST)


def overlap_on_diagonal(length_a, length_b, diagonal):
    """Return where two sequences overlap on a diagonal.

    Parameters
    ----------
    length_a, length_b, diagonal : np.ndarray of int64
        The diagonal is the position in a less the position in b, b being read on its strand; in bp.

    Returns
    -------
    start, length : np.ndarray of int64
        `start` in a; in b it is `start` less the diagonal.
    """
    start = np.maximum(diagonal, 0)
    return start, np.minimum(length_a, length_b + diagonal) - start

"""Selection in NumPy: the same positions as `model.selector.keep_highest` keeps, ties included."""

from functools import lru_cache

import numpy as np

from mlx_gsa.model.selector import LOWEST_KEY, SCATTER


@lru_cache(maxsize=64)
def tie_breaks(length: int) -> np.ndarray:
    """Return the fixed permutation of positions that orders equal relevance: (L,) int32, not negative."""
    return ((np.arange(length, dtype=np.uint32) * np.uint32(SCATTER)) >> 1).astype(np.int32)


def keep_highest(relevance: np.ndarray, lengths, counts, widest: int) -> tuple[np.ndarray, np.ndarray]:
    """Keep the `counts` most relevant real positions of each sequence.

    Parameters
    ----------
    relevance : np.ndarray float32 (B, L)
    lengths, counts : np.ndarray int (B,)
    widest : int
        K, at least every count.

    Returns
    -------
    kept : np.ndarray int32 (B, K)
        Ascending; unused places hold the last position of the row.
    mask : np.ndarray bool (B, K)
        True where `kept` is in use.
    """
    n_rows, length = relevance.shape
    keys = _distinct_keys(np.ascontiguousarray(relevance), lengths)
    counts = np.asarray(counts)
    places = np.unique(length - counts)
    lowest = np.partition(keys, places, axis=1)[np.arange(n_rows), length - counts]
    positions = np.flatnonzero(keys >= lowest[:, None]) - np.repeat(np.arange(n_rows) * length, counts)
    mask = np.arange(widest) < counts[:, None]
    kept = np.full((n_rows, widest), length - 1, np.int32)
    kept[mask] = positions
    return kept, mask


def _distinct_keys(relevance, lengths):
    bits = relevance.view(np.int32)
    high = np.where(bits < 0, bits ^ 0x7FFFFFFF, bits)  # same order as the floats
    for row, real in enumerate(lengths):
        high[row, real:] = LOWEST_KEY
    keys = np.empty(high.shape, np.int64)
    halves = keys.view(np.int32)
    halves[:, 1::2], halves[:, 0::2] = high, tie_breaks(high.shape[1])
    return keys

"""Token selection organ: scores every position, keeps the few that may attend."""

from math import ceil

import mlx.core as mx
import mlx.nn as nn
import numpy as np

LOWEST_KEY = -(2**31)
START_SLOPE = 1.5  # relevance per unit of feature at the start; the gate opens at two units
SCATTER = 2654435769  # 2^32 / golden ratio, odd: multiplication by it permutes the 32-bit integers


class TokenSelector(nn.Module):
    """A two-layer network D -> hidden -> 1 that scores the relevance of each position.

    It starts with positive weights, so that a position where any filter fires ranks above one where none does.

    Parameters
    ----------
    n_channels, hidden : int
        Widths of input and hidden layer.
    n_filters : int, optional
        Channels that are filters, the first ones; the rest, which may be negative, start without weight.
    """

    def __init__(self, n_channels: int = 16, hidden: int = 8, n_filters: int | None = None):
        super().__init__()
        self.input = nn.Linear(n_channels, hidden)
        self.output = nn.Linear(hidden, 1)
        self.input.weight = mx.random.uniform(0.5, 1.5, (hidden, n_channels))
        if n_filters is not None and n_filters < n_channels:
            self.input.weight = self.input.weight * (mx.arange(n_channels) < n_filters)
        self.output.weight = mx.random.uniform(0.5, 1.5, (1, hidden)) * (START_SLOPE / hidden)
        self.input.bias = mx.zeros((hidden,))
        self.output.bias = mx.zeros((1,))

    def __call__(self, features: mx.array) -> mx.array:
        """Return the relevance (B, L) of features (B, L, D)."""
        return self.output(nn.relu(self.input(features)))[..., 0]


def budget(lengths, sparsity: float, max_selected: int | None = None) -> np.ndarray:
    """Count the positions to keep of each sequence: ceil(sparsity x length), at most `max_selected`.

    Parameters
    ----------
    lengths : array of int (B,)
        True lengths in bp.

    Returns
    -------
    np.ndarray int32 (B,)
    """
    counts = np.ceil(np.asarray(lengths) * sparsity - 1e-9).astype(np.int32)
    return np.maximum(counts if max_selected is None else np.minimum(counts, max_selected), 1)


def widest_budget(length: int, sparsity: float, max_selected: int | None = None) -> int:
    """Return the budget of the longest sequence that a bucket of `length` bp may hold."""
    widest = max(1, ceil(length * sparsity - 1e-9))
    return widest if max_selected is None else min(widest, max_selected)


def keep_highest(relevance: mx.array, lengths: mx.array, counts: mx.array, widest: int) -> tuple[mx.array, mx.array]:
    """Keep the `counts` most relevant real positions of each sequence.

    Equal relevance is ordered by a fixed permutation of the positions, so the result depends neither on padding nor on
    the order in which a sort meets ties.

    Parameters
    ----------
    relevance : mx.array (B, L)
        Scores; no gradient passes through the choice.
    lengths, counts : mx.array int32 (B,)
        True length and positions to keep of each sequence.
    widest : int
        K, at least every count.

    Returns
    -------
    kept : mx.array int32 (B, K)
        Positions in ascending order; unused places repeat the last position of the row.
    mask : mx.array bool (B, K)
        True where `kept` is in use.
    """
    length = relevance.shape[1]
    keys = _distinct_keys(mx.stop_gradient(relevance), lengths)
    chosen = mx.argpartition(keys, length - widest, axis=1)[:, length - widest :] if widest < length else None
    if chosen is None:
        chosen = mx.broadcast_to(mx.arange(length), keys.shape)
    ascending = mx.argsort(mx.take_along_axis(keys, chosen, axis=1), axis=1)
    chosen = mx.take_along_axis(chosen, ascending, axis=1).astype(mx.int32)
    in_use = mx.arange(widest)[None] >= widest - counts[:, None]
    kept = mx.sort(mx.where(in_use, chosen, length), axis=1)
    return mx.minimum(kept, length - 1), kept < length


def keep_first(lengths: mx.array, counts: mx.array, widest: int):
    """Keep the first `counts` positions of each sequence, whatever they are (a control); as `keep_highest`."""
    place = mx.broadcast_to(mx.arange(widest, dtype=mx.int32), (counts.shape[0], widest))
    mask = place < counts[:, None]
    return mx.where(mask, place, lengths[:, None].astype(mx.int32) - 1), mask


def keep_random(tokens: mx.array, lengths: mx.array, counts: mx.array, widest: int, key: mx.array):
    """Keep positions drawn at random without replacement (a control).

    The draw is a hash of the key and of the sequence itself, so it depends neither on padding nor on the other rows.

    Parameters
    ----------
    tokens : mx.array uint8 (B, L)
        PAD (5) after the end of each sequence.
    lengths, counts, widest
        As in `keep_highest`.
    key : mx.array
        Random key.

    Returns
    -------
    kept, mask
        As from `keep_highest`.
    """
    positions = mx.arange(tokens.shape[1], dtype=mx.uint32) + 1
    letters = mx.where(positions[None] <= lengths[:, None], tokens.astype(mx.uint32) + 1, 0)
    sequence = _mixed(letters * _mixed(positions)).sum(axis=1, keepdims=True)
    salt = mx.random.randint(0, 2**31 - 1, (1,), key=key).astype(mx.uint32)
    drawn = _mixed(_mixed(positions)[None] + _mixed(sequence + salt))
    return keep_highest((drawn >> 8).astype(mx.float32), lengths, counts, widest)


def _mixed(bits):
    """Scramble 32-bit integers (the finalizer "lowbias32", C. Wellons 2018)."""
    bits = (bits ^ (bits >> 16)) * mx.array(0x7FEB352D, dtype=mx.uint32)
    bits = (bits ^ (bits >> 15)) * mx.array(0x846CA68B, dtype=mx.uint32)
    return bits ^ (bits >> 16)


def _distinct_keys(relevance, lengths):
    bits = relevance.view(mx.int32)
    ordered = mx.where(bits < 0, bits ^ 0x7FFFFFFF, bits)  # same order as the floats
    positions = mx.arange(relevance.shape[1], dtype=mx.uint32)
    ordered = mx.where(positions[None] < lengths[:, None], ordered, LOWEST_KEY)
    tie_break = (positions * mx.array(SCATTER, dtype=mx.uint32)) >> 1
    return (ordered.astype(mx.int64) << 32) | tie_break.astype(mx.int64)

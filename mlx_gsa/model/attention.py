"""Attention among the kept positions, aware of the distance between them."""

from typing import NamedTuple

import mlx.core as mx
import mlx.nn as nn
import numpy as np

DISTANCES = (12.0, 40.0, 130.0, 420.0)  # bp at which a learned distance term has fallen to a half
WAVELENGTHS = (16.0, 20000.0)  # bp, shortest and longest rotation
_FORBIDDEN = -1e9


class Attended(NamedTuple):
    """What each position learned from the others: its query, the attended key and value (B, K, D), the weights."""

    queries: mx.array
    keys: mx.array
    values: mx.array
    weights: mx.array | None


class SelectedAttention(nn.Module):
    """Softmax attention among selected positions; every position with every other.

    Two things tell it about spacing. Queries and keys are rotated by their position (rotary embedding, Su et al.
    2021), so a score may depend on signed distance and on what stands there. A learned sum of Lorentzian terms
    ``a / (1 + (distance / c)^2)`` is added to every score; it needs no exponential and no table look-up per pair.

    Parameters
    ----------
    n_channels : int
        Width D of features, queries, keys and values; even.
    distance : bool
        False removes both distance terms (an ablation).
    """

    def __init__(self, n_channels: int = 16, distance: bool = True):
        super().__init__()
        self.query_projection = nn.Linear(n_channels, n_channels)
        self.key_projection = nn.Linear(n_channels, n_channels)
        self.value_projection = nn.Linear(n_channels, n_channels)
        self.distance_weights = mx.array([0.5, 0.5, 0.5, 0.0])
        self.distance = distance
        periods = np.geomspace(*WAVELENGTHS, n_channels // 2)
        self._frequencies = mx.array((2 * np.pi / periods).astype(np.float32))

    def project(self, features: mx.array, positions: mx.array) -> tuple[mx.array, mx.array, mx.array, mx.array]:
        """Return rotated queries, rotated keys, plain keys and values (B, K, D) of features at positions (B, K)."""
        queries, keys, values = (
            organ(features) for organ in (self.query_projection, self.key_projection, self.value_projection)
        )
        if not self.distance:
            return queries, keys, keys, values
        angles = positions[..., None].astype(mx.float32) * self._frequencies
        cosine, sine = mx.cos(angles), mx.sin(angles)
        return _rotate(queries, cosine, sine), _rotate(keys, cosine, sine), keys, values

    def distance_bias(self, rows: mx.array, columns: mx.array) -> mx.array:
        """Return the learned bias (..., K, J) of positions `rows` (..., K) towards `columns` (..., J), in bp."""
        squared = mx.square((rows[..., :, None] - columns[..., None, :]).astype(mx.float32))
        return _lorentzians(squared, self.distance_weights)

    def __call__(self, features: mx.array, positions: mx.array, mask: mx.array, gates: mx.array) -> Attended:
        """Attend among kept positions.

        Parameters
        ----------
        features : mx.array (B, K, D)
        positions : mx.array int (B, K)
            Positions in bp.
        mask : mx.array bool (B, K)
            True = may be attended.
        gates : mx.array (B, K)
            Gates of the positions in [0, 1] (used by attention forms that have no softmax).

        Returns
        -------
        Attended
            With weights (B, K, K): row = query, column = key, each row sums to 1.
        """
        queries, keys, plain_keys, values = self.project(features, positions)
        scores = (queries * queries.shape[-1] ** -0.5) @ keys.swapaxes(1, 2)
        if self.distance:
            scores = scores + self.distance_bias(positions, positions)
        scores = scores + mx.where(mask, 0.0, _FORBIDDEN)[:, None]
        weights = mx.softmax(scores, axis=-1)
        return Attended(queries, weights @ plain_keys, weights @ values, weights)


class FullAttention(SelectedAttention):
    """The same attention over every position, through MLX's fused kernel: the baseline to beat."""

    def __call__(self, features, positions, mask, gates) -> Attended:
        """Attend among all positions; shapes as in `SelectedAttention`, no weights."""
        queries, keys, plain_keys, values = self.project(features, positions)
        n_channels = queries.shape[-1]
        bias = mx.where(mask, 0.0, _FORBIDDEN)[:, None, None]
        if self.distance:
            bias = bias + self.distance_bias(positions[0], positions[0])
        attended = mx.fast.scaled_dot_product_attention(
            queries[:, None],
            keys[:, None],
            mx.concatenate([plain_keys, values], axis=-1)[:, None],
            scale=n_channels**-0.5,
            mask=bias,
        )[:, 0]
        return Attended(queries, attended[..., :n_channels], attended[..., n_channels:], None)


class WindowAttention(SelectedAttention):
    """Local and global attention (after BigBird, Zaheer et al. 2020), linear in the length: a control.

    A position sees the `window` bp on either side and the `n_global` positions with the highest gates.
    """

    def __init__(self, n_channels: int = 16, distance: bool = True, window: int = 64, n_global: int = 16):
        super().__init__(n_channels, distance)
        self.window, self.n_global = window, n_global

    def __call__(self, features, positions, mask, gates) -> Attended:
        """Attend within windows; shapes as in `SelectedAttention`, no weights."""
        queries, keys, plain_keys, values = self.project(features, positions)
        n_global = min(self.n_global, positions.shape[1])
        shared = _most_gated(gates, mask, n_global)
        both = mx.concatenate([keys, plain_keys, values], axis=-1)
        near, near_positions, near_mask = self._neighbourhoods(both, positions, mask)
        length, n_channels = queries.shape[1], queries.shape[2]
        rows, row_positions = _blocks(queries, self.window), _blocks(positions, self.window, -1)
        far = mx.take_along_axis(both, shared[..., None], axis=1)[:, None]
        far = mx.broadcast_to(far, (*near.shape[:2], *far.shape[2:]))
        far_positions = mx.take_along_axis(positions, shared, axis=1)[:, None]
        far_positions = mx.broadcast_to(far_positions, (*near.shape[:2], n_global))
        allowed = near_mask[:, :, None] & (
            mx.abs(row_positions[..., None] - near_positions[..., None, :]) <= self.window
        )
        outside = mx.abs(row_positions[..., None] - far_positions[..., None, :]) > self.window
        outside = outside & mx.take_along_axis(mask, shared, axis=1)[:, None, None]
        columns = mx.concatenate([near, far], axis=2)
        scores = (rows * n_channels**-0.5) @ columns[..., :n_channels].swapaxes(-1, -2)
        if self.distance:
            places = mx.concatenate([near_positions, far_positions], axis=2)
            scores = scores + self.distance_bias(row_positions, places)
        scores = mx.where(mx.concatenate([allowed, outside], axis=-1), scores, _FORBIDDEN)
        attended = mx.softmax(scores, axis=-1) @ columns[..., n_channels:]
        attended = attended.reshape(queries.shape[0], -1, 2 * n_channels)[:, :length]
        return Attended(queries, attended[..., :n_channels], attended[..., n_channels:], None)

    def _neighbourhoods(self, columns, positions, mask):
        width = self.window
        parts = [_blocks(columns, width), _blocks(positions, width, -1), _blocks(mask, width, False)]
        return [mx.concatenate([_shift(x, 1), x, _shift(x, -1)], axis=2) for x in parts]


def attention_weights(attention: SelectedAttention, features, positions, mask, gates) -> mx.array:
    """Return the weights (B, K, K) that an attention of any kind gives its positions."""
    if isinstance(attention, FullAttention):
        return SelectedAttention.__call__(attention, features, positions, mask, gates).weights
    if not isinstance(attention, WindowAttention):
        return attention(features, positions, mask, gates).weights
    queries, keys, _, _ = attention.project(features, positions)
    scores = (queries * queries.shape[-1] ** -0.5) @ keys.swapaxes(1, 2)
    if attention.distance:
        scores = scores + attention.distance_bias(positions, positions)
    shared = _most_gated(gates, mask, min(attention.n_global, positions.shape[1]))
    is_shared = (positions[:, None, :] == mx.take_along_axis(positions, shared, axis=1)[..., None]).any(axis=1)
    near = mx.abs(positions[:, :, None] - positions[:, None]) <= attention.window
    return mx.softmax(mx.where((near | is_shared[:, None]) & mask[:, None], scores, _FORBIDDEN), axis=-1)


def _lorentzians(squared, weights):
    terms = [weights[m] / (1.0 + squared * (1.0 / c**2)) for m, c in enumerate(DISTANCES)]
    return sum(terms[1:], terms[0])


def _rotate(vectors, cosine, sine):
    half = vectors.shape[-1] // 2
    first, second = vectors[..., :half], vectors[..., half:]
    return mx.concatenate([first * cosine - second * sine, first * sine + second * cosine], axis=-1)


def _most_gated(gates, mask, count):
    order = mx.argsort(mx.where(mask, -mx.stop_gradient(gates), 1.0), axis=1)
    return order[:, :count].astype(mx.int32)


def _blocks(values, width, fill=0):
    excess = -values.shape[1] % width
    padding = [(0, 0), (0, excess)] + [(0, 0)] * (values.ndim - 2)
    padded = mx.pad(values, padding, constant_values=mx.array(fill, dtype=values.dtype))
    return padded.reshape(values.shape[0], -1, width, *values.shape[2:])


def _shift(blocks, step):
    empty = mx.zeros_like(blocks[:, :1]) - (1 if blocks.dtype == mx.int32 else 0)
    empty = empty.astype(blocks.dtype)
    return mx.concatenate([empty, blocks[:, :-1]] if step > 0 else [blocks[:, 1:], empty], axis=1)

"""Attention among the kept positions, aware of the distance between them."""

from typing import NamedTuple

import mlx.core as mx
import mlx.nn as nn
import numpy as np

WAVELENGTHS = (16.0, 20000.0)  # bp, shortest and longest
N_WAVES = 16
_FORBIDDEN = -1e9
SMALLEST_GATE = 1e-6


class Attended(NamedTuple):
    """What each position learned from the others: its query, the attended key and value (B, K, D), the weights."""

    queries: mx.array
    keys: mx.array
    values: mx.array
    weights: mx.array | None


class Projected(NamedTuple):
    """Queries and keys with what they know of their place (B, K, D + 2 M); plain ones and values (B, K, D)."""

    placed_queries: mx.array
    placed_keys: mx.array
    queries: mx.array
    keys: mx.array
    values: mx.array


class SelectedAttention(nn.Module):
    """Softmax attention among selected positions; every position with every other.

    Two things tell it about spacing, and neither costs anything per pair beyond the matrix product of queries and
    keys. Both are rotated by their position (rotary embedding, Su et al. 2021), so a score may depend on signed
    distance and on what stands at either end. And a learned sum of cosines of the distance, with wavelengths from 16 bp
    to 20 kb spaced evenly on a log scale, is added to every score: since cos(a - b) = cos a cos b + sin a sin b, it is
    a few more channels of queries and keys. With equal weights it falls with the logarithm of the distance.

    Keys are weighed by their gates: weight ~ gate x exp(score). A budget is mostly filled with positions of no
    relevance, and without this two sites that belong together find each other only once hundreds of such keys have been
    learned away.

    Parameters
    ----------
    n_channels : int
        Width D of queries, keys and values; even.
    distance : bool
        False removes both distance terms (an ablation).
    n_features : int, optional
        Width of the features; without it, D.
    """

    def __init__(self, n_channels: int = 16, distance: bool = True, n_features: int | None = None):
        super().__init__()
        n_features = n_features or n_channels
        self.query_projection = nn.Linear(n_features, n_channels)
        self.key_projection = nn.Linear(n_features, n_channels)
        self.value_projection = nn.Linear(n_features, n_channels)
        self.distance_weights = mx.full((N_WAVES,), 0.1)
        self.distance = distance
        self._frequencies = mx.array((2 * np.pi / np.geomspace(*WAVELENGTHS, N_WAVES)).astype(np.float32))

    def project(self, features: mx.array, positions: mx.array) -> Projected:
        """Project features (B, K, F) at positions (B, K) in bp."""
        queries, keys = self.query_projection(features), self.key_projection(features)
        values = self.value_projection(features)
        scaled = queries * queries.shape[-1] ** -0.5
        if not self.distance:
            return Projected(scaled, keys, queries, keys, values)
        angles = positions[..., None].astype(mx.float32) * self._frequencies
        cosine, sine = (mx.broadcast_to(f(angles), (*keys.shape[:2], N_WAVES)) for f in (mx.cos, mx.sin))
        rotation = [_spread(waves, queries.shape[-1] // 2) for waves in (cosine, sine)]
        weighted = [cosine * self.distance_weights, sine * self.distance_weights]
        placed_queries = mx.concatenate([_rotate(scaled, *rotation), *weighted], axis=-1)
        placed_keys = mx.concatenate([_rotate(keys, *rotation), cosine, sine], axis=-1)
        return Projected(placed_queries, placed_keys, queries, keys, values)

    def distance_bias(self, projected: Projected) -> mx.array:
        """Return the learned distance term (B, K, K) alone, without what stands at either end."""
        waves = slice(projected.queries.shape[-1], None)
        return projected.placed_queries[..., waves] @ projected.placed_keys[..., waves].swapaxes(1, 2)

    def __call__(self, features: mx.array, positions: mx.array, mask: mx.array, gates: mx.array) -> Attended:
        """Attend among kept positions.

        Parameters
        ----------
        features : mx.array (B, K, F)
        positions : mx.array int (B, K)
            Positions in bp.
        mask : mx.array bool (B, K)
            True = may be attended.
        gates : mx.array (B, K)
            Gates of the positions in [0, 1].

        Returns
        -------
        Attended
            With weights (B, K, K): row = query, column = key, each row sums to 1.
        """
        projected = self.project(features, positions)
        weights = mx.softmax(_scores(projected, _key_bias(mask, gates)), axis=-1)
        return _attended(projected, weights @ _keys_and_values(projected), weights)

    def weights(self, features, positions, mask, gates) -> mx.array:
        """Return the attention weights (B, K, K); arguments as in `__call__`."""
        return mx.softmax(_scores(self.project(features, positions), _key_bias(mask, gates)), axis=-1)


class FullAttention(SelectedAttention):
    """The same attention over every position, through MLX's fused kernel: the baseline to beat."""

    def __call__(self, features, positions, mask, gates) -> Attended:
        """Attend among all positions; shapes as in `SelectedAttention`, no weights."""
        projected = self.project(features, positions)
        attended = mx.fast.scaled_dot_product_attention(
            projected.placed_queries[:, None],
            projected.placed_keys[:, None],
            _keys_and_values(projected)[:, None],
            scale=1.0,
            mask=_key_bias(mask, gates)[:, None, None],
        )
        return _attended(projected, attended[:, 0], None)


class WindowAttention(SelectedAttention):
    """Local and global attention (after BigBird, Zaheer et al. 2020), linear in the length: a control.

    A position sees the `window` bp on either side and the `n_global` positions with the highest gates.
    """

    def __init__(self, n_channels=16, distance=True, n_features=None, window: int = 64, n_global: int = 16):
        super().__init__(n_channels, distance, n_features)
        self.window, self.n_global = window, n_global

    def __call__(self, features, positions, mask, gates) -> Attended:
        """Attend within windows; shapes as in `SelectedAttention`, no weights."""
        projected = self.project(features, positions)
        shared = _most_gated(gates, mask, self.n_global)
        columns = mx.concatenate([projected.placed_keys, _keys_and_values(projected)], axis=-1)
        blocks, places, bias = self._columns(columns, positions, _key_bias(mask, gates), shared)
        rows, row_places = _blocks(projected.placed_queries, self.window), _blocks(positions, self.window, -1)
        is_near = mx.abs(row_places[..., None] - places[..., None, :]) <= self.window
        is_far = mx.arange(places.shape[2]) >= 3 * self.window
        width = projected.placed_keys.shape[-1]
        scores = rows @ blocks[..., :width].swapaxes(-1, -2) + bias[..., None, :]
        scores = mx.where(is_near != is_far, scores, _FORBIDDEN)
        attended = mx.softmax(scores, axis=-1) @ blocks[..., width:]
        attended = attended.reshape(features.shape[0], -1, attended.shape[-1])[:, : features.shape[1]]
        return _attended(projected, attended, None)

    def weights(self, features, positions, mask, gates) -> mx.array:
        """Return the attention weights (B, K, K), zero outside window and global positions."""
        scores = _scores(self.project(features, positions), _key_bias(mask, gates))
        shared = _most_gated(gates, mask, self.n_global)
        seen_by_all = (positions[:, None] == mx.take_along_axis(positions, shared, axis=1)[..., None]).any(axis=1)
        is_near = mx.abs(positions[:, :, None] - positions[:, None]) <= self.window
        return mx.softmax(mx.where(is_near | seen_by_all[:, None], scores, _FORBIDDEN), axis=-1)

    def _columns(self, columns, positions, bias, shared):
        """Lay out what each block of queries may see: own block and neighbours (3 w), then the global positions."""
        parts = []
        for values, fill in ((columns, 0), (positions, -1), (bias, _FORBIDDEN)):
            blocks = _blocks(values, self.window, fill)
            near = mx.concatenate([_shift(blocks, 1, fill), blocks, _shift(blocks, -1, fill)], axis=2)
            index = shared if values.ndim == 2 else shared[..., None]
            far = mx.take_along_axis(values, index, axis=1)[:, None]
            parts.append(mx.concatenate([near, mx.broadcast_to(far, (*near.shape[:2], *far.shape[2:]))], axis=2))
        return parts


def _scores(projected, key_bias):
    return projected.placed_queries @ projected.placed_keys.swapaxes(1, 2) + key_bias[:, None]


def _key_bias(mask, gates):
    """Weigh each key by its gate: the logarithm of it, and never where the mask forbids."""
    return mx.where(mask, mx.log(mx.maximum(gates, SMALLEST_GATE)), _FORBIDDEN)


def _keys_and_values(projected):
    return mx.concatenate([projected.keys, projected.values], axis=-1)


def _attended(projected, joined, weights):
    n_channels = projected.keys.shape[-1]
    return Attended(projected.queries, joined[..., :n_channels], joined[..., n_channels:], weights)


def _spread(waves, count):
    """Pick `count` of the waves, evenly; by a slice where one does, as it is faster than a gather."""
    even = N_WAVES % count == 0
    return waves[..., :: N_WAVES // count] if even else waves[..., mx.arange(count) * N_WAVES // count]


def _rotate(vectors, cosine, sine):
    half = vectors.shape[-1] // 2
    first, second = vectors[..., :half], vectors[..., half:]
    return mx.concatenate([first * cosine - second * sine, first * sine + second * cosine], axis=-1)


def _most_gated(gates, mask, count):
    order = mx.argsort(mx.where(mask, -mx.stop_gradient(gates), 1.0), axis=1)
    return order[:, : min(count, gates.shape[1])].astype(mx.int32)


def _blocks(values, width, fill=0):
    excess = -values.shape[1] % width
    padding = [(0, 0), (0, excess)] + [(0, 0)] * (values.ndim - 2)
    padded = mx.pad(values, padding, constant_values=mx.array(fill, dtype=values.dtype))
    return padded.reshape(values.shape[0], -1, width, *values.shape[2:])


def _shift(blocks, step, fill):
    empty = mx.full(blocks[:, :1].shape, fill, dtype=blocks.dtype)
    return mx.concatenate([empty, blocks[:, :-1]] if step > 0 else [blocks[:, 1:], empty], axis=1)

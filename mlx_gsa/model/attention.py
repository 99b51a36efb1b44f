"""Attention among the kept positions, aware of the distance between them."""

from typing import NamedTuple

import mlx.core as mx
import mlx.nn as nn

from mlx_gsa.model.band import FORBIDDEN, attend_in_band, in_band
from mlx_gsa.model.exponential import attend
from mlx_gsa.model.waves import N_WAVES, waves

SMALLEST_GATE = 1e-6


class Attended(NamedTuple):
    """What each position learned from the others: its query, the attended key and value (B, K, D)."""

    queries: mx.array
    keys: mx.array
    values: mx.array


class Projected(NamedTuple):
    """Queries and keys with what they know of their place (B, K, D + 2 M); plain ones and values (B, K, D)."""

    placed_queries: mx.array
    placed_keys: mx.array
    queries: mx.array
    keys: mx.array
    values: mx.array


class SelectedAttention(nn.Module):
    """Softmax attention among selected positions: every position with every other, or with its neighbours in the list.

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
    neighbours : int, optional
        A position sees so many of those before it in the list and so many after; without it, all. Then time and memory
        grow with the length of the list and not with its square.
    precision : {"float32", "mixed"}
        "mixed": the matrix products over pairs are in bfloat16, which has the range of float32, so gradients need no
        scaling; their softmax, and all that decides what is kept, are in float32. Made for a GPU and never yet run on
        one; on a CPU it is slower.
    """

    def __init__(
        self, n_channels: int = 16, distance: bool = True, n_features=None, neighbours=None, precision: str = "float32"
    ):
        super().__init__()
        n_features = n_features or n_channels
        self.query_projection = nn.Linear(n_features, n_channels)
        self.key_projection = nn.Linear(n_features, n_channels)
        self.value_projection = nn.Linear(n_features, n_channels)
        self.distance_weights = mx.full((N_WAVES,), 0.1)
        self.distance, self.neighbours = distance, neighbours
        self.precision = precision

    def project(self, features: mx.array, positions: mx.array) -> Projected:
        """Project features (B, K, F) at positions (B, K) in bp."""
        queries, keys = self.query_projection(features), self.key_projection(features)
        values = self.value_projection(features)
        scaled = queries * queries.shape[-1] ** -0.5
        if not self.distance:
            return Projected(scaled, keys, queries, keys, values)
        cosine, sine = (mx.broadcast_to(wave, (*keys.shape[:2], N_WAVES)) for wave in waves(positions))
        rotation = [_spread(wave, queries.shape[-1] // 2) for wave in (cosine, sine)]
        weighted = [cosine * self.distance_weights, sine * self.distance_weights]
        placed_queries = mx.concatenate([_rotate(scaled, *rotation), *weighted], axis=-1)
        placed_keys = mx.concatenate([_rotate(keys, *rotation), cosine, sine], axis=-1)
        return Projected(placed_queries, placed_keys, queries, keys, values)

    def distance_bias(self, projected: Projected) -> mx.array:
        """Return the learned distance term (B, K, K) alone, without what stands at either end."""
        placed = slice(projected.queries.shape[-1], None)
        return projected.placed_queries[..., placed] @ projected.placed_keys[..., placed].swapaxes(1, 2)

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
        """
        projected, bias = self.project(features, positions), _key_bias(mask, gates)
        of_pairs = self._of_pairs(projected)
        if self.sees_all(features.shape[1]):
            return _attended(projected, attend(*of_pairs, bias))
        return _attended(projected, attend_in_band(*of_pairs, bias, self.neighbours, self._shared(mask, gates)))

    def _of_pairs(self, projected):
        """Return placed queries and keys, and all values, in the precision of the products over pairs."""
        arrays = (*projected[:2], mx.concatenate([projected.keys, projected.values], axis=-1))
        return [array.astype(self._pair_type) for array in arrays]

    @property
    def _pair_type(self):
        return mx.bfloat16 if self.precision == "mixed" else mx.float32

    def sees_all(self, length: int) -> bool:
        """Whether in a list of this many positions each sees every other."""
        return self.neighbours is None or length <= self.neighbours + 1

    def weights(self, features, positions, mask, gates) -> mx.array:
        """Return the attention weights (B, K, K), zero where a position is not seen; arguments as in `__call__`."""
        scores, length = _scores(self.project(features, positions), _key_bias(mask, gates)), features.shape[1]
        if not self.sees_all(length):
            seen, shared = in_band(length, self.neighbours), self._shared(mask, gates)
            if shared is not None:
                seen = seen | (shared[..., None] == mx.arange(length)).any(axis=1)[:, None]
            scores = mx.where(seen, scores, FORBIDDEN)
        return mx.softmax(scores, axis=-1)

    def _shared(self, mask, gates):
        """Choose places that all see (B, G), or none."""
        return None


class FullAttention(SelectedAttention):
    """The same attention over every position, through MLX's fused kernel: the baseline to beat."""

    def __call__(self, features, positions, mask, gates) -> Attended:
        """Attend among all positions; shapes as in `SelectedAttention`."""
        projected, bias = self.project(features, positions), _key_bias(mask, gates).astype(self._pair_type)
        arrays = (array[:, None] for array in self._of_pairs(projected))
        attended = mx.fast.scaled_dot_product_attention(*arrays, scale=1.0, mask=bias[:, None, None])
        return _attended(projected, attended[:, 0])


class WindowAttention(SelectedAttention):
    """Local and global attention (after BigBird, Zaheer et al. 2020), linear in the length: a control.

    A position sees the `window` bp on either side and the `n_global` positions with the highest gates.
    """

    def __init__(
        self, n_channels=16, distance=True, n_features=None, window: int = 64, n_global: int = 16, precision="float32"
    ):
        super().__init__(n_channels, distance, n_features, neighbours=window, precision=precision)
        self.n_global = n_global

    def _shared(self, mask, gates):
        if not self.n_global:
            return None
        order = mx.argsort(mx.where(mask, -mx.stop_gradient(gates), 1.0), axis=1)
        return order[:, : min(self.n_global, gates.shape[1])].astype(mx.int32)


def _scores(projected, key_bias):
    return projected.placed_queries @ projected.placed_keys.swapaxes(1, 2) + key_bias[:, None]


def _key_bias(mask, gates):
    """Weigh each key by its gate: the logarithm of it, and never where the mask forbids."""
    return mx.where(mask, mx.log(mx.maximum(gates, SMALLEST_GATE)), FORBIDDEN)


def _attended(projected, joined):
    n_channels, joined = projected.keys.shape[-1], joined.astype(mx.float32)
    return Attended(projected.queries, joined[..., :n_channels], joined[..., n_channels:])


def _spread(wave, count):
    """Pick `count` of the waves, evenly; by a slice where one does, as it is faster than a gather."""
    even = N_WAVES % count == 0
    return wave[..., :: N_WAVES // count] if even else wave[..., mx.arange(count) * N_WAVES // count]


def _rotate(vectors, cosine, sine):
    half = vectors.shape[-1] // 2
    first, second = vectors[..., :half], vectors[..., half:]
    return mx.concatenate([first * cosine - second * sine, first * sine + second * cosine], axis=-1)

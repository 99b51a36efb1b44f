"""Attention approximation organ: from what was attended to regulatory strength."""

import mlx.core as mx
import mlx.nn as nn

from mlx_gsa.model.attention import Attended


class MLPApproximator(nn.Module):
    """A two-layer network on [query, attended key, attended value]: 3D -> hidden -> outputs, per kept position.

    Parameters
    ----------
    n_channels, hidden, n_outputs : int
        D, width of the hidden layer, values predicted.
    """

    def __init__(self, n_channels: int = 16, hidden: int = 8, n_outputs: int = 1):
        super().__init__()
        self.input = nn.Linear(3 * n_channels, hidden)
        self.output = nn.Linear(hidden, n_outputs)

    def __call__(self, attended: Attended) -> mx.array:
        """Return the strength (B, K, n_outputs) of each position, before its gate."""
        joined = mx.concatenate([attended.queries, attended.keys, attended.values], axis=-1)
        return self.output(nn.relu(self.input(joined)))

    def pairwise(self, queries, keys, values, bias, gates) -> tuple[mx.array, mx.array]:
        """Apply the network to every pair (query i, key j, value j), with no softmax.

        The first layer is linear, so the concatenation splits into three projections of K x hidden and one outer sum.

        Parameters
        ----------
        queries, keys, values : mx.array (B, K, D)
        bias : mx.array (B, K, K) or (,)
            Distance term, added to every hidden unit of a pair.
        gates : mx.array (B, K)
            Gates of the keys; masked positions have gate 0.

        Returns
        -------
        strength : mx.array (B, K, n_outputs)
            Gated sum over keys of each query, divided by sqrt(sum of gates + 1).
        weights : mx.array (B, K, K)
            Share of each key in what its query received, by absolute value of the first output; rows sum to 1.
        """
        n_channels = queries.shape[-1]
        parts = mx.split(self.input.weight, [n_channels, 2 * n_channels], axis=1)
        rows = queries @ parts[0].T + self.input.bias
        columns = keys @ parts[1].T + values @ parts[2].T
        scale = mx.rsqrt(gates.sum(axis=1) + 1)[:, None, None]
        hidden = nn.relu(rows[:, :, None] + columns[:, None] + mx.expand_dims(bias, -1))
        pairs = self.output(hidden) * gates[:, None, :, None]
        share = mx.abs(pairs[..., 0])
        return pairs.sum(axis=2) * scale, share / (share.sum(axis=-1, keepdims=True) + 1e-9)

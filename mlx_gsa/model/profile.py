"""Positional profile: how much a motif counts at each distance from an anchor such as the TSS."""

import mlx.core as mx
import mlx.nn as nn

N_BUMPS = 16


class PositionalProfile(nn.Module):
    """A factor per filter and distance from the anchor, piecewise linear, 1 everywhere at the start.

    A TATA box acts 30 bp before the TSS and is a run of A and T elsewhere. Applied to the features of all positions, it
    lets the selector and those that it keeps know where they are.

    Parameters
    ----------
    n_channels : int
        Filters, D.
    anchor : {"start", "end", "centre"}
        Where in the sequence the anchor lies; sequences are read on their given strand.
    reference_length : float
        bp over which the bumps are spread; what lies beyond has the factor of the last bump.
    """

    def __init__(self, n_channels: int, anchor: str, reference_length: float):
        super().__init__()
        self.weight = mx.zeros((N_BUMPS, n_channels))
        self._anchor, self._reference_length = anchor, reference_length

    def bumps(self, length: int, lengths: mx.array) -> mx.array:
        """Return the height of each bump at each position: (B, L, 16), two neighbours sharing 1 between them."""
        positions = mx.arange(length, dtype=mx.float32)[None]
        ends = lengths[:, None].astype(mx.float32) - 1
        if self._anchor == "start":
            distance = mx.broadcast_to(positions, (lengths.shape[0], length))
        elif self._anchor == "end":
            distance = ends - positions
        else:
            distance = positions - ends / 2 + (self._reference_length - 1) / 2
        place = mx.clip(distance / max(self._reference_length - 1, 1), 0, 1) * (N_BUMPS - 1)
        return mx.maximum(1 - mx.abs(place[..., None] - mx.arange(N_BUMPS)), 0)

    def __call__(self, features: mx.array, lengths: mx.array) -> mx.array:
        """Scale features (B, L, D) of sequences with these true lengths (B,) by the profile."""
        return features * (1 + self.bumps(features.shape[1], lengths) @ self.weight)

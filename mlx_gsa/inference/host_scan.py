"""Tiles over a long sequence, each as if it stood alone, with the work that they share done once.

Filters see 20 bp, so overlapping tiles share the responses of all positions but those within 20 bp of a tile's ends,
where what stands alone has nothing beside it; those few are computed anew. Where a model knows distances from an anchor
or the context of a position, the rest of the features is each tile's own; selection and attention always are.
"""

import numpy as np

from mlx_gsa.inference.host import HostKernels
from mlx_gsa.inference.host_place import profile_factors, running_sums, window_means
from mlx_gsa.inference.host_select import keep_highest
from mlx_gsa.model.stem import PAD

_AT_ONCE = 8  # tiles whose own features a core's cache holds


class SharedTiles:
    """Scores the tiles of a stretch of sequence.

    Parameters
    ----------
    kernels : HostKernels
    tile, stride : int
        bp; a tile is at least two filters long.
    count : int
        Positions that a tile keeps.
    """

    def __init__(self, kernels: HostKernels, tile: int, stride: int, count: int):
        self.kernels, self.tile, self.stride, self.count = kernels, tile, stride, count
        self.left, self.right = kernels.left, kernels.width - 1 - kernels.left
        self.is_alike = kernels.folded.profile is None and kernels.folded.context is None

    def score(self, tokens: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Score the tiles that start at 0, stride, 2 stride ... and fit.

        Parameters
        ----------
        tokens : np.ndarray uint8 (N,)
            At least one tile.

        Returns
        -------
        raw : np.ndarray float32 (T, n_outputs)
        relevance : np.ndarray float32 (T, tile)
        """
        starts = np.arange(0, len(tokens) - self.tile + 1, self.stride)
        shared, ends = self.kernels.filters(tokens[None])[0], self._ends(tokens, starts)
        if self.is_alike:
            relevance = self._with_ends(self.kernels.relevance(shared), self.kernels.relevance(ends), starts)
            return self._attended(relevance, lambda kept: self._chosen(shared, ends, starts, kept)), relevance
        context, parts = self._running_sums(tokens), []
        for first in range(0, len(starts), _AT_ONCE):
            some = slice(first, first + _AT_ONCE)
            features = self._features(shared, ends[some], starts[some], context)
            relevance = self.kernels.relevance(features)
            raw = self._attended(relevance, lambda kept, features=features: _gathered(features, kept))
            parts.append((raw, relevance))
        return tuple(np.concatenate(part) for part in zip(*parts, strict=True))

    def _attended(self, relevance, choose):
        """Keep, gather and attend: raw outputs (T, n_outputs)."""
        lengths, counts = np.full(len(relevance), self.tile), np.full(len(relevance), self.count)
        kept, mask = keep_highest(relevance, lengths, counts, self.count)
        gates = self.kernels.gates(np.take_along_axis(relevance, kept, axis=1), mask)
        contributions = self.kernels.contributions(choose(kept), kept, mask, gates)
        return contributions.sum(axis=2) + self.kernels.folded.prediction_bias

    def _ends(self, tokens, starts):
        """Responses at the first `left` and last `right` positions of each tile: (T, left + right, D)."""
        reach = self.left + self.right
        rows = np.full((2, len(starts), max(reach + self.right, 1)), PAD, np.uint8)
        rows[0, :, :reach] = tokens[starts[:, None] + np.arange(reach)]
        rows[1, :, :reach] = tokens[starts[:, None] + self.tile - reach + np.arange(reach)]
        first, last = self.kernels.filters(rows.reshape(-1, rows.shape[2])).reshape(2, len(starts), rows.shape[2], -1)
        return np.concatenate([first[:, : self.left], last[:, reach - self.right : reach]], axis=1)

    def _with_ends(self, shared, ends, starts):
        """Cut what is known of every base (N, ...) into tiles (T, tile, ...) with their own ends."""
        tiles = np.stack([shared[start : start + self.tile] for start in starts])
        tiles[:, : self.left] = ends[:, : self.left]
        tiles[:, self.tile - self.right :] = ends[:, self.left :]
        return tiles

    def _running_sums(self, tokens):
        if self.kernels.folded.context is None:
            return None
        table, k, _ = self.kernels.folded.context
        return running_sums(tokens[None], table, k)[0]

    def _features(self, shared, ends, starts, context):
        """Features (T, tile, F) of a model that knows where in a tile a position lies."""
        folded, features = self.kernels.folded, self._with_ends(shared, ends, starts)
        if folded.profile is not None:
            features *= profile_factors(self.tile, [self.tile], *folded.profile)
        if context is None:
            return features
        _, k, half_widths = folded.context
        return np.concatenate([features, window_means(context, starts, self.tile, k, half_widths)], axis=-1)

    def _chosen(self, features, ends, starts, kept):
        chosen = np.take(features, starts[:, None] + kept, axis=0)
        last = self.tile - self.right
        for at_end, place in ((kept < self.left, kept), (kept >= last, kept - last + self.left)):
            row, column = np.nonzero(at_end)
            chosen[row, column] = ends[row, place[row, column]]
        return chosen


def _gathered(features, kept):
    """Pick kept positions (T, K) of features (T, L, F): (T, K, F)."""
    places = np.arange(len(kept))[:, None] * features.shape[1] + kept
    return np.take(features.reshape(-1, features.shape[2]), places, axis=0)

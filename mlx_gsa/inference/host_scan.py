"""Tiles over a long sequence, each as if it stood alone, with the work that they share done once.

Filters see 20 bp, so overlapping tiles share all features but those within 20 bp of a tile's ends, where what stands
alone has nothing beside it. Those few are computed anew; selection and attention are each tile's own.
"""

import numpy as np

from mlx_gsa.inference.host import HostKernels
from mlx_gsa.inference.host_select import keep_highest
from mlx_gsa.model.stem import PAD


class SharedTiles:
    """Scores the tiles of a stretch of sequence whose model depends on letters alone: no anchor, no context.

    Parameters
    ----------
    kernels : HostKernels
    tile, stride : int
        bp.
    count : int
        Positions that a tile keeps.
    """

    def __init__(self, kernels: HostKernels, tile: int, stride: int, count: int):
        self.kernels, self.tile, self.stride, self.count = kernels, tile, stride, count
        self.left, self.right = kernels.left, kernels.width - 1 - kernels.left

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
        features = self.kernels.features(tokens[None])[0]
        starts = np.arange(0, len(tokens) - self.tile + 1, self.stride)
        ends = self._ends(tokens, starts)
        relevance = self._relevance(features, ends, starts)
        counts = np.full(len(starts), self.count)
        kept, mask = keep_highest(relevance, np.full(len(starts), self.tile), counts, self.count)
        chosen = self._chosen(features, ends, starts, kept)
        gates = self.kernels.gates(np.take_along_axis(relevance, kept, axis=1), mask)
        raw = self.kernels.contributions(chosen, kept, mask, gates).sum(axis=2)
        return raw + self.kernels.folded.prediction_bias, relevance

    def _ends(self, tokens, starts):
        """Features of the first `left` and last `right` positions of each tile: (T, left + right, F)."""
        reach = self.left + self.right
        width = min(reach, self.tile)
        rows = np.full((2, len(starts), max(reach + self.right, 1)), PAD, np.uint8)
        rows[0, :, :width] = tokens[starts[:, None] + np.arange(width)]
        rows[1, :, reach - width : reach] = tokens[starts[:, None] + self.tile - width + np.arange(width)]
        first, last = self.kernels.features(rows.reshape(-1, rows.shape[2])).reshape(2, len(starts), rows.shape[2], -1)
        return np.concatenate([first[:, : self.left], last[:, reach - self.right : reach]], axis=1)

    def _relevance(self, features, ends, starts):
        shared = self.kernels.relevance(features)
        relevance = np.lib.stride_tricks.sliding_window_view(shared, self.tile)[starts].copy()
        own = self.kernels.relevance(ends)
        relevance[:, : self.left] = own[:, : self.left]
        relevance[:, self.tile - self.right :] = own[:, self.left :]
        return relevance

    def _chosen(self, features, ends, starts, kept):
        chosen = np.take(features, starts[:, None] + kept, axis=0)
        last = self.tile - self.right
        for at_end, place in ((kept < self.left, kept), (kept >= last, kept - last + self.left)):
            row, column = np.nonzero(at_end)
            chosen[row, column] = ends[row, place[row, column]]
        return chosen

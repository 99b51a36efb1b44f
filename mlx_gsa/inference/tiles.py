"""Tiles over a long sequence: overlapping windows, each scored as if it stood alone."""

from typing import NamedTuple

import numpy as np

from mlx_gsa.inference.host_scan import SharedTiles
from mlx_gsa.inference.threads import one_blas_thread
from mlx_gsa.model.selector import budget

TILES = 64  # scored together; fixed, so that no setting of a run changes a number


class TileScores(NamedTuple):
    """What was said of T tiles of a sequence of N bp."""

    starts: np.ndarray  # (T,) int64, bp
    raw: np.ndarray  # (T, n_outputs) float32
    relevance: np.ndarray | None  # (N,) float32, mean over the tiles that cover a base; NaN where none does


def score_tiles(forward, tokens: np.ndarray, tile: int, stride: int, workers=None, relevance=True) -> TileScores:
    """Score every tile that fits, in blocks of 64.

    Parameters
    ----------
    forward : HostForward or ModelForward
    tokens : np.ndarray uint8 (N,)
    tile, stride : int
        bp.
    workers : Workers, optional
    relevance : bool
        False: say nothing of it, which is a little faster.

    Returns
    -------
    TileScores
    """
    starts = np.arange(0, len(tokens) - tile + 1, stride, dtype=np.int64)
    blocks = [starts[i : i + TILES] for i in range(0, len(starts), TILES)]
    parts = [tokens[block[0] : block[-1] + tile] for block in blocks]
    if workers is None:
        scored = (score_block(forward, part, tile, stride, relevance) for part in parts)
    else:
        scored = workers.map(parts, tile, stride, relevance)
    raw, sums = [], np.zeros(len(tokens), np.float32) if relevance else None
    for block, part, (scores, added) in zip(blocks, parts, scored, strict=True):
        raw.append(scores)
        if relevance:
            sums[block[0] : block[0] + len(part)] += added
    return TileScores(starts, np.concatenate(raw), sums / _cover(len(tokens), starts, tile) if relevance else None)


def score_block(forward, tokens: np.ndarray, tile: int, stride: int, relevance=True) -> tuple:
    """Score a block of tiles: raw outputs (T, n_outputs); relevance summed over the tiles (N,), or None."""
    if forward.kernels is not None and tile >= 2 * forward.kernels.width:
        count = int(budget([tile], forward.config.sparsity, forward.config.max_selected)[0])
        with one_blas_thread():
            raw, rows = SharedTiles(forward.kernels, tile, stride, count).score(tokens)
    else:
        rows = np.lib.stride_tricks.sliding_window_view(tokens, tile)[::stride]
        output = forward(np.ascontiguousarray(rows), np.full(len(rows), tile))
        raw, rows = output.prediction, output.relevance
    if not relevance:
        return raw, None
    sums = np.zeros(len(tokens), np.float32)
    for number, row in enumerate([] if rows is None else rows):
        sums[number * stride : number * stride + tile] += row
    return raw, sums


def _cover(length, starts, tile):
    change = np.zeros(length + 1, np.int32)
    np.add.at(change, starts, 1)
    np.add.at(change, starts + tile, -1)
    cover = np.cumsum(change[:-1]).astype(np.float32)
    cover[cover == 0] = np.nan
    return cover

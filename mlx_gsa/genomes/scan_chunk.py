"""Score one chunk of a genome: its tokens, the tiles that can be scored, their strength and the relevance of bases."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from mlx_gsa.dna.alphabet import N
from mlx_gsa.genomes.grid import Grid, Piece
from mlx_gsa.genomes.scan_strength import Strength


class ChunkScores(NamedTuple):
    """What a chunk file holds; T tiles that were scored, in the order of the genome.

    ``start`` and ``end`` are the slot of a tile as far as it was wanted, ``tile`` and ``tile_end`` what the model read;
    all 0-based and half-open, in bp of the sequence. ``piece`` is the number of the piece in its chunk.
    """

    piece: np.ndarray  # (T,) int32
    start: np.ndarray  # (T,) int64
    end: np.ndarray  # (T,) int64
    tile: np.ndarray  # (T,) int64
    tile_end: np.ndarray  # (T,) int64
    strength: np.ndarray  # (T,) float32
    relevance: np.ndarray | None  # (bases of all pieces,) float32, NaN where no tile was scored; empty if not wanted
    skipped: np.ndarray  # (2,) int64: tiles with too much N, and the wanted bases in their slots


class Scorer(NamedTuple):
    """What scores a chunk.

    Attributes
    ----------
    scan : callable
        ``scan(tokens, tile, stride)``, as that of `mlx_gsa.inference.engine.Engine`.
    strength : Strength
    tile, stride : int
        In bp.
    relevance : bool
    max_n : float
        Tiles with a larger share of N are not scored.
    """

    scan: Callable
    strength: Strength
    tile: int
    stride: int
    relevance: bool
    max_n: float

    def score(self, genome, pieces: list[Piece]) -> ChunkScores:
        """Score the pieces of a chunk; memory grows with the chunk and with nothing else."""
        parts = [self._piece(genome, number, piece) for number, piece in enumerate(pieces)]
        columns = zip(*parts, strict=True)
        *joined, skipped = [list(column) for column in columns]
        return ChunkScores(*(np.concatenate(column) for column in joined), np.sum(skipped, axis=0))

    def _piece(self, genome, number, piece):
        grid = Grid(piece.length, self.tile, self.stride)
        first, last = speaking = grid.speaking(piece.start, piece.end)
        if self.relevance:  # the mean over all tiles that hold a base takes in those of the neighbouring pieces
            around = grid.covering(piece.start, piece.end)
            first, last = min(first, around[0]), max(last, around[1])
        starts = grid.starts(first, last)
        origin = int(starts[0])
        tokens = genome.tokens(piece.chrom, origin, int(starts[-1]) + grid.size)
        wanted = _few_n(tokens, starts - origin, grid.size, self.max_n)
        strength = np.full(len(starts), np.nan, dtype=np.float32)
        mean = _Mean(len(tokens) if self.relevance else 0)
        for begin, end in _runs(starts, wanted, self.stride):
            stretch = slice(int(starts[begin]) - origin, int(starts[end - 1]) - origin + grid.size)
            found = self.scan(tokens[stretch], grid.size, self.stride)
            strength[begin:end] = self.strength.of(found.raw)
            if self.relevance:
                mean.add(stretch, found.relevance, found.starts, grid.size)
        own = slice(speaking[0] - first, speaking[1] - first)
        return _rows(number, piece, grid, speaking, starts[own], strength[own], wanted[own], mean.over(piece, origin))


def _rows(number, piece, grid, speaking, starts, strength, scored, relevance):
    """Lay out what one piece adds to its chunk, in the order of the fields of `ChunkScores`."""
    edges = grid.edges(*speaking)
    start, end = np.maximum(edges[:-1], piece.start), np.minimum(edges[1:], piece.end)
    skipped = np.array([(~scored).sum(), (end - start)[~scored].sum()], dtype=np.int64)
    columns = (start, end, starts, starts + grid.size, strength)
    return (np.full(int(scored.sum()), number, dtype=np.int32), *(c[scored] for c in columns), relevance, skipped)


def _few_n(tokens, starts, size, max_n):
    """Say of each tile whether it may be scored; shape (T,), bool."""
    before = np.concatenate([[0], np.cumsum(tokens == N)])
    return before[starts + size] - before[starts] <= max_n * size


def _runs(starts, wanted, stride):
    """Yield ranges of neighbouring tiles, all wanted and `stride` apart: what one call can score."""
    chosen = np.flatnonzero(wanted)
    if not chosen.size:
        return
    breaks = np.flatnonzero((np.diff(chosen) > 1) | (np.diff(starts[chosen]) != stride)) + 1
    for part in np.split(chosen, breaks):
        yield int(part[0]), int(part[-1]) + 1


class _Mean:
    """The mean of the relevance of each base over the tiles that hold it, from runs of tiles that may overlap."""

    def __init__(self, length):
        self._sum, self._tiles = np.zeros(length), np.zeros(length)

    def add(self, stretch, relevance, starts, size):
        """Add the mean of one run, over ``stretch`` of the tokens; ``starts`` count from there."""
        steps = np.zeros(stretch.stop - stretch.start + 1)
        np.add.at(steps, starts, 1)
        np.add.at(steps, starts + size, -1)
        tiles = np.cumsum(steps[:-1])
        self._sum[stretch] += relevance * tiles
        self._tiles[stretch] += tiles

    def over(self, piece, origin):
        """Return the mean on the bases of a piece, NaN where no tile holds them; float32, empty if nothing is kept."""
        own = slice(piece.start - origin, piece.end - origin)
        with np.errstate(invalid="ignore", divide="ignore"):
            return (self._sum[own] / self._tiles[own]).astype(np.float32)

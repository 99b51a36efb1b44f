"""Tiles of a chromosome: where they lie, which bases each one speaks for, and in which chunks they are scored."""

import itertools
from typing import NamedTuple

import numpy as np

from mlx_gsa.errors import RegionError

SHORTEST = 50  # bp; sequences below this are not scored at all


class Grid(NamedTuple):
    """The tiles of one sequence: one every ``stride`` bp, and one more that ends with the sequence.

    A sequence shorter than a tile is one shorter tile. Every base belongs to the *slot* of one tile, the one whose
    centre is nearest: the ``stride`` bp around a tile's centre, and up to the edge for the first and the last tile.

    Attributes
    ----------
    length, tile, stride : int
        In bp.
    """

    length: int
    tile: int
    stride: int

    @property
    def size(self) -> int:
        """Length of a tile in this sequence, in bp."""
        return min(self.tile, self.length)

    @property
    def n_tiles(self) -> int:
        """Number of tiles."""
        return 1 + -(-(self.length - self.size) // self.stride)

    def starts(self, first: int = 0, last: int | None = None) -> np.ndarray:
        """Return where tiles ``first`` to ``last`` (left out) start: int64, ascending."""
        return self._start(np.arange(first, self.n_tiles if last is None else last))

    def edges(self, first: int = 0, last: int | None = None, step: int = 1) -> np.ndarray:
        """Return the borders of the slots of tiles ``first`` to ``last`` (left out), one more than there are tiles.

        The slot of tile i is ``[edges[i], edges[i + 1])``; with a ``step``, only every so many-th border.
        """
        return self._edge(np.arange(first, (self.n_tiles if last is None else last) + 1, step))

    def speaking(self, start: int, end: int) -> tuple[int, int]:
        """Return the range of tiles whose slots hold a base of ``[start, end)``."""
        return self._speaker(start), self._speaker(end - 1) + 1

    def covering(self, start: int, end: int) -> tuple[int, int]:
        """Return the range of tiles that hold a base of ``[start, end)``."""
        final = self.n_tiles - 1  # it may start earlier than a stride behind the one before
        first = min(max((start - self.size) // self.stride + 1, 0), final)
        last = min(-(-end // self.stride), final)
        return first, last + (self.length - self.size < end)

    def _start(self, numbers):
        return np.minimum(numbers.astype(np.int64) * self.stride, self.length - self.size)

    def _edge(self, numbers):
        middle = (self._start(numbers) + self._start(numbers - 1) + self.size) // 2
        return np.where(numbers == 0, 0, np.where(numbers < self.n_tiles, middle, self.length))

    def _speaker(self, position):
        """Return the tile whose slot holds a base; it is near where an endless grid would have it."""
        guess = min(max((2 * position - self.size + self.stride) // (2 * self.stride), 0), self.n_tiles - 1)
        near = np.arange(max(guess - 2, 0), min(guess + 2, self.n_tiles - 1) + 1)
        return int(near[np.searchsorted(self._edge(near), position, side="right") - 1])


class Piece(NamedTuple):
    """A stretch of a sequence that is scored at once, in bp; its borders are those of slots or of a region."""

    chrom: str
    length: int  # of the whole sequence
    start: int
    end: int


def chunk_bp(pieces) -> int:
    """Return the number of bases of a chunk."""
    return sum(piece.end - piece.start for piece in pieces)


def whole_genome(lengths: dict) -> dict:
    """Return what is scanned without regions: of each sequence all; name -> (n, 2) array of start and end."""
    return {name: np.array([[0, length]], dtype=np.int64) for name, length in lengths.items()}


def wanted_regions(genome, features, where: str) -> dict:
    """Merge regions of a BED file into what is scanned.

    Parameters
    ----------
    genome : Genome
        Its names of chromosomes are used.
    features : iterable of Feature
        As `mlx_gsa.dna.bed.read_bed` yields them; strands do not matter.
    where : str
        The file, for messages.

    Returns
    -------
    dict of str to np.ndarray, shape (n, 2)
        Genome's name -> start and end, merged, ascending.

    Raises
    ------
    RegionError
        A region is on no chromosome of the genome, or reaches past its end.
    """
    from mlx_gsa.dna.intervals import IntervalSet

    regions = [_placed(genome, feature, where) for feature in features]
    merged = IntervalSet.of(regions)
    return {chrom: np.stack(merged.on(chrom), axis=1) for chrom in merged.chroms}


def _placed(genome, feature, where):
    """Return the region of a feature under the genome's name of its chromosome."""
    region, line = feature.region, f"{where}, line {feature.line}"
    name = genome.resolve(region.chrom)
    if name is None:
        shown = ", ".join(genome.names[:6]) + (", ..." if len(genome.names) > 6 else "")
        raise RegionError(
            "the genome has no such chromosome", where=line, expected=f"one of {shown}", found=region.chrom,
            mend="Take the line out, or give the genome that the regions are of.",
        )  # fmt: skip
    if region.end > genome.lengths[name]:
        raise RegionError(
            "a region reaches past its chromosome", where=line, expected=f"at most {genome.lengths[name]:,} on {name}",
            found=f"{region.end:,}", mend="The regions may be of another assembly.",
        )  # fmt: skip
    return type(region)(name, region.start, region.end)


def plan_chunks(lengths: dict, wanted: dict, tile: int, stride: int, chunk_bp: int) -> list[list[Piece]]:
    """Divide what is scanned into chunks, each of pieces with at most about ``chunk_bp`` bases together.

    The plan is a function of its arguments alone; tiles are those of whole sequences whatever is wanted, so a base has
    the same value in a scan of regions and of the whole genome. Sequences come in the order of their names as bytes,
    which is what bigWig and sorted BED expect.

    Parameters
    ----------
    lengths : dict of str to int
        Of all sequences, in bp.
    wanted : dict of str to np.ndarray, shape (n, 2)
        From `whole_genome` or `wanted_regions`.
    tile, stride, chunk_bp : int
        In bp.

    Returns
    -------
    list of list of Piece
        Sequences below `SHORTEST` are left out.
    """
    chunks, chunk, held = [], [], 0
    for piece in _pieces(lengths, wanted, tile, stride, chunk_bp):
        bp = piece.end - piece.start
        if chunk and held + bp > chunk_bp:
            chunks.append(chunk)
            chunk, held = [], 0
        chunk.append(piece)
        held += bp
    return [*chunks, chunk] if chunk else chunks


def _pieces(lengths, wanted, tile, stride, chunk_bp):
    """Cut what is wanted at the borders of slots, into pieces of about `chunk_bp`."""
    per_chunk = max(chunk_bp // stride, 1)
    for name in sorted(wanted, key=lambda text: text.encode("utf-8", "surrogateescape")):
        length = lengths[name]
        if length < SHORTEST:
            continue
        grid = Grid(length, tile, stride)
        cuts = grid.edges(step=per_chunk)
        for start, end in wanted[name].tolist():
            inner = cuts[(cuts > start) & (cuts < end)].tolist()
            borders = [start, *inner, end]
            yield from (Piece(name, length, *pair) for pair in itertools.pairwise(borders))

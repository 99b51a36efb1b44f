"""Tracks along a genome: bigWig files that are checked before they get their name, and lines of bedGraph."""

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from mlx_gsa.errors import GenomeError, GsaError
from mlx_gsa.genomes.grid import Piece
from mlx_gsa.genomes.scan_chunk import ChunkScores

_AT_ONCE = 1 << 16  # values turned into Python objects at once


def strength_values(chunks: Iterable[tuple[list[Piece], ChunkScores]]) -> Iterator[tuple]:
    """Yield ``(chrom, start, end, value)`` of every slot of the strength track, in the order of the genome."""
    for pieces, scores in chunks:
        names = [pieces[number].chrom for number in scores.piece.tolist()]
        yield from zip(names, scores.start.tolist(), scores.end.tolist(), scores.strength.tolist(), strict=True)


def relevance_values(chunks: Iterable[tuple[list[Piece], ChunkScores]]) -> Iterator[tuple]:
    """Yield ``(chrom, start, end, value)`` of every stretch of bases of one relevance, mostly of a single base."""
    for pieces, scores in chunks:
        at = 0
        for piece in pieces:
            values = scores.relevance[at : at + piece.end - piece.start]
            at += piece.end - piece.start
            for first in range(0, len(values), _AT_ONCE):
                yield from _stretches(piece.chrom, piece.start + first, values[first : first + _AT_ONCE])


def _stretches(chrom, origin, values):
    """Yield the stretches of equal value in an array; what is NaN is left out."""
    with np.errstate(invalid="ignore"):
        first = np.flatnonzero(np.append(True, values[1:] != values[:-1]))
    last = np.append(first[1:], len(values))
    known = ~np.isnan(values[first])
    first, last = first[known], last[known]
    starts, ends = (first + origin).tolist(), (last + origin).tolist()
    yield from zip([chrom] * len(starts), starts, ends, values[first].tolist(), strict=True)


def write_bigwig(path: Path, lengths: dict, values: Iterable[tuple], folder: Path, progress=None) -> int:
    """Write a bigWig: in another folder, its header read back, then renamed.

    Parameters
    ----------
    path : Path
        Ends in ``.bw``.
    lengths : dict of str to int
        Of the sequences, in bp; one without a value does not appear in the file.
    values : iterable of (chrom, start, end, value)
        Sorted by name and start, without overlap.
    folder : Path
        On the same disk; the unfinished file is there, and stays there if this process is killed.
    progress : callable, optional
        Called as ``progress(bp)`` now and then.

    Returns
    -------
    int
        Number of bases with a value.

    Raises
    ------
    GenomeError
        The file could not be written.

    Source: pybigtools (Huey & Abdennur 2024), which prints what goes wrong in its iterable and returns as if all were
    well: the bases in the file are therefore counted again.
    """
    import pybigtools

    path, counted = Path(path), _Counted(values, progress)
    unfinished = Path(folder) / path.name
    try:
        pybigtools.open(str(unfinished), "w").write(dict(lengths), iter(counted))
        if counted.problem is not None:
            raise counted.problem
        with pybigtools.open(str(unfinished)) as track:
            held = track.info()["summary"]["basesCovered"]
        if held != counted.bp:
            raise OSError(f"{held:,} of {counted.bp:,} bases were written")
        _sync(unfinished)
        os.replace(unfinished, path)
    except GsaError:
        raise
    except Exception as problem:
        mend = "Check the free space of that folder, and run the same command again: only this file is missing."
        raise GenomeError("cannot write the bigWig", where=str(path), found=str(problem), mend=mend) from problem
    finally:
        unfinished.unlink(missing_ok=True)
    return counted.bp


class _Counted:
    """An iterable that counts bases, reports, and keeps the error that ended it."""

    def __init__(self, values, progress):
        self._values, self._progress = values, progress
        self.bp, self.problem = 0, None

    def __iter__(self):
        try:
            for number, value in enumerate(self._values):
                self.bp += value[2] - value[1]
                if self._progress and number % _AT_ONCE == 0:
                    self._progress(self.bp)
                yield value
            if self._progress:
                self._progress(self.bp)
        except Exception as problem:  # the library would print it and go on: the file ends here, and is not kept
            self.problem = problem


def bedgraph_text(values: Iterable[tuple]) -> str:
    """Return lines of bedGraph, values with seven significant digits."""
    return "".join(f"{chrom}\t{start}\t{end}\t{value:.7g}\n" for chrom, start, end, value in values)


@contextmanager
def read_values(path: Path) -> Iterator[Callable]:
    """Open a bigWig; yield ``values(chrom, start, end)``, which gives that of each base, NaN where there is none."""
    import pybigtools

    with pybigtools.open(str(path)) as track:
        yield lambda chrom, start, end: track.values(chrom, start, end, fillna=None)


def _sync(path):
    """Ask the disk to hold a file before its name changes."""
    with open(path, "rb") as file:
        os.fsync(file.fileno())

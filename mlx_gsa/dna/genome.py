"""A reference genome: any stretch of any chromosome, by an index that is made once."""

import gzip
import hashlib
import os
import shutil
import tempfile
import zlib
from pathlib import Path

import numpy as np

from mlx_gsa.cache import cache_folder
from mlx_gsa.dna.alphabet import TOKENS_OF_BYTES, reverse_complement
from mlx_gsa.dna.chrom_names import ChromNames
from mlx_gsa.dna.files import GZIP, open_lines
from mlx_gsa.errors import GenomeError

_PIECE = 1 << 22  # bytes unpacked at once


class Genome:
    """An opened genome FASTA; use it in a ``with`` statement, or `close` it.

    Open one with `Genome.open`.

    Attributes
    ----------
    path : Path
        The file as it was given.
    names : list of str
        Chromosomes in the order of the file.
    lengths : dict of str to int
        In bp.
    renamed : dict of str to str
        Chromosomes that were asked for under another name than the genome's: asked -> used.
    prepared : list of str
        What was made for it now (an index, an unpacked copy) and where, for the user.

    Source: pyfaidx (Shirley et al. 2015), with the index format of samtools.
    """

    def __init__(self, path, fasta, prepared=()):
        self.path, self._fasta, self.prepared = Path(path), fasta, list(prepared)
        self.names = list(fasta.keys())
        self.lengths = {name: len(fasta[name]) for name in self.names}
        self.renamed, self._known = {}, {}
        self._names = ChromNames(self.names)

    @classmethod
    def open(cls, path, cache=None, progress=None):
        """Open a genome; make its index, and unpack it if it is gzip, the first time.

        The index lies beside the file; in the cache if that folder cannot be written. A gzip file, which cannot be
        read from its middle, is unpacked into the cache once, and again when it changes.

        Parameters
        ----------
        path : str or Path
            FASTA, plain, gzip or bgzip.
        cache : Path, optional
            By default `mlx_gsa.cache.cache_folder`.
        progress : callable, optional
            Called as ``progress(bytes_read, bytes_in_file)`` while unpacking.

        Returns
        -------
        Genome

        Raises
        ------
        GenomeError
            The file is missing, no FASTA, damaged, or has two chromosomes of one name or lines of uneven length.
        """
        path, cache, prepared = Path(path), Path(cache) if cache else cache_folder(), []
        _check_fasta(path)
        plain = path
        if _is_gzip(path):
            plain = _unpacked(path, cache, prepared, progress)
        index = _index(plain, path, cache, prepared)
        return cls(path, _open_fasta(plain, path, index), prepared)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        """Close the file."""
        self._fasta.close()

    @property
    def plain(self):
        """Return the FASTA that is read: the file as it was given, or its unpacked copy."""
        return Path(self._fasta.filename)

    def resolve(self, chrom):
        """Return the genome's own name of a chromosome, or None; another name is noted in `renamed`.

        Parameters
        ----------
        chrom : str
            Such as ``chr1``, ``1`` or ``NC_000001.11``.
        """
        if chrom not in self._known:
            self._known[chrom] = self._names.find(chrom)
        name = self._known[chrom]
        if name is not None and name != chrom:
            self.renamed[chrom] = name
        return name

    def letters(self, chrom, start, end):
        """Return a stretch as it is written; lower case marks repeats in a soft-masked genome.

        Parameters
        ----------
        chrom : str
            Under any of its names.
        start, end : int
            0-based, half-open, in bp.

        Returns
        -------
        np.ndarray, shape (end - start,), uint8
            ASCII.

        Raises
        ------
        GenomeError
            The genome has no such chromosome, or the stretch is not within it.
        """
        name = self._checked(chrom, start, end)
        text = self._fasta[name][start:end] if end > start else ""
        return np.frombuffer(text.encode("latin-1"), dtype=np.uint8)

    def tokens(self, chrom, start, end, strand="+"):
        """Return a stretch as tokens, in the direction of its strand.

        Parameters
        ----------
        chrom, start, end
            As for `letters`.
        strand : str
            ``-`` gives the reverse complement.

        Returns
        -------
        np.ndarray, shape (end - start,), uint8

        Raises
        ------
        GenomeError
            As `letters`, and for letters that are not DNA.
        """
        tokens = TOKENS_OF_BYTES[self.letters(chrom, start, end)]
        if tokens.size and tokens.max() == 255:
            where = f"{self.path}, {chrom}:{start}-{end}"
            raise GenomeError("letters that are not DNA", where=where, mend="Give the genome as DNA, not as protein.")
        return reverse_complement(tokens) if strand == "-" else tokens

    def _checked(self, chrom, start, end):
        """Return the genome's name of a chromosome after checking that a stretch lies within it."""
        name = self.resolve(chrom)
        if name is None:
            shown = ", ".join(self.names[:6]) + (", ..." if len(self.names) > 6 else "")
            raise GenomeError("no such chromosome", where=str(self.path), expected=f"one of {shown}", found=chrom)
        if not 0 <= start <= end <= self.lengths[name]:
            raise GenomeError(
                "outside the chromosome",
                where=str(self.path),
                expected=f"0 to {self.lengths[name]:,} on {name}",
                found=f"{start:,}-{end:,}",
                mend="The coordinates may be of another assembly.",
            )
        return name


def _is_gzip(path):
    with open(path, "rb") as file:
        return file.read(2) == GZIP


def _check_fasta(path):
    """Raise unless the first line with text is a FASTA header."""
    if path.is_dir():
        raise GenomeError("the genome is a folder", where=str(path), expected="a FASTA file", mend="Name the file.")
    with open_lines(path, error=GenomeError) as lines:
        lines = (line.strip() for line in lines if not line.isspace())
        first, second = next(lines, ""), next(lines, "").encode("utf-8", "surrogateescape")
    if not first.startswith(">"):
        raise GenomeError(
            "not a genome",
            where=str(path),
            expected="FASTA, a header that begins with >",
            found=repr(first[:40]),
            mend="Give the genome as FASTA, plain or gzip.",
        )
    if not second.startswith(b">") and (TOKENS_OF_BYTES[np.frombuffer(second, np.uint8)] == 255).any():
        found = repr(second[:40].decode("ascii", "replace"))
        raise GenomeError("the genome is not DNA", where=f"{path}, line 2", expected="A C G T N", found=found)


def _unpacked(path, cache, prepared, progress):
    """Return an unpacked copy in the cache, made if it is not there; named after what it was made from."""
    state = path.stat()
    key = hashlib.sha256(f"{path.resolve()} {state.st_size} {state.st_mtime_ns}".encode()).hexdigest()[:16]
    target = cache / "genomes" / f"{path.name.removesuffix('.gz')}-{key}.fa"
    if target.is_file():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(prefix=f".{target.name}.tmp-", dir=target.parent)
    try:
        with os.fdopen(handle, "wb") as out, open(path, "rb") as raw, gzip.open(raw) as packed:
            while piece := packed.read(_PIECE):
                out.write(piece)
                if progress:
                    progress(raw.tell(), state.st_size)
        os.replace(temporary, target)
    except (OSError, EOFError, zlib.error) as problem:
        raise GenomeError(
            "cannot unpack the genome",
            where=str(path),
            found=str(problem),
            mend=f"Copy or download it again, and check the free space of {target.parent}.",
        ) from problem
    finally:
        Path(temporary).unlink(missing_ok=True)
    prepared.append(f"unpacked once into {target}")
    return target


def _index(plain, path, cache, prepared):
    """Return an index that is not older than the file, made if there is none."""
    beside = plain.with_name(f"{plain.name}.fai")
    key = hashlib.sha256(str(plain.resolve()).encode()).hexdigest()[:16]
    apart = cache / "genomes" / f"{plain.name}-{key}.fai"
    for index in (beside, apart):
        if index.is_file() and index.stat().st_mtime_ns >= plain.stat().st_mtime_ns and _fits(plain, index):
            return index
    index = beside if os.access(plain.parent, os.W_OK) else apart
    index.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".index-", dir=index.parent) as folder:
        made = Path(folder) / index.name
        _open_fasta(plain, path, made).close()  # raises before the index gets its name
        shutil.move(made, index)
    prepared.append(f"index made once: {index}")
    return index


def _fits(plain, index):
    """Say whether an index is that of the file: its records begin behind line ends, its last ends with the file."""
    try:
        lines = [line.split("\t") for line in index.read_text(encoding="utf-8").splitlines()]
        rows = [[int(text) for text in fields] for _, *fields in lines]
        with open(plain, "rb") as file:
            for _, offset, *_ in rows:
                file.seek(offset - 1)
                if file.read(1) != b"\n":
                    return False
            length, offset, letters, width = rows[-1]
            file.seek(offset + length + (length - 1) // letters * (width - letters))
            return not file.read(16).strip()
    except (OSError, ValueError, IndexError, ZeroDivisionError):
        return False


def _open_fasta(plain, path, index):
    """Open a FASTA through pyfaidx, with its errors in our words."""
    import pyfaidx

    try:
        fasta = pyfaidx.Fasta(str(plain), indexname=str(index), as_raw=True, rebuild=False)
        if not sum(len(record) for record in fasta):
            fasta.close()
            raise GenomeError("the genome has no sequence", where=str(path))
        return fasta
    except (pyfaidx.FastaIndexingError, ValueError, OSError) as problem:
        raise GenomeError(
            "cannot index the genome",
            where=str(path),
            found=" ".join(str(problem).split())[:200],
            mend="Names must be unique, and all lines of a chromosome but the last equally long.",
        ) from problem

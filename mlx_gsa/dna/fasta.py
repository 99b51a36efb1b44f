"""Read FASTA files, one record at a time, with errors that say which record and why."""

from dataclasses import dataclass

import numpy as np
from Bio.SeqIO.FastaIO import SimpleFastaParser

from mlx_gsa.dna.alphabet import EncodeCounts, encode
from mlx_gsa.dna.files import open_lines
from mlx_gsa.errors import SequenceError

MAX_LENGTH = 1_000_000  # bp; regulatory regions are far shorter, a whole chromosome is nearly always a mistake
OTHER_FORMATS = (
    ("@", "FASTQ", "Convert it with `seqtk seq -A` first."),
    ("LOCUS", "GenBank", "Export it as FASTA first."),
    ("ID   ", "EMBL", "Export it as FASTA first."),
    ("<", "HTML or XML", "The download is a web page: fetch the file itself."),
    ("CLUSTAL", "a Clustal alignment", "Export it as FASTA first."),
    ("##", "GFF or VCF", "Give the sequences, as FASTA."),
)


@dataclass(frozen=True, slots=True, eq=False)
class FastaRecord:
    """One sequence of a FASTA file.

    Attributes
    ----------
    id : str
        The header up to the first whitespace, without ``>``.
    description : str
        The whole header, without ``>``.
    tokens : np.ndarray, shape (L,), uint8
    counts : EncodeCounts
        What was read differently from how it was written.
    line : int
        Line of the header, from 1.
    """

    id: str
    description: str
    tokens: np.ndarray
    counts: EncodeCounts
    line: int


def read_fasta(path, max_length=MAX_LENGTH, progress=None):
    """Read a FASTA file record by record; memory holds one record and the ids.

    Parameters
    ----------
    path : str or Path
        Plain or gzip, whatever its name; ``-`` is standard input.
    max_length : int
        Longest sequence allowed, in bp (letters as written).
    progress : callable, optional
        Called as ``progress(bytes_read, bytes_in_file)``.

    Yields
    ------
    FastaRecord
        In the order of the file.

    Raises
    ------
    SequenceError
        The file is missing, empty, binary, cut short or not FASTA; or a record is not DNA, is empty, is
        longer than `max_length`, has no name, or the name of an earlier one.
    """
    place, seen = _Place(path), {}
    with open_lines(path, progress=progress) as lines:
        for title, letters in SimpleFastaParser(_guarded(lines, place, max_length)):
            record = _record(title.strip(), letters, place)
            first = seen.setdefault(record.id, record.line)
            if first != record.line:
                raise SequenceError(
                    "two records have the same name",
                    where=place.of(record.id, record.line),
                    expected="unique names",
                    found=f"{record.id} at line {first} too",
                    mend="Rename one of them, or remove the copy.",
                )
            yield record


class _Place:
    """Where in the file the parser is, for messages; it yields a record only at the header of the next."""

    def __init__(self, path):
        self.name = "standard input" if str(path) == "-" else str(path)
        self.headers = []

    def of(self, name, line):
        """Name a record and its line."""
        return f"{self.name}, line {line}" + (f", record {name}" if name else "")


def _guarded(lines, place, max_length):
    """Pass lines on to the parser; note headers, and stop at what is no FASTA or a record without end."""
    length = 0
    for number, line in enumerate(lines, 1):
        if line[0] == ">":
            place.headers.append((number, line[1:].strip()))
            length = 0
        elif not place.headers:
            if line.isspace():
                continue
            raise _no_header(place, number, line.strip())
        else:
            length += len(line) - 1
            if length > max_length:
                _check_length(length, max_length, place)
        yield line


def _check_length(length, max_length, place):
    """Raise for a record that is too long."""
    line, title = place.headers[-1]
    raise SequenceError(
        "a record is too long",
        where=place.of(_id(title), line),
        expected=f"at most {max_length:,} bp",
        found=f"more than {length:,} bp",
        mend="Give regulatory regions rather than whole chromosomes, or cut it into windows.",
    )


def _no_header(place, number, line):
    """Build the error for a file that does not start as FASTA does."""
    shown = line if len(line) <= 40 else f"{line[:40]}..."
    for start, kind, mend in OTHER_FORMATS:
        if line.startswith(start):
            return SequenceError(
                "not a FASTA file",
                where=place.of("", number),
                expected="a header line '>name'",
                found=f"{kind}: {shown}",
                mend=mend,
            )
    return SequenceError(
        "FASTA without a header",
        where=place.of("", number),
        expected="a header line '>name'",
        found=shown,
        mend="Put a line such as >my_sequence above each sequence.",
    )


def _id(title):
    """Return the name in a header, which may be missing."""
    return title.split(None, 1)[0] if title else ""


def _record(title, letters, place):
    """Turn one parsed record into tokens; raise if it has no name, no sequence, or is not DNA."""
    line, _ = place.headers.pop(0)
    where = place.of(_id(title), line)
    if not title:
        raise SequenceError(
            "a record without a name",
            where=where,
            expected="'>name'",
            found="'>'",
            mend="Write a name after '>'.",
        )
    try:
        tokens, counts = encode(letters)
    except SequenceError as problem:
        raise SequenceError(
            problem.what, where=where, expected=problem.expected, found=problem.found, mend=problem.mend
        ) from problem
    if not tokens.size:
        raise SequenceError(
            "a record without a sequence",
            where=where,
            expected="at least one base",
            found="only gaps" if counts.gaps else "no letters",
            mend="Remove the record, or add its sequence.",
        )
    if 2 * counts.iupac > tokens.size:
        raise SequenceError(
            "not a DNA sequence",
            where=where,
            expected="mostly A C G T",
            found=f"{counts.iupac} of {tokens.size} letters are ambiguity codes",
            mend="Is this a protein? Give the DNA of the region.",
        )
    return FastaRecord(_id(title), title, tokens, counts, line)

"""Transcription start sites from the files biologists have: BED, EPD's BED, SGA and FPS, GTF, GFF3, a table."""

from collections import Counter
from dataclasses import dataclass, field
from itertools import chain, islice

from mlx_gsa.dna import annotation_lines as lines_of
from mlx_gsa.dna.annotation_lines import Malformed, Unusable
from mlx_gsa.dna.annotation_table import TableColumns, is_header
from mlx_gsa.dna.files import open_lines
from mlx_gsa.errors import TableError

COUNTINGS = ("zero-based", "one-based", "bed-edges")
KINDS = ("bed", "epd-bed", "sga", "fps", "gtf", "gff3", "table")
PARSERS = {
    "bed": lines_of.parse_bed,
    "epd-bed": lines_of.parse_epd_bed,
    "sga": lines_of.parse_sga,
    "fps": lines_of.parse_fps,
    "gtf": lines_of.parse_gtf,
    "gff3": lines_of.parse_gff3,
}
MENDED_BY = "Give BED, EPD's SGA or FPS, GTF, GFF3, or a table with columns chrom, tss, strand and gene."
# How files begin that hold no TSS, and what they are.
OTHER_FILES = (
    (">", "a FASTA file: sequences without places"),
    ("##fileformat=VCF", "a VCF file: variants"),
    ("#CHROM\tPOS\tID\tREF", "a VCF file: variants"),
    ("@HD\t", "a SAM file: reads"),
    ("@SQ\t", "a SAM file: reads"),
    ("@", "a FASTQ file: reads"),
    ("<", "HTML or XML: a web page instead of the file"),
    ("LOCUS", "a GenBank file"),
    ("{", "JSON"),
)
SAMPLE = 50  # lines of a BED file that are looked at
COMMENTS = ("#", "track", "browser")


@dataclass
class Choices:
    """What to take from a file.

    Attributes
    ----------
    counting : str
        How positions in a table, or starts in a BED file, count: ``zero-based`` or ``one-based``. A table may also
        hold ``bed-edges``, the start of a BED interval on ``+`` and its end on ``-``: the first base on ``-`` is
        then one less than the number. GTF, GFF3, SGA and FPS count from 1, whatever is chosen here.
    feature : str
        ``gene`` or ``transcript`` (GTF, GFF3).
    gene_types : tuple of str
        Such as ``protein_coding``; empty: all (GTF, GFF3).
    seen, types : Counter
        Features and gene types met, for messages.
    """

    counting: str = "zero-based"
    feature: str = "gene"
    gene_types: tuple[str, ...] = ()
    seen: Counter = field(default_factory=Counter)
    types: Counter = field(default_factory=Counter)


def read_tss(path, kind=None, *, choices=None, dropped=None, progress=None):
    """Read transcription start sites, one at a time.

    Parameters
    ----------
    path : str or Path
        Plain or gzip; ``-`` is standard input.
    kind : str, optional
        One of `KINDS`; by default it is known by the content.
    choices : Choices, optional
    dropped : Counter, optional
        Gains the reasons against lines without a usable TSS; without it such a line raises.
    progress : callable, optional
        Called as ``progress(bytes_read, bytes_in_file)``.

    Yields
    ------
    Tss

    Raises
    ------
    TableError
        The file cannot be read, is none of these formats, has a line that is not of its format, or has no
        usable TSS at all; the message says where and why.
    """
    place = "standard input" if str(path) == "-" else str(path)
    choices, counted = choices or Choices(), Counter() if dropped is None else dropped
    before = Counter(counted)
    with open_lines(path, error=TableError, progress=progress) as lines:
        numbered = enumerate(lines, 1)
        kind, head, header = _recognise(numbered, kind, place)
        parse = _parser(kind, header, place)
        found = 0
        for number, line in chain(head, numbered):
            if line.startswith("##FASTA"):
                break
            if line.isspace() or line.startswith(COMMENTS):
                continue
            try:
                one = parse(line, number, choices)
            except Unusable as reason:
                if dropped is None:
                    raise _error("a line without a usable TSS", place, number, found=str(reason)) from reason
                counted[str(reason)] += 1
                continue
            except Malformed as why:
                raise _malformed(why, place, number) from why
            if one is not None:
                found += 1
                yield one
    if not found:
        raise _nothing(place, kind, choices, counted - before)


def kind_of(path):
    """Return which of `KINDS` a file is, by its content.

    Parameters
    ----------
    path : str or Path

    Raises
    ------
    TableError
        It is none of them, or cannot be read.
    """
    with open_lines(path, error=TableError) as lines:
        return _recognise(enumerate(lines, 1), None, str(path))[0]


def _recognise(numbered, kind, place):
    """Return the kind, the lines to be read yet, and the header of a table with its line number."""
    comment, gff3 = None, False
    for number, line in numbered:
        _refuse_other_files(line, place, number)
        if line.startswith("##gff-version") and "3" in line:
            gff3 = True
        if line.isspace() or line.startswith(COMMENTS):
            comment = (number, line) if line.startswith("#") else comment
            continue
        asked, kind = kind, kind or ("gff3" if gff3 else _kind_of_line(line))
        if comment and is_header(comment[1]) and kind in (None, "table") and not is_header(line):
            return "table", [(number, line)], comment
        if kind == "table":
            return kind, [], (number, line)
        head = [(number, line)]
        if kind == "bed" and not asked:
            head += islice(numbered, SAMPLE - 1)
            kind = _kind_of_bed([line for _, line in head])
        return _known(kind, line, place, number), head, None
    raise TableError("no transcription start site", where=place, found="only comments", mend=MENDED_BY)


def _kind_of_line(line):
    """Guess the format from the first line that is no comment; None if it is none of them."""
    if line.startswith("FP "):
        return "fps"
    fields = line.rstrip("\r\n").split("\t")
    if len(fields) == 9 and _whole(fields[3:5]) and fields[6] in ("+", "-", ".", "?"):
        return "gff3" if "=" in fields[8].split('"')[0] else "gtf"
    if len(fields) >= 5 and _whole(fields[2:3]) and not _whole(fields[1:2]) and fields[3] in ("+", "-", "0"):
        return "sga"
    if is_header(line):
        return "table"
    fields = lines_of.split_fields(line)
    if len(fields) >= 3 and _whole(fields[1:3]):
        return "bed"
    return None


def _kind_of_bed(lines):
    """Tell BED files whose thick part marks the TSS, by most of some lines: one may be drawn otherwise."""
    rows = [lines_of.split_fields(line) for line in lines if not line.isspace() and not line.startswith(COMMENTS)]
    return "epd-bed" if 2 * sum(_thick_is_start(fields) for fields in rows) > len(rows) else "bed"


def _whole(fields):
    """Say whether all fields are whole numbers."""
    return bool(fields) and all(text.strip().isdecimal() for text in fields)


def _thick_is_start(fields):
    """Say whether the thick part is a TSS: one base, as FANTOM writes it, or EPD's last 11 of 60 bp."""
    if len(fields) < 8 or not _whole(fields[1:3] + fields[6:8]):
        return False
    start, end, thick_start, thick_end = (int(fields[i]) for i in (1, 2, 6, 7))
    at_its_end = thick_start == start if fields[5] == "-" else thick_end == end
    epd = (end - start, thick_end - thick_start) == (lines_of.EPD_SPAN, lines_of.EPD_THICK) and at_its_end
    return epd or thick_end - thick_start == 1


def _known(kind, line, place, number):
    """Return the kind; raise if the line gave none away."""
    if kind is None:
        spaces = "\t" not in line and "," not in line and len(line.split()) > 2
        mend = "Separate the columns with tabs." if spaces else MENDED_BY
        expected = "BED, SGA, FPS, GTF, GFF3 or a table with a header"
        raise _error("not a file of transcription start sites", place, number, expected, repr(line.strip()[:60]), mend)
    return kind


def _refuse_other_files(line, place, number):
    """Raise for a file of another kind."""
    for start, what in OTHER_FILES:
        if line.startswith(start):
            raise _error("not a file of transcription start sites", place, number, found=what, mend=MENDED_BY)


def _parser(kind, header, place):
    """Return the function that reads a line."""
    if kind != "table":
        return PARSERS[kind]
    number, line = header
    try:
        return TableColumns(line).parse
    except Malformed as why:
        raise _malformed(why, place, number) from why


def _error(what, place, number, expected=None, found=None, mend=None):
    """Build the error of one line."""
    return TableError(what, where=f"{place}, line {number}", expected=expected, found=found, mend=mend)


def _malformed(why, place, number):
    """Build the error of a line that is not of its format."""
    return _error(why.what, place, number, why.expected, why.found, why.mend)


def _nothing(place, kind, choices, dropped):
    """Build the error of a file without a usable TSS."""
    reasons = ", ".join(f"{n:,} {reason}" for reason, n in dropped.most_common())
    found = reasons or "no line of a TSS"
    mend = "For regions without a strand: gsa prepare regions." if lines_of.NO_STRAND in dropped else None
    if choices.types and choices.gene_types:
        mend = f"Gene types in the file: {_listed(choices.types)}."
    elif kind in ("gtf", "gff3") and not dropped:
        found = f"no {choices.feature}; features: {_listed(choices.seen)}"
        other = next((name for name, words in lines_of.FEATURES.items() if words & set(choices.seen)), None)
        mend = f"Use --feature {other}." if other else "Give the full annotation, with its gene lines."
    return TableError("no usable transcription start site", where=place, found=found, mend=mend)


def _listed(counts):
    """List the most frequent values."""
    return ", ".join(name for name, _ in counts.most_common(8))

"""Read intervals as peak callers and browsers write them: BED, narrowPeak, broadPeak and bedGraph."""

import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from mlx_gsa.dna.coordinates import Region
from mlx_gsa.dna.files import open_lines
from mlx_gsa.errors import RegionError

SPACES = "columns separated by spaces instead of tabs"
NO_STRAND = "strands that are neither + nor -, read as not known"
NO_SUMMIT = "summits that are not stated"
BAD_SCORE = "scores that are not numbers, read as not known"
KINDS = ("bed", "narrowpeak", "broadpeak", "bedgraph")
_HEADER = re.compile(r"^(#|track\b|browser\b)")
_HEADINGS = {"chrom", "chr", "chromosome", "seqnames", "seqname", "#chrom", "contig"}
# What people give by mistake, by its first line, with what they should do instead.
_OTHER_FORMATS = (
    (re.compile(r"^>"), "FASTA", "Give coordinates, as BED; sequences go to `gsa prepare fasta`."),
    (re.compile(r"^##fileformat=VCF"), "VCF", "Give regions, as BED."),
    (re.compile(r"^##gff-version|^#!genome-build"), "GFF or GTF", "Gene starts go to `gsa prepare tss`."),
    (re.compile(r"^\s*<"), "HTML or XML", "The download is a web page: fetch the file itself."),
    (re.compile(r"^@(HD|SQ|RG|PG)\t"), "SAM", "Call peaks first, or convert it with `bedtools bamtobed`."),
    (re.compile(r"^(fixedStep|variableStep)\b"), "wiggle", "Convert it to bedGraph, or give called peaks."),
)


@dataclass(frozen=True, slots=True)
class Feature:
    """One line of a BED-like file.

    Attributes
    ----------
    region : Region
        As written; the chromosome under the file's name.
    name : str or None
    score : float or None
        Column 5; of a bedGraph, its value (column 4).
    signal : float or None
        ``signalValue`` of narrowPeak and broadPeak (column 7).
    summit : int or None
        Position of the summit on the chromosome, 0-based in bp (narrowPeak, column 10).
    fields : tuple of str
        All columns as written.
    line : int
        From 1.
    """

    region: Region
    name: str | None
    score: float | None
    signal: float | None
    summit: int | None
    fields: tuple[str, ...]
    line: int


def read_bed(path, *, kind=None, progress=None, counts=None):
    """Read a BED-like file line by line.

    Parameters
    ----------
    path : str or Path
        Plain or gzip; ``-`` is standard input. Header, track, browser and comment lines are passed over.
    kind : {"bed", "narrowpeak", "broadpeak", "bedgraph"}, optional
        By default known by the file's name, a track line or its columns.
    progress : callable, optional
        Called as ``progress(bytes_read, bytes_in_file)``.
    counts : Counter, optional
        Gains how many values were read differently from how they were written.

    Yields
    ------
    Feature
        In the order of the file.

    Raises
    ------
    RegionError
        The file is missing, empty, of another format, or a line is no interval; the message names the line.

    Source: the UCSC Genome Browser's format descriptions; 0-based, half-open.
    """
    reader = _Reader(path, kind, Counter() if counts is None else counts)
    with open_lines(path, error=RegionError, progress=progress) as lines:
        for number, line in enumerate(lines, 1):
            line = line.rstrip("\r\n")
            if not line.strip() or reader.is_header(line, number):
                continue
            yield reader.feature(line, number)
    if not reader.seen:
        raise RegionError("no region in the file", where=reader.name, found="header lines only")


class _Reader:
    """Turns lines into features; remembers what kind of file it is."""

    def __init__(self, path, kind, counts):
        self.name = "standard input" if str(path) == "-" else str(path)
        self.kind, self.counts, self.seen = kind or _kind_of_name(path), counts, 0

    def is_header(self, line, number):
        """Say whether a line holds no interval; refuse other formats by their first line."""
        if not self.seen:
            for pattern, what, mend in _OTHER_FORMATS:
                if pattern.match(line):
                    raise RegionError(
                        "not a BED file", where=f"{self.name}, line {number}", expected="BED", found=what, mend=mend
                    )
        if _HEADER.match(line):
            if "type=bedGraph" in line:
                self.kind = "bedgraph"
            return True
        first = re.split(r"[\t ]", line, maxsplit=1)[0].lower()
        return not self.seen and first in _HEADINGS

    def feature(self, line, number):
        """Return the feature of one line."""
        self.seen += 1
        fields = self._fields(line, number)
        if self.kind is None:
            self.kind = _kind_of_columns(fields)
        start, end = (self._position(fields[i], number, fields) for i in (1, 2))
        if not 0 <= start < end:
            raise self._error("not an interval", number, "0 <= start < end", f"{start}-{end}",
                              "BED counts from 0 and leaves the end out.")  # fmt: skip
        if self.kind == "bedgraph":
            return Feature(Region(fields[0], start, end), None, self._number(fields, 3), None, None, fields, number)
        region = Region(fields[0], start, end, self._strand(fields))
        name = fields[3] if len(fields) > 3 and fields[3] not in ("", ".") else None
        peak = self.kind in ("narrowpeak", "broadpeak")
        signal = self._number(fields, 6) if peak else None
        summit = self._summit(fields, region, number) if self.kind == "narrowpeak" else None
        return Feature(region, name, self._number(fields, 4), signal, summit, fields, number)

    def _fields(self, line, number):
        """Split a line at its tabs, or at spaces where it has no tab."""
        fields = tuple(line.split("\t"))
        if len(fields) == 1:
            fields = tuple(line.split())
            if len(fields) >= 3:
                self.counts[SPACES] += 1
        if len(fields) < 3:
            raise self._error("too few columns", number, "chrom, start and end, separated by tabs", repr(line[:60]),
                              "Give BED, narrowPeak, broadPeak or bedGraph.")  # fmt: skip
        return fields

    def _position(self, text, number, fields):
        """Read a coordinate; name GTF by the place of its coordinates."""
        if text.strip().isdecimal():
            return int(text)
        if len(fields) >= 8 and fields[3].isdecimal() and fields[4].isdecimal():
            raise self._error("not a BED file", number, "BED", "GTF or GFF", "Gene starts go to `gsa prepare tss`.")
        negative = re.fullmatch(r"-\d+", text.strip())
        if negative:
            return int(text)
        raise self._error("a coordinate is not a whole number", number, "digits", repr(text[:30]),
                          "Write 5000, not 5,000 or 5e3.")  # fmt: skip

    def _strand(self, fields):
        """Read the strand; what is neither + nor - is not known."""
        text = fields[5] if len(fields) > 5 else "."
        if text not in ("+", "-", ".", ""):
            self.counts[NO_STRAND] += 1
        return text if text in ("+", "-") else "."

    def _number(self, fields, at):
        """Read a number that may be missing."""
        text = fields[at].strip() if len(fields) > at else ""
        if text in ("", "."):
            return None
        try:
            return float(text)
        except ValueError:
            self.counts[BAD_SCORE] += 1
            return None

    def _summit(self, fields, region, number):
        """Read a narrowPeak's summit; -1 means that none was called."""
        text = fields[9].strip() if len(fields) > 9 else "-1"
        if not re.fullmatch(r"-?\d+", text):
            raise self._error("a summit is not a whole number", number, "bp from the start, or -1", repr(text[:30]))
        if int(text) < 0:
            self.counts[NO_SUMMIT] += 1
            return None
        if int(text) >= region.end - region.start:
            raise self._error("a summit lies outside its peak", number, f"below {region.end - region.start}", text,
                              "Column 10 of narrowPeak counts from the peak's start.")  # fmt: skip
        return region.start + int(text)

    def _error(self, what, number, expected, found, mend=None):
        return RegionError(what, where=f"{self.name}, line {number}", expected=expected, found=found, mend=mend)


def _kind_of_name(path):
    """Return the kind that a file's name states, or None."""
    name = Path(str(path)).name.lower().removesuffix(".gz")
    endings = {"narrowpeak": "narrowpeak", "broadpeak": "broadpeak", "bedgraph": "bedgraph", "bdg": "bedgraph"}
    return endings.get(name.rpartition(".")[2])


def _kind_of_columns(fields):
    """Return the kind that the columns of the first line fit best.

    A narrowPeak has ten columns, its last a summit, where BED12 has twelve; a broadPeak has nine with numbers from the
    seventh, where a BED9 has coordinates and a colour.
    """
    if len(fields) == 10 and _are_numbers(fields[6:]):
        return "narrowpeak"
    if len(fields) == 9 and _are_numbers(fields[6:]) and any("." in text for text in fields[6:]):
        return "broadpeak"
    if len(fields) == 4 and _are_numbers(fields[3:]):
        return "bedgraph"
    return "bed"


def _are_numbers(texts):
    try:
        return all(float(text) is not None for text in texts)
    except ValueError:
        return False

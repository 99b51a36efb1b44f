"""Find genome coordinates in sequence names, and carry positions of a sequence to the genome."""

import re
from dataclasses import dataclass
from itertools import chain

_NUMBER = r"\d[\d,]*"
# chr7:5,000-7,000(-)   id::chr7:5000-7000(+)   range=chr7:5000-7000   chr7:5000-7000:-1   chr7:5000-7000/rc
_COLON = re.compile(
    rf"(?:^|(?<=[\s=|;])|(?<=::))(?P<chrom>[^\s:=|;()]+):(?P<start>{_NUMBER})(?:-|\.\.)(?P<end>{_NUMBER})"
    r"(?:\((?P<strand>[+.-])\)|:(?P<number>[+-]?1?)(?![0-9A-Za-z])|(?P<rc>/rc))?(?![0-9A-Za-z])"
)
# Ensembl: chromosome:GRCh38:7:5000:7000:-1
_ENSEMBL = re.compile(
    r"\b(?:chromosome|scaffold|supercontig|contig|primary_assembly):[^\s:]+:(?P<chrom>[^\s:]+)"
    r":(?P<start>\d+):(?P<end>\d+):(?P<number>-?1)\b"
)
# hg38_chr7_5000_7000   chr7-5000-7000   chr7_5000-7000   chr7_5000_7000_+   chr7.5000.7000
_PLAIN = re.compile(
    r"(?:^|(?<=[^A-Za-z0-9]))(?P<chrom>chr[A-Za-z0-9]+)(?P<sep>_|\.|-|:(?=\d+:))(?P<start>\d+)(?:(?P=sep)|-)"
    r"(?P<end>\d+)(?!\d)(?:[_:.(](?P<strand>[+-])(?![0-9A-Za-z]))?"
)
_STRAND_WORD = re.compile(r"\bstrand=(?P<strand>[+-])")


@dataclass(frozen=True, slots=True)
class Region:
    """A stretch of the genome.

    Attributes
    ----------
    chrom : str
    start, end : int
        0-based, half-open, in bp.
    strand : str
        ``+``, ``-`` (the sequence is the reverse complement of the genome's) or ``.`` (not stated).
    """

    chrom: str
    start: int
    end: int
    strand: str = "."

    def to_genome(self, start, end):
        """Carry an interval of the sequence to the genome.

        Parameters
        ----------
        start, end : int or np.ndarray
            0-based, half-open, counted along the sequence as it was given, in bp.

        Returns
        -------
        (start, end)
            0-based, half-open, on the genome's forward strand.
        """
        if self.strand == "-":
            return self.end - end, self.end - start
        return self.start + start, self.start + end

    def part(self, start, end):
        """Return the region of a part of the sequence; `start` and `end` as for `to_genome`."""
        return Region(self.chrom, *self.to_genome(start, end), self.strand)

    def __str__(self):
        """Write the region as ``chrom:start-end(strand)``, 0-based as bedtools does."""
        return f"{self.chrom}:{self.start}-{self.end}" + (f"({self.strand})" if self.strand != "." else "")


def fit_region(chrom, start, end, strand, length):
    """Make a region of stated coordinates if they fit the length of the sequence.

    The length decides between the two conventions: ``end - start == length`` is 0-based half-open,
    ``end - start + 1 == length`` is 1-based inclusive.

    Parameters
    ----------
    chrom : str
    start, end : int
        As stated.
    strand : str
        ``+``, ``-`` or ``.``.
    length : int
        Length of the sequence in bp.

    Returns
    -------
    Region or None
        None if neither convention fits.

    Source: bedtools getfasta writes BED coordinates, UCSC and samtools faidx write 1-based inclusive ones,
    in the same notation.
    """
    span = end - start
    if span == length and start >= 0:
        return Region(chrom, start, end, strand)
    if span + 1 == length and start >= 1:
        return Region(chrom, start - 1, end, strand)
    return None


def parse_region(header, length):
    """Read the genome coordinates in a FASTA header or sequence name.

    Understood: ``chr7:5,000-7,000(-)``, ``id::chr7:5000-7000(+)`` (bedtools), ``range=chr7:5000-7000 ...
    strand=-`` (UCSC), ``chr7:5000-7000/rc`` (samtools), ``chromosome:GRCh38:7:5000:7000:-1`` (Ensembl),
    ``hg38_chr7_5000_7000``, ``chr7-5000-7000_NAME``, ``chr7_5000-7000`` and ``chr7_5000_7000_+``.

    Parameters
    ----------
    header : str
        Without ``>``.
    length : int
        Length of the sequence in bp, which decides between 0-based and 1-based; see `fit_region`.

    Returns
    -------
    Region or None
        None if there are no coordinates, or none that fit `length`; `mentions_region` tells the two apart.
    """
    for match in _matches(header):
        start, end = (int(match[name].replace(",", "")) for name in ("start", "end"))
        region = fit_region(match["chrom"], start, end, _strand(match, header), length)
        if region:
            return region
    return None


def mentions_region(header):
    """Say whether a header states coordinates at all, fitting or not."""
    return next(_matches(header), None) is not None


def mentioned_chrom(header):
    """Return the chromosome that a header names with its coordinates, fitting or not; None if there is none."""
    match = next(_matches(header), None)
    return None if match is None else match["chrom"]


def _matches(header):
    """Yield everything that looks like coordinates, the clearest notation first."""
    return chain(_ENSEMBL.finditer(header), _COLON.finditer(header), _PLAIN.finditer(header))


def _strand(match, header):
    """Return the strand stated with the coordinates, or elsewhere in the header."""
    stated = match.groupdict()
    if stated.get("rc"):
        return "-"
    if stated.get("number"):
        return "-" if stated["number"].startswith("-") else "+"
    word = _STRAND_WORD.search(header)
    return stated.get("strand") or (word["strand"] if word else ".")

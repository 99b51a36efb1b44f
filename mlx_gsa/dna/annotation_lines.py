"""One line of an annotation to one transcription start site: BED, EPD's BED, SGA and FPS, GTF and GFF3."""

import re
from dataclasses import dataclass
from math import nan
from urllib.parse import unquote

STRANDS = {"+": "+", "1": "+", "+1": "+", "fwd": "+", "-": "-", "-1": "-", "rev": "-"}
NO_STRAND = "no strand, so which side is upstream is not known"
NO_TYPE = "gene of another type than asked for"
FEATURES = {
    "gene": {"gene", "ncRNA_gene"},
    "transcript": {"transcript", "mRNA", "lnc_RNA", "lncRNA", "ncRNA", "primary_transcript"},
}
TYPE_KEYS = ("gene_type", "gene_biotype", "biotype", "transcript_type", "transcript_biotype")
EPD_SPAN, EPD_THICK = 60, 11  # bp; EPD draws -49..+10, with +1 (the TSS) to +11 thick

_EPD_NUMBER = re.compile(r"_\d+$")
_PREFIX = re.compile(r"^(?:gene|transcript|rna)[:-]")
_GTF_PAIR = re.compile(r'(\w+)\s+(?:"([^"]*)"|([^\s;"]+))')
# FP   NOC2L_1             :+U  EU:NC_000001.11      1-    959256;     1.
_FPS = re.compile(
    r"^FP\s+(?P<name>\S.*?)\s*:[+-].(?P<flag>.?)\s*\w\w:(?P<chrom>\S+?)\s*[01](?P<strand>[+-])\s*(?P<position>\d+)\s*;"
)


@dataclass(frozen=True, slots=True)
class Tss:
    """A transcription start site.

    Attributes
    ----------
    chrom : str
        As the file names it.
    position : int
        The first transcribed base, 0-based, in bp.
    strand : str
        ``+`` or ``-``.
    id : str
        Name of this start; its place, such as ``chr1:958(+)``, where the file gives no name.
    gene : str
        The gene it belongs to; `id` where the file does not say.
    line : int
        Line of the file, from 1.
    score : float
        BED's score, SGA's count, a table's ``score``; NaN where there is none.
    names : tuple of str
        Further names of the gene, such as a symbol.
    """

    chrom: str
    position: int
    strand: str
    id: str
    gene: str
    line: int
    score: float = nan
    names: tuple[str, ...] = ()


class Unusable(Exception):
    """A line that states no usable TSS; the text is the reason, as it is counted."""


class Malformed(Exception):
    """A line that is not of the format; made into an error that names file and line.

    Parameters
    ----------
    what : str
    expected, found : str
    mend : str, optional
    """

    def __init__(self, what, expected, found, mend=None):
        super().__init__(what)
        self.what, self.expected, self.found, self.mend = what, expected, found, mend


def make_tss(chrom, position, strand, line, id="", gene="", **more):
    """Make a TSS; one without a name is called after its place.

    Parameters
    ----------
    chrom : str
    position : int
        0-based, in bp.
    strand : str
        As written.
    line : int
    id, gene : str
    **more
        `Tss.score` and `Tss.names`.

    Raises
    ------
    Unusable
        No strand, or a position before the first base.
    """
    side = STRANDS.get(strand.strip().lower())
    if side is None:
        raise Unusable(NO_STRAND)
    if position < 0:
        raise Unusable("TSS before the first base of the chromosome")
    name = id if id not in ("", ".") else f"{chrom}:{position}({side})"
    return Tss(chrom, position, side, name, gene if gene not in ("", ".") else name, line, **more)


def whole(text, what):
    """Read a coordinate.

    Raises
    ------
    Malformed
        It is not a whole number.
    """
    try:
        return int(text.replace(",", ""))
    except ValueError:
        raise Malformed(f"{what} is not a whole number", "a position in bp", repr(text[:40])) from None


def number_or_nan(text):
    """Read a score; NaN if it is none."""
    try:
        return float(text)
    except ValueError:
        return nan


def parse_bed(line, number, choices):
    """Read a BED line: the TSS is the first base of a feature on ``+``, and the last on ``-``.

    Parameters
    ----------
    line : str
    number : int
    choices : Choices
        ``counting`` ``one-based`` reads start as counted from 1.

    Returns
    -------
    Tss
    """
    fields = _bed_fields(line)
    start, end = whole(fields[1], "start") - (choices.counting == "one-based"), whole(fields[2], "end")
    if end <= start:
        mend = "BED counts from 0: base 100 is 99 to 100. Positions counted from 1: --one-based."
        raise Malformed("an interval without a base", "start below end", f"{start} to {end}", mend)
    position = end - 1 if fields[5] == "-" else start
    name, score = fields[3].strip(), number_or_nan(fields[4])
    return make_tss(fields[0], position, fields[5], number, name, score=score)


def parse_epd_bed(line, number, choices):
    """Read a line of EPDnew's BED: the TSS is the first base, in the strand's sense, of the thick part.

    EPD draws the promoter from -49 to +10: 49 bp thin upstream, and thick the TSS with the 10 bp after it. FANTOM
    draws a cluster of starts, and thick the main one. The gene is the name without its number: ``NOC2L_1`` is a
    promoter of NOC2L.

    Parameters
    ----------
    line : str
    number : int
    choices : Choices

    Returns
    -------
    Tss

    Source: UCSC's description of the track EPDnew; Dreos et al. 2017.
    """
    fields = _bed_fields(line)
    if len(fields) < 8:
        raise Malformed("no thick part", "8 columns", f"{len(fields)}", "A plain BED file: --format bed.")
    start, end = whole(fields[6], "thickStart"), whole(fields[7], "thickEnd")
    if end <= start:
        raise Malformed("a thick part without a base", "thickStart below thickEnd", f"{start} to {end}")
    position = end - 1 if fields[5] == "-" else start
    name = fields[3].strip()
    return make_tss(fields[0], position, fields[5], number, name, _epd_gene(name), score=number_or_nan(fields[4]))


def _bed_fields(line):
    """Split a BED line; raise unless it has a strand."""
    fields = split_fields(line)
    if len(fields) < 6:
        mend = "A TSS needs a strand: write name, score and strand in columns 4 to 6."
        raise Malformed("BED without a strand column", "at least 6 columns", f"{len(fields)}", mend)
    return fields


def split_fields(line):
    """Split at tabs, or at any blanks in a line without a tab."""
    line = line.rstrip("\r\n")
    return line.split("\t") if "\t" in line else line.split()


def _epd_gene(name):
    """Return the gene of a promoter's name."""
    return _EPD_NUMBER.sub("", name)


def parse_sga(line, number, choices):
    """Read a line of SGA: sequence id, feature, position (1-based), strand, count, and a name if there is one.

    Parameters
    ----------
    line : str
    number : int
    choices : Choices

    Returns
    -------
    Tss

    Source: Ambrosini et al. 2016 (the ChIP-Seq tools); a strand 0 means not oriented.
    """
    fields = line.rstrip("\r\n").split("\t")
    if len(fields) < 5:
        raise Malformed("not a line of SGA", "at least 5 columns separated by tabs", f"{len(fields)}")
    name = fields[5].strip() if len(fields) > 5 else ""
    score = number_or_nan(fields[4])
    return make_tss(fields[0], whole(fields[2], "position") - 1, fields[3], number, name, _epd_gene(name), score=score)


def parse_fps(line, number, choices):
    """Read an FP line of FPS: name, type, ``EU:`` and sequence id, ``1`` and strand, position (1-based).

    Parameters
    ----------
    line : str
        ``FP   NOC2L_1             :+U  EU:NC_000001.11      1-    959256;     1.``
    number : int
    choices : Choices

    Returns
    -------
    Tss or None
        None for lines of other kinds, which an EPD entry may have.

    Source: the columns that ``fps2sga.pl`` of the ChIP-Seq tools unpacks (5, 20, 5, 3, 18, 1, 1, 10, 7);
    here anchored on the punctuation, since hand-made files do not keep to columns. The flag 0 in column 29
    means not oriented. FPS cuts names after 19 letters.
    """
    if not line.startswith("FP "):
        return None
    match = _FPS.match(line)
    if match is None:
        expected = "FP   NAME :+U  EU:SEQUENCE 1+ POSITION;"
        raise Malformed("not an FP line", expected, line.strip()[:60])
    name = " ".join(match["name"].split())
    strand = "" if match["flag"] == "0" else match["strand"]
    return make_tss(match["chrom"], int(match["position"]) - 1, strand, number, name, _epd_gene(name))


def parse_gtf(line, number, choices):
    """Read a GTF line; see `parse_gff3`."""
    return _parse_gff(line, number, choices, _gtf_attributes, ("gene_id", "transcript_id"))


def parse_gff3(line, number, choices):
    """Read a GFF3 line: the TSS is the first base of a gene or transcript on ``+``, and the last on ``-``.

    Parameters
    ----------
    line : str
    number : int
    choices : Choices
        ``feature`` says which lines count, ``gene_types`` which of these.

    Returns
    -------
    Tss or None
        None for other features.
    """
    return _parse_gff(line, number, choices, _gff3_attributes, ("ID", "ID"))


def _parse_gff(line, number, choices, attributes_of, id_keys):
    """Read a line of nine columns; `id_keys` name genes and transcripts."""
    fields = line.rstrip("\r\n").split("\t")
    if len(fields) != 9:
        raise Malformed("not a line of GTF or GFF", "9 columns separated by tabs", f"{len(fields)}")
    choices.seen[fields[2]] += 1
    if fields[2] not in FEATURES[choices.feature]:
        return None
    attributes = attributes_of(fields[8])
    if choices.gene_types:
        stated = next((attributes[key] for key in TYPE_KEYS if key in attributes), "none stated")
        choices.types[stated] += 1
        if stated not in choices.gene_types:
            raise Unusable(NO_TYPE)
    start, end = whole(fields[3], "start"), whole(fields[4], "end")
    position = (end if fields[6] == "-" else start) - 1
    name = _bare(attributes.get(id_keys[choices.feature == "transcript"], ""))
    gene = attributes.get("gene_id") or attributes.get("Parent", "")
    gene = name if choices.feature == "gene" else _bare(gene)
    names = tuple(attributes[key] for key in ("gene_name", "Name", "gene", "gene_id") if attributes.get(key))
    return make_tss(fields[0], position, fields[6], number, name, gene, names=names)


def _bare(name):
    """Remove the prefix that Ensembl (gene:) and NCBI (gene-) put before ids."""
    return _PREFIX.sub("", name)


def _gtf_attributes(text):
    """Read ``key "value";`` pairs."""
    return {key: quoted or bare for key, quoted, bare in _GTF_PAIR.findall(text)}


def _gff3_attributes(text):
    """Read ``key=value;`` pairs, percent codes decoded."""
    pairs = (pair.partition("=") for pair in text.split(";"))
    return {key.strip(): unquote(value.strip()) for key, _, value in pairs if value}

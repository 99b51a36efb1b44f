"""Transcription start sites in a table with a header: chrom, tss, strand and a name."""

import csv

from mlx_gsa.dna.annotation_lines import Malformed, Unusable, make_tss, number_or_nan, whole

CHROM = ("chrom", "chr", "chromosome", "seqname", "seqnames", "seqid")
POSITION = ("tss", "position", "pos", "start")
NAMES = ("id", "tss_id", "orf", "gene_id", "gene", "name", "gene_name", "symbol")
NO_POSITION = "no position"
MISSING = ("", "na", "nan", "n/a", "none", "null", ".")
GENES = ("gene_id", "gene", "orf", "gene_name", "symbol")


class TableColumns:
    """Where a table of TSS has what, known from its header; column names in any case.

    Parameters
    ----------
    header : str
        The header line; a leading ``#`` is not part of the first name.

    Raises
    ------
    Malformed
        No column for chromosomes, positions, strands or names.
    """

    def __init__(self, header):
        self.delimiter = "\t" if "\t" in header else ","
        names = [name.strip().strip('"').lower() for name in header.lstrip("#").rstrip("\r\n").split(self.delimiter)]
        self.width = len(names)
        self.chrom = _need(names, CHROM, "chromosomes")
        self.position = _need(names, POSITION, "positions")
        self.strand = _need(names, ("strand",), "strands", "A TSS needs a strand, + or -: add a column strand.")
        self.names = [names.index(name) for name in NAMES if name in names]
        self.genes = [names.index(name) for name in GENES if name in names]
        if not self.names:
            _need(names, NAMES, "names")
        self.score = names.index("score") if "score" in names else None
        # Of a whole gene, the start of transcription on the minus strand is its end.
        self.end = names.index("end") if names[self.position] == "start" and "end" in names else None

    def parse(self, line, number, choices):
        """Read a row.

        Parameters
        ----------
        line : str
        number : int
        choices : Choices
            ``counting`` says how positions count.

        Returns
        -------
        Tss
        """
        fields = self._split(line)
        if len(fields) != self.width:
            raise Malformed("a row with another number of columns than the header", f"{self.width}", f"{len(fields)}")
        strand = fields[self.strand].strip()
        position = _position(fields[self.position]) - _offset(choices.counting, strand)
        if self.end is not None and strand == "-":
            position = _position(fields[self.end]) - 1
        names = [fields[column].strip() for column in self.names if fields[column].strip()]
        gene = next((fields[column].strip() for column in self.genes if fields[column].strip()), "")
        score = number_or_nan(fields[self.score]) if self.score is not None else float("nan")
        first = names[0] if names else ""
        chrom = fields[self.chrom].strip()
        return make_tss(chrom, position, strand, number, first, gene or first, score=score, names=tuple(names[1:]))

    def _split(self, line):
        """Split a row as spreadsheets write it."""
        fields = next(csv.reader([line])) if self.delimiter == "," else line.rstrip("\r\n").split("\t")
        return [field[1:-1] if len(field) > 1 and field[0] == field[-1] == '"' else field for field in fields]


def _position(text):
    """Read a position; data frames with gaps write 2169 as 2169.0."""
    if text.strip().lower() in MISSING:
        raise Unusable(NO_POSITION)
    return whole(text.strip().removesuffix(".0"), "position")


def _offset(counting, strand):
    """Return what to take from a number to have the base counted from 0."""
    return int(counting == "one-based" or (counting == "bed-edges" and strand == "-"))


def is_header(line):
    """Say whether a line has two names of a header of such a table, so that it is none of the other formats."""
    names = {name.strip().strip('"').lower() for name in line.lstrip("#").replace(",", "\t").split("\t")}
    kinds = (CHROM, POSITION, ("strand",), NAMES)
    return sum(bool(names & set(kind)) for kind in kinds) >= 2


def _need(names, wanted, what, mend=None):
    """Return the number of the first column of a wanted name; raise if there is none."""
    for name in wanted:
        if name in names:
            return names.index(name)
    mend = mend or f"Rename the column of {what} to {wanted[0]}."
    raise Malformed(f"no column for {what}", " or ".join(wanted), ", ".join(names[:12]), mend)

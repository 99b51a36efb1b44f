"""VCF: its lines one by one, the alleles in them, and lines that gain INFO while all else stays as it was."""

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

from mlx_gsa.dna.files import open_lines
from mlx_gsa.errors import VariantError

COLUMNS = ("#CHROM", "POS", "ID", "REF", "ALT", "QUAL", "FILTER", "INFO")
MISSING, SPANNING, SYMBOLIC, BREAKEND = "missing", "spanning_deletion", "symbolic", "breakend"
_LETTERS = re.compile(r"[ACGTNRYSWKMBDHVX]+\Z", re.IGNORECASE)
_SINGLE_BREAKEND = re.compile(r"(\.[A-Z]+|[A-Z]+\.)\Z", re.IGNORECASE)
_DECLARED = re.compile(r"##INFO=<ID=([^,>]+)")
_ESCAPED = re.compile(r"[^A-Za-z0-9_.:+()\-]")


class Header(NamedTuple):
    """The lines before the first variant, without line ends.

    ``meta`` begin with ``##``; ``columns`` is the line that begins with ``#CHROM``.
    """

    meta: tuple[str, ...]
    columns: str

    def lines(self, added: Iterable[str] = (), fields: Iterable[str] = ()) -> list[str]:
        """Return the header with more lines, in which INFO fields declared by them are declared once.

        Parameters
        ----------
        added : iterable of str
            Lines put behind the others that begin with ``##``.
        fields : iterable of str
            INFO fields whose older declarations are left out.
        """
        fields = set(fields)
        kept = [line for line in self.meta if not ((found := _DECLARED.match(line)) and found[1] in fields)]
        return [*kept, *added, self.columns]


class Site(NamedTuple):
    """A line of a VCF.

    ``fields`` are its columns as written; ``number`` is the line in the file, from 1; ``start`` is 0-based.
    """

    fields: tuple[str, ...]
    number: int

    @property
    def chrom(self) -> str:
        """Chromosome as written."""
        return self.fields[0]

    @property
    def start(self) -> int:
        """First base of REF, 0-based; -1 for the telomere, which VCF writes as 0."""
        return int(self.fields[1]) - 1

    @property
    def ref(self) -> str:
        """The reference allele as written."""
        return self.fields[3]

    @property
    def alts(self) -> list[str]:
        """The other alleles as written."""
        return self.fields[4].split(",")

    def line(self, info: dict[str, str], fields: Iterable[str]) -> str:
        """Return the line with values added to INFO.

        Parameters
        ----------
        info : dict of str to str
            Name to value.
        fields : iterable of str
            Names whose older values are removed, as a file may be annotated again.
        """
        own = set(fields)
        old = [part for part in self.fields[7].split(";") if part not in ("", ".") and part.split("=")[0] not in own]
        text = ";".join([*old, *(f"{name}={value}" for name, value in info.items())]) or "."
        return "\t".join((*self.fields[:7], text, *self.fields[8:]))


def allele_kind(alt: str) -> str | None:
    """Say why an ALT allele has no sequence of its own; None where it has one.

    Returns
    -------
    str or None
        ``missing`` (``.``), ``spanning_deletion`` (``*``), ``symbolic`` (``<DEL>``) or ``breakend``.

    Raises
    ------
    VariantError
        It is none of these, nor letters of DNA.

    Source: VCF 4.3, section 1.6.1 and 5.
    """
    if _LETTERS.match(alt):
        return None
    if alt in (".", "*"):
        return MISSING if alt == "." else SPANNING
    if alt.startswith("<") and alt.endswith(">"):
        return SYMBOLIC
    if "[" in alt or "]" in alt or _SINGLE_BREAKEND.match(alt):
        return BREAKEND
    raise VariantError("not an allele", expected="letters of DNA, ., *, <...> or a breakend", found=repr(alt[:40]))


def escape(text: str) -> str:
    """Write what must not stand in an INFO value, such as a comma, as VCF does: % and two hexadecimal digits."""
    return _ESCAPED.sub(lambda found: "".join(f"%{byte:02X}" for byte in found[0].encode()), text)


@contextmanager
def open_vcf(path):
    """Open a VCF, plain, gzip or bgzip, or ``-`` for standard input.

    Parameters
    ----------
    path : str or Path

    Yields
    ------
    Header, iterator of Site
        The sites in the order of the file, sorted or not.

    Raises
    ------
    VariantError
        The file cannot be read or is no VCF; a bad line is named by its number.
    """
    name = "standard input" if str(path) == "-" else str(path)
    with open_lines(path, error=VariantError) as lines:
        numbered = enumerate(lines, 1)
        header = _read_header(numbered, name)
        yield header, _sites(numbered, name, header.columns.count("\t") + 1)


def _read_header(numbered, name):
    meta = []
    for number, line in numbered:
        line = line.rstrip("\n")
        if number == 1 and not line.startswith("##fileformat=VCF"):
            raise VariantError(
                "not a VCF", where=f"{name}, line 1", expected="##fileformat=VCFv4.x", found=repr(line[:40]),
                mend="Give variant calls as VCF, plain or gzip; turn a BCF into one with `bcftools view`.",
            )  # fmt: skip
        if line.startswith("##"):
            meta.append(line)
            continue
        if tuple(line.split("\t")[:8]) != COLUMNS:
            raise VariantError(
                "the VCF has no line of column names", where=f"{name}, line {number}",
                expected="\\t".join(COLUMNS), found=repr(line[:60]),
            )  # fmt: skip
        return Header(tuple(meta), line)
    raise VariantError("the VCF has no line of column names", where=name, expected="\\t".join(COLUMNS))


def _sites(numbered, name, n_columns) -> Iterator[Site]:
    for number, line in numbered:
        if line.isspace():
            continue
        fields = tuple(line.rstrip("\n").split("\t"))
        try:
            yield _checked(Site(fields, number), n_columns)
        except VariantError as wrong:
            raise VariantError(
                wrong.what, where=f"{name}, line {number}", expected=wrong.expected, found=wrong.found, mend=wrong.mend
            ) from None


def _checked(site, n_columns):
    """Return a site whose columns are as they should be."""
    if len(site.fields) != n_columns:
        mend = "Columns are separated by tabs; the file may be cut short."
        raise VariantError("a line of another width", expected=f"{n_columns} columns", found=f"{len(site.fields)}",
                           mend=mend)  # fmt: skip
    if not site.fields[1].isdecimal() or not site.fields[1].isascii():
        raise VariantError("not a position", expected="a whole number", found=repr(site.fields[1][:40]))
    if not _LETTERS.match(site.ref):
        raise VariantError("not a reference allele", expected="letters of DNA", found=repr(site.ref[:40]))
    for alt in site.alts:
        allele_kind(alt)
    return site

"""Promoters of EPDnew: which list of which organism lies where, and what EPD's own FASTA says of its records."""

import difflib
import re
from dataclasses import dataclass

from mlx_gsa.data.download import RemoteFile
from mlx_gsa.errors import ConfigError

ROOT = "https://epd.expasy.org/ftp/epdnew/"
# NOC2L_1 is the first promoter of NOC2L.
_NUMBER = re.compile(r"_\d+$")
# >FP000001 NOC2L_1 :+U EU:NC; range -499 to 100.
_RANGE = re.compile(r"^\S+\s+(?P<name>\S+).*?;\s*range\s+(?P<first>-?\d+)\s+to\s+(?P<last>-?\d+)")
# >NOC2L_1|NC_000001 958757..959356 1-
_PLACE = re.compile(r"^(?P<name>[^|\s]+)\|(?P<chrom>\S+)\s+(?P<first>\d+)\.\.(?P<last>\d+)\s+[01](?P<strand>[+-])")


@dataclass(frozen=True)
class PromoterList:
    """One list of EPDnew.

    Attributes
    ----------
    organism : str
        EPD's name of the folder.
    release : str
        Three digits; ``current`` where no address of a numbered release is known to us.
    assembly : str
        Of the genome that the coordinates are on, by UCSC's name.
    file : str
        Below the folder of the release.
    promoters : int or None
        As EPD or UCSC state.
    verified : bool
        The very address was seen in use by others; else it follows EPD's rule for names only.
    """

    organism: str
    release: str
    assembly: str
    file: str
    promoters: int | None = None
    verified: bool = True

    @property
    def remote(self):
        """Return the file to fetch."""
        path = f"{self.organism}/{self.release}/{self.file}"
        return RemoteFile(ROOT + path, f"epdnew/{path}")


def _numbered(organism, code, release, assembly, promoters=None):
    return PromoterList(organism, release, assembly, f"{code}_EPDnew_{release}_{assembly}.bed", promoters)


def _current(organism, code, assembly, promoters=None, verified=False):
    return PromoterList(organism, "current", assembly, f"{code}_EPDnew.bed", promoters, verified)


LISTS = (
    _numbered("H_sapiens", "Hs", "006", "hg38", 29598),
    _numbered("H_sapiens", "Hs", "006", "hg19", 29589),
    _numbered("H_sapiens_nc", "HsNC", "001", "hg38", 2339),
    _numbered("M_musculus", "Mm", "003", "mm10", 25111),
    _numbered("M_musculus", "Mm", "002", "mm9"),
    _numbered("R_norvegicus", "Rn", "001", "rn6"),
    _numbered("D_melanogaster", "Dm", "005", "dm6", 16972),
    _numbered("D_rerio", "Dr", "001", "danRer7"),
    _numbered("C_elegans", "Ce", "001", "ce6", 7120),
    _numbered("S_cerevisiae", "Sc", "002", "sacCer3", 5117),
    _current("A_thaliana", "At", "araTha1", 22703, verified=True),
    _current("M_mulatta", "Rm", "rheMac8"),
    _current("G_gallus", "Gg", "galGal5"),
    _current("C_familiaris", "Cf", "canFam3"),
    _current("A_mellifera", "Am", "amel5"),
    _current("Z_mays", "Zm", "zm3"),
    _current("S_pombe", "Sp", "spo2"),
    _current("P_falciparum", "Pf", "pfa2", 5597),
)
ORGANISMS = tuple(dict.fromkeys(each.organism for each in LISTS))


def promoter_list(organism, release=None, assembly=None):
    """Return EPDnew's list of an organism.

    Parameters
    ----------
    organism : str
        Such as ``H_sapiens``.
    release, assembly : str, optional
        Such as ``006`` and ``hg19``; by default the newest release that is known here.

    Returns
    -------
    PromoterList

    Raises
    ------
    ConfigError
        Nothing of that name is known; the message says what is.
    """
    of_it = [each for each in LISTS if each.organism == organism]
    if not of_it:
        near = difflib.get_close_matches(organism, ORGANISMS, n=1)
        raise ConfigError(
            "EPDnew has no such organism",
            expected=", ".join(ORGANISMS),
            found=organism,
            mend=f"Did you mean {near[0]}?" if near else None,
        )
    for each in of_it:
        if release in (None, each.release) and assembly in (None, each.assembly):
            return each
    raise ConfigError(
        "no such list of EPDnew is known",
        expected=", ".join(f"release {each.release} on {each.assembly}" for each in of_it),
        found=", ".join(filter(None, [release and f"release {release}", assembly])),
        mend="Download another yourself from " + ROOT + " and give it to `gsa prepare tss`.",
    )


def gene_of(name):
    """Return the gene of a promoter's name: NOC2L of ``NOC2L_1``."""
    return _NUMBER.sub("", name)


def promoter_name(header):
    """Return the promoter's name that a header of EPD's own FASTA states.

    Both forms are read: ``FP000001 NOC2L_1 :+U EU:NC; range -499 to 100.`` of the selection tool, and
    ``NOC2L_1|NC_000001 958757..959356 1-`` of the older download.

    Parameters
    ----------
    header : str
        Without ``>``.

    Returns
    -------
    str or None
        None if it is neither.
    """
    match = _RANGE.match(header) or _PLACE.match(header)
    return match and match["name"]


def promoter_group(record):
    """Return the gene of a record of EPD's FASTA, which is its group; None where the header is another.

    Parameters
    ----------
    record : FastaRecord

    Returns
    -------
    str or None
    """
    name = promoter_name(record.description)
    return name and gene_of(name)

"""One chromosome under several names: chr1, 1 and NC_000001.11; chrM and MT; chrIV and 4."""

import re

_MITOCHONDRION = {"m", "mt", "mito", "mitochondrion", "mtdna"}
_TENS, _ONES = ("", "X"), ("", "I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX")
_ROMAN = [*(tens + ones for tens in _TENS for ones in _ONES if tens + ones), "XX"]
_ACCESSION = re.compile(r"^(n[ct]_\d+)(\.\d+)?$")


def _refseq():
    """Build RefSeq accession (without version) -> plain name, for genomes that are often used by accession."""
    numbered = [(1, [*map(str, range(1, 23)), "x", "y"])]  # human
    numbered += [(67, [*map(str, range(1, 20)), "x", "y"])]  # mouse
    numbered += [(1133, [name.lower() for name in _ROMAN[:16]])]  # budding yeast
    names = {f"nc_{first + i:06d}": name for first, own in numbered for i, name in enumerate(own)}
    fly = {"nc_004354": "x", "nt_033779": "2l", "nt_033778": "2r", "nt_037436": "3l", "nt_033777": "3r"}
    fly |= {"nc_004353": "4", "nc_024512": "y"}
    return names | fly | dict.fromkeys(("nc_012920", "nc_005089", "nc_001224", "nc_024511"), "mt")


REFSEQ = _refseq()


def plain_name(name):
    """Return the name that all spellings of a chromosome share, in lower case.

    Parameters
    ----------
    name : str

    Returns
    -------
    str
        Without ``chr``; ``mt`` for the mitochondrion; the chromosome for a RefSeq accession of human (any assembly),
        mouse, fruit fly or budding yeast.

    Source: NCBI assembly reports of GRCh38, GRCm39, Release 6 plus ISO1 MT and R64.
    """
    low = name.strip().lower()
    accession = _ACCESSION.match(low)
    if accession and accession[1] in REFSEQ:
        return REFSEQ[accession[1]]
    short = re.sub(r"^chr(omosome)?[_ ]?", "", low) or low
    return "mt" if short in _MITOCHONDRION else short


class ChromNames:
    """Finds a genome's own name of a chromosome, whatever the spelling.

    Roman and arabic numbers are brought together only where the genome counts in Roman numerals (it has a ``II``), as
    an ``X`` may be the tenth chromosome or a sex chromosome.

    Parameters
    ----------
    names : iterable of str
        Names in the genome.
    """

    def __init__(self, names):
        self.names = list(names)
        self._own = set(self.names)
        self._plain = {}
        for name in self.names:
            self._plain.setdefault(plain_name(name), []).append(name)
        self.roman = "ii" in self._plain

    def find(self, chrom):
        """Return the genome's name of a chromosome, or None.

        Parameters
        ----------
        chrom : str

        Returns
        -------
        str or None
            None too where two names of the genome would fit.
        """
        if chrom in self._own:
            return chrom
        plain = plain_name(chrom)
        if self.roman and plain.isdecimal() and 0 < int(plain) <= len(_ROMAN):
            plain = _ROMAN[int(plain) - 1].lower()
        found = self._plain.get(plain, [])
        return found[0] if len(found) == 1 else None

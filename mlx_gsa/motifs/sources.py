"""Which motif matrices to look for: those of a taxon, told from the data set where it can be, or a file."""

import re
from pathlib import Path
from typing import NamedTuple

from mlx_gsa.data.catalogue import read_catalogue
from mlx_gsa.dna.motifs import Motif, load_motifs
from mlx_gsa.errors import MotifError

TAXA = ("vertebrates", "insects", "fungi", "plants")
ALL = "all"
PROMOTER_ELEMENTS = "promoter_elements"
SHIPPED_RELEASE = "JASPAR2026"
# Words by which the catalogue, EPD's lists and users' notes name organisms.
WORDS = {
    "vertebrates": r"homo|sapiens|human|mus|musculus|mouse|rat|rattus|danio|rerio|zebrafish|gallus|macaca|vertebrates?",
    "insects": r"drosophila|melanogaster|fly|apis|mellifera|anopheles|insects?",
    "fungi": r"saccharomyces|cerevisiae|yeasts?|schizosaccharomyces|pombe|fungi",
    "plants": r"arabidopsis|thaliana|zea|mays|maize|sorghum|oryza|plants?",
}


class MotifSet(NamedTuple):
    """Matrices to look for, ``name`` says which, ``why`` how they came to be chosen."""

    motifs: list[Motif]
    name: str
    why: str


def choose_motifs(dataset, taxon: str | None = None, file: Path | None = None, release: str | None = None) -> MotifSet:
    """Load the matrices that suit a data set.

    Parameters
    ----------
    dataset : Dataset
        Asked for its organism if neither taxon nor file is given.
    taxon : {"vertebrates", "insects", "fungi", "plants", "all"}, optional
    file : Path, optional
        MEME, JASPAR or TRANSFAC format, instead of JASPAR's own.
    release : str, optional
        Another release of JASPAR CORE, such as ``JASPAR2024``, through pyjaspar.

    Returns
    -------
    MotifSet

    Raises
    ------
    MotifError
        The organism is not known, the file cannot be read, or there is no such release.
    """
    if file is not None:
        return MotifSet(load_motifs(file), str(file), "the file given")
    taxon, why = (taxon, "the taxon given") if taxon else taxon_of(dataset)
    taxa = TAXA if taxon == ALL else (taxon,)
    if release:
        return MotifSet(_of_release(release, taxa), f"{release} CORE, {taxon}", why)
    # The core promoter is much the same in all taxa, and CORE lacks its elements: of plants it has no TATA box.
    motifs = [motif for each in (*taxa, PROMOTER_ELEMENTS) for motif in load_motifs(each)]
    return MotifSet(_once(motifs), f"{SHIPPED_RELEASE} CORE, {taxon}, and promoter elements", why)


def taxon_of(dataset) -> tuple[str, str]:
    """Tell the taxon of a data set from what its manifest says of where it came from.

    Returns
    -------
    (str, str)
        The taxon, and from what it was told.

    Raises
    ------
    MotifError
        The manifest names no organism that is known here, or those of several taxa.
    """
    source = dataset.manifest.source
    if source.get("type") == "synthetic":
        return TAXA[0], "sites of synthetic data are drawn from matrices of vertebrates"
    stated = _stated(source)
    for what, text in stated:
        found = [taxon for taxon, words in WORDS.items() if re.search(rf"(?<![a-z])({words})(?![a-z])", text.lower())]
        if len(found) == 1:
            return found[0], f"{what}: {text}"
    raise MotifError(
        "which motifs suit the data set is not known", where=str(dataset.path), expected="an organism in its manifest",
        found="; ".join(f"{what} {text}" for what, text in stated) or "none",
        mend=f"Give --taxon ({', '.join(TAXA)} or {ALL}), or --motifs FILE.",
    )  # fmt: skip


def _stated(source) -> list[tuple[str, str]]:
    """Return what the source of a data set says of its organism, the most direct first."""
    origin = source.get("origin") if isinstance(source.get("origin"), dict) else {}
    stated = [("organism", str(part["organism"])) for part in (source, origin) if part.get("organism")]
    file = Path(str(source.get("file", ""))).name
    for entry in read_catalogue():
        if file and any(recipe.file == file for recipe in entry.recipes):
            stated.append((f"catalogue, {file}", entry.organism))
    return [(what, text.replace("_", " ")) for what, text in stated]


def _of_release(release, taxa) -> list[Motif]:
    """Fetch CORE matrices of another release of JASPAR."""
    import numpy as np

    try:
        from pyjaspar import jaspardb
    except ImportError:
        mend = "Install it: pip install 'mlx_gsa[jaspar]', or leave out --release."
        raise MotifError("another release of JASPAR needs pyjaspar", mend=mend) from None
    try:
        found = jaspardb(release=release).fetch_motifs(collection="CORE", tax_group=list(taxa))
    except Exception as error:  # pyjaspar raises what sqlite and its own checks raise
        raise MotifError(
            "no such release of JASPAR", expected="such as JASPAR2024", found=f"{release}: {error}"
        ) from error
    counts = ((one, np.array([one.counts[base] for base in "ACGT"], dtype=float).T) for one in found)
    return [Motif(one.matrix_id, one.name, count) for one, count in counts]


def _once(motifs) -> list[Motif]:
    """Leave out matrices whose id came before."""
    return list({motif.id: motif for motif in motifs}.values())

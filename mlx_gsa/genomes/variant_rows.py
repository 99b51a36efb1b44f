"""Effects as INFO fields of a VCF, as rows of a table, and counted."""

import heapq
from collections import Counter
from itertools import count
from typing import NamedTuple

import numpy as np

from mlx_gsa.genomes.variant_motifs import BROKEN, MADE
from mlx_gsa.genomes.vcf import MISSING, escape

SKIP = "GSA_SKIP"
COLUMNS = ("chrom", "pos", "id", "ref", "alt", "kind", "skip")
KEPT = ("kept_moved", "kept_lost", "kept_gained", "kept_common", "kept_near_ref", "kept_near_alt")
MOTIFS = ("motif_broken", "motif_made")


class Field(NamedTuple):
    """An INFO field: one value for each ALT allele."""

    name: str
    type: str
    description: str

    @property
    def line(self) -> str:
        """Its declaration in a header."""
        return f'##INFO=<ID={self.name},Number=A,Type={self.type},Description="{self.description}">'


_MOTIF = "name/matrix/change of score in bits/kept or unkept, separated by |"
FIELDS = (
    Field("GSA_REF", "Float", "{what} with the reference allele"),
    Field("GSA_ALT", "Float", "{what} with the alternative allele"),
    Field("GSA_DIFF", "Float", "GSA_ALT less GSA_REF"),
    Field("GSA_RAW_DIFF", "Float", "The same difference before any squashing"),
    Field("GSA_KEPT_MOVED", "Integer", "Outstanding kept positions that are others with the other allele"),
    Field("GSA_KEPT_COMMON", "Float", "Share kept with both alleles, of the outstanding positions kept with either"),
    Field("GSA_KEPT_NEAR_REF", "Integer", "Distance of the nearest kept position in bp, reference allele"),
    Field("GSA_KEPT_NEAR_ALT", "Integer", "Distance of the nearest kept position in bp, alternative allele"),
    Field("GSA_MOTIF_BROKEN", "String", "Known motifs with a site on the reference allele only: " + _MOTIF),
    Field("GSA_MOTIF_MADE", "String", "Known motifs with a site on the alternative allele only: " + _MOTIF),
    Field(SKIP, "String", "Why the allele was not scored"),
)
NAMES = tuple(field.name for field in FIELDS)


def header_lines(what: str) -> list[str]:
    """Declare the INFO fields; `what` names the score, such as ``predicted label``."""
    safe = what.replace('"', "'").replace("\\", "/")
    return [field._replace(description=field.description.format(what=safe)).line for field in FIELDS]


def info_of(effects, output: int = 0) -> dict[str, str]:
    """Return the INFO values of a site, with ``.`` where an allele has none.

    Parameters
    ----------
    effects : sequence of Effect
        One for each ALT allele.
    output : int
        Of several outputs the one written.

    Returns
    -------
    dict of str to str
        Empty for a site without an ALT allele; fields without any value are left out.
    """
    if all(effect.skip == MISSING for effect in effects):
        return {}
    values = [_allele_info(effect, output) for effect in effects]
    columns = {name: [one.get(name, ".") for one in values] for name in NAMES}
    return {name: ",".join(column) for name, column in columns.items() if set(column) != {"."}}


def _allele_info(effect, output):
    if effect.skip:
        return {SKIP: effect.skip}
    raw = effect.raw_difference[output]
    found = {"GSA_REF": effect.ref[output], "GSA_ALT": effect.alt[output]}
    found |= {"GSA_DIFF": effect.difference[output], "GSA_RAW_DIFF": raw}
    found = {name: f"{value:.6g}" for name, value in found.items()}
    if effect.kept is not None:
        kept = effect.kept
        found |= {"GSA_KEPT_MOVED": str(kept.moved), "GSA_KEPT_COMMON": f"{kept.common:.4g}"}
        found |= {"GSA_KEPT_NEAR_REF": _whole(kept.near_ref), "GSA_KEPT_NEAR_ALT": _whole(kept.near_alt)}
    for name, what in (("GSA_MOTIF_BROKEN", BROKEN), ("GSA_MOTIF_MADE", MADE)):
        found[name] = motif_text(effect.motifs, what)
    return found


def motif_text(motifs, what: str) -> str:
    """Write the motifs made or broken, the strongest first; ``.`` for none."""
    parts = (
        f"{escape(one.name)}/{escape(one.motif_id)}/{one.difference:+.1f}/{'kept' if one.kept else 'unkept'}"
        for one in motifs or ()
        if one.what == what
    )
    return "|".join(parts) or "."


def table_columns(outputs: list[str] | None) -> list[str]:
    """Name the columns of the table; the scores of each of several outputs or classes have its name."""
    scores = [f"{name}{':' + output if output else ''}" for output in outputs or [""] for name in
              ("score_ref", "score_alt", "difference", "raw_difference")]  # fmt: skip
    return [*COLUMNS, *scores, *KEPT, *MOTIFS]


def table_row(site, effect, n_outputs: int) -> list[str]:
    """Lay out one allele as the cells of `table_columns`; ``.`` where there is nothing to say."""
    cells = [*site.fields[:4], effect.alt_text, effect.kind or ".", effect.skip or "."]
    if effect.skip:
        return cells + ["."] * (4 * n_outputs + len(KEPT) + len(MOTIFS))
    scores = np.stack([effect.ref, effect.alt, effect.difference, effect.raw_difference], axis=1)
    cells += [f"{value:.6g}" for value in scores.ravel()]
    kept = effect.kept
    cells += ["."] * len(KEPT) if kept is None else [
        str(kept.moved), str(kept.lost), str(kept.gained), f"{kept.common:.4g}", _whole(kept.near_ref),
        _whole(kept.near_alt),
    ]  # fmt: skip
    return [*cells, motif_text(effect.motifs, BROKEN), motif_text(effect.motifs, MADE)]


def _whole(number):
    return "." if number is None else str(number)


class Strongest(NamedTuple):
    """An allele with one of the largest differences; ``position`` is 1-based."""

    chrom: str
    position: int
    ref: str
    alt: str
    difference: float
    kept_moved: int | None
    broken: str
    made: str


class VariantTally:
    """Counts what became of the alleles, and holds those whose score changed most.

    Parameters
    ----------
    output : int
        Of several outputs the one ranked by.
    top : int
        Alleles held.
    """

    def __init__(self, output: int = 0, top: int = 10):
        self.sites, self.output, self._top = 0, output, top
        self.scored, self.skipped = Counter(), Counter()
        self.moved = self.broken = self.made = 0
        self._heap, self._order = [], count()

    def add(self, site, effects) -> None:
        """Count the alleles of a site."""
        self.sites += 1
        for effect in effects:
            if effect.skip:
                self.skipped[effect.skip] += 1
            else:
                self._add_scored(site, effect)

    def _add_scored(self, site, effect):
        self.scored[effect.kind] += 1
        self.moved += bool(effect.kept and effect.kept.moved)
        for what in {one.what for one in effect.motifs or ()}:
            setattr(self, what, getattr(self, what) + 1)
        size = abs(float(effect.difference[self.output]))
        if self._top and (len(self._heap) < self._top or size > self._heap[0][0]):
            push = heapq.heappush if len(self._heap) < self._top else heapq.heappushpop
            push(self._heap, (size, -next(self._order), site, effect))

    def strongest(self) -> list[Strongest]:
        """Return the alleles whose score changed most, the largest change first."""
        found = []
        for _, _, site, effect in sorted(self._heap, reverse=True, key=lambda entry: entry[:2]):
            moved = None if effect.kept is None else effect.kept.moved
            texts = (motif_text(effect.motifs, what) for what in (BROKEN, MADE))
            difference = float(effect.difference[self.output])
            found.append(Strongest(site.chrom, site.start + 1, site.ref, effect.alt_text, difference, moved, *texts))
        return found

    def to_dict(self) -> dict:
        """Return the counts: sites, alleles, scored by kind and skipped by reason, both the commonest first."""
        n_scored = self.scored.total()
        return {
            "sites": self.sites, "alleles": n_scored + self.skipped.total(), "scored": n_scored,
            "kinds": dict(self.scored.most_common()), "skipped": dict(self.skipped.most_common()),
            "kept_moved": self.moved, "motif_broken": self.broken, "motif_made": self.made,
            "strongest": [one._asdict() for one in self.strongest()],
        }  # fmt: skip

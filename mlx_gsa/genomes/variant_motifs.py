"""Which known motifs an allele makes or breaks.

A motif is broken where a site of it over the changed bases passes the p-value with the reference allele, and none does
with the alternative; it is made where it is the other way round. Any change does so to one or two of 1,000 matrices by
chance at p = 1e-4, so it is also said how strong the site was, by how many bits the best site changed and whether the
model keeps an outstanding position in it.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from mlx_gsa.dna.alphabet import N
from mlx_gsa.dna.motifs import MotifScanner
from mlx_gsa.explain.motif_matches import scan_many
from mlx_gsa.genomes.variant_windows import Windows
from mlx_gsa.motifs.families import group_alike

MADE, BROKEN = "made", "broken"


class MotifChange(NamedTuple):
    """A motif that one allele has and the other lacks.

    ``what`` is ``made`` or ``broken``; ``start`` and ``end`` are those of the site in the window of the allele that has
    it, 0-based and half-open; ``p_value`` is that site's. ``difference`` is the score of the best site over the changed
    bases, alternative less reference, in bits; nan where an allele leaves no place for the motif. ``kept`` says whether
    the model keeps a position in the site, ``alike`` names other matrices of the family that change likewise.
    """

    what: str
    motif_id: str
    name: str
    start: int
    end: int
    strand: str
    p_value: float
    difference: float
    kept: bool
    alike: tuple[str, ...]


class VariantMotifs:
    """Compares the motif sites of two alleles.

    Parameters
    ----------
    motifs : sequence of Motif
    p_value : float
        Of a site, as in `MotifScanner`.
    best : int
        Families reported of each kind, by p-value.

    Raises
    ------
    MotifError
        If `p_value` is not between 0 and 1.
    """

    def __init__(self, motifs: Sequence, p_value: float = 1e-4, best: int = 3):
        self.scanner, self.best = MotifScanner(motifs, p_value=p_value), best
        self.motifs = self.scanner.motifs
        self._reach = max((motif.width for motif in self.motifs), default=1) - 1
        families = group_alike(self.motifs) if len(self.motifs) else ()
        self._family = {motif.id: int(number) for motif, number in zip(self.motifs, families, strict=True)}

    def compare(self, windows: Sequence[Windows], kept: Sequence) -> list[list[MotifChange]]:
        """Compare the alleles of many variants in one scan.

        Parameters
        ----------
        windows : sequence of Windows
        kept : sequence of (ndarray, ndarray)
            Positions kept in the reference and in the alternative window.

        Returns
        -------
        list of list of MotifChange
            Of each variant the best few families broken, then those made.
        """
        around = [self._around(pair, side) for pair in windows for side in (0, 1)]
        found = scan_many(self.scanner, [tokens for tokens, _, _ in around])
        sites = [_over(hits, span, first) for hits, (_, first, span) in zip(found, around, strict=True)]
        return [
            self._changes(pair, sites[2 * i], sites[2 * i + 1], kept[i]) for i, pair in enumerate(windows)
        ]  # fmt: skip

    def _around(self, windows, side):
        """Return the bases that a site over the change may have, where they begin in the window, and the span there."""
        tokens, (start, end) = (windows.ref, windows.ref_span) if side == 0 else (windows.alt, windows.alt_span)
        first = max(start - self._reach, 0)
        return tokens[first : end + self._reach], first, (start - first, end - first)

    def _changes(self, windows, ref_sites, alt_sites, kept):
        broken = [hit for name, hit in ref_sites.items() if name not in alt_sites]
        made = [hit for name, hit in alt_sites.items() if name not in ref_sites]
        return self._of_kind(BROKEN, broken, windows, kept[0]) + self._of_kind(MADE, made, windows, kept[1])

    def _of_kind(self, what, hits, windows, kept):
        """Describe the best site of each of the best families."""
        families: dict = {}
        for hit in sorted(hits, key=_strongest_first):
            families.setdefault(self._family[hit.motif.id], []).append(hit)
        return [_describe(what, group, windows, kept) for group in list(families.values())[: self.best]]


def _strongest_first(hit):
    return hit.p_value, -hit.score, hit.start, hit.motif.id


def _describe(what, group, windows, kept):
    hit, alike = group[0], dict.fromkeys(other.motif.name for other in group[1:])
    pwm = hit.motif.pwm()
    difference = best_score(pwm, windows.alt, windows.alt_span) - best_score(pwm, windows.ref, windows.ref_span)
    seen = bool(((kept >= hit.start) & (kept < hit.end)).any())
    names = tuple(name for name in alike if name != hit.motif.name)
    return MotifChange(
        what, hit.motif.id, hit.motif.name, hit.start, hit.end, hit.strand, hit.p_value,
        difference if np.isfinite(difference) else float("nan"), seen, names,
    )  # fmt: skip


def _over(hits, span, first):
    """Return the strongest hit of each motif that has a changed base in it, in coordinates of the window."""
    best: dict = {}
    for hit in hits:
        if touches(hit.start, hit.end, span):
            known = best.setdefault(hit.motif.id, hit)
            best[hit.motif.id] = min(known, hit, key=_strongest_first)
    return {name: hit._replace(start=hit.start + first, end=hit.end + first) for name, hit in best.items()}


def touches(start: int, end: int, span: tuple[int, int]) -> bool:
    """Say whether a site holds a changed base, or where there is none, has the seam inside it."""
    return start < max(span[1], span[0] + 1) and end > span[0] if span[1] > span[0] else start < span[0] < end


def best_score(pwm: np.ndarray, tokens: np.ndarray, span: tuple[int, int]) -> float:
    """Return the best score over the changed bases, on either strand; minus infinity where the motif does not fit.

    Parameters
    ----------
    pwm : np.ndarray, shape (W, 4)
        Bits.
    tokens : np.ndarray, shape (L,), uint8
        A window with N has no score.
    span : (int, int)
        The changed bases.
    """
    width = len(pwm)
    starts = [s for s in range(max(span[0] - width, 0), min(span[1], len(tokens) - width) + 1)
              if touches(s, s + width, span)]  # fmt: skip
    if not starts:
        return float("-inf")
    words = tokens[np.array(starts)[:, None] + np.arange(width)]
    known = words[(words < N).all(1)]
    both = [matrix[np.arange(width), known].sum(1) for matrix in (pwm, pwm[::-1, ::-1])]
    return float(np.max(both)) if len(known) else float("-inf")

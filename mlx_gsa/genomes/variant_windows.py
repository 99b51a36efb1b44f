"""Two windows of equal length around a variant, one with each allele, and positions carried from one to the other.

Both windows hold the same bases beside the alleles. Where an allele is shorter, N fills its window at both ends, half
and half, up to the length of the other: N is neutral to the model, so no difference comes from length. The way back
(the alternative called the reference) gives the same difference with the other sign. Filling up with more of the
reference instead would bring sites in at the ends that the variant has nothing to do with: over 300 random indels of
1-20 bp in the yeast genome, in windows of 1,000 bp of the model that ships, differences with N agree with those of
windows of unequal length at r 0.995, differences with more of the reference at 0.57. Near the end of a chromosome both
windows are shorter.
"""

from typing import NamedTuple

import numpy as np

from mlx_gsa.dna.alphabet import N, encode


class Change(NamedTuple):
    """What an allele changes, without the bases that both alleles share.

    ``start`` and ``end`` are 0-based and half-open on the chromosome, equal for an insertion; ``tokens`` come instead.
    """

    start: int
    end: int
    tokens: np.ndarray

    @property
    def kind(self) -> str:
        """``snv``, ``mnv``, ``insertion``, ``deletion``, ``complex``, or ``none`` if the alleles are the same."""
        old, new = self.end - self.start, len(self.tokens)
        if old == new:
            return ("none", "snv")[old] if old < 2 else "mnv"
        return "insertion" if not old else "deletion" if not new else "complex"


class Windows(NamedTuple):
    """The windows of one allele, both of the same length T.

    ``ref`` and ``alt`` have shape (T,), uint8. The changed bases are ``ref_span`` of one and ``alt_span`` of the other,
    0-based and half-open; the span of an allele without bases is empty and lies between its neighbours.
    """

    ref: np.ndarray
    alt: np.ndarray
    ref_span: tuple[int, int]
    alt_span: tuple[int, int]


def change_of(start: int, ref: str, alt: str) -> Change:
    """Leave out what two alleles share, first at their end, then at their beginning.

    Parameters
    ----------
    start : int
        First base of `ref`, 0-based.
    ref, alt : str
        Letters of DNA.

    Returns
    -------
    Change

    Source: the parsimony of Tan et al. 2015, without its anchor base.
    """
    old, new = encode(ref)[0], encode(alt)[0]
    while len(old) and len(new) and old[-1] == new[-1]:
        old, new = old[:-1], new[:-1]
    shared = 0
    while shared < min(len(old), len(new)) and old[shared] == new[shared]:
        shared += 1
    return Change(start + shared, start + len(old), new[shared:])


def cut_windows(change: Change, fetch, chrom_length: int, window: int) -> Windows | None:
    """Cut the two windows of a change.

    Parameters
    ----------
    change : Change
    fetch : callable
        ``fetch(start, end)`` gives the tokens of a stretch of the chromosome, shape (end - start,).
    chrom_length : int
        In bp.
    window : int
        Length where the chromosome allows it, in bp.

    Returns
    -------
    Windows or None
        None where an allele would fill more than half a window.
    """
    old, new = change.end - change.start, len(change.tokens)
    longest = max(old, new)
    left = max((window - longest) // 2, 0)
    right = min(max(window - longest - left, 0), chrom_length - change.end)
    left = min(left, change.start)
    if longest > 1 and longest > left + right:
        return None
    around = fetch(change.start - left, change.end + right)
    ref, ref_span = _filled(around[:left], around[left : left + old], around[left + old :], longest)
    alt, alt_span = _filled(around[:left], change.tokens, around[left + old :], longest)
    return Windows(ref, alt, ref_span, alt_span)


def _filled(left, allele, right, longest):
    """Join the bases of an allele and those beside it, with N at both ends where the other allele is longer."""
    missing = longest - len(allele)
    ends = np.full(missing // 2, N, np.uint8), np.full(missing - missing // 2, N, np.uint8)
    start = len(ends[0]) + len(left)
    return np.concatenate([ends[0], left, allele, right, ends[1]]), (start, start + len(allele))


def carry(positions: np.ndarray, span: tuple[int, int], other: tuple[int, int]) -> np.ndarray:
    """Carry positions of one window to the other, through the change.

    Parameters
    ----------
    positions : np.ndarray, shape (k,), int
    span, other : (int, int)
        The changed bases in the window that the positions are of, and in the other.

    Returns
    -------
    np.ndarray, shape (k,), int64
        Same base of the chromosome; outside the other window for N at the ends, -1 for changed bases of alleles of
        unequal length, which have no counterpart.
    """
    positions = np.asarray(positions, np.int64)
    same = span[1] - span[0] == other[1] - other[0]
    carried = positions + np.where(positions < span[0], other[0] - span[0], other[1] - span[1])
    inside = (positions >= span[0]) & (positions < span[1])
    return np.where(inside, positions - span[0] + other[0] if same else -1, carried)

"""How the kept positions of two alleles differ, base by base of the chromosome.

Only kept positions that stand out are compared. Where few filters bind, most of the budget goes to positions that all
look alike to the selector, and which of them are kept changes with every base that shifts the window.
"""

from typing import NamedTuple

import numpy as np

from mlx_gsa.genomes.variant_windows import Windows, carry

STANDS_OUT = 0.01  # of the range from the typical to the highest relevance, as in `explain.spans.outstanding`


def standing_out(ref, alt) -> tuple[np.ndarray, np.ndarray]:
    """Leave out the kept positions that only fill the budget, with one limit for both windows.

    Parameters
    ----------
    ref, alt : Prediction
        With ``relevance`` (L,) and ``kept`` (k,).

    Returns
    -------
    (np.ndarray, np.ndarray)
        Those above the median relevance by more than a hundredth of its range, ascending; all of a model without a
        selector.
    """
    if ref.relevance is None:
        return ref.kept, alt.kept
    both = np.concatenate([ref.relevance, alt.relevance])
    typical = np.median(both)
    limit = typical + STANDS_OUT * (both.max() - typical)
    return tuple(one.kept[one.relevance[one.kept] > limit] for one in (ref, alt))


class KeptChange(NamedTuple):
    """How the kept positions of two windows differ.

    ``lost`` are kept with the reference allele only, ``gained`` with the alternative only; N at the ends of a window is
    not counted. ``common`` is the share kept with both, of those kept with either. ``near_ref`` and
    ``near_alt`` are the distance of the nearest kept position from the change in bp, 0 within it, None without any.
    """

    lost: int
    gained: int
    common: float
    near_ref: int | None
    near_alt: int | None

    @property
    def moved(self) -> int:
        """Kept positions that are elsewhere: the larger of lost and gained."""
        return max(self.lost, self.gained)


def compare_kept(windows: Windows, ref_kept: np.ndarray, alt_kept: np.ndarray) -> KeptChange:
    """Compare the kept positions of the two windows, base by base of the chromosome.

    Parameters
    ----------
    windows : Windows
    ref_kept, alt_kept : np.ndarray, shape (k,), int
        Positions kept in each window.

    Returns
    -------
    KeptChange
    """
    spans = windows.ref_span, windows.alt_span
    length = len(windows.ref)
    lost, shared = _missing(ref_kept, alt_kept, *spans, length)
    gained, _ = _missing(alt_kept, ref_kept, *spans[::-1], length)
    either = lost + gained + shared
    common = shared / either if either else 1.0
    return KeptChange(lost, gained, common, _nearest(ref_kept, spans[0]), _nearest(alt_kept, spans[1]))


def _missing(kept, other_kept, span, other, length):
    """Count the kept positions that the other window does not keep, and those that it keeps."""
    carried = carry(kept, span, other)
    inside = (kept >= span[0]) & (kept < span[1])
    comparable = inside | ((carried >= 0) & (carried < length))
    shared = np.isin(carried, other_kept) & comparable
    return int((comparable & ~shared).sum()), int(shared.sum())


def _nearest(kept, span):
    if not len(kept):
        return None
    kept = np.asarray(kept, np.int64)
    return int(np.maximum(np.maximum(span[0] - kept, kept - span[1] + 1), 0).min())

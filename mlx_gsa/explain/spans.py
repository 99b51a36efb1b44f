"""From single kept positions to spans: what a reader, a genome browser and a motif scanner can use."""

from itertools import pairwise
from typing import NamedTuple

import numpy as np

DEFAULT_GAP = 3
DEFAULT_FLANK = 12


class Span(NamedTuple):
    """A run of kept positions.

    ``start`` and ``end`` are 0-based and half-open within the sequence (bp); ``peak`` is the position of
    the highest relevance; ``contribution`` is the signed sum of what its positions add to the raw
    prediction and ``weight`` the sum of their absolute values; ``rank`` counts from 1, the best.
    """

    start: int
    end: int
    peak: int
    n_kept: int
    max_relevance: float
    sum_relevance: float
    contribution: float
    weight: float
    rank: int


def signed_contribution(contribution: np.ndarray, output: int = 0) -> np.ndarray:
    """Return one contribution per kept position.

    Parameters
    ----------
    contribution : ndarray
        Shape (K,) or (K, n_outputs).
    output : int
        Which output to read where there are several (for classes: the predicted one).

    Returns
    -------
    ndarray
        Shape (K,), in units of the raw prediction.
    """
    contribution = np.asarray(contribution, dtype=np.float64)
    if contribution.ndim == 1:
        return contribution
    return contribution[:, min(output, contribution.shape[1] - 1)]


def merge_positions(kept: np.ndarray, gap: int = DEFAULT_GAP) -> list[tuple[int, int]]:
    """Join kept positions that have at most ``gap`` positions between them.

    Parameters
    ----------
    kept : ndarray
        Shape (K,), ascending positions (bp).
    gap : int
        Positions that may lie between two kept ones of one span (bp); 0 joins only neighbours.

    Returns
    -------
    list of (int, int)
        First and one-past-last *index into* ``kept`` of each span, in order.
    """
    kept = np.asarray(kept)
    if not len(kept):
        return []
    breaks = np.flatnonzero(np.diff(kept) > gap + 1) + 1
    edges = [0, *breaks.tolist(), len(kept)]
    return list(pairwise(edges))


def outstanding(spans: list[Span], relevance: np.ndarray) -> list[Span]:
    """Leave out the spans that only fill the budget: no more relevant than the record's typical position.

    Where few filters bind, most of the budget goes to positions that all look alike to the selector.

    Parameters
    ----------
    spans : list of Span
        By rank, as `find_spans` returns them.
    relevance : ndarray
        Shape (L,).

    Returns
    -------
    list of Span
        Those above the median relevance by more than a hundredth of its range; at least the first.
    """
    typical, highest = np.median(relevance), np.max(relevance)
    limit = typical + 0.01 * (highest - typical)
    return [span for span in spans if span.max_relevance > limit] or spans[:1]


def find_spans(relevance, kept, contribution, *, gap: int = DEFAULT_GAP, by: str = "max") -> list[Span]:
    """Merge kept positions into spans and rank them.

    Parameters
    ----------
    relevance : ndarray
        Shape (L,), the selector's output for every position.
    kept : ndarray
        Shape (K,), ascending kept positions.
    contribution : ndarray
        Shape (K,), what each kept position adds to the raw prediction.
    gap : int
        Positions that may lie between two kept ones of one span (bp). The default is small: at a budget
        of 10 % even random positions lie 10 bp apart, and a wide gap would chain them.
    by : {'max', 'sum', 'weight'}
        What ranks the spans: highest relevance, summed relevance, or summed absolute contribution.

    Returns
    -------
    list of Span
        The best first; ties in the order of the sequence.

    Raises
    ------
    ValueError
        If ``by`` is not one of the three.
    """
    fields = {"max": "max_relevance", "sum": "sum_relevance", "weight": "weight"}
    if by not in fields:
        raise ValueError(f"spans are ranked by one of {', '.join(fields)}, not {by!r}")
    kept = np.asarray(kept, dtype=np.int64)
    relevance = np.asarray(relevance, dtype=np.float64)
    contribution = np.asarray(contribution, dtype=np.float64)
    spans = [_span(relevance, kept[a:b], contribution[a:b]) for a, b in merge_positions(kept, gap)]
    spans.sort(key=lambda span: (-getattr(span, fields[by]), span.start))
    return [span._replace(rank=rank) for rank, span in enumerate(spans, 1)]


def _span(relevance, kept, contribution) -> Span:
    values = relevance[kept]
    return Span(
        start=int(kept[0]),
        end=int(kept[-1]) + 1,
        peak=int(kept[values.argmax()]),
        n_kept=len(kept),
        max_relevance=float(values.max()),
        sum_relevance=float(values.sum()),
        contribution=float(contribution.sum()),
        weight=float(np.abs(contribution).sum()),
        rank=0,
    )


def span_window(span: Span, length: int, flank: int = DEFAULT_FLANK) -> tuple[int, int]:
    """Return the part of the sequence whose letters a span stands for: the span and its flanks.

    A kept position sees about 20 bp through its filter, so the site it points at lies within about that
    distance rather than under the position itself.
    """
    return max(0, span.start - flank), min(length, span.end + flank)


def span_scores(spans: list[Span]) -> np.ndarray:
    """Return BED scores (0-1000): highest relevance of each span between the record's lowest and highest.

    They order the spans of one record; they do not compare records.
    """
    values = np.array([span.max_relevance for span in spans], dtype=np.float64)
    if not len(values):
        return np.zeros(0, dtype=np.int64)
    width = np.ptp(values)
    shares = (values - values.min()) / width if width > 0 else np.ones(len(values))
    return np.rint(1000 * shares).astype(np.int64)

"""What was found beside what is known: planted or annotated sites of one record."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from mlx_gsa.evaluation.chance import chance_touched
from mlx_gsa.explain.spans import Span

ACTIVE_ROLES = ("functional", "repressor", "known")


class SiteResult(NamedTuple):
    """What the selector made of one known site.

    ``start`` and ``end`` are 0-based and half-open within the sequence; ``touched`` says whether a kept
    position lies in it, ``covered`` which share of it is kept, ``span_rank`` the best span that overlaps it
    (None without one), ``relevance_rank`` the rank of its best position among all (1 = the highest
    relevance of the sequence) and ``chance`` how often random positions of the same number would touch it.
    """

    start: int
    end: int
    strand: str
    kind: str
    role: str
    touched: bool
    covered: float
    span_rank: int | None
    relevance_rank: int
    chance: float


def compare_sites(relevance, kept, spans: Sequence[Span], sites: Sequence) -> list[SiteResult]:
    """Compare what was kept with known sites.

    Parameters
    ----------
    relevance : ndarray
        Shape (L,).
    kept : ndarray
        Shape (K,), ascending.
    spans : sequence of Span
        Ranked spans of the kept positions.
    sites : sequence of TrackSite
        Known sites of the record.

    Returns
    -------
    list of SiteResult
        In the order of ``sites``.
    """
    if not sites:
        return []
    relevance, kept = np.asarray(relevance, dtype=float), np.asarray(kept)
    ranks = np.empty(len(relevance), dtype=int)
    ranks[np.argsort(-relevance, kind="stable")] = np.arange(1, len(relevance) + 1)
    starts, ends = np.array([site.start for site in sites]), np.array([site.end for site in sites])
    n_kept = np.searchsorted(kept, ends) - np.searchsorted(kept, starts)
    chance = chance_touched(length=len(relevance), width=ends - starts, budget=len(kept))
    results = []
    for site, n, expected in zip(sites, n_kept.tolist(), np.broadcast_to(chance, len(sites)), strict=True):
        overlap = [span.rank for span in spans if span.start < site.end and site.start < span.end]
        results.append(
            SiteResult(
                *site[:5], n > 0, n / (site.end - site.start), min(overlap, default=None),
                int(ranks[site.start : site.end].min()), float(expected),
            )
        )  # fmt: skip
    return results


def count_found(results: Sequence[SiteResult]) -> tuple[int, int, float]:
    """Count the active sites touched, all active sites, and how many chance would touch."""
    active = [result for result in results if result.role in ACTIVE_ROLES]
    return sum(result.touched for result in active), len(active), sum(result.chance for result in active)

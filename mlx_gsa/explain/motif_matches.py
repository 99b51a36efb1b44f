"""Which known motifs the spans look like: a description of each span, not a test of enrichment.

The q-value says how often a site this good would be found by chance in *these* windows of uniform random
DNA, given how many motifs were tried. It does not say that the model uses the motif, that the motif is
commoner here than elsewhere, or that the factor binds: those need controls and many sequences.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from mlx_gsa.dna.alphabet import N
from mlx_gsa.evaluation.multiple_testing import benjamini_hochberg
from mlx_gsa.explain.spans import DEFAULT_FLANK, Span, span_window


class MotifMatch(NamedTuple):
    """A motif site in the window of a span.

    ``start`` and ``end`` are 0-based and half-open within the sequence, ``strand`` is relative to it;
    ``p_value`` is that of the score at one place, ``q_value`` corrects for the places of the window and
    for all spans x motifs that were tested together.
    """

    span_rank: int
    motif_id: str
    name: str
    start: int
    end: int
    strand: str
    score: float
    p_value: float
    q_value: float


def window_p_value(p_value: float, places: int) -> float:
    """Return the chance that the best of ``places`` places reaches a p-value (Šidák, accurate when small)."""
    return float(-np.expm1(max(places, 1) * np.log1p(-min(p_value, 1 - 1e-12))))


def match_spans(
    tokens: np.ndarray, spans: Sequence[Span], scanner, *, flank: int = DEFAULT_FLANK, best: int = 3
) -> dict[int, list[MotifMatch]]:
    """Find the motifs that spans look like.

    Parameters
    ----------
    tokens : ndarray
        Shape (L,), uint8.
    spans : sequence of Span
        The spans to describe, usually the top few.
    scanner : MotifScanner
        From :mod:`mlx_gsa.dna.motifs`; its p-value threshold decides what counts as a hit.
    flank : int
        Bases looked at on each side of a span (bp).
    best : int
        Motifs reported per span, one site each.

    Returns
    -------
    dict
        Matches by ``span.rank``, the smallest p-value first; an empty list where nothing matched.
    """
    return match_hits(scan_many(scanner, [tokens])[0], len(tokens), spans, len(scanner.motifs), flank=flank, best=best)


def match_hits(
    hits: Sequence, length: int, spans: Sequence[Span], n_motifs: int, *, flank: int = DEFAULT_FLANK, best: int = 3
) -> dict[int, list[MotifMatch]]:
    """Find the motifs that spans look like among the hits in the whole sequence.

    Parameters
    ----------
    hits : sequence of MotifHit
        Every hit in the sequence.
    length : int
        Of the sequence (bp).
    n_motifs : int
        How many motifs were scanned for.
    spans, flank, best
        As for `match_spans`.

    Returns
    -------
    dict
        As from `match_spans`.
    """
    found: dict[int, list[MotifMatch]] = {span.rank: [] for span in spans}
    matches, tested = [], []
    for span in spans:
        start, end = span_window(span, length, flank)
        sites = [_as_match(hit) for hit in hits if hit.start >= start and hit.end <= end]
        for site in _best_per_motif(sites):
            tested.append(window_p_value(site.p_value, 2 * (end - start - (site.end - site.start) + 1)))
            matches.append(site._replace(span_rank=span.rank))
    q_values = benjamini_hochberg(tested, n_tests=len(spans) * n_motifs)
    for match, q_value in zip(matches, q_values, strict=True):
        found[match.span_rank].append(match._replace(q_value=float(q_value)))
    return {rank: sorted(rows, key=_best_first)[:best] for rank, rows in found.items()}


def scan_many(scanner, sequences: Sequence[np.ndarray]) -> list[list]:
    """Scan several sequences in one call: joined with N between them, which no motif matches.

    A call costs about 20 ms for 1,000 motifs however short the sequence, so hundreds of peaks go into one.

    Parameters
    ----------
    scanner : MotifScanner
    sequences : sequence of ndarray
        Tokens, each shape (L,), uint8.

    Returns
    -------
    list of list of MotifHit
        The hits in each sequence, with its own coordinates, by start.
    """
    found: list[list] = [[] for _ in sequences]
    if not len(scanner.motifs) or not len(sequences):
        return found
    spacer = np.full(max(motif.width for motif in scanner.motifs), N, dtype=np.uint8)
    firsts = np.cumsum([0, *(len(tokens) + len(spacer) for tokens in sequences)])
    joined = np.concatenate([part for tokens in sequences for part in (tokens, spacer)]).astype(np.uint8)
    hits = scanner.scan(joined)
    which = np.searchsorted(firsts, [hit.start for hit in hits], side="right") - 1
    for hit, number, first in zip(hits, which.tolist(), firsts[which].tolist(), strict=True):
        found[number].append(hit._replace(start=hit.start - first, end=hit.end - first))
    return found


def _best_per_motif(sites: list[MotifMatch]) -> list[MotifMatch]:
    best: dict[str, MotifMatch] = {}
    for site in sites:
        known = best.setdefault(site.motif_id, site)
        best[site.motif_id] = min(known, site, key=_best_first)
    return list(best.values())


def _best_first(match: MotifMatch):
    return match.p_value, -match.score, match.start


def _as_match(hit) -> MotifMatch:
    start, end = int(hit.start), int(hit.end)
    # The scanner's distribution of scores is discrete and gives 0 to a perfect site; no window of W bases
    # is rarer than 4^-W.
    p_value = max(float(hit.p_value), 0.25**hit.motif.width)
    return MotifMatch(0, hit.motif.id, hit.motif.name, start, end, hit.strand, float(hit.score), p_value, 1.0)

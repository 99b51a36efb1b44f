"""Spacing of two motifs: how often both are kept, and how much they attend to each other, against their distance.

Co-selection at each distance is held against a null in which the sites of the second motif come from another record
that has both motifs (``records``), so that co-occurrence and preferred places of either motif are in the null, or are
moved around the record (``shift``). Attention between the two is held against a null in which distances are dealt out
anew among the pairs.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from mlx_gsa.dna.motifs import Motif, MotifScanner
from mlx_gsa.errors import GsaError
from mlx_gsa.motifs.hits import Pool, find_hits
from mlx_gsa.motifs.pair_sites import MotifSites, attention_between, pair_up, sites_of
from mlx_gsa.motifs.significance import q_values
from mlx_gsa.motifs.spacing_null import (
    NULLS,
    Profile,
    attention_profile,
    histogram,
    log_attention,
    selection_profile,
)

ALPHA = 0.01
FEWEST_PAIRS = 20  # below which a pair is not tested


class Peak(NamedTuple):
    """Neighbouring bins in which pairs are commoner than in the null.

    ``low`` to ``high`` are the bounds of the bins, ``core_low`` to ``core_high`` hold the central 95 % of the pairs in
    them, ``mode`` is where 5 bp hold most pairs: signed distances of the sites' middles (bp). The ``gap`` fields are
    the same as bp between the sites. ``observed`` pairs, ``expected`` in the null; ``same`` is the share on the same
    strand, ``same_elsewhere`` that of the pairs outside.
    """

    low: float
    high: float
    mode: float
    core_low: float
    core_high: float
    gap_mode: float
    gap_low: float
    gap_high: float
    observed: int
    expected: float
    enrichment: float
    q: float
    same: float
    same_elsewhere: float
    attention: float
    attention_elsewhere: float


class PairSpacing(NamedTuple):
    """What was found of one pair of motifs.

    ``edges`` bound the bins (bp); ``present`` counts pairs of sites, kept or not, by bin; ``selected`` is the profile
    of pairs of which both are kept; ``attention`` that of the mean attention between kept pairs over even attention
    (binary logarithm; nan without a pair); ``records`` hold both motifs, kept; ``pairs`` of sites in them, both kept.
    """

    first: Motif
    second: Motif
    edges: np.ndarray
    present: np.ndarray
    selected: Profile
    attention: Profile
    records: int
    pairs: int
    peaks: list

    @property
    def tested(self) -> bool:
        """Whether there are pairs enough for a test."""
        return self.pairs >= FEWEST_PAIRS


class _Measured(NamedTuple):
    """Of one pair, before testing: kept sites of both, pairs, attention of each."""

    first: MotifSites
    second: MotifSites
    pairs: object
    attention: np.ndarray
    present: np.ndarray


def measure_spacing(
    predictor, dataset, indices, pairs: Sequence[tuple[Motif, Motif]], *, reach: int = 150, bin_bp: int = 5,
    null: str = "records", permutations: int = 1000, p_value: float = 1e-4, seed: int = 0, batch_size: int = 32,
    progress: Callable | None = None,
) -> list[PairSpacing]:  # fmt: skip
    """Measure co-selection and attention of pairs of motifs against their distance.

    Parameters
    ----------
    predictor : Predictor
    dataset : Dataset
    indices : array_like of int
        Records to look at.
    pairs : sequence of (Motif, Motif)
    reach, bin_bp : int
        Largest distance, and width of a bin (bp).
    null : {"records", "shift"}
        Where second sites come from in the null: another record, at the same place of it (for records that have a
        common anchor, such as a start of transcription), or the same record, moved around its end.
    permutations : int
    p_value : float
        Of a site.
    seed, batch_size : int
    progress : callable, optional
        ``progress(done, total, note)``.

    Returns
    -------
    list of PairSpacing
        In the order given.

    Raises
    ------
    GsaError
        An unknown null, or bins wider than the reach.
    """
    if null not in NULLS or not 0 < bin_bp <= reach:
        expected, found = f"{' or '.join(NULLS)}; bins of 1 to {reach} bp", f"{null}, bins of {bin_bp} bp"
        raise GsaError("spacing cannot be measured so", expected=expected, found=found)
    motifs = list({motif.id: motif for pair in pairs for motif in pair}.values())
    number = {motif.id: i for i, motif in enumerate(motifs)}
    pool = Pool.of(dataset.sequence(int(i)) for i in indices)
    hits = find_hits(pool, MotifScanner(motifs, p_value, pool.composition()))
    kept = _kept(predictor, pool, batch_size, progress)
    sites = [sites_of(hits, i, pool, kept) for i in range(len(motifs))]
    n_bins = -(-reach // bin_bp)
    edges = np.arange(-n_bins, n_bins + 1) * float(bin_bp)
    chosen = [(sites[number[one.id]], sites[number[other.id]]) for one, other in pairs]
    measured = _measure(predictor, pool, chosen, edges, batch_size, progress)
    rng = np.random.default_rng([seed, 31])
    profiles = []
    for (one, other), each in zip(pairs, measured, strict=True):
        first, second, found, attention, _ = each
        selected = selection_profile(first, second, found, edges, pool.lengths, null, permutations, rng)
        profiles.append((selected, attention_profile(attention, found, edges, permutations, rng)))
        if progress:
            progress(len(profiles), len(pairs), f"spacing of {one.name} and {other.name}")
    return _corrected(pairs, measured, profiles, edges)


def _kept(predictor, pool, batch_size, progress):
    """Mark the kept positions of the pool."""
    kept = np.zeros(len(pool.tokens), bool)
    for number, found in enumerate(predictor.predict(pool.sequences(), batch_size=batch_size)):
        kept[np.asarray(found.kept, np.int64) + pool.offsets[number]] = True
        if progress:
            progress(number + 1, len(pool), "kept positions")
    return kept


def _measure(predictor, pool, chosen, edges, batch_size, progress) -> list[_Measured]:
    """Pair up the sites, and read the attention of pairs that are kept."""
    measured, wanted = [], set()
    for first, second in chosen:
        present = histogram(pair_up(first, second, edges[-1]).distance, edges)
        one, other = first.select(first.kept), second.select(second.kept)
        pairs = pair_up(one, other, edges[-1])
        wanted |= set(one.record[pairs.first].tolist())
        measured.append(_Measured(one, other, pairs, np.full(len(pairs.first), np.nan), present))
    records, sequences = sorted(wanted), pool.sequences()
    stream = predictor.predict((sequences[i] for i in records), batch_size=batch_size, attention=True)
    for done, (record, found) in enumerate(zip(records, stream, strict=True), 1):
        for each in measured:
            for i in np.flatnonzero(each.first.record[each.pairs.first] == record).tolist():
                a, b = each.pairs.first[i], each.pairs.second[i]
                spans = (each.first.start[a], each.first.end[a]), (each.second.start[b], each.second.end[b])
                each.attention[i] = attention_between(found.weights, found.kept, *spans)
        if progress:
            progress(done, len(records), "attention")
    return measured


def _corrected(pairs, measured, profiles, edges) -> list[PairSpacing]:
    """Correct over all bins of all pairs, then look for peaks."""
    tested = [len(each.pairs.first) >= FEWEST_PAIRS for each in measured]
    corrected = [list(pair) for pair in profiles]
    for kind in (0, 1):
        rows = [i for i, enough in enumerate(tested) if enough]
        if rows:
            q = q_values(np.stack([profiles[i][kind].p for i in rows]))
            for i, row in zip(rows, q, strict=True):
                corrected[i][kind] = profiles[i][kind]._replace(q=row)
    results = []
    for (first, second), each, (selected, attention) in zip(pairs, measured, corrected, strict=True):
        both = len(np.intersect1d(each.first.record, each.second.record))
        peaks = find_peaks(each, selected, edges, (first.width + second.width) / 2)
        results.append(PairSpacing(first, second, edges, each.present, selected, attention, both,
                                   len(each.pairs.first), peaks))  # fmt: skip
    return results


def find_peaks(each, selected: Profile, edges, touching: float) -> list[Peak]:
    """Join neighbouring bins of q < 0.01 to peaks; one bin between two of them may be above.

    Parameters
    ----------
    each : measured pair
        Its ``pairs``, ``attention`` and sites.
    selected : Profile
    edges : np.ndarray
    touching : float
        Distance of the middles of sites that touch (bp).

    Returns
    -------
    list of Peak
        The one with most pairs beyond expectation first.
    """
    good = np.flatnonzero(selected.q < ALPHA)
    runs = np.split(good, np.flatnonzero(np.diff(good) > 2) + 1) if len(good) else []
    peaks = [_peak(each, selected, edges, int(run[0]), int(run[-1]), touching) for run in runs]
    return sorted(peaks, key=lambda peak: peak.expected - peak.observed)


def _peak(each, selected, edges, first, last, touching) -> Peak:
    """Describe the pairs in a run of bins."""
    distance = each.pairs.distance
    inside = (distance >= edges[first]) & (distance < edges[last + 1])
    here = np.sort(distance[inside])
    at_most = np.searchsorted(here, here + 5.0, side="left") - np.arange(len(here))
    start = int(at_most.argmax())
    mode = float(here[start : start + at_most[start]].mean())
    core = np.quantile(here, [0.025, 0.975], method="nearest")
    gaps = sorted(abs(value) - touching for value in core)
    same = each.first.sense[each.pairs.first] == each.second.sense[each.pairs.second]
    observed, expected = len(here), float(selected.expected[first : last + 1].sum())
    return Peak(
        float(edges[first]), float(edges[last + 1]), mode, float(core[0]), float(core[1]), abs(mode) - touching,
        float(gaps[0]), float(gaps[1]), observed, expected, observed / max(expected, 0.5),
        float(selected.q[first : last + 1].min()), _mean(same[inside]), _mean(same[~inside]),
        _mean(log_attention(each.attention[inside])),
        _mean(log_attention(each.attention[~inside])),
    )  # fmt: skip


def _mean(values) -> float:
    return float(np.mean(values)) if len(values) else float("nan")

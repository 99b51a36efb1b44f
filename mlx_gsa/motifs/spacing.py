"""Spacing of two motifs: how often both are kept, and how much they attend to each other, against their distance.

Co-selection at each distance is held against a null in which the sites of the second motif come from another record
that has both motifs (``records``), so that co-occurrence and preferred places of either motif are in the null, or are
moved around the record (``shift``). Attention between the two is held against a null in which distances are dealt out
anew among the pairs.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from scipy.stats import nbinom, norm, poisson

from mlx_gsa.dna.motifs import Motif, MotifScanner
from mlx_gsa.errors import GsaError
from mlx_gsa.motifs.hits import Pool, find_hits
from mlx_gsa.motifs.pair_sites import MotifSites, attention_between, pair_up, shifted, sites_of
from mlx_gsa.motifs.significance import q_values

ALPHA = 0.01
NULLS = ("records", "shift")
FEWEST_REACHED = 10  # permutations beyond the observed value, below which the tail is computed instead of counted
FEWEST_PAIRS = 20  # below which a pair is not tested


class Profile(NamedTuple):
    """A quantity against distance, each shape (n_bins,).

    ``observed``, ``expected`` under the null with its central 95 % (``low`` to ``high``), ``p`` that of as much or more
    in the null (of attention: of so far from it, more or less), ``q`` over all bins of all pairs tested together.
    """

    observed: np.ndarray
    expected: np.ndarray
    low: np.ndarray
    high: np.ndarray
    p: np.ndarray
    q: np.ndarray


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
        profiles.append((_selection(each, edges, pool, null, permutations, rng), _attention(each, edges, permutations, rng)))
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
        present = _histogram(pair_up(first, second, edges[-1]).distance, edges)
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


def _histogram(distance, edges):
    return np.histogram(distance, edges)[0]


def _selection(each, edges, pool, null, permutations, rng) -> Profile:
    """Hold the number of kept pairs in each bin against the null."""
    observed, drawn = _histogram(each.pairs.distance, edges), np.zeros((permutations, len(edges) - 1))
    both = np.intersect1d(each.first.record, each.second.record)
    first = each.first.select(np.isin(each.first.record, both))
    second = each.second.select(np.isin(each.second.record, both))
    for number in range(permutations):
        if null == "shift":
            pairs = pair_up(first, shifted(second, pool.lengths, rng), edges[-1])
        else:
            partner = np.full(len(pool), -1)
            partner[both] = both[rng.permutation(len(both))]
            pairs = pair_up(first, second, edges[-1], partner)
        drawn[number] = _histogram(pairs.distance, edges)
    return _profile(observed.astype(float), drawn, _count_tail)


def _attention(each, edges, permutations, rng) -> Profile:
    """Hold the mean attention of each bin against the same values dealt out anew."""
    values, place = np.log2(np.maximum(each.attention, 1e-6)), np.digitize(each.pairs.distance, edges) - 1
    inside = (place >= 0) & (place < len(edges) - 1) & np.isfinite(values)
    values, place = values[inside], place[inside]
    count = np.bincount(place, minlength=len(edges) - 1)
    with np.errstate(invalid="ignore"):
        def mean(dealt):
            return np.bincount(place, dealt, len(count)) / count
        observed = mean(values)
        drawn = np.array([mean(rng.permutation(values)) for _ in range(permutations)]).reshape(permutations, -1)
    return _profile(observed, drawn, _normal_tail, two_sided=True)


def _profile(observed, drawn, tail, two_sided=False) -> Profile:
    """Compare observed values with those drawn from the null; p is 1 in a bin where nothing is observed."""
    empty = np.isnan(observed) | (drawn.shape[0] == 0)
    safe = np.where(np.isnan(drawn), 0.0, drawn)
    given, mean, variance = np.where(empty, 0.0, observed), safe.mean(axis=0), safe.var(axis=0)
    if two_sided:
        given = mean + np.abs(given - mean)
        reached = (mean + np.abs(safe - mean) >= given - 1e-9).sum(axis=0)
    else:
        reached = (safe >= given - 1e-9).sum(axis=0)
    counted = (reached + 1) / (len(drawn) + 1)
    computed = np.minimum(tail(given, mean, variance), counted)
    p = np.where(empty, 1.0, np.where(reached >= FEWEST_REACHED, counted, computed))
    low, high = np.quantile(safe, [0.025, 0.975], axis=0)
    return Profile(observed, mean, low, high, p, np.ones(len(p)))


def _count_tail(observed, mean, variance):
    """Return the chance of so many or more: Poisson, or negative binomial where the null varies more."""
    mean = np.maximum(mean, 1e-3)
    share = np.clip(mean / np.maximum(variance, mean * (1 + 1e-9)), 1e-9, 1 - 1e-9)
    spread = nbinom.sf(observed - 1, mean * share / (1 - share), share)
    return np.where(variance > mean, spread, poisson.sf(observed - 1, mean))


def _normal_tail(observed, mean, variance):
    """Return the chance of a mean so far from that of the null, on either side."""
    return 2 * norm.sf((observed - mean) / np.sqrt(np.maximum(variance, 1e-12)))


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
        _mean(np.log2(np.maximum(each.attention[inside], 1e-6))),
        _mean(np.log2(np.maximum(each.attention[~inside], 1e-6))),
    )  # fmt: skip


def _mean(values) -> float:
    return float(np.mean(values)) if len(values) else float("nan")

"""Faithfulness: does the prediction live where the relevance says, measured by deleting and by keeping bases?

Deleted bases are replaced by those of dinucleotide-shuffled copies of the same sequence, and the outcome averaged over
copies: a model that has hardly seen N in training answers to N with whatever it likes, while a shuffled sequence looks
like its own background and has lost its motifs.

Source: deletion and insertion of Petsiuk et al. 2018; comprehensiveness and sufficiency of DeYoung et al. 2020
(ERASER); in-silico mutagenesis as the reference, as in Zhou & Troyanskaya 2015.
"""

import numpy as np
from scipy.stats import spearmanr

from mlx_gsa.audit.outcome import FAIL, LEVEL, NOT_TESTED, PASS, Check, between, units
from mlx_gsa.audit.rankings import mutagenesis, ranked, rankings_of, raw_outputs
from mlx_gsa.dna.shuffle import dinucleotide_shuffles
from mlx_gsa.evaluation.bootstrap import percentile_interval, resampling_weights, sums_intervals

QUESTION = "Does the prediction rest on the bases of high relevance, more than on others?"
FRACTIONS = (0.0, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0)
TENTH = FRACTIONS.index(0.1)
COPIES = 4  # shuffled copies that a deletion is averaged over
BASES = 24_000_000  # bp run for mutagenesis: about 20 s on one core
LEAST_RECORDS, MOST_RECORDS = 8, 64
JUDGED, CHANCE = "relevance", "moved"
BESIDE = ("random", "GC")
"""Controls that no verdict hangs on, reported all the same: scattered bases break every site at once, so deleting them
does as much as deleting sites, and a relevance that is right need not beat them there."""


def faithfulness(predictor, dataset, *, seed=0, bases=BASES, bootstrap=1000, progress=None) -> Check:
    """Delete and insert bases of test records by relevance, mutagenesis, GC and chance.

    Parameters
    ----------
    predictor : Predictor
    dataset : Dataset
    seed : int
    bases : int
        bp that mutagenesis may run; sets the number of records, 8 to 64.
    bootstrap : int
        Resamples of the records.
    progress : callable, optional
        ``progress(done, total, note)`` after each record.

    Returns
    -------
    Check
        Passes if the areas of both curves are better than those of the same pattern moved elsewhere, and the rank
        correlation with mutagenesis is positive, with their whole intervals.
    """
    if not predictor.config.selects:
        return Check("faithfulness", QUESTION, NOT_TESTED, "The model has no relevance.")
    rng = np.random.default_rng([seed, 2])
    rows = _affordable(dataset, bases, rng)
    curves, correlations, effects = [], [], []
    for number, row in enumerate(rows):
        one = _one_record(predictor, dataset.sequence(int(row)), rng)
        curves.append(one[0]), correlations.append(one[1]), effects.append(one[2])
        if progress:
            progress(number + 1, len(rows), "deletion and mutagenesis")
    groups = units(dataset, rows)
    numbers = _numbers(curves, np.array(effects), bootstrap, seed, groups)
    numbers["rank_correlation"] = _means(correlations, bootstrap, seed, groups)
    numbers |= {"records": len(rows), "copies": COPIES}
    return Check("faithfulness", QUESTION, *_judged(numbers), numbers)


def _affordable(dataset, bases, rng):
    rows = dataset.indices("test")
    length = float(np.median(dataset.lengths[rows]))
    number = int(np.clip(bases // (3 * length**2), LEAST_RECORDS, MOST_RECORDS))
    return np.sort(rng.permutation(rows)[:number])


def _one_record(predictor, tokens, rng):
    """Return curves {ranking: (2, fractions)} in raw units, correlations with mutagenesis, and the whole effect."""
    tokens = np.array(tokens)
    found = next(iter(predictor.predict([tokens])))
    output = int(np.argmax(found.raw)) if predictor.task == "multiclass" else 0
    effects = mutagenesis(predictor.model, tokens, output)
    rankings = rankings_of(tokens, found, effects, predictor.config, output, rng)
    correlations = {name: _correlation(scores, effects) for name, scores in rankings.items() if name != "mutagenesis"}
    copies = np.array(dinucleotide_shuffles([tokens] * COPIES, rng))
    shuffled = raw_outputs(predictor.model, copies)[:, output].mean()
    whole = float(found.raw[output]) - shuffled
    curves = {}
    for name, scores in rankings.items():
        mixed = _mixed(tokens, copies, ranked(scores, rng))
        outputs = raw_outputs(predictor.model, mixed)[:, output].reshape(2, len(FRACTIONS) - 2, COPIES).mean(axis=2)
        ends = np.array([[whole, 0.0], [0.0, whole]])
        inner = outputs - shuffled
        curves[name] = np.sign(whole) * np.concatenate([ends[:, :1], inner, ends[:, 1:]], axis=1)
    return curves, correlations, abs(whole)


def _mixed(tokens, copies, order):
    """Lay out sequences whose first bases by rank are deleted, then those that keep only them; each for every copy."""
    rank = np.empty(len(order), int)
    rank[order] = np.arange(len(order))
    rows = []
    for keep in (False, True):
        for share in FRACTIONS[1:-1]:
            first = rank < round(share * len(tokens))
            rows += [np.where(first == keep, tokens, copy) for copy in copies]
    return np.array(rows)


def _correlation(scores, effects):
    if np.ptp(scores) == 0 or np.ptp(effects) == 0:
        return 0.0
    return float(spearmanr(scores, effects).statistic)


def _numbers(curves, effects, bootstrap, seed, groups):
    """Return mean curves in shares of the whole effect, and their areas with intervals."""
    names = list(curves[0])
    stacked = np.array([[one[name] for name in names] for one in curves])  # (n, rankings, 2, fractions)
    areas = np.trapezoid(stacked, FRACTIONS, axis=-1)  # (n, rankings, 2)
    columns = np.concatenate([areas.reshape(len(areas), -1), effects[:, None]], axis=1)
    judged, best, *controls = (names.index(name) for name in (JUDGED, "mutagenesis", CHANCE, *BESIDE))

    def statistic(sums):
        with np.errstate(invalid="ignore", divide="ignore"):
            shares = (sums[..., :-1] / sums[..., -1:]).reshape(*sums.shape[:-1], len(names), 2)
            towards = np.array([1.0, -1.0])  # a small area is good under deletion, a large one under insertion
            gains = [(shares[..., control, :] - shares[..., judged, :]) * towards for control in controls]
            best_gain = (shares[..., controls[0], :] - shares[..., best, :]) * towards
            of_best = gains[0].sum(-1) / best_gain.sum(-1)
        return np.concatenate([shares.reshape(*sums.shape[:-1], -1), *gains, of_best[..., None]], axis=-1)

    found = sums_intervals(columns, statistic, bootstrap, seed, groups, LEVEL)
    mean = stacked.sum(axis=0) / effects.sum() if effects.sum() > 0 else np.full(stacked.shape[1:], np.nan)
    return {
        "fractions": list(FRACTIONS),
        "deletion": {name: mean[i, 0] for i, name in enumerate(names)},
        "insertion": {name: mean[i, 1] for i, name in enumerate(names)},
        "deletion_area": {name: found[2 * i] for i, name in enumerate(names)},
        "insertion_area": {name: found[2 * i + 1] for i, name in enumerate(names)},
        "deletion_gain": found[2 * len(names)], "insertion_gain": found[2 * len(names) + 1],
        "share_of_mutagenesis": found[-1],
        "beside": {
            name: dict(zip(("deletion_gain", "insertion_gain"), found[at : at + 2], strict=True))
            for name, at in zip(BESIDE, range(2 * len(names) + 2, len(found) - 1, 2), strict=True)
        },
        "comprehensiveness": float(1 - mean[judged, 0, TENTH]), "sufficiency": float(mean[judged, 1, TENTH]),
    }  # fmt: skip


def _means(correlations, bootstrap, seed, groups):
    """Return the mean of each correlation over records, with its interval."""
    names = list(correlations[0])
    values = np.array([[one[name] for name in names] for one in correlations])
    drawn = [w @ values / w.sum(1, keepdims=True) for w in resampling_weights(len(values), bootstrap, seed, groups)]
    return {
        name: percentile_interval(float(values[:, i].mean()), [part[:, i] for part in drawn], LEVEL)
        for i, name in enumerate(names)
    }


def _beside(numbers):
    return ", ".join(f"{name} {between(gains['deletion_gain'])}" for name, gains in numbers["beside"].items())


def _judged(numbers):
    """Return verdict and reason."""
    gains = numbers["deletion_gain"], numbers["insertion_gain"]
    correlation, share = numbers["rank_correlation"][JUDGED], numbers["share_of_mutagenesis"]
    why = f"Deleting the tenth of highest relevance takes {numbers['comprehensiveness']:.0%} of the effect, keeping "
    why += f"only it leaves {numbers['sufficiency']:.0%}. Gain over the same pattern moved elsewhere, in area: "
    why += f"deletion {between(gains[0])}, insertion {between(gains[1])}, together {share.value:.0%} of "
    why += f"mutagenesis's own; rank correlation with mutagenesis {between(correlation)}. "
    why += f"Not judged, the gain of deletion over scattered bases: {_beside(numbers)}."
    if not np.isfinite(gains[0].value):
        return NOT_TESTED, "The model predicts the same of the sequences and of their shuffled copies."
    better = all(interval.low > 0 for interval in (*gains, correlation))
    return (PASS if better else FAIL), why

"""Two models held against each other: difference, retention, what both mean in words, and their tests."""

import numpy as np

from mlx_gsa.evaluation.bootstrap import positive_ratio
from mlx_gsa.evaluation.compare import MARGINS
from mlx_gsa.evaluation.cross_validation import average, p_at_most, p_of_zero
from mlx_gsa.evaluation.delong import delong_over_folds
from mlx_gsa.evaluation.nadeau_bengio import corrected_t_test

CHANCE = {"auroc": 0.5, "macro_auroc": 0.5}
"""Metrics that a model without any knowledge gets more than 0 of, whatever the data."""


def pairs_of(pool, reference) -> list[tuple[str, str]]:
    """Return whom to compare with whom: every model with the reference, every run variant with simple models and CNNs.

    No pair twice, and only where both have a fold in common.

    Parameters
    ----------
    pool : PooledFolds
    reference : str
    """
    cnns = [name for name, runs in pool.runs.items() if runs[0].is_cnn]
    wanted = [(name, reference) for name in pool.runs]
    wanted += [(name, other) for other in [*pool.simple, *cnns] for name in pool.runs]
    wanted += [(name, reference) for name in pool.simple]
    known, pairs = {*pool.runs, *pool.simple}, []
    for first, second in wanted:
        both = known.issuperset((first, second)) and first != second
        if both and (second, first) not in pairs and (first, second) not in pairs and _common(pool, first, second):
            pairs.append((first, second))
    return pairs


def _common(pool, first, second):
    return [n for n, fold in pool.folds.items() if first in fold.predictions and second in fold.predictions]


def compare_pair(pool, scored, first, second, metric, options) -> dict:
    """Compare two models over the folds that both have.

    Parameters
    ----------
    pool : PooledFolds
    scored : dict of str to dict of fold to Scored
        Both models', on the same resamples.
    first, second : str
    metric : str
        What was scored.
    options : Options

    Returns
    -------
    dict
        A row of ``comparisons``, see `comparison.compare_collection`; ``q`` is left for later.
    """
    folds, level = _common(pool, first, second), options.level
    mine, other = (average([scored[name][number] for number in folds]) for name in (first, second))
    difference, ratio = mine.less(other), mine.over(other)
    chance = CHANCE.get(metric)
    retention = ratio.interval(level) if np.isfinite(ratio.value) else None
    beside = difference.interval(level)
    return {
        "first": first,
        "second": second,
        "pairs": sum(min(len(pool.folds[number].predictions[name]) for name in (first, second)) for number in folds),
        "folds": [number for number in folds if number is not None],
        "means": [mine.value, other.value],
        "difference": beside,
        "p": p_of_zero(difference.draws),
        "q": None,
        "retention": retention,
        "retention_above_chance": None if chance is None else mine.over(other, chance).interval(level),
        "single_runs": _single_runs(pool, folds, scored, first, second),
        "p_inferior": {f"{margin:g}": p_at_most(ratio.draws, margin) for margin in MARGINS},
        "verdict": in_words(beside, retention, second in pool.simple),
        "delong": _delong(pool, folds, first, second, level),
        "nadeau_bengio": _nadeau_bengio(pool, folds, scored, first, second, level),
    }


def _single_runs(pool, folds, scored, first, second):
    """Return difference and retention of each seed and fold that both have: what the choice of a seed does."""
    rows = []
    for number in folds:
        values = [_by_seed(pool, name, number, scored[name][number].seeds) for name in (first, second)]
        any_seed = [each.get(None) for each in values]
        for seed in sorted({seed for each in values for seed in each if seed is not None}):
            mine, other = (each.get(seed, same) for each, same in zip(values, any_seed, strict=True))
            if mine is not None and other is not None:
                ratio = float(positive_ratio(mine, other))
                rows.append({"seed": seed, "fold": number, "difference": mine - other, "retention": ratio})
    return rows


def _by_seed(pool, name, number, values):
    """Return the metric by seed; a simple model has one for all seeds, under None."""
    return dict(zip(pool.seeds.get((name, number), [None]), values, strict=True))


def in_words(difference, retention, against_simple=False) -> str:
    """Say what a comparison found: non-inferiority to another run, or whether it beats a simple model.

    Parameters
    ----------
    difference : Interval
        First less second.
    retention : Interval or None
        First over second.
    against_simple : bool

    Returns
    -------
    str
        Against a simple model ``better``, ``worse`` or ``not distinguishable``, as the interval excludes zero or does
        not. Else ``not inferior at M`` with the largest margin that the interval of the retention lies above,
        ``inferior at M`` with the smallest it lies below, or ``undecided``; ``not defined`` without a retention.
    """
    if against_simple:
        return "better" if difference.low > 0 else "worse" if difference.high < 0 else "not distinguishable"
    if retention is None or not np.isfinite(retention.low):
        return "not defined"
    above = [margin for margin in sorted(MARGINS, reverse=True) if retention.low >= margin]
    below = [margin for margin in sorted(MARGINS) if retention.high < margin]
    return f"not inferior at {above[0]:g}" if above else f"inferior at {below[0]:g}" if below else "undecided"


def _delong(pool, folds, first, second, level):
    """Return DeLong's test where the task is one binary output and every fold has two records of each class."""
    if pool.task != "binary" or pool.outputs:
        return None
    parts = [(pool.folds[n], *(pool.folds[n].predictions[name] for name in (first, second))) for n in folds]
    for fold, *_ in parts:
        units = np.arange(len(fold.labels)) if fold.groups is None else fold.groups
        if min(len({*units[fold.labels == c].tolist()}) for c in (0, 1)) < 2:
            return None
    return delong_over_folds([(fold.labels, *models, fold.groups) for fold, *models in parts], level)


def _nadeau_bengio(pool, folds, scored, first, second, level):
    """Return the corrected t-test, where there are folds."""
    differences = [scored[first][number].value - scored[second][number].value for number in folds]
    if len(folds) < 2 or not np.isfinite(differences).all():
        return None
    sizes = ([counts[number] for number in folds] for counts in (pool.n_train, pool.n_test))
    return corrected_t_test(differences, *sizes, level)

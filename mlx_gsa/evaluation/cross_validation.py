"""Models over folds and seeds: means, differences and retention, with paired resamples of the test records.

The one way of pooling. Within a fold every run of every model is scored on the same resamples of its test records
(whole groups, where records are related); several seeds of a model are averaged; folds, whose test records are
disjoint, are resampled apart and averaged.

What the intervals cover: the choice of test records, given these trained models. What they do not: the choice of
training records. Folds share those, so their results are no independent sample, and no unbiased estimate of that
variance exists (Bengio & Grandvalet 2004, JMLR 5, 1089-1105); `nadeau_bengio` corrects for it roughly. Nor do they
cover seeds that were not run: the values of the single seeds show what those add.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from mlx_gsa.errors import GsaError
from mlx_gsa.evaluation.bootstrap import (
    Interval,
    percentile_interval,
    positive_ratio,
    resampling_weights,
    score_resamples,
)
from mlx_gsa.evaluation.prediction import Metric


class Fold(NamedTuple):
    """What was predicted for the test records of one fold.

    Attributes
    ----------
    labels : np.ndarray, shape (n,), or (n, n_outputs) for metrics of several outputs
    predictions : dict of str to np.ndarray, each shape (n,) or (n, C), or to a list of such, one per seed
        By the name of the model; all of these same records.
    groups : np.ndarray, shape (n,), or None
        Resampled as a whole.
    number : int or None
        Of the fold; which resamples it gets. Otherwise its place among the folds.
    """

    labels: np.ndarray
    predictions: dict
    groups: np.ndarray | None = None
    number: int | None = None


class Scored(NamedTuple):
    """A metric of one model, the mean over its seeds or also over folds.

    Attributes
    ----------
    value : float
        On the test records.
    draws : np.ndarray, shape (n_resamples,)
        On each resample of them; nan where not defined.
    seeds : list of float
        Of each seed's run; empty once folds are averaged.
    """

    value: float
    draws: np.ndarray
    seeds: list

    def interval(self, level=0.95) -> Interval:
        """Give the value with its percentile interval."""
        return percentile_interval(self.value, [self.draws], level)

    def less(self, other) -> "Scored":
        """Subtract another model's, resample by resample."""
        return Scored(self.value - other.value, self.draws - other.draws, [])

    def over(self, other, chance=0.0) -> "Scored":
        """Divide by another model's, resample by resample; nan where that is not above `chance`.

        With ``chance=0.5`` the share of an AUROC's rise above chance. The plain ratio of two AUROCs flatters: a model
        that knows nothing keeps 0.5.
        """
        value = float(positive_ratio(self.value - chance, other.value - chance))
        return Scored(value, positive_ratio(self.draws - chance, other.draws - chance), [])


def score_fold(metrics: Mapping[str, Metric], fold: Fold, names: Iterable[str], n=1000, seed=0) -> dict:
    """Score models on one fold, all on the same resamples.

    Parameters
    ----------
    metrics : mapping of str to callable
    fold : Fold
    names : iterable of str
        The models.
    n, seed
        As for `bootstrap_interval`; the fold's number is added to the seed.

    Returns
    -------
    dict of str to dict of str to Scored
        Model -> metric.
    """
    runs = {name: fold.predictions[name] for name in names}
    runs = {name: each if isinstance(each, list | tuple) else [each] for name, each in runs.items()}
    drawn = {(name, metric): [] for name in runs for metric in metrics}
    for weights in resampling_weights(len(fold.labels), n, [seed, fold.number or 0], fold.groups):
        for name, metric in drawn:
            scores = [score_resamples(metrics[metric], fold.labels, one, weights) for one in runs[name]]
            drawn[name, metric].append(np.mean(scores, axis=0))
    found = {name: {} for name in runs}
    for (name, metric), chunks in drawn.items():
        seeds = [float(metrics[metric](fold.labels, one)) for one in runs[name]]
        found[name][metric] = Scored(float(np.mean(seeds)), np.concatenate([np.empty(0), *chunks]), seeds)
    return found


def average(scored: Sequence[Scored]) -> Scored:
    """Average one model's metric over folds; resamples of different folds are independent.

    Raises
    ------
    GsaError
        There is no fold.
    """
    if not len(scored):
        raise GsaError("No fold to average over")
    return Scored(float(np.mean([s.value for s in scored])), np.mean([s.draws for s in scored], axis=0), [])


def p_at_most(draws, margin) -> float:
    """Return the one-sided p of "this is at most the margin": small means not inferior at that margin.

    Parameters
    ----------
    draws : np.ndarray, shape (n_resamples,)
        Of a retention; one that is not defined counts against the model.
    margin : float

    Source: Efron & Tibshirani 1993, chapter 16 (bootstrap test by inverting the percentile interval); the share of
    resamples at or below the margin, with one added above and below, as in Davison & Hinkley 1997, eq. 4.11.
    """
    return float((1 + np.sum(~(draws > margin))) / (1 + len(draws)))


def p_of_zero(draws) -> float:
    """Return the two-sided p of "there is no difference"; nan without resamples that are defined.

    Twice the smaller share of resamples on either side of zero, by the formula of `p_at_most`; at least 2/(n + 1).
    """
    defined = draws[np.isfinite(draws)]
    if not len(defined):
        return np.nan
    tails = (1 + min(np.sum(defined <= 0), np.sum(defined >= 0))) / (1 + len(defined))
    return float(min(1.0, 2 * tails))


def mean_over_folds(metric: Metric, folds: Sequence[Fold], name: str, **options) -> Interval:
    """Average one model's metric over folds and seeds.

    Parameters
    ----------
    metric : callable
        One of `evaluation.prediction.METRICS`.
    folds : sequence of Fold
    name : str
        The model.
    **options
        ``n``, ``seed`` and ``level``, as for `bootstrap_interval`.

    Returns
    -------
    Interval
        Resampled within each fold; for what it covers see the module.

    Raises
    ------
    GsaError
        There is no fold.
    """
    scored, level = _pooled(metric, folds, [name], **options)
    return scored[0].interval(level)


def mean_difference_over_folds(metric: Metric, folds: Sequence[Fold], first: str, second: str, **options) -> Interval:
    """Average over folds by how much one model's metric is above another's; parameters as for `mean_over_folds`."""
    scored, level = _pooled(metric, folds, [first, second], **options)
    return scored[0].less(scored[1]).interval(level)


def retention_over_folds(metric: Metric, folds: Sequence[Fold], sparse: str, full: str, **options) -> Interval:
    """Divide one model's mean over folds by another's; parameters as for `mean_over_folds`."""
    scored, level = _pooled(metric, folds, [sparse, full], **options)
    return scored[0].over(scored[1]).interval(level)


def _pooled(metric, folds, names, n=1000, seed=0, level=0.95):
    names = list(names)
    numbered = [f if f.number is not None else f._replace(number=i) for i, f in enumerate(folds)]
    each = [score_fold({"it": metric}, fold, names, n, seed) for fold in numbered]
    return [average([found[name]["it"] for found in each]) for name in names], level

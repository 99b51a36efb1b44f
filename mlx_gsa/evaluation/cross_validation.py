"""One figure for a cross-validation: the mean of a metric over folds, with an interval over test records."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from mlx_gsa.errors import GsaError
from mlx_gsa.evaluation.bootstrap import Interval, percentile_interval, resampling_weights, score_resamples
from mlx_gsa.evaluation.prediction import Metric


class Fold(NamedTuple):
    """What was predicted for the test records of one fold.

    Attributes
    ----------
    labels : np.ndarray, shape (n,)
    predictions : dict of str to np.ndarray, each shape (n,) or (n, C)
        By the name of the model; all of these same records.
    groups : np.ndarray, shape (n,), or None
        Resampled as a whole.
    """

    labels: np.ndarray
    predictions: dict
    groups: np.ndarray | None = None


def mean_over_folds(metric: Metric, folds: Sequence[Fold], name: str, **options) -> Interval:
    """Average one model's metric over folds.

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
        Resampled within each fold. It covers the choice of test records, not that of training records: folds share
        those, so their spread is no independent sample (Bengio and Grandvalet 2004).

    Raises
    ------
    GsaError
        There is no fold.
    """
    return _combined(metric, folds, [name], lambda scores: scores[0], **options)


def mean_difference_over_folds(metric: Metric, folds: Sequence[Fold], first: str, second: str, **options) -> Interval:
    """Average over folds by how much one model's metric is above another's; parameters as for `mean_over_folds`."""
    return _combined(metric, folds, [first, second], lambda scores: scores[0] - scores[1], **options)


def retention_over_folds(metric: Metric, folds: Sequence[Fold], sparse: str, full: str, **options) -> Interval:
    """Divide one model's mean over folds by another's; parameters as for `mean_over_folds`."""

    def ratio(scores):
        return np.divide(scores[0], scores[1], out=np.full_like(scores[0], np.nan), where=scores[1] > 0)

    return _combined(metric, folds, [sparse, full], ratio, **options)


def _combined(metric, folds, names, combine: Callable, n=1000, seed=0, level=0.95):
    if not len(folds):
        raise GsaError("No fold to average over")
    value = np.array([[float(metric(f.labels, f.predictions[name])) for name in names] for f in folds]).mean(axis=0)
    drawn = np.mean([_scores(metric, fold, names, n, [seed, i]) for i, fold in enumerate(folds)], axis=0)
    return percentile_interval(float(combine(value[:, None])[0]), [combine(drawn)], level)


def _scores(metric, fold, names, n, seed):
    """Score resamples of one fold, all models on the same ones; shape (models, n)."""
    chunks = [
        [score_resamples(metric, fold.labels, fold.predictions[name], weights) for name in names]
        for weights in resampling_weights(len(fold.labels), n, seed, fold.groups)
    ]
    return np.concatenate([np.empty((len(names), 0)), *(np.asarray(chunk, float) for chunk in chunks)], axis=1)

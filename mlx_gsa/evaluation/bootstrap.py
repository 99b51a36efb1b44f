"""Percentile bootstrap intervals: one value for the data, a range for the population it was drawn from."""

import inspect
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

import numpy as np

from mlx_gsa.errors import GsaError
from mlx_gsa.evaluation.prediction import Metric

CHUNK_VALUES = 2_000_000
"""Weights held at once (16 MB): bounds memory whatever the number of records or resamples."""


class Interval(NamedTuple):
    """A value on the data and its bootstrap interval; nan bounds where the value is not defined."""

    value: float
    low: float
    high: float

    def to_dict(self) -> dict[str, float]:
        """Give the three numbers by name."""
        return self._asdict()


def bootstrap_interval(
    metric: Metric, labels, predictions, n=1000, seed=0, groups=None, level=0.95
) -> Interval:
    """Compute a metric and its percentile interval over resampled records.

    Parameters
    ----------
    metric : callable
        ``metric(labels, predictions)``; with a parameter ``weights`` (all of `evaluation.prediction`) the
        resamples are scored as arrays, else one at a time.
    labels : array_like, shape (n_records,)
    predictions : array_like, shape (n_records,) or (n_records, C)
    n : int
        Resamples; 0 gives the value alone, with nan bounds.
    seed : int
    groups : array_like, shape (n_records,), optional
        Resample whole groups (chromosomes, loci), for records that are not independent within one.
    level : float
        Coverage in (0, 1).

    Returns
    -------
    Interval
        Resamples on which the metric is not defined (one class only) are left out; if they are more than
        half, the bounds are nan.

    Raises
    ------
    GsaError
        Fewer than two groups, a level outside (0, 1), or input that the metric refuses.

    Source: Efron & Tibshirani 1993, chapter 13 (percentile interval).
    """
    return bootstrap_intervals({"it": metric}, labels, predictions, n, seed, groups, level)["it"]


def bootstrap_intervals(
    metrics: Mapping[str, Metric], labels, predictions, n=1000, seed=0, groups=None, level=0.95
) -> dict[str, Interval]:
    """Compute several metrics on the same resamples; parameters as for `bootstrap_interval`."""
    labels, predictions = np.asarray(labels), np.asarray(predictions)
    replicates = {name: [] for name in metrics}
    for weights in resampling_weights(len(labels), n, seed, groups):
        for name, metric in metrics.items():
            replicates[name].append(score_resamples(metric, labels, predictions, weights))
    return {
        name: percentile_interval(metric(labels, predictions), replicates[name], level)
        for name, metric in metrics.items()
    }


def paired_ratio_interval(
    metric: Metric, labels, numerator, denominator, n=1000, seed=0, groups=None, level=0.95
) -> Interval:
    """Compute the ratio of one metric on two sets of predictions, both scored on the same resamples.

    The retention of a sparse model is this ratio, sparse over full; it is not inferior at a margin of 5 % if
    the lower bound is at least 0.95.

    Parameters
    ----------
    numerator, denominator : array_like, shape (n_records,) or (n_records, C)
        Predictions of the model under test and of the model it is held against, for the same records.
    metric, labels, n, seed, groups, level
        As for `bootstrap_interval`.

    Returns
    -------
    Interval
        nan where the denominator's metric is not positive: a share of nothing says nothing.

    Raises
    ------
    GsaError
        As for `bootstrap_interval`.
    """
    labels, numerator, denominator = (np.asarray(part) for part in (labels, numerator, denominator))
    replicates = [
        positive_ratio(
            score_resamples(metric, labels, numerator, weights),
            score_resamples(metric, labels, denominator, weights),
        )
        for weights in resampling_weights(len(labels), n, seed, groups)
    ]
    value = positive_ratio(metric(labels, numerator), metric(labels, denominator))
    return percentile_interval(float(value), replicates, level)


def paired_difference_intervals(
    metrics: Mapping[str, Metric], labels, first, second, n=1000, seed=0, groups=None, level=0.95
) -> dict[str, Interval]:
    """Compute by how much each metric is larger on one set of predictions than on another, record by record paired.

    Parameters
    ----------
    metrics : mapping of str to callable
    first, second : array_like, shape (n_records,) or (n_records, C)
        Predictions for the same records.
    labels, n, seed, groups, level
        As for `bootstrap_interval`.

    Returns
    -------
    dict of str to Interval
        ``metric(first) - metric(second)``; an interval without zero means that the two differ.

    Raises
    ------
    GsaError
        As for `bootstrap_interval`.
    """
    labels, first, second = (np.asarray(part) for part in (labels, first, second))
    replicates = {name: [] for name in metrics}
    for weights in resampling_weights(len(labels), n, seed, groups):
        for name, metric in metrics.items():
            scores = [score_resamples(metric, labels, part, weights) for part in (first, second)]
            replicates[name].append(scores[0] - scores[1])
    return {
        name: percentile_interval(metric(labels, first) - metric(labels, second), replicates[name], level)
        for name, metric in metrics.items()
    }


def sums_intervals(
    columns, statistic: Callable[[np.ndarray], np.ndarray], n=1000, seed=0, groups=None, level=0.95
) -> list[Interval]:
    """Compute intervals of statistics that depend on the data only through sums over sequences.

    Rates, differences of rates and ratios of counts are all of this kind, so a resample is one row of a
    matrix product.

    Parameters
    ----------
    columns : array_like, shape (n_sequences, m)
        What each sequence adds to each of m sums.
    statistic : callable
        Maps sums of shape (..., m) to s statistics of shape (..., s); nan where not defined.
    n, seed, groups, level
        As for `bootstrap_interval`, over sequences.

    Returns
    -------
    list of Interval, length s

    Raises
    ------
    GsaError
        As for `bootstrap_interval`.
    """
    columns = np.asarray(columns, float)
    value = np.asarray(statistic(columns.sum(0)))
    replicates = [
        statistic(weights @ columns) for weights in resampling_weights(len(columns), n, seed, groups)
    ]
    stacked = np.concatenate(replicates) if replicates else np.empty((0, len(value)))
    return [percentile_interval(float(value[j]), [stacked[:, j]], level) for j in range(len(value))]


def resampling_weights(n_records, n_resamples, seed=0, groups=None) -> Iterator[np.ndarray]:
    """Draw bootstrap resamples as counts, in chunks of bounded memory.

    Parameters
    ----------
    n_records, n_resamples, seed : int
    groups : array_like, shape (n_records,), optional
        Draw whole groups with replacement instead of records.

    Yields
    ------
    np.ndarray, shape (b, n_records), float64
        How often each record occurs in each of b resamples.

    Raises
    ------
    GsaError
        Fewer than two groups, or groups that do not line up with the records.
    """
    member, n_units = _units(n_records, groups)
    rng = np.random.default_rng(seed)
    rows = max(1, CHUNK_VALUES // max(n_records, 1))
    for done in range(0, n_resamples, rows):
        b = min(rows, n_resamples - done)
        drawn = rng.integers(n_units, size=(b, n_units)) + n_units * np.arange(b)[:, None]
        counts = np.bincount(drawn.ravel(), minlength=b * n_units).reshape(b, n_units).astype(float)
        yield counts if member is None else counts[:, member]


def _units(n_records, groups):
    if groups is None:
        return None, n_records
    names, member = np.unique(np.asarray(groups), return_inverse=True)
    if len(member) != n_records or len(names) < 2:
        raise GsaError(
            "Groups cannot be resampled",
            expected=f"{n_records} records in at least two groups",
            found=f"{len(member)} records in {len(names)}",
            mend="Resample records instead of groups.",
        )
    return member.ravel(), len(names)


def score_resamples(metric: Metric, labels, predictions, weights) -> np.ndarray:
    """Score each resample, as arrays where the metric can.

    Parameters
    ----------
    metric, labels, predictions
        As for `bootstrap_interval`.
    weights : np.ndarray, shape (b, n_records)
        As `resampling_weights` yields them.

    Returns
    -------
    np.ndarray, shape (b,)
    """
    if "weights" in inspect.signature(metric).parameters:
        return np.asarray(metric(labels, predictions, weights=weights))
    picks = (np.repeat(np.arange(len(labels)), row.astype(int)) for row in weights)
    return np.array([metric(labels[pick], predictions[pick]) for pick in picks], float)


def percentile_interval(value, replicates, level=0.95) -> Interval:
    """Put a value and the quantiles of its bootstrap replicates together.

    Parameters
    ----------
    value : float
        On the data themselves.
    replicates : list of np.ndarray
        The same on resamples, in chunks; nan where not defined.
    level : float
        Coverage in (0, 1).

    Returns
    -------
    Interval
        nan bounds if the value or more than half of the replicates are not defined.

    Raises
    ------
    GsaError
        A level outside (0, 1).
    """
    if not 0 < level < 1:
        raise GsaError(
            "The level of an interval is out of range", expected="between 0 and 1", found=f"{level:g}"
        )
    drawn = np.concatenate(replicates) if len(replicates) else np.empty(0)
    defined = drawn[np.isfinite(drawn)]
    if not np.isfinite(value) or len(defined) == 0 or 2 * len(defined) < len(drawn):
        return Interval(float(value), np.nan, np.nan)
    low, high = np.quantile(defined, [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(value), float(low), float(high))


def positive_ratio(numerator, denominator) -> np.ndarray:
    """Divide element by element; nan where the denominator is not positive, as a share of nothing says nothing."""
    numerator, denominator = np.asarray(numerator, float), np.asarray(denominator, float)
    return np.divide(numerator, denominator, out=np.full(numerator.shape, np.nan), where=denominator > 0)

"""Metrics of several outputs: each on the records that have its label, and their mean on the same resamples."""

import numpy as np

from mlx_gsa.evaluation.bootstrap import bootstrap_intervals
from mlx_gsa.evaluation.prediction import METRICS


def metrics_of(task, outputs=None):
    """Return the metrics of a task by name; of several outputs each is the mean over them.

    Parameters
    ----------
    task : str
    outputs : list of str, optional
        Names of several outputs; labels and predictions then have shape (n, n_outputs).

    Returns
    -------
    dict of str to callable
    """
    return {name: mean_over_outputs(metric) for name, metric in METRICS[task].items()} if outputs else METRICS[task]


def mean_over_outputs(metric):
    """Make a metric of one output that of several: the plain mean, nan where it is not defined for one of them.

    Parameters
    ----------
    metric : callable
        With a parameter ``weights``, as all of `evaluation.prediction`.

    Returns
    -------
    callable
        ``(labels (n, n_outputs), predictions (n, n_outputs), weights=None)``; a label that is nan is left out.
    """

    def mean(labels, predictions, weights=None):
        shape = () if weights is None else np.shape(weights)[:-1]
        scores = []
        for label, prediction, rows in measured(labels, predictions):
            chosen = None if weights is None else np.asarray(weights)[..., rows]
            with np.errstate(invalid="ignore"):  # a resample may hold no record with this label
                score = metric(label, prediction, weights=chosen) if len(label) else np.nan
            scores.append(np.broadcast_to(score, shape))
        found = np.mean(scores, axis=0)
        return float(found) if found.ndim == 0 else found

    return mean


def measured(labels, predictions):
    """Yield of each output the labels that were measured, the predictions for them, and which records those are."""
    labels, predictions = np.asarray(labels, float), np.asarray(predictions, float)
    for label, prediction in zip(labels.T, predictions.T, strict=True):
        rows = np.flatnonzero(~np.isnan(label))
        yield label[rows], prediction[rows], rows


def intervals_by_output(task, outputs, labels, predictions, groups=None, **options):
    """Compute every metric of every output with its interval.

    Parameters
    ----------
    task : str
    outputs : list of str or None
    labels, predictions : np.ndarray, shape (n, n_outputs)
    groups : np.ndarray, shape (n,), optional
    options
        As for `bootstrap_intervals`.

    Returns
    -------
    dict of str to dict of str to Interval, or None
        Output -> metric -> interval; an output without a label in these records is left out. None without outputs.
    """
    if not outputs:
        return None
    found = {}
    for name, (label, prediction, rows) in zip(outputs, measured(labels, predictions), strict=True):
        if len(label):
            chosen = None if groups is None else groups[rows]
            found[name] = bootstrap_intervals(METRICS[task], label, prediction, groups=chosen, **options)
    return found

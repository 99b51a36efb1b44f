"""How well predictions match labels; optional resampling weights make a bootstrap one array call.

Shapes: n records, C classes, b resamples. A metric called with ``weights`` of shape (b, n) scores b resamples
at once; integer weights give exactly the metric of the records repeated that often. A metric that is not
defined on its input (one class only, constant labels, constant predictions) is nan, never a guess.
"""

from collections.abc import Callable

import numpy as np

from mlx_gsa.errors import DatasetError, GsaError, RunError

Metric = Callable[..., np.ndarray | float]


def pearson(labels, predictions, weights=None):
    """Measure linear correlation between labels and predictions.

    Parameters
    ----------
    labels, predictions : array_like, shape (n,)
    weights : array_like, shape (n,) or (b, n), optional
        How often each record counts.

    Returns
    -------
    float or np.ndarray, shape (b,)
        Pearson's r in [-1, 1]; nan if labels or predictions are constant.

    Raises
    ------
    DatasetError, RunError, GsaError
        Labels or predictions are not finite, or do not line up.
    """
    labels, predictions = _check_values(labels, predictions)
    return _plain(_correlation(labels, predictions, _check_weights(weights, len(labels))))


def spearman(labels, predictions, weights=None):
    """Measure rank correlation between labels and predictions; ties share their mean rank.

    Parameters, Returns and Raises as for `pearson`.
    """
    labels, predictions = _check_values(labels, predictions)
    weights = _check_weights(weights, len(labels))
    return _plain(_correlation(_ranks(labels, weights), _ranks(predictions, weights), weights))


def r2(labels, predictions, weights=None):
    """Measure the share of label variance explained, 1 - SSE / SST.

    Parameters and Raises as for `pearson`.

    Returns
    -------
    float or np.ndarray, shape (b,)
        At most 1, negative when worse than predicting the mean; nan if the labels are constant.
    """
    labels, predictions = _check_values(labels, predictions)
    weights = _check_weights(weights, len(labels))
    error = _mean((labels - predictions) ** 2, weights)
    return _plain(1.0 - error / _spread(labels, weights)[1])


def auroc(labels, predictions, weights=None):
    """Measure how often a positive outranks a negative; a tie counts one half.

    Parameters
    ----------
    labels : array_like, shape (n,)
        0 or 1.
    predictions : array_like, shape (n,)
        Any increasing score.
    weights : array_like, shape (n,) or (b, n), optional

    Returns
    -------
    float or np.ndarray, shape (b,)
        In [0, 1]; nan if only one class is present.

    Raises
    ------
    DatasetError, RunError, GsaError
        Labels are not 0/1, predictions are not finite, or they do not line up.
    """
    positive, negative = _tied_classes(labels, predictions, weights)
    below = np.cumsum(negative, axis=-1) - negative
    wins = np.sum(positive * (below + 0.5 * negative), axis=-1)
    return _plain(_ratio(wins, positive.sum(-1) * negative.sum(-1)))


def auprc(labels, predictions, weights=None):
    """Measure average precision: precision at each distinct score, weighted by the recall gained there.

    Parameters and Raises as for `auroc`.

    Returns
    -------
    float or np.ndarray, shape (b,)
        In (0, 1], prevalence by chance; nan if only one class is present.
    """
    positive, negative = (part[..., ::-1] for part in _tied_classes(labels, predictions, weights))
    true, false = np.cumsum(positive, axis=-1), np.cumsum(negative, axis=-1)
    # a tied block that a resample left empty gains no recall, so its undefined precision must not count
    precision = np.divide(true, true + false, out=np.zeros_like(true), where=true + false > 0)
    gained = np.sum(positive * precision, axis=-1)
    return _plain(_ratio(gained, np.where(false[..., -1] > 0, true[..., -1], 0.0)))


def accuracy(labels, predictions, weights=None):
    """Measure the share of records whose class is right.

    Parameters
    ----------
    labels : array_like, shape (n,)
        Class index; 0 or 1 for binary.
    predictions : array_like, shape (n,) or (n, C)
        Probability of class 1 (cut at 0.5, 0.5 itself is class 1) or of each class (the largest wins).
    weights : array_like, shape (n,) or (b, n), optional

    Returns
    -------
    float or np.ndarray, shape (b,)

    Raises
    ------
    DatasetError, RunError, GsaError
        Labels are not class indices, predictions are not finite, or they do not line up.
    """
    labels, called, _ = _check_classes(labels, predictions)
    return _plain(_mean(labels == called, _check_weights(weights, len(labels))))


def mcc(labels, predictions, weights=None):
    """Measure Matthews' correlation, for two classes or more.

    Parameters and Raises as for `accuracy`.

    Returns
    -------
    float or np.ndarray, shape (b,)
        In [-1, 1]; nan if only one class is present or only one is called.

    Source: Gorodkin 2004 (R_K); scikit-learn returns 0 where this returns nan.
    """
    labels, called, n_classes = _check_classes(labels, predictions)
    weights = _check_weights(weights, len(labels))
    truth, guess = np.eye(n_classes)[labels], np.eye(n_classes)[called]
    true_counts, called_counts, total = weights @ truth, weights @ guess, weights.sum(-1)
    covariance = total * (weights @ (labels == called)) - (true_counts * called_counts).sum(-1)
    spread = (total**2 - (true_counts**2).sum(-1)) * (total**2 - (called_counts**2).sum(-1))
    return _plain(_ratio(covariance, np.sqrt(spread)))


def macro_auroc(labels, predictions, weights=None):
    """Measure the unweighted mean of each class's one-against-rest AUROC.

    Parameters and Raises as for `accuracy`, with predictions of shape (n, C).

    Returns
    -------
    float or np.ndarray, shape (b,)
        Classes absent from the labels are left out of the mean; nan if fewer than two are present.
    """
    labels, _, n_classes = _check_classes(labels, predictions)
    predictions = np.asarray(predictions, float)
    if predictions.ndim != 2:
        raise GsaError(
            "Macro AUROC needs a probability for each class",
            expected="shape (n, C)",
            found=f"shape {predictions.shape}",
        )
    each = np.stack([auroc(labels == c, predictions[:, c], weights) for c in range(n_classes)])
    defined = np.isfinite(each)
    return _plain(_ratio(np.where(defined, each, 0.0).sum(0), defined.sum(0)))


METRICS: dict[str, dict[str, Metric]] = {
    "regression": {"pearson": pearson, "spearman": spearman, "r2": r2},
    "binary": {"auroc": auroc, "auprc": auprc, "accuracy": accuracy, "mcc": mcc},
    "multiclass": {"accuracy": accuracy, "mcc": mcc, "macro_auroc": macro_auroc},
}
"""The metrics of each task, the leading one first."""


def _check_values(labels, predictions):
    labels, predictions = np.asarray(labels, float), np.asarray(predictions, float)
    if labels.ndim != 1 or labels.size == 0 or predictions.shape[:1] != labels.shape or predictions.ndim > 2:
        raise GsaError(
            "Labels and predictions do not line up",
            expected="n labels and n predictions, n > 0",
            found=f"shapes {labels.shape} and {predictions.shape}",
        )
    if not np.isfinite(labels).all():
        raise DatasetError(
            "A label is not a finite number", found=f"{(~np.isfinite(labels)).sum()} such records"
        )
    if not np.isfinite(predictions).all():
        bad = (~np.isfinite(predictions)).reshape(len(labels), -1).any(1).sum()
        raise RunError(
            "A prediction is not a finite number",
            found=f"{bad} such records",
            mend="The model has diverged: train again with a lower learning rate.",
        )
    return labels, predictions


def _check_classes(labels, predictions):
    labels, predictions = _check_values(labels, predictions)
    n_classes = 2 if predictions.ndim == 1 else predictions.shape[1]
    index = labels.astype(int)
    if (index != labels).any() or index.min() < 0 or index.max() >= n_classes:
        raise DatasetError(
            "A label is not a class of the predictions",
            expected=f"whole numbers 0 to {n_classes - 1}",
            found=f"labels from {labels.min():g} to {labels.max():g}",
        )
    called = (predictions >= 0.5).astype(int) if predictions.ndim == 1 else predictions.argmax(1)
    return index, called, n_classes


def _check_weights(weights, n):
    weights = np.ones(n) if weights is None else np.asarray(weights, float)
    if weights.shape[-1:] != (n,):
        raise GsaError(
            "Weights do not line up with the records",
            expected=f"shape (..., {n})",
            found=f"shape {weights.shape}",
        )
    return weights


def _tied_classes(labels, predictions, weights):
    """Sum the weight of positives and of negatives at each distinct score, ascending: two (..., scores)."""
    labels, predictions = _check_values(labels, predictions)
    if not np.isin(labels, (0.0, 1.0)).all():
        raise DatasetError(
            "A binary label is neither 0 nor 1", found=f"labels from {labels.min():g} to {labels.max():g}"
        )
    weights = _check_weights(weights, len(labels))
    order, first = _tied_blocks(predictions)
    sorted_weights, sorted_labels = weights[..., order], labels[order]
    return tuple(
        np.add.reduceat(sorted_weights * part, first, axis=-1) for part in (sorted_labels, 1 - sorted_labels)
    )


def _tied_blocks(values):
    """Find the ascending order of values and where each block of equal values begins in it."""
    order = np.argsort(values, kind="stable")
    ordered = values[order]
    return order, np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])


def _ranks(values, weights):
    """Rank values by weighted midrank, shape of weights."""
    order, first = _tied_blocks(values)
    block_weight = np.add.reduceat(weights[..., order], first, axis=-1)
    midrank = np.cumsum(block_weight, axis=-1) - 0.5 * block_weight
    block_of = np.empty(len(values), int)
    block_of[order] = np.repeat(np.arange(len(first)), np.diff(np.r_[first, len(values)]))
    return midrank[..., block_of]


def _mean(values, weights):
    return np.sum(values * weights, axis=-1) / weights.sum(-1)


def _spread(values, weights):
    """Centre values and give their variance, nan where they are constant up to rounding."""
    centred = values - np.asarray(_mean(values, weights))[..., None]
    variance = _mean(centred**2, weights)
    smallest = (1e-13 * np.abs(values).max(-1)) ** 2
    return centred, np.where(variance > smallest, variance, np.nan)


def _correlation(x, y, weights):
    (x, x_variance), (y, y_variance) = _spread(x, weights), _spread(y, weights)
    return np.clip(_mean(x * y, weights) / np.sqrt(x_variance * y_variance), -1.0, 1.0)


def _ratio(numerator, denominator):
    """Divide, nan where the denominator is not positive."""
    numerator, denominator = np.asarray(numerator, float), np.asarray(denominator, float)
    return np.divide(numerator, denominator, out=np.full(numerator.shape, np.nan), where=denominator > 0)


def _plain(value):
    return float(value) if np.ndim(value) == 0 else value

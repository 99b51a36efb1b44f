"""The share of the labels' variance that predictions explain: one scale for every task, on which chance is zero.

A proper score, on purpose. Ranks and correlations turn the smallest difference of two nearly equal predictions into a
perfect result, and where a selection encodes the label, such differences are what is left of it.
"""

import numpy as np


def targets_of(task: str, labels, n_outputs: int) -> np.ndarray:
    """Return labels as numbers to be predicted: (n, n_outputs); of several classes 0/1 for each."""
    labels = np.asarray(labels, np.float64)
    if task == "multiclass":
        return np.eye(n_outputs)[labels.astype(int)]
    return labels.reshape(len(labels), -1)


def squared_errors(targets, predictions, scale) -> np.ndarray:
    """Return the squared error of each record, (n,), in units of each output's variance; unmeasured ones add nothing.

    Parameters
    ----------
    targets, predictions : np.ndarray, shape (n, n_outputs)
    scale : np.ndarray, shape (n_outputs,)
        Standard deviation of each output in the training split.
    """
    return np.nansum(((targets - predictions) / scale) ** 2, axis=1)


class Yardstick:
    """What the training split says of the labels: their mean, which is chance, and their spread.

    Parameters
    ----------
    dataset : Dataset
    n_outputs : int
        Numbers predicted per record.
    """

    def __init__(self, dataset, n_outputs: int):
        self.task, self.labels, self.n_outputs = dataset.task, dataset.labels, n_outputs
        targets = self.targets(dataset.indices("train"))
        self.mean, self.scale = np.nanmean(targets, axis=0), np.nanstd(targets, axis=0)
        self.scale[self.scale == 0] = 1.0

    def targets(self, rows) -> np.ndarray:
        """Return what is to be predicted of these records: (len(rows), n_outputs)."""
        return targets_of(self.task, self.labels[rows], self.n_outputs)

    def errors(self, rows, predictions) -> np.ndarray:
        """Return the squared error of each record (len(rows),)."""
        return squared_errors(self.targets(rows), predictions, self.scale)

    def chance(self, rows) -> np.ndarray:
        """Return the squared error that the mean of the training labels makes on each record (len(rows),)."""
        return self.errors(rows, self.mean)


def straightened(predictions, targets, steepest: float = np.inf):
    """Fit a straight line from predictions to targets, by output.

    Parameters
    ----------
    predictions, targets : np.ndarray, shape (n, n_outputs)
    steepest : float
        Limit of the slope, which is never below 0. At 1 differences can only shrink: a level is put right, and
        differences too small to explain anything stay so.

    Returns
    -------
    callable
        Puts further predictions of the same kind on the scale of the targets.
    """
    lines = []
    for prediction, target in zip(predictions.T, targets.T, strict=True):
        known = np.isfinite(target)
        x, y = prediction[known], target[known]
        covariance = ((x - x.mean()) * (y - y.mean())).mean()
        slope = np.clip(covariance / x.var(), 0.0, steepest) if x.var() > 0 else 0.0
        lines.append((slope, y.mean() - slope * x.mean()))
    slopes, shifts = np.array(lines).T
    return lambda values: values * slopes + shifts

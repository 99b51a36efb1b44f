"""What a record counts in training: its stated weight, and how many of its labels were measured."""

import numpy as np

from mlx_gsa.data.dataset import Dataset
from mlx_gsa.errors import DatasetError


def record_weights(dataset: Dataset, rows, use_weights: bool = True) -> np.ndarray | None:
    """Return the factor of each record in the loss.

    Parameters
    ----------
    dataset : Dataset
    rows : array of int
        Training records.
    use_weights : bool
        False: stated weights are left aside.

    Returns
    -------
    np.ndarray, shape (n,), float32, or None
        Stated weights times the share of the outputs that were measured, so that every label counts alike; mean 1 over
        the training records. A record without a weight (NaN, after a merge) counts as the mean of the others. None
        where all records count the same.

    Raises
    ------
    DatasetError
        A weight is negative or no number, or all training records have weight 0.
    """
    weights = dataset.weights if use_weights else None
    if weights is not None:
        weights = _checked(weights, dataset)
    if dataset.outputs:
        measured = (~np.isnan(dataset.labels)).mean(axis=1)
        if (measured < 1).any():
            weights = measured if weights is None else weights * measured
    if weights is None:
        return None
    mean = weights[rows].mean() if len(rows) else 0.0
    if not mean > 0:
        raise DatasetError("no training record has a weight above 0", where=str(dataset.path))
    return (weights / mean).astype(np.float32)


def _checked(weights, dataset):
    """Return stated weights with their gaps filled; raise if one cannot be a weight."""
    known = weights[~np.isnan(weights)]
    if not len(known) or not (np.isfinite(known) & (known >= 0)).all():
        raise DatasetError("a weight is negative or not a finite number", where=str(dataset.path))
    return np.where(np.isnan(weights), known.mean(), weights)

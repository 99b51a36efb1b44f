"""How much of the label the places of the kept positions tell, without any letter.

No verdict hangs on it: an honest selector of anchored sequences keeps the place where the TATA box stands if there is
one. But where it is near zero, nothing can be smuggled through simple choices of place.
"""

import numpy as np

from mlx_gsa.audit.explained import Yardstick

BINS = 20
_STRENGTH = 1e-2


def explained_by_places(dataset, known_rows, known_kept, rows, kept) -> float:
    """Fit a linear model on where positions are kept, and return the share of the variance that it explains elsewhere.

    Parameters
    ----------
    dataset : Dataset
    known_rows, known_kept
        Training records and the positions kept of each.
    rows, kept
        The records to be explained.

    Returns
    -------
    float
        At most 1; below zero where places mislead.
    """
    n_outputs = len(dataset.classes) if dataset.task == "multiclass" else len(dataset.outputs or ["label"])
    yardstick = Yardstick(dataset, n_outputs)
    known = occupancy(known_kept, dataset.lengths[known_rows])
    targets = yardstick.targets(known_rows)
    filled = np.where(np.isnan(targets), yardstick.mean, targets)
    mean, deviation = known.mean(axis=0), np.maximum(known.std(axis=0), 1e-6)
    scaled = (known - mean) / deviation
    gram = scaled.T @ scaled + _STRENGTH * len(scaled) * np.eye(scaled.shape[1])
    weights = np.linalg.solve(gram, scaled.T @ (filled - filled.mean(axis=0)))
    found = (occupancy(kept, dataset.lengths[rows]) - mean) / deviation @ weights + filled.mean(axis=0)
    return float(1 - yardstick.errors(rows, found).sum() / yardstick.chance(rows).sum())


def occupancy(kept, lengths) -> np.ndarray:
    """Return the share of the kept positions in each twentieth of the sequence: (n, 20)."""
    rows = [np.bincount(positions * BINS // length, minlength=BINS) for positions, length in zip(kept, lengths, strict=True)]
    counts = np.array(rows, np.float64)
    return counts / counts.sum(axis=1, keepdims=True)

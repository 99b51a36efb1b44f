"""How much of the label the places of the kept positions tell, without any letter.

No verdict hangs on it: an honest selector of anchored sequences keeps the place where the TATA box stands if there is
one. But where it is near zero, nothing can be smuggled through simple choices of place.
"""

import numpy as np

BINS = 20
_STRENGTH = 1e-2


def explained_by_places(dataset, yardstick, known, asked) -> float:
    """Fit a linear model on where positions are kept, and return the share of the variance that it explains elsewhere.

    Parameters
    ----------
    dataset : Dataset
    yardstick : Yardstick
    known, asked : (rows, kept)
        Training records, and those to be explained, each with the positions kept of every record.

    Returns
    -------
    float
        At most 1; below zero where places mislead.
    """
    (known_rows, known_kept), (rows, kept) = known, asked
    places = occupancy(known_kept, dataset.lengths[known_rows])
    targets = yardstick.targets(known_rows)
    filled = np.where(np.isnan(targets), yardstick.mean, targets)
    mean, deviation = places.mean(axis=0), np.maximum(places.std(axis=0), 1e-6)
    scaled = (places - mean) / deviation
    gram = scaled.T @ scaled + _STRENGTH * len(scaled) * np.eye(scaled.shape[1])
    weights = np.linalg.solve(gram, scaled.T @ (filled - filled.mean(axis=0)))
    found = (occupancy(kept, dataset.lengths[rows]) - mean) / deviation @ weights + filled.mean(axis=0)
    return float(1 - yardstick.errors(rows, found).sum() / yardstick.chance(rows).sum())


def occupancy(kept, lengths) -> np.ndarray:
    """Return the share of the kept positions in each twentieth of the sequence: (n, 20)."""
    pairs = zip(kept, lengths, strict=True)
    rows = [np.bincount(at.astype(np.int64) * BINS // length, minlength=BINS) for at, length in pairs]
    counts = np.array(rows, np.float64)
    return counts / counts.sum(axis=1, keepdims=True)

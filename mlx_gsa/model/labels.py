"""From raw outputs to labels: the scale on which a label is learned, and probabilities."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class LabelScale:
    """Mean and standard deviation of the training labels; a regression is learned in these units.

    Attributes
    ----------
    mean, deviation : float or tuple of float
        In label units; of several outputs one each.
    """

    mean: float | tuple[float, ...] = 0.0
    deviation: float | tuple[float, ...] = 1.0

    def __post_init__(self):
        for name in ("mean", "deviation"):  # a list is what a file gives back for a tuple
            value = getattr(self, name)
            if isinstance(value, list | tuple):
                object.__setattr__(self, name, tuple(float(part) for part in value))

    @classmethod
    def fit(cls, labels, task: str) -> "LabelScale":
        """Measure the training labels of a regression, (n,) or (n, n_outputs); other tasks keep their labels."""
        if task != "regression":
            return cls()
        if np.ndim(labels) == 2:
            mean, deviation = np.nanmean(labels, axis=0), np.nanstd(labels, axis=0)
            return cls(tuple(mean.tolist()), tuple((float(d) or 1.0) for d in deviation))
        return cls(float(np.mean(labels)), float(np.std(labels)) or 1.0)

    def learned(self, labels):
        """Turn label units into learned units."""
        return (np.asarray(labels, dtype=np.float32) - _like(self.mean)) / _like(self.deviation)

    def labels(self, learned):
        """Turn learned units into label units."""
        return np.asarray(learned) * _like(self.deviation) + _like(self.mean)


def _like(value):
    """Return one number as it is, several as an array of the type of the labels."""
    return np.asarray(value, dtype=np.float32) if isinstance(value, tuple) else value


def probabilities(task: str, raw: np.ndarray, scale: LabelScale) -> np.ndarray:
    """Turn raw outputs (..., n_outputs) into label units, a probability, or class probabilities."""
    if task == "regression":
        return scale.labels(raw)
    if task == "binary":
        return 1.0 / (1.0 + np.exp(-raw))
    shifted = np.exp(raw - raw.max(axis=-1, keepdims=True))
    return shifted / shifted.sum(axis=-1, keepdims=True)

"""From raw outputs to labels: the scale on which a label is learned, and probabilities."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class LabelScale:
    """Mean and standard deviation of the training labels; a regression is learned in these units.

    Attributes
    ----------
    mean, deviation : float
        In label units.
    """

    mean: float = 0.0
    deviation: float = 1.0

    @classmethod
    def fit(cls, labels, task: str) -> "LabelScale":
        """Measure the training labels of a regression; other tasks keep their labels as they are."""
        if task != "regression":
            return cls()
        return cls(float(np.mean(labels)), float(np.std(labels)) or 1.0)

    def learned(self, labels):
        """Turn label units into learned units."""
        return (np.asarray(labels, dtype=np.float32) - self.mean) / self.deviation

    def labels(self, learned):
        """Turn learned units into label units."""
        return np.asarray(learned) * self.deviation + self.mean


def probabilities(task: str, raw: np.ndarray, scale: LabelScale) -> np.ndarray:
    """Turn raw outputs (..., n_outputs) into label units, a probability, or class probabilities."""
    if task == "regression":
        return scale.labels(raw)
    if task == "binary":
        return 1.0 / (1.0 + np.exp(-raw))
    shifted = np.exp(raw - raw.max(axis=-1, keepdims=True))
    return shifted / shifted.sum(axis=-1, keepdims=True)

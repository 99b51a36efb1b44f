"""Averaged weights: what is judged and saved is the mean over the last steps, calmer than any one of them."""

import mlx.core as mx
import mlx.nn as nn
from mlx.utils import tree_map

from mlx_gsa.model.build import build_model


class WeightAverage:
    """An exponential moving average of the trained weights (Polyak and Juditsky 1992), kept beside the model.

    Early on it is the plain mean of the weights so far, so that the start is soon forgotten.

    Parameters
    ----------
    model : nn.Module
        Its weights now are the first of the mean.
    span : float
        Steps over which the average reaches back; below 1 it is off.
    """

    def __init__(self, model: nn.Module, span: float):
        self.span = span
        self.weights = tree_map(lambda x: x, model.trainable_parameters()) if span >= 1 else {}

    def update(self, model: nn.Module, step: int) -> None:
        """Take in the weights after step number `step` (from 0) of the training."""
        if not self.weights:
            return
        share = 1 / min(self.span, step + 2)
        moved = tree_map(lambda old, new: old + share * (new - old), self.weights, model.trainable_parameters())
        mx.eval(moved)
        self.weights = moved

    def model(self, model: nn.Module) -> nn.Module:
        """Return a model with the averaged weights; `model` itself where there is no average."""
        if not self.weights:
            return model
        averaged = build_model(model.config)
        averaged.update(model.parameters())
        averaged.update(self.weights)
        return averaged

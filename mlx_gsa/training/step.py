"""One training step: loss, gradient, clipping, update."""

import mlx.core as mx
import mlx.nn as nn
import mlx.optimizers as optim

from mlx_gsa.config import TrainingConfig
from mlx_gsa.model.organism import compiled
from mlx_gsa.training.losses import task_loss
from mlx_gsa.training.optimizer import clip_by_norm

_LEAST_WEIGHT = 1e-6  # a batch in which no record counts gives a loss of 0, not of 0 / 0


def build_step(model: nn.Module, optimizer: optim.Optimizer, task: str, config: TrainingConfig, widest: int):
    """Build the step for batches of one shape.

    Parameters
    ----------
    model, optimizer
        Updated in place by each call.
    task : str
    config : TrainingConfig
    widest : int
        K, positions kept of the longest sequence.

    Returns
    -------
    callable
        (tokens (B, L), lengths, counts, labels (B,) or (B, T), weights (B,), key)
        -> (loss, local loss, norm, norms by organ).
    """

    def weighted_loss(tokens, lengths, counts, labels, weights, key):
        output = model(tokens, lengths, counts, widest, key, config.dropout)
        total = mx.maximum(weights.sum(), _LEAST_WEIGHT)
        main = (task_loss(task, output.prediction, labels) * weights).sum() / total
        if output.local is None:  # a rival without a selector has no such objective
            return main, main, mx.array(0.0)
        local = (task_loss(task, output.local, labels) * weights).sum() / total
        return main + config.local_weight * local, main, local

    loss_and_gradient = nn.value_and_grad(model, weighted_loss)

    def step(*batch):
        (_, main, local), gradients = loss_and_gradient(*batch)
        gradients, norm, by_organ = clip_by_norm(gradients, config.clip_norm)
        optimizer.update(model, gradients)
        return main, local, norm, by_organ

    state = [model.state, optimizer.state]
    return compiled(step, state)

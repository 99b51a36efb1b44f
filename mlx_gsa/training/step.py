"""One training step: loss and gradient of each shard, their sum over all ranks, clipping, update."""

from copy import deepcopy

import mlx.core as mx
import mlx.nn as nn
import mlx.optimizers as optim

from mlx_gsa.config import TrainingConfig
from mlx_gsa.model.organism import compiled
from mlx_gsa.ranks import Ranks
from mlx_gsa.training.losses import task_loss
from mlx_gsa.training.optimizer import clip_by_norm
from mlx_gsa.training.shards import join, n_shards, on_lanes, shard_rows, shards_of, split

_LEAST_WEIGHT = 1e-6  # a batch in which no record counts gives a loss of 0, not of 0 / 0


def build_step(
    model: nn.Module,
    optimizer: optim.Optimizer,
    task: str,
    config: TrainingConfig,
    widest: int,
    ranks: Ranks | None = None,
    twins: list | None = None,
):
    """Build the step for batches of one shape.

    Parameters
    ----------
    model, optimizer
        Updated in place by each call.
    task : str
    config : TrainingConfig
    widest : int
        K, positions kept of the longest sequence.
    ranks : Ranks, optional
        The processes that share the shards of a step; by default this one has all of them.
    twins : list of nn.Module, optional
        Of `twins_of`, where several steps share them.

    Returns
    -------
    callable
        (tokens (B, L), lengths, counts, labels (B,) or (B, T), weights (B,), key)
        -> (loss, local loss, norm, norms by organ), of the whole batch on every rank.

    Raises
    ------
    RankError
        If the shards cannot be shared out evenly.
    """
    return _Step(model, optimizer, task, config, widest, ranks or Ranks(), twins)


def twins_of(model: nn.Module, config: TrainingConfig, ranks: Ranks) -> list[nn.Module]:
    """Make a model for each shard of this rank: a gradient is taken by changing a model, in a thread of its own."""
    mine = shards_of(ranks.rank, ranks.size, n_shards(config))
    return [deepcopy(model) for _ in mine] if len(mine) > 1 else [model]


class _Step:
    def __init__(self, model, optimizer, task, config, widest, ranks, twins):
        self.model, self.optimizer, self.task, self.config, self.ranks = model, optimizer, task, config, ranks
        self.shards = n_shards(config)
        self.mine = shards_of(ranks.rank, ranks.size, self.shards)
        self.twins = twins or twins_of(model, config, ranks)
        self.gradients = [compiled(self._gradient(twin, widest), [twin.state]) for twin in self.twins]
        self.update = compiled(self._apply, [model.state, optimizer.state])

    def __call__(self, *batch):
        *arrays, weights, key = batch
        total, keys = mx.maximum(weights.sum(), _LEAST_WEIGHT), mx.random.split(key, self.shards)
        rows = shard_rows(len(weights), self.shards)
        parts = [
            (*(array[rows[number]] for array in (*arrays, weights)), total, keys[number]) for number in self.mine
        ]
        if len(self.mine) > 1:
            parameters = self.model.parameters()
            mx.eval(parameters)  # what is not computed yet belongs to this thread
            for twin in self.twins:
                twin.update(parameters)
        return self.update(self._whole(on_lanes(self.gradients, parts)))

    def _gradient(self, model, widest):
        """Make the function of one shard: its part of both losses and of their gradient, in one vector."""
        config = self.config

        def weighted_loss(tokens, lengths, counts, labels, weights, total, key):
            output = model(tokens, lengths, counts, widest, key, config.dropout)
            main = (task_loss(self.task, output.prediction, labels) * weights).sum() / total
            if output.local is None:  # a rival without a selector has no such objective
                return main, main, mx.array(0.0)
            local = (task_loss(self.task, output.local, labels) * weights).sum() / total
            return main + config.local_weight * local, main, local

        loss_and_gradient = nn.value_and_grad(model, weighted_loss)

        def shard(*part):
            (_, main, local), gradient = loss_and_gradient(*part)
            return mx.concatenate([mx.stack([main, local]), join(gradient)])

        return shard

    def _whole(self, sums):
        """Add up the shards of all ranks, in their order."""
        if self.ranks.size > 1:
            everyones = self.ranks.gather(mx.stack(sums))
            sums = list(everyones.reshape(self.shards, -1))
        whole = sums[0]
        for each in sums[1:]:
            whole = whole + each
        return whole

    def _apply(self, whole):
        gradients = split(whole[2:], self.model.trainable_parameters())
        gradients, norm, by_organ = clip_by_norm(gradients, self.config.clip_norm)
        self.optimizer.update(self.model, gradients)
        return whole[0], whole[1], norm, by_organ

"""Differential-rate optimizer: embeddings learn faster than the organs that read them."""

import mlx.core as mx
import mlx.optimizers as optim
from mlx.utils import tree_flatten, tree_map

from mlx_gsa.config import TrainingConfig
from mlx_gsa.errors import ConfigError
from mlx_gsa.training.shards import join, split

EMBEDDINGS = "embeddings"


class JoinedOptimizer(optim.MultiOptimizer):
    """One optimizer per group, over one vector per organ: the same numbers, and a third of the operations."""

    def init(self, parameters: dict) -> None:
        """Make the state of the parameters of a model."""
        super().init(_joined(parameters))

    def apply_gradients(self, gradients: dict, parameters: dict) -> dict:
        """Return the parameters that follow from gradients; both trees by organ."""
        parameters = tree_map(lambda _, value: value, gradients, parameters)
        moved = super().apply_gradients(_joined(gradients), _joined(parameters))
        return {organ: split(moved[organ], tree) for organ, tree in gradients.items() if tree_flatten(tree)}


def _joined(tree):
    return {organ: join(part) if tree_flatten(part) else {} for organ, part in tree.items()}


def warmup_cosine(rate: float, warmup_steps: int, total_steps: int, final_share: float):
    """Return a schedule step -> rate: linear warm-up, then a cosine down to `final_share` of `rate`."""

    def schedule(step):
        warm = mx.minimum(1.0, (step + 1) / max(warmup_steps, 1))
        after = mx.maximum(step, warmup_steps) - warmup_steps  # the step is unsigned: no difference below zero
        done = mx.minimum(1.0, after / max(total_steps - warmup_steps, 1))
        return rate * warm * (final_share + (1 - final_share) * 0.5 * (1 + mx.cos(mx.pi * done)))

    return schedule


def build_optimizer(config: TrainingConfig, parameters: dict, total_steps: int) -> JoinedOptimizer:
    """Build AdamW with one schedule per group: embeddings at `embedding_rate` times the base rate.

    Parameters
    ----------
    config : TrainingConfig
    parameters : dict
        Trainable parameters of the model; every group must match at least one, unless the embeddings are frozen.
    total_steps : int
        Steps of the whole training.

    Returns
    -------
    JoinedOptimizer

    Raises
    ------
    ConfigError
        If a group matches no parameter.
    """
    names = [name for name, _ in tree_flatten(parameters)]
    if not any(_is_embedding(name, None) for name in names) and not _frozen(parameters):
        raise ConfigError("optimizer group without a parameter", where=EMBEDDINGS, found=", ".join(names))
    warmup_steps = round(config.warmup * total_steps / config.epochs)

    def group(rate):
        schedule = warmup_cosine(rate, warmup_steps, total_steps, config.final_rate)
        return optim.AdamW(schedule, weight_decay=config.weight_decay, bias_correction=True)

    base = config.learning_rate
    return JoinedOptimizer([group(base * config.embedding_rate), group(base)], [_is_embedding])


def clip_by_norm(gradients: dict, limit: float) -> tuple[dict, mx.array, dict]:
    """Scale gradients down to a global norm of at most `limit`.

    Returns
    -------
    gradients : dict
        Scaled, same tree.
    total : mx.array
        Global norm before scaling.
    by_organ : dict of str to mx.array
        Norm of each organ before scaling.
    """
    squared = {name: _squared_norm(tree) for name, tree in gradients.items()}
    total = mx.sqrt(sum(squared.values(), mx.array(0.0)))
    factor = mx.minimum(1.0, limit / (total + 1e-12))
    return tree_map(lambda g: g * factor, gradients), total, {name: mx.sqrt(v) for name, v in squared.items()}


def _is_embedding(name, _):
    return name.split(".")[0] == EMBEDDINGS


def _frozen(parameters):
    """Whether there are embeddings of which nothing is learned."""
    return parameters.get(EMBEDDINGS) == {}


def _squared_norm(tree):
    return sum((mx.square(value).sum() for _, value in tree_flatten(tree)), mx.array(0.0))

"""What a training will cost, told before it begins: operations, memory, and time by a short calibration."""

import time
from collections import Counter
from copy import deepcopy
from typing import NamedTuple

import numpy as np

from mlx_gsa.evaluation.cost import count_flops, replaced

BACKWARD = 3  # a step costs about three forward passes: the gradient of a product is two products
TINY = 2e10  # operations of a training that is over before its calibration would be
CALIBRATION = 3.0  # seconds, at most about
_TRIAL = 2e9  # operations of a calibration step: well below a second on any machine


class TrainingCost(NamedTuple):
    """What is expected of a training."""

    steps: int  # of an epoch
    epochs: int
    flops_step: float  # of the mean step
    flops_epoch: float  # of the mean epoch, validation included
    flops: float
    memory_bytes: int | None  # of the largest batch; None where it is not known
    seconds: float | None  # of the whole training; None where nothing was timed


def training_flops(config, lengths, epochs: int = 1, batch_size: int = 32) -> float:
    """Count the operations of a training: forward and backward over every record and epoch.

    Parameters
    ----------
    config : ModelConfig
    lengths : sequence of int
        Of the training records, in bp; of many only every so manyth is counted, so they should be sorted.
    epochs, batch_size : int
    """
    sample = lengths[:: max(1, len(lengths) // 20)]
    each = np.mean([count_flops(config, int(length), batch_size=batch_size)["total"] for length in sample])
    return float(BACKWARD * each * len(lengths) * epochs)


def training_cost(trainer, calibrate: bool = True) -> TrainingCost:
    """Reckon what a training will cost.

    Parameters
    ----------
    trainer : Trainer
        As it is before the first step; nothing of it is changed.
    calibrate : bool
        Time a few steps on a copy of the model, for about three seconds at most, unless the training is tiny.

    Returns
    -------
    TrainingCost
    """
    config, settings = trainer.config.model, trainer.config.training
    epochs = [_epoch_flops(trainer, epoch) for epoch in range(settings.epochs)]
    total = sum(train + val for train, val in epochs)
    steps = len(_plan(trainer))
    seconds = total / measured_rate(trainer) if calibrate and total > TINY else None
    return TrainingCost(
        steps, settings.epochs, sum(train for train, _ in epochs) / max(steps * settings.epochs, 1),
        total / settings.epochs, total, _memory(trainer, config, settings.batch_size), seconds,
    )  # fmt: skip


def measured_rate(trainer, seconds: float = CALIBRATION) -> float:
    """Time training steps on a throwaway copy of a model; operations per second, the making of batches included.

    The copy starts from the same weights, and nothing is drawn from the random numbers that the training may draw from,
    so it trains to the same numbers with and without this.

    Parameters
    ----------
    trainer : Trainer
    seconds : float
        No step begins after this long.

    Returns
    -------
    float
    """
    padded = Counter(length for length, _ in _plan(trainer)).most_common(1)[0][0]
    config = trainer.bundle.model.config
    each = BACKWARD * count_flops(config, padded, batch_size=trainer.config.training.batch_size)["total"]
    rows = int(max(1, min(trainer.config.training.batch_size, _TRIAL // each)))
    step = _trial_step(trainer, padded, rows)
    begun = time.perf_counter()
    step()  # what is made on the first call is made once
    first, times = time.perf_counter() - begun, []
    while not times or (first + sum(times) < seconds and len(times) < 20):
        start = time.perf_counter()
        step()
        times.append(time.perf_counter() - start)
    return each * rows / float(np.median(times))


def _trial_step(trainer, padded, rows):
    """Build a step of a copy on records of one padded length; each call reads its batch anew."""
    import mlx.core as mx

    from mlx_gsa.data.batches import assemble
    from mlx_gsa.model.organism import forward_budget
    from mlx_gsa.training.optimizer import build_optimizer
    from mlx_gsa.training.step import build_step

    settings = trainer.config.training.model_copy(update={"batch_size": rows})
    original = trainer.bundle.model
    model = deepcopy(original)
    optimizer = build_optimizer(settings, model.trainable_parameters(), trainer.steps_per_epoch * settings.epochs)
    optimizer.init(model.trainable_parameters())
    members = next(members for length, members in _plan(trainer) if length == padded)[:rows]
    indices, generator = trainer.rows["train"][members], np.random.default_rng(0)
    key = mx.random.key(0)
    steps = {}

    def call():
        batch = assemble(trainer.dataset, indices, padded, rows, generator, reverse=settings.augment_reverse)
        counts, widest = forward_budget(original.config, batch.lengths, padded)
        if widest not in steps:
            steps[widest] = build_step(model, optimizer, trainer.dataset.task, settings, widest)
        inputs = (batch.tokens, batch.lengths, counts, trainer.labels[batch.indices], batch.weights)
        losses = steps[widest](*map(mx.array, inputs), key)
        mx.eval(losses, model.state, optimizer.state)

    return call


def _plan(trainer):
    from mlx_gsa.data.batches import plan_epoch

    return plan_epoch(trainer.lengths, trainer.buckets, trainer.config.training.batch_size, 0, 0)


def _epoch_flops(trainer, epoch):
    """Count the operations of an epoch at its share of positions kept: of its steps, and of its validation."""
    from mlx_gsa.training.setup import sparsity_at

    batch_size = trainer.config.training.batch_size
    config = replaced(trainer.bundle.model.config, sparsity=sparsity_at(epoch, trainer.config))
    counted = {}

    def forward(length):
        if length not in counted:
            counted[length] = count_flops(config, length, batch_size=batch_size)["total"]
        return counted[length]

    train = sum(batch_size * BACKWARD * forward(padded) for padded, _ in _plan(trainer))
    val = sum(forward(int(length)) for length in trainer.dataset.lengths[trainer.rows["val"]])
    return train, val


def _memory(trainer, config, batch_size):
    from mlx_gsa.model.memory import batch_bytes

    if not config.selects:
        return None
    return batch_bytes(trainer.bundle.model.config, batch_size, int(max(trainer.buckets)), training=True)

"""Where the time of a training step goes: every organ alone, on batches of the training itself.

Parts are timed on copies of the model and of the optimizer, so the numbers of the training stay what they are. Each is
evaluated on its own, on one core and with its forward pass again for the gradient, while a step has its shards side by
side and frees memory as it goes: the parts may well add up to more than the step.
"""

import resource
import sys
import tempfile
import time
from copy import deepcopy
from pathlib import Path
from statistics import median
from typing import NamedTuple

import mlx.core as mx
import numpy as np
from mlx.utils import tree_map

from mlx_gsa.data.batches import assemble, plan_epoch
from mlx_gsa.inference.predictor import Predictor
from mlx_gsa.model.selector import budget
from mlx_gsa.training.checkpoint import Checkpoint, save_checkpoint
from mlx_gsa.training.optimizer import build_optimizer, clip_by_norm
from mlx_gsa.training.organs import milliseconds, organ_times
from mlx_gsa.training.setup import sparsity_at
from mlx_gsa.training.step import build_step
from mlx_gsa.training.validation import validate
from mlx_gsa.training.widths import step_width

N_BATCHES = 6
_VALIDATED = 8  # batches of the validation that are timed


class Part(NamedTuple):
    """One part of a training; milliseconds, the median over batches."""

    name: str
    forward: float
    backward: float = 0.0

    @property
    def total(self) -> float:
        """Forward and backward together."""
        return self.forward + self.backward


class StepProfile(NamedTuple):
    """What a step is made of; times in ms, memory in bytes."""

    parts: list[Part]
    step: float  # the whole step with its batch, not split
    per_epoch: list[Part]  # what comes once an epoch
    steps_per_epoch: int
    batch: tuple[int, int, int]  # sequences, bp and kept positions of the last batch
    peak_memory: int  # of MLX in the whole steps
    peak_resident: int  # of the process since it started


def profile_training(trainer, n_batches: int = N_BATCHES) -> StepProfile:
    """Time the parts of a training step on the first batches of the training.

    Parameters
    ----------
    trainer : Trainer
        As it stands; neither its weights nor any random state move.
    n_batches : int
        Batches that are timed.

    Returns
    -------
    StepProfile
    """
    model, optimizer = _copies(trainer)
    batches = _batches(trainer, n_batches)
    times = [_part_times(trainer, model, optimizer, *batch) for batch in batches]
    mx.reset_peak_memory()
    step = median(_step_times(trainer, model, optimizer, batches))
    peak = mx.get_peak_memory()
    per_epoch = _per_epoch(trainer, model, optimizer)
    parts = [Part(name, *(median(one[name][i] for one in times) for i in range(2))) for name in times[0]]
    shape = (*batches[-1][1][0].shape, batches[-1][2])
    return StepProfile(parts, step, per_epoch, trainer.steps_per_epoch, shape, peak, _peak_resident())


def advise(profile: StepProfile) -> list[str]:
    """Say what would make this training faster, what helps most first.

    Returns
    -------
    list of str
        Sentences; empty where nothing known would help much.
    """
    whole = sum(part.total for part in profile.parts)
    once = sum(part.total for part in profile.per_epoch)

    def share(*names):
        return sum(part.total for part in profile.parts if part.name in names) / whole

    known = [
        (share("batch"), 0.1, "Batches are slow to read: keep the data set on a local disk."),
        (share("stem"), 0.35, "The stem costs by filter and by base: a lower model.n_channels."),
        (
            share("projections", "attention", "approximator"), 0.35,
            "Attention costs by the square of what is kept: a lower model.sparsity or model.max_selected, or "
            "model.neighbours.",
        ),
        (
            share("clipping", "optimizer"), 0.15,
            "Clipping and the optimizer cost the same for any batch: a larger training.batch_size.",
        ),
        (
            once / (once + profile.step * profile.steps_per_epoch), 0.3,
            "Validation and checkpoint are a large part of an epoch: fewer validation records.",
        ),
    ]  # fmt: skip
    return [text for part, least, text in sorted(known, reverse=True) if part >= least]


def _copies(trainer):
    model = deepcopy(trainer.bundle.model)
    total = trainer.steps_per_epoch * trainer.config.training.epochs
    optimizer = build_optimizer(trainer.config.training, model.trainable_parameters(), total)
    optimizer.init(model.trainable_parameters())
    return model, optimizer


def _batches(trainer, n_batches):
    """Assemble the first batches: ms it took, inputs of a step, K."""
    settings, made = trainer.config.training, []
    plan = plan_epoch(trainer.lengths, trainer.buckets, settings.batch_size, settings.seed, 0)[:n_batches]
    sparsity, most = sparsity_at(0, trainer.config), trainer.config.model.max_selected
    for number, (padded, members) in enumerate(plan):
        started = time.perf_counter()
        batch = assemble(
            trainer.dataset, trainer.rows["train"][members], padded, settings.batch_size,
            np.random.default_rng([settings.seed, 0, number]),
            reverse=settings.augment_reverse, shift=settings.augment_shift,
        )  # fmt: skip
        counts = budget(batch.lengths, sparsity, most)
        arrays = (batch.tokens, batch.lengths, counts, trainer.labels[batch.indices], batch.weights)
        inputs = (*map(mx.array, arrays), mx.random.key(number))
        mx.eval(inputs)
        spent = (time.perf_counter() - started) * 1e3
        made.append((spent, inputs, step_width(padded, sparsity, trainer.config)))
    return made


def _part_times(trainer, model, optimizer, spent, inputs, widest):
    """Time every part on one batch: {name: (forward, backward)}."""
    settings, parameters = trainer.config.training, model.trainable_parameters()
    times = {"batch": (spent, 0.0)} | organ_times(model, inputs[:3], widest, settings.dropout)
    gradients = tree_map(mx.ones_like, parameters)
    mx.eval(gradients)
    times["clipping"] = (milliseconds(lambda: clip_by_norm(gradients, settings.clip_norm)), 0.0)
    update = milliseconds(lambda: (optimizer.apply_gradients(gradients, parameters), optimizer.state))
    return times | {"optimizer": (update, 0.0)}


def _step_times(trainer, model, optimizer, batches):
    """Time whole steps, each with the ms of its batch; the first runs once more before, to warm up."""
    task, settings, times = trainer.dataset.task, trainer.config.training, []
    for spent, inputs, widest in [batches[0], *batches]:
        step = build_step(model, optimizer, task, settings, widest)
        whole = milliseconds(lambda step=step, inputs=inputs: (step(*inputs), model.state, optimizer.state))
        times.append(whole + spent)
    return times[1:]


def _per_epoch(trainer, model, optimizer):
    """Time validation, from its first batches, and a checkpoint in a folder of its own."""
    rows, size, parts = trainer.rows["val"], trainer.config.training.batch_size, []
    if len(rows):
        some = rows[: _VALIDATED * size]
        predictor = Predictor(trainer.bundle._replace(model=model))
        started = time.perf_counter()
        validate(predictor, trainer.dataset, some, size)
        parts.append(Part("validation", (time.perf_counter() - started) * 1e3 * len(rows) / len(some)))
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        save_checkpoint(Path(folder), Checkpoint(model.parameters(), optimizer.state, trainer.progress, {}))
        parts.append(Part("checkpoint", (time.perf_counter() - started) * 1e3))
    return parts


def _peak_resident():
    """Largest resident memory of this process so far, in bytes (getrusage: kB on Linux, bytes on macOS)."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)

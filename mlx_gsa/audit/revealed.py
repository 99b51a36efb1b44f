"""A fresh predictor of the label from whatever positions it is shown: the judge of what a selection carries.

It has the organs of the model that read letters (embeddings, stem, context), started afresh from the training split,
and sums them over the positions shown. It is trained on masks that say nothing of the label, so it cannot learn to
read *which* positions are shown, and what it predicts from a selection rests on the letters there alone.
"""

import mlx.core as mx
import mlx.nn as nn
import numpy as np

from mlx_gsa.audit.masks import MaskSource
from mlx_gsa.config import RunConfig
from mlx_gsa.data.batches import assemble, bucket_lengths, inference_length, pad_rows, plan_epoch
from mlx_gsa.model.labels import LabelScale, probabilities
from mlx_gsa.model.organism import SparseOrganism
from mlx_gsa.model.stem import SATURATION
from mlx_gsa.training.losses import task_loss
from mlx_gsa.training.optimizer import build_optimizer, clip_by_norm
from mlx_gsa.training.setup import new_bundle
from mlx_gsa.training.weighting import record_weights

HIDDEN = 32
BASES = 8_000_000  # bp seen in training: about 40 s on one core
LEAST_EPOCHS, MOST_EPOCHS = 2, 12


class RevealedPredictor(SparseOrganism):
    """Predicts from the features of the positions shown: their gated sum, through a line and a small network.

    Linear in the number of positions, so everything can be shown at the price of a selection; no attention.
    """

    def __init__(self, config):
        super().__init__(config)
        self.hidden = nn.Linear(config.n_features + 1, HIDDEN)
        self.last = nn.Linear(HIDDEN, config.n_outputs)
        self.last.weight, self.last.bias = mx.zeros_like(self.last.weight), mx.zeros_like(self.last.bias)
        for unused in (self.attention, self.approximator):
            unused.freeze()
        self.freeze(keys=["bias"], recurse=False)

    def from_shown(self, tokens, lengths, shown) -> mx.array:
        """Return raw outputs (B, n_outputs) of tokens (B, L), true lengths (B,), and what is shown, bool (B, L)."""
        features = self.features(tokens)
        opened = mx.sigmoid(self.gate["scale"] * self.selector(features) + self.gate["shift"]) * shown
        pooled = (opened[:, None] @ features)[:, 0] * (1 / SATURATION)
        share = shown.sum(axis=1) / lengths
        inputs = mx.concatenate([pooled, share[:, None]], axis=1)
        return self.readout(pooled) + self.last(nn.relu(self.hidden(inputs)))


class Judge:
    """A trained `RevealedPredictor` with what its outputs mean."""

    def __init__(self, model: RevealedPredictor, task: str, scale: LabelScale):
        self.model, self.task, self.scale = model, task, scale

    def predict(self, sequences, masks, batch_size: int = 64) -> np.ndarray:
        """Predict each sequence from the positions shown of it.

        Parameters
        ----------
        sequences : list of np.ndarray uint8 (L,)
        masks : list of np.ndarray of bool (L,)

        Returns
        -------
        np.ndarray, shape (n, n_outputs)
            In label units, or probabilities.
        """
        raw = np.zeros((len(sequences), self.model.config.n_outputs))
        order = np.argsort([len(s) for s in sequences], kind="stable")
        for first in range(0, len(order), batch_size):
            rows = order[first : first + batch_size]
            padded = inference_length(max(len(sequences[i]) for i in rows))
            tokens, lengths = pad_rows([sequences[i] for i in rows], padded)
            inputs = (tokens, lengths, shown_rows([masks[i] for i in rows], padded))
            raw[rows] = np.array(self.model.from_shown(*map(mx.array, inputs)))
        return probabilities(self.task, raw, self.scale)


def shown_rows(masks, padded: int) -> np.ndarray:
    """Lay masks in rows of `padded` positions: bool (B, L)."""
    shown = np.zeros((len(masks), padded), bool)
    for row, mask in zip(shown, masks, strict=True):
        row[: len(mask)] = mask
    return shown


def new_judge(config: RunConfig, dataset) -> Judge:
    """Build a judge as a run of this configuration would start: from the training split, with all positions read."""
    bundle, _ = new_bundle(config, dataset)
    model = RevealedPredictor(bundle.model.config)
    model.update(bundle.model.parameters())
    mx.eval(model.parameters())
    return Judge(model, bundle.task, bundle.scale)


def train_judge(config: RunConfig, dataset, masks: MaskSource, bases: int = BASES, progress=None) -> Judge:
    """Train a judge on the training split, each record with a new mask in every epoch.

    Parameters
    ----------
    config : RunConfig
        Of the run: its organs, rates and augmentation; the number of epochs follows from `bases`.
    dataset : Dataset
    masks : MaskSource
    bases : int
        How many bp to train on, all epochs together.
    progress : callable, optional
        ``progress(done, total, note)`` after each step.

    Returns
    -------
    Judge
    """
    settings, rows = config.training, dataset.indices("train")
    rows = affordable(dataset, rows, bases // LEAST_EPOCHS, [settings.seed, 11])
    lengths = dataset.lengths[rows]
    epochs = int(np.clip(bases // lengths.sum(), LEAST_EPOCHS, MOST_EPOCHS))
    settings = settings.model_copy(update={"epochs": epochs, "warmup": min(settings.warmup, 1.0)})
    judge = new_judge(config, dataset)
    buckets = bucket_lengths(lengths)
    plans = [plan_epoch(lengths, buckets, settings.batch_size, settings.seed, epoch) for epoch in range(epochs)]
    parameters = judge.model.trainable_parameters()
    total = sum(map(len, plans))
    optimizer = build_optimizer(settings, parameters, total)
    step = _build_step(judge, optimizer, settings)
    labels, counts = judge.scale.learned(dataset.labels), record_weights(dataset, rows, settings.use_weights)
    for number, (padded, members) in enumerate(batch for plan in plans for batch in plan):
        generator = np.random.default_rng([settings.seed, 7, number])
        batch = assemble(
            dataset, rows[members], padded, settings.batch_size, generator, reverse=settings.augment_reverse
        )
        shown = shown_rows([masks.draw(int(length), generator) for length in batch.lengths], padded)
        weights = batch.weights if counts is None else batch.weights * counts[batch.indices]
        step(*map(mx.array, (batch.tokens, batch.lengths, shown, labels[batch.indices], weights)))
        if progress:
            progress(number + 1, total, "fresh predictor")
    judge.model.eval()
    return judge


def _build_step(judge, optimizer, settings):
    def loss(tokens, lengths, shown, labels, weights):
        each = task_loss(judge.task, judge.model.from_shown(tokens, lengths, shown), labels)
        return (each * weights).sum() / mx.maximum(weights.sum(), 1e-6)

    loss_and_gradient = nn.value_and_grad(judge.model, loss)

    def step(*batch):
        _, gradients = loss_and_gradient(*batch)
        gradients, _, _ = clip_by_norm(gradients, settings.clip_norm)
        optimizer.update(judge.model, gradients)
        mx.eval(judge.model.state, optimizer.state)

    return step


def affordable(dataset, rows, bases: int, seed) -> np.ndarray:
    """Return as many of these records, drawn at random, as fit in a number of bp; at least one, ascending."""
    order = np.random.default_rng(seed).permutation(len(rows))
    total = np.cumsum(dataset.lengths[rows][order])
    return np.sort(rows[order[: max(1, int(np.searchsorted(total, bases, "right")))]])

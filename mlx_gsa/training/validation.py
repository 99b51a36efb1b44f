"""What is watched during training: the loss and one plain metric of the validation split."""

import mlx.core as mx
import numpy as np
from scipy.stats import rankdata

from mlx_gsa.data.dataset import Dataset
from mlx_gsa.inference.predictor import Predictor
from mlx_gsa.model.labels import LabelScale
from mlx_gsa.ranks import Ranks
from mlx_gsa.training.shards import shards_of

METRIC_NAMES = {"regression": "r", "binary": "AUROC", "multiclass": "accuracy"}


def validate(
    predictor: Predictor, dataset: Dataset, rows, batch_size: int, shards: int = 1, ranks: Ranks | None = None
) -> tuple[float, float, dict]:
    """Return (loss, metric, metric of each output) of a model on some records.

    Parameters
    ----------
    predictor : Predictor
    dataset : Dataset
    rows : array of int
        Records to predict.
    batch_size : int
    shards : int
        Parts in which they are predicted, a multiple of the number of ranks: batches are formed within a part.
    ranks : Ranks, optional
        The processes that share the parts; by default this one predicts all.

    Returns
    -------
    loss : float
        Mean squared error in learned units, or cross-entropy in nats.
    metric : float
        Pearson r, AUROC or accuracy; 0 where it is undefined. Of several outputs the mean.
    each : dict of str to float
        The metric by output; empty where there is one.
    """
    raw = _raw(predictor, dataset, rows, batch_size, shards, ranks or Ranks()).astype(np.float64)
    labels = dataset.labels[rows].astype(np.float64)
    if labels.ndim == 1:
        return _loss(predictor.task, raw, labels, predictor.scale), watched_metric(predictor.task, raw, labels), {}
    return _several(predictor, dataset.outputs, raw, labels)


def _raw(predictor, dataset, rows, batch_size, shards, ranks):
    """Predict the shards of this rank, and put together those of all: (n, n_outputs)."""
    longest = -(-len(rows) // shards)
    mine = shards_of(ranks.rank, ranks.size, shards)
    raw = np.zeros((len(mine), longest, predictor.config.n_outputs), np.float32)
    for place, number in enumerate(mine):
        sequences = (dataset.sequence(int(i)) for i in rows[number::shards])
        for row, prediction in enumerate(predictor.predict(sequences, batch_size)):
            raw[place, row] = prediction.raw
    everyones = np.array(ranks.gather(mx.array(raw))).reshape(shards, longest, -1)
    return everyones.swapaxes(0, 1).reshape(shards * longest, -1)[: len(rows)]


def _several(predictor, outputs, raw, labels):
    """Measure each output on the records that have it; the loss is a mean over labels, as in training."""
    measured = ~np.isnan(labels)
    learned = predictor.scale.learned(labels)
    total, each = 0.0, {}
    for number, name in enumerate(outputs):
        rows = measured[:, number]
        one, known = raw[rows, number : number + 1], labels[rows, number]
        if rows.any():
            total += rows.sum() * _loss(predictor.task, one, learned[rows, number], LabelScale())
        each[name] = watched_metric(predictor.task, one, known) if rows.any() else 0.0
    return total / max(measured.sum(), 1), float(np.mean(list(each.values()))), each


def watched_metric(task: str, raw: np.ndarray, labels: np.ndarray) -> float:
    """Compute Pearson r, AUROC (ties count one half) or accuracy of raw outputs (n, n_outputs)."""
    if task == "multiclass":
        return float((raw.argmax(axis=1) == labels).mean())
    if task == "binary":
        positive = labels > 0.5
        n_positive, n_negative = positive.sum(), (~positive).sum()
        if not n_positive or not n_negative:
            return 0.0
        above = rankdata(raw[:, 0])[positive].sum() - n_positive * (n_positive + 1) / 2
        return float(above / (n_positive * n_negative))
    if raw[:, 0].std() == 0 or labels.std() == 0:
        return 0.0
    return float(np.corrcoef(raw[:, 0], labels)[0, 1])


def _loss(task: str, raw: np.ndarray, labels: np.ndarray, scale: LabelScale) -> float:
    if task == "regression":
        return float(np.square(raw[:, 0] - scale.learned(labels)).mean())
    if task == "binary":
        return float((np.logaddexp(0, raw[:, 0]) - labels * raw[:, 0]).mean())
    log_total = np.logaddexp.reduce(raw, axis=1)
    return float((log_total - raw[np.arange(len(raw)), labels.astype(int)]).mean())

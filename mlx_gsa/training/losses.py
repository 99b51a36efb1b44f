"""Losses of the three tasks."""

import mlx.core as mx
import mlx.nn as nn


def task_loss(task: str, raw: mx.array, labels: mx.array) -> mx.array:
    """Return the loss of each record.

    Parameters
    ----------
    task : {"regression", "binary", "multiclass"}
    raw : mx.array (B, n_outputs)
        Output of the model before any squashing.
    labels : mx.array float32 (B,) or (B, n_outputs)
        Standardised values, 0/1, or class numbers. Of several outputs NaN where not measured: such a label adds
        nothing, and no gradient.

    Returns
    -------
    mx.array (B,)
        Squared error, or cross-entropy in nats; of several outputs the mean over those measured, 0 if none is.
    """
    if labels.ndim == 2:
        return _measured_loss(task, raw, labels)
    if task == "regression":
        return mx.square(raw[:, 0] - labels)
    if task == "binary":
        return nn.losses.binary_cross_entropy(raw[:, 0], labels, with_logits=True, reduction="none")
    return nn.losses.cross_entropy(raw, labels.astype(mx.int32), reduction="none")


def _measured_loss(task, raw, labels):
    """Average over the outputs that were measured; the gap of the others is filled before it can spread."""
    measured = ~mx.isnan(labels)
    labels = mx.where(measured, labels, 0.0)
    if task == "regression":
        each = mx.square(raw - labels)
    else:
        each = nn.losses.binary_cross_entropy(raw, labels, with_logits=True, reduction="none")
    return (each * measured).sum(axis=1) / mx.maximum(measured.sum(axis=1), 1)

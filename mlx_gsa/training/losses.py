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
    labels : mx.array float32 (B,)
        Standardised values, 0/1, or class numbers.

    Returns
    -------
    mx.array (B,)
        Squared error, or cross-entropy in nats.
    """
    if task == "regression":
        return mx.square(raw[:, 0] - labels)
    if task == "binary":
        return nn.losses.binary_cross_entropy(raw[:, 0], labels, with_logits=True, reduction="none")
    return nn.losses.cross_entropy(raw, labels.astype(mx.int32), reduction="none")

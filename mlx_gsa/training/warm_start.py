"""A linear start: the readout, and the approximator with it, begin at a ridge regression on the first filters.

Without it the first epochs are spent on finding a scale. The regression sees training records only.
"""

import mlx.core as mx
import numpy as np

from mlx_gsa.data.batches import assemble, inference_length
from mlx_gsa.data.dataset import Dataset
from mlx_gsa.model.memory import affordable_rows
from mlx_gsa.model.organism import SparseOrganism, forward_budget
from mlx_gsa.model.stem import SATURATION
from mlx_gsa.training.context_start import MAX_RECORDS, kmer_shares, start_table

MAX_POSITIONS = 6_000_000
_BATCH = 32
_LEAST_DEVIATION = 0.05  # a filter that hardly ever binds gets no weight to speak of
_LOGITS = 4.0  # logit of a probability p near a half is about 4 (p - 1/2)


def warm_start(model: SparseOrganism, dataset: Dataset, rows, targets: np.ndarray, seed: int) -> None:
    """Set readout and approximator to the best linear predictions from gated sums of features: of all, of those kept.

    Parameters
    ----------
    model : SparseOrganism
        With its first filters; changed in place.
    dataset : Dataset
    rows : array of int
        Training records.
    targets : np.ndarray (len(rows), n_outputs)
        Standardised values of a regression, else 0/1 of each output.
    seed : int
        Of the draw of records, where there are more than six million bp.
    """
    order = np.random.default_rng(seed).permutation(len(rows))
    total = np.cumsum(dataset.lengths[rows][order])
    drawn = np.sort(order[: max(1, int(np.searchsorted(total, MAX_POSITIONS)))])
    if model.config.context:
        _start_context(model, dataset, rows[drawn], targets[drawn])
    weights, bias = _fit(pooled_features(model, dataset, rows[drawn]), targets[drawn], dataset.task)
    model.readout.weight, model.readout.bias = mx.array(weights.T), mx.array(bias)
    weights, bias = _fit(kept_features(model, dataset, rows[drawn]), targets[drawn], dataset.task)
    model.bias = mx.array(bias)
    _linear_approximator(model, weights * (model.config.reference_budget**0.5 / SATURATION))


def _start_context(model, dataset, rows, targets):
    """Start the table of the context from the k-mers of the training records."""
    step = -(-len(rows) // MAX_RECORDS)
    rows, targets = rows[::step], targets[::step]
    pooled = pooled_features(model, dataset, rows)[:, : model.config.n_channels]
    shares = kmer_shares((dataset.sequence(int(i)) for i in rows), model.context, model.config.strands)
    model.context.table = mx.array(start_table(shares, pooled, targets, np.array(model.context.table)))


def _fit(inputs, targets, task):
    weights, bias = ridge(inputs, targets)
    return (weights, bias) if task == "regression" else (weights * _LOGITS, (bias - 0.5) * _LOGITS)


def pooled_features(model: SparseOrganism, dataset: Dataset, rows) -> np.ndarray:
    """Return the gated sum of the features of each record, as the local objective reads it; shape (n, F)."""

    def pool(tokens, lengths):
        features = model.features(tokens)
        return model.pool(features, model.selector(features), mx.array(lengths))

    return _by_batches(pool, model.config, dataset, rows)


def kept_features(model: SparseOrganism, dataset: Dataset, rows) -> np.ndarray:
    """Return the gated sum of the features of the kept positions of each record, on the same scale; shape (n, F)."""

    def kept(tokens, lengths):
        counts, widest = forward_budget(model.config, lengths, tokens.shape[1])
        return model.kept_sum(tokens, mx.array(lengths), counts, widest) * (1 / SATURATION)

    return _by_batches(kept, model.config, dataset, rows)


def _by_batches(function, config, dataset, rows):
    size = affordable_rows(config, inference_length(int(dataset.lengths[rows].max())), _BATCH)
    parts = []
    for start in range(0, len(rows), size):
        members = rows[start : start + size]
        padded = inference_length(int(dataset.lengths[members].max()))
        batch = assemble(dataset, members, padded, len(members))
        parts.append(np.array(function(mx.array(batch.tokens), batch.lengths)))
    return np.concatenate(parts).astype(np.float64)


def ridge(inputs: np.ndarray, targets: np.ndarray, strength: float = 1e-2) -> tuple[np.ndarray, np.ndarray]:
    """Solve a ridge regression on standardised inputs (n, F): weights (F, n_outputs) and bias (n_outputs,) float32."""
    mean, deviation = inputs.mean(axis=0), np.maximum(inputs.std(axis=0), _LEAST_DEVIATION)
    scaled = (inputs - mean) / deviation
    gram = scaled.T @ scaled + strength * len(inputs) * np.eye(inputs.shape[1])
    weights = np.linalg.solve(gram, scaled.T @ (targets - targets.mean(axis=0))) / deviation[:, None]
    return weights.astype(np.float32), (targets.mean(axis=0) - mean @ weights).astype(np.float32)


def _linear_approximator(model, weights):
    """Let the query carry w.x of the features x, two hidden units per output +w.x and -w.x; their difference is w.x.

    Where queries are as wide as the features, the query is the features; else w.x is one of its channels.
    """
    width, n_features = model.config.attention_width, len(weights)
    approximator = model.approximator
    n_outputs = min(weights.shape[1], model.config.approximator_hidden // 2, width)
    query = np.eye(width)
    if width != n_features:
        query = np.array(model.attention.query_projection.weight)
        query[:n_outputs] = weights[:, :n_outputs].T
        weights = np.eye(width)
    model.attention.query_projection.weight = mx.array(query.astype(np.float32))
    model.attention.query_projection.bias = mx.zeros((width,))
    first = np.array(approximator.input.weight) * 0.5
    first_bias = np.array(approximator.input.bias)
    last = np.array(approximator.output.weight) * 0.1
    for output in range(n_outputs):
        for unit, sign in ((2 * output, 1.0), (2 * output + 1, -1.0)):
            first[unit], first_bias[unit] = 0.0, 0.0
            first[unit, :width] = sign * weights[:, output]
            last[:, unit] = 0.0
            last[output, unit] = sign
    approximator.input.weight, approximator.input.bias = mx.array(first), mx.array(first_bias)
    approximator.output.weight = mx.array(last)
    approximator.output.bias = mx.zeros((model.config.n_outputs,))

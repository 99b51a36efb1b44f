"""A linear start for the context: one channel of every k-mer begins at its weight in a ridge regression.

Filters and k-mers are fitted together, so that neither explains what the other does. The penalty is the one with the
least leave-one-out error (Allen 1974), which a ridge regression gives without refitting; training records only.
"""

import numpy as np

from mlx_gsa.model.context import KmerContext, kmer_classes

PENALTIES = tuple(10.0**power for power in np.arange(-3, 2.01, 0.5))  # per record, beside inputs of unit variance
MAX_RECORDS = 20_000
_BASES = 4


def kmer_shares(sequences, context: KmerContext, strands: str) -> np.ndarray:
    """Return the share of each class of k-mers in each sequence.

    Parameters
    ----------
    sequences : iterable of np.ndarray uint8
        Tokens; k-mers with N do not count.
    context : KmerContext
    strands : {"both", "forward"}

    Returns
    -------
    np.ndarray float32 (n, classes)
        Rows sum to 1, or to 0 where a sequence has no k-mer.
    """
    classes = kmer_classes(context.k, strands)
    rows = [_counts(np.asarray(tokens), context.k, classes) for tokens in sequences]
    counts = np.array(rows, dtype=np.float32)
    return counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)


def leave_one_out_ridge(inputs: np.ndarray, targets: np.ndarray, penalties=PENALTIES) -> tuple[np.ndarray, float]:
    """Fit a ridge regression with the penalty of the least leave-one-out error.

    Parameters
    ----------
    inputs : np.ndarray (n, p)
        Centred.
    targets : np.ndarray (n, n_outputs)
        Centred.
    penalties : sequence of float
        To choose from, per record.

    Returns
    -------
    weights : np.ndarray (p, n_outputs)
    penalty : float
        The one chosen.
    """
    squares, axes = np.linalg.eigh(inputs.T @ inputs)
    squares, projected = np.maximum(squares, 0), inputs @ axes
    moments, best = projected.T @ targets, None
    for penalty in penalties:
        shrunk = 1 / (squares + penalty * len(inputs))
        leverage = np.minimum(np.square(projected) @ shrunk + 1 / len(inputs), 0.999)
        residual = (targets - projected @ (moments * shrunk[:, None])) / (1 - leverage[:, None])
        error = np.square(residual).mean()
        if best is None or error < best[0]:
            best = error, axes @ (moments * shrunk[:, None]), penalty
    return best[1], float(best[2])


def start_table(shares: np.ndarray, pooled: np.ndarray, targets: np.ndarray, table: np.ndarray) -> np.ndarray:
    """Fit filters and k-mers together and lay the weights of the k-mers in the first channels of the table.

    Parameters
    ----------
    shares : np.ndarray (n, classes)
        From `kmer_shares`.
    pooled : np.ndarray (n, D)
        Gated sums of the filters.
    targets : np.ndarray (n, n_outputs)
    table : np.ndarray (classes, C)
        Of the context, random; the channels that are not needed stay random.

    Returns
    -------
    np.ndarray float32 (classes, C)
        The mean of every channel over a sequence has mean 0 and deviation 1 over the records.
    """
    width = pooled.shape[1]
    inputs = np.concatenate([pooled, shares], axis=1).astype(np.float64)
    inputs = inputs - inputs.mean(axis=0)
    floors = np.concatenate([np.full(width, 0.05), np.full(shares.shape[1], 1e-6)])
    deviations = np.maximum(inputs.std(axis=0), floors)
    weights, _ = leave_one_out_ridge(inputs / deviations, targets - targets.mean(axis=0))
    weights = weights / deviations[:, None]
    n_used = min(table.shape[1], weights.shape[1])
    table = table.astype(np.float64)
    table[:, :n_used] = weights[width:, :n_used]
    table = table - shares.mean(axis=0) @ table
    table = table / ((shares @ table).std(axis=0) + 1e-9)
    return table.astype(np.float32)


def _counts(tokens, k, classes):
    if len(tokens) < k:
        return np.zeros(classes.max() + 1)
    windows = np.lib.stride_tricks.sliding_window_view(tokens, k)
    codes = windows[(windows < _BASES).all(axis=1)].astype(np.int64) @ _BASES ** np.arange(k)[::-1]
    return np.bincount(classes[codes], minlength=classes.max() + 1)

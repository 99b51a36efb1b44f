"""k-mer counts of sequences as features of linear models."""

from collections.abc import Iterable

import numpy as np
from scipy import sparse

from mlx_gsa.errors import GsaError

_DENSE = 0.25  # share of counts above zero from which plain arrays are faster


def count_kmers(sequences: Iterable[np.ndarray], k: int, strands="both") -> sparse.csr_matrix:
    """Count the k-mers of each sequence.

    Parameters
    ----------
    sequences : iterable of np.ndarray, each shape (L,), uint8
        Tokens; windows with N or PAD count for nothing.
    k : int
        1 to 10 bp.
    strands : {"both", "forward"}
        "both": a k-mer and its reverse complement are one feature.

    Returns
    -------
    scipy.sparse.csr_matrix, shape (n, F), float32
        F = 4^k for "forward"; for "both" (4^k + 4^(k/2)) / 2, or half of 4^k for odd k. Features are in the
        alphabetical order of the k-mer that comes first of the two.

    Raises
    ------
    GsaError
        k is out of range.
    """
    if not 1 <= k <= 10:
        raise GsaError("k-mers of this length cannot be counted", expected="k from 1 to 10", found=f"{k}")
    feature_of, n_features = _features(k, strands)
    values, columns, ends = [np.empty(0, np.float32)], [np.empty(0, np.int64)], [0]
    for tokens in sequences:
        counts = np.bincount(feature_of[_codes(tokens, k)], minlength=n_features)
        present = np.flatnonzero(counts)
        values.append(counts[present].astype(np.float32))
        columns.append(present)
        ends.append(ends[-1] + len(present))
    parts = np.concatenate(values), np.concatenate(columns), np.array(ends)
    return sparse.csr_matrix(parts, shape=(len(ends) - 1, n_features))


def scale_counts(counts: dict, scaling="log1p") -> dict:
    """Bring counts to unit variance in the training split.

    Where most counts are above zero they are also centred, which makes a fit with an intercept faster and changes
    nothing else.

    Parameters
    ----------
    counts : dict of str to csr_matrix, each shape (n, F)
        Per split; "train" is one of them.
    scaling : {"log1p", "frequency"}
        log(1 + count), or counts over their sum.

    Returns
    -------
    dict of str to csr_matrix or np.ndarray, each shape (n, F), float32

    Raises
    ------
    GsaError
        Unknown scaling.
    """
    if scaling not in ("log1p", "frequency"):
        raise GsaError("Unknown scaling of k-mer counts", expected="log1p or frequency", found=str(scaling))
    scaled = {name: part.log1p() if scaling == "log1p" else _frequencies(part) for name, part in counts.items()}
    train = scaled["train"]
    if train.nnz >= _DENSE * train.shape[0] * train.shape[1]:
        return centre({name: part.toarray() for name, part in scaled.items()})
    mean = np.asarray(train.mean(0)).ravel()
    variance = np.asarray(train.multiply(train).mean(0)).ravel() - mean**2
    scale = sparse.diags_array(_inverse(np.sqrt(np.maximum(variance, 0))).astype(np.float32))
    return {name: sparse.csr_matrix(part @ scale) for name, part in scaled.items()}


def centre(features: dict) -> dict:
    """Subtract the mean of the training split and divide by its standard deviation; arrays of shape (n, F)."""
    mean, scale = features["train"].mean(0), _inverse(features["train"].std(0))
    return {name: (part - mean) * scale for name, part in features.items()}


def _codes(tokens, k):
    """Number each window of k known bases, A = 0 to T = 3, first base highest: (windows,)."""
    windows = max(len(tokens) - k + 1, 0)
    code, known = np.zeros(windows, np.int64), np.ones(windows, bool)
    for offset in range(k if windows else 0):
        part = np.asarray(tokens[offset : offset + windows])
        code = code * 4 + part
        known &= part < 4
    return code[known]


def _features(k, strands):
    """Map each k-mer's number to its feature; give the number of features."""
    code = np.arange(4**k)
    if strands == "forward":
        return code, len(code)
    reverse, rest = np.zeros_like(code), code.copy()
    for _ in range(k):
        reverse, rest = reverse * 4 + (3 - rest % 4), rest // 4
    names, feature_of = np.unique(np.minimum(code, reverse), return_inverse=True)
    return feature_of, len(names)


def _frequencies(counts):
    total = np.maximum(np.asarray(counts.sum(1)).ravel(), 1)
    return sparse.csr_matrix(sparse.diags_array((1 / total).astype(np.float32)) @ counts)


def _inverse(deviation):
    """Invert standard deviations; a feature that does not vary in training gets no weight."""
    return np.where(deviation > 1e-9, 1 / np.maximum(deviation, 1e-9), 0.0).astype(np.float32)

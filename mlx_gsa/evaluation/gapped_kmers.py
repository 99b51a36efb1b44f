"""Counts of gapped k-mers: a few bases that matter, in a window whose other bases may be anything."""

from collections.abc import Iterable
from itertools import combinations, islice

import numpy as np
from scipy import sparse

from mlx_gsa.errors import GsaError

_CHUNK = 2**22  # counts held as a plain array at a time
_UNKNOWN = 4  # a base from which on a token is none of A, C, G, T


def gapped_patterns(window: int, k: int) -> list[tuple[int, ...]]:
    """List where the k bases that matter may lie within a window of so many bp; the first one is always at 0."""
    return [(0, *rest) for rest in combinations(range(1, window), k - 1)]


def count_gapped_kmers(sequences: Iterable[np.ndarray], window: int, k: int, strands="both") -> sparse.csr_matrix:
    """Count the gapped k-mers of each sequence.

    Parameters
    ----------
    sequences : iterable of np.ndarray, each shape (L,), uint8
        Tokens; where one of the k bases is N or PAD nothing is counted.
    window : int
        bp from the first to the last base, at most.
    k : int
        Bases that matter.
    strands : {"both", "forward"}
        "both": a gapped k-mer and its reverse complement are one feature.

    Returns
    -------
    scipy.sparse.csr_matrix, shape (n, F), float32
        F = C(window - 1, k - 1) 4^k for "forward", about half of it for "both".

    Raises
    ------
    GsaError
        k is below 1 or larger than the window, or there would be more than a million features.

    Source: Ghandi et al. 2014 (gkm-SVM). A gapped k-mer begins with a base that matters here, so each occurrence is
    counted once; theirs has gaps before it too, and counts it once per frame.
    """
    if not 1 <= k <= window or len(gapped_patterns(window, k)) * 4**k > 10**6:
        found = f"{k} bases in {window} bp"
        raise GsaError("gapped k-mers of this size cannot be counted", expected="up to a million features", found=found)
    patterns = gapped_patterns(window, k)
    feature_of, n_features = _features(patterns, k, strands)
    stream, parts = iter(sequences), [sparse.csr_matrix((0, n_features), dtype=np.float32)]
    while chunk := list(islice(stream, max(1, _CHUNK // n_features))):
        parts.append(sparse.csr_matrix(_counts(chunk, patterns, feature_of, n_features)))
    return sparse.vstack(parts, format="csr")


def _counts(sequences, patterns, feature_of, n_features):
    """Count in a few sequences laid end to end, with unknown bases between them; shape (n, F) float32."""
    longest = max(pattern[-1] for pattern in patterns)
    gap = np.full(longest, _UNKNOWN, np.uint8)
    tokens = np.concatenate([part for sequence in sequences for part in (sequence, gap)])
    first = np.repeat(np.arange(len(sequences)), [len(sequence) + longest for sequence in sequences]) * n_features
    known, counts = tokens < _UNKNOWN, np.zeros(len(sequences) * n_features, np.int64)
    for number, pattern in enumerate(patterns):
        size = len(tokens) - pattern[-1]
        code, usable = np.full(max(size, 0), number, np.int64), np.ones(max(size, 0), bool)
        for offset in pattern if size > 0 else ():
            code = code * 4 + tokens[offset : offset + size]
            usable &= known[offset : offset + size]
        counts += np.bincount(first[: len(code)][usable] + feature_of[code[usable]], minlength=len(counts))
    return counts.reshape(len(sequences), n_features).astype(np.float32)


def _features(patterns, k, strands):
    """Map each pattern and its k bases, as one number, to a feature; give the number of features."""
    codes = np.arange(len(patterns) * 4**k).reshape(len(patterns), -1)
    if strands == "forward":
        return codes.ravel(), codes.size
    reverse, rest = np.zeros(4**k, np.int64), np.arange(4**k)
    for _ in range(k):
        reverse, rest = reverse * 4 + 3 - rest % 4, rest // 4
    place = {pattern: number for number, pattern in enumerate(patterns)}
    mirror = [place[tuple(pattern[-1] - offset for offset in reversed(pattern))] for pattern in patterns]
    names, feature_of = np.unique(np.minimum(codes, codes[mirror][:, reverse]).ravel(), return_inverse=True)
    return feature_of, len(names)

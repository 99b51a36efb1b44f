"""A predictor without a model: relevance is high at every TATAAA, so results can be worked out by hand."""

from typing import NamedTuple

import numpy as np

from mlx_gsa.dna.alphabet import encode

SITE = encode("TATAAA")[0]


class Prediction(NamedTuple):
    """The fields of `mlx_gsa.inference.predictor.Prediction`."""

    prediction: np.ndarray
    raw: np.ndarray
    relevance: np.ndarray
    kept: np.ndarray
    gates: np.ndarray
    contribution: np.ndarray
    weights: np.ndarray | None


def predict_one(tokens, sparsity=0.1, attention=True, n_outputs=1):
    """Return the prediction of one sequence; relevance 5 at the third base of a site, else below 0.1."""
    length = len(tokens)
    relevance = (np.arange(length) * 7919 % 97 / 1000).astype(np.float32)
    for start in find_sites(tokens):
        relevance[start + 2] = 5 - start / 1e5
    budget = int(np.ceil(sparsity * length))
    kept = np.sort(np.argsort(-relevance, kind="stable")[:budget]).astype(np.int32)
    scores = relevance[kept][None, :] + np.zeros((budget, 1))
    weights = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    contribution = np.where(relevance[kept] > 1, 0.5, -0.01)[:, None] * np.ones(n_outputs)
    value = np.arange(1, n_outputs + 1) / n_outputs if n_outputs > 1 else np.array([3.25])
    gates = np.clip(relevance[kept], 0, 1)
    weights = weights.astype(np.float32) if attention else None
    value = value.astype(np.float32)
    return Prediction(value, value, relevance, kept, gates, contribution.astype(np.float32), weights)


def find_sites(tokens):
    """Return where TATAAA starts."""
    if len(tokens) < len(SITE):
        return np.zeros(0, dtype=int)
    windows = np.lib.stride_tricks.sliding_window_view(tokens, len(SITE))
    return np.flatnonzero((windows == SITE).all(axis=1))


class FakePredictor:
    """Streams predictions and remembers how it was asked."""

    def __init__(self, task="regression", classes=None, sparsity=0.1):
        self.task, self.classes, self.sparsity = task, classes, sparsity
        self.asked, self.longest_map = [], 10**9

    def require_selector(self):
        """It has one."""

    def can_map(self, length):
        """Whether it gives a map of a sequence of this length."""
        return length <= self.longest_map

    def with_sparsity(self, sparsity):
        """Return the same with another budget."""
        return FakePredictor(self.task, self.classes, sparsity)

    def predict(self, sequences, batch_size=32, attention=False):
        """Yield one prediction per sequence, read ahead by a batch as the real one does."""
        outputs = len(self.classes) if self.task == "multiclass" else 1
        batch = []
        for tokens in sequences:
            self.asked.append(attention)
            batch.append(tokens)
            if len(batch) == batch_size:
                yield from (predict_one(t, self.sparsity, attention, outputs) for t in batch)
                batch = []
        yield from (predict_one(t, self.sparsity, attention, outputs) for t in batch)


def random_tokens(length, seed=0, sites=()):
    """Return random bases without TATAAA, but for one at each given start."""
    tokens = np.random.default_rng(seed).choice(np.array([1, 2, 3], np.uint8), length)
    for start in sites:
        tokens[start : start + len(SITE)] = SITE
    return tokens

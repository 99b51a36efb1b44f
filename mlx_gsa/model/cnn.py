"""Convolutional rivals of the organism: every position is read, none is selected."""

import math

import mlx.core as mx
import mlx.nn as nn
from mlx.utils import tree_flatten

from mlx_gsa.config import ModelConfig
from mlx_gsa.model.embeddings import TaskSpecificEmbeddings
from mlx_gsa.model.organism import OrganismOutput, SparseOrganism, silence, stem_kernel
from mlx_gsa.model.profile import PositionalProfile
from mlx_gsa.model.stem import MotifStem, filter_responses

import os
POOL = int(os.environ.get("POOL", 4))
SECOND = int(os.environ.get("SECOND", 7))
HIDDEN = int(os.environ.get("HIDDEN", 16))
BINS = int(os.environ.get("BINS", 0))
SKIP = int(os.environ.get("SKIP", 1))
PROFILE = int(os.environ.get("PROFILE", 1))
THRESH = float(os.environ.get("THRESH", 1))
LNORM = os.environ.get("LNORM", "none")
LBINS = int(os.environ.get("LBINS", 32))
LE = int(os.environ.get("LE", 100))


class ConvolutionalModel(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.config = config

    selects = False
    keeps_all = True

    def n_parameters(self) -> int:
        """Count the learned numbers."""
        return sum(value.size for _, value in tree_flatten(self.trainable_parameters()))

    def __call__(self, tokens, lengths, counts, widest: int, key=None, dropout: float = 0.0) -> OrganismOutput:
        kept = mx.broadcast_to(mx.arange(tokens.shape[1], dtype=mx.int32), tokens.shape)
        prediction = self.strength(tokens, lengths, key, dropout)
        return OrganismOutput(prediction, None, None, kept, kept < lengths[:, None], None, None)

    def predict(self, tokens, lengths, counts, widest: int, key=None) -> mx.array:
        return self.strength(tokens, lengths, None, 0.0)


class SmallCNN(ConvolutionalModel):
    def __init__(self, config: ModelConfig):
        super().__init__(config)
        f = config.cnn_filters or matched_filters(config)
        self.embeddings = TaskSpecificEmbeddings(4)
        self.stem = MotifStem(f, config.filter_width, config.strands, 4)
        self.stem.threshold = mx.full((f,), THRESH)
        if config.anchor != "none" and PROFILE:
            self.profile = PositionalProfile(f, config.anchor, config.reference_length)
        self.second = nn.Conv1d(f, f, SECOND, padding=SECOND // 2)
        n = (3 if SKIP else 1) * f + f * (BINS or 1)
        self.hidden = nn.Linear(n, HIDDEN)
        self.output = nn.Linear(HIDDEN, config.n_outputs)

    def strength(self, tokens, lengths, key, dropout):
        bank, bias = self.stem.filter_bank(self.embeddings.table())
        first = mx.maximum(filter_responses(tokens, bank, stem_kernel(self.config)) + bias, 0)
        if self.config.anchor != "none" and PROFILE:
            first = self.profile(first, lengths)
        if dropout:
            first = first * silence(tokens.shape[0], first.shape[-1], dropout, key)
        first = first * real(first.shape[1], lengths)
        pooled, n = max_pool(first, lengths, POOL)
        second = nn.relu(self.second(pooled)) * real(pooled.shape[1], n)
        parts = [first.max(axis=1), first.sum(axis=1) / lengths[:, None]] if SKIP else []
        if BINS:
            parts += [second.max(axis=1), bins(second, n, BINS).reshape(len(second), -1)]
        else:
            parts += [second.max(axis=1), second.sum(axis=1) / n[:, None]]
        return self.output(nn.relu(self.hidden(mx.concatenate(parts, axis=-1))))


class LargeCNN(ConvolutionalModel):
    def __init__(self, config):
        super().__init__(config)
        self.embeddings = TaskSpecificEmbeddings(LE)
        if LNORM == "plain":
            self.first = mx.random.normal((8, 16, LE)) * (1 / (8 * LE)) ** 0.5
            self.fbias = mx.zeros((16,))
        else:
            self.stem = MotifStem(16, 8, "forward", LE)
            self.stem.threshold = mx.full((16,), THRESH)
        self.second = nn.Conv1d(16, 8, 8)
        self.third = nn.Conv1d(8, 4, 8)
        if LNORM == "layer":
            self.norms = [nn.LayerNorm(c) for c in (16, 8, 4)]
        if LNORM == "group":
            self.norms = [{"w": mx.ones((c,)), "b": mx.zeros((c,))} for c in (16, 8, 4)]
        self.hidden = nn.Linear(4 * LBINS, 512)
        self.output = nn.Linear(512, config.n_outputs)

    def norm(self, i, x, n):
        if LNORM == "layer":
            return self.norms[i](x)
        if LNORM == "group" and i:
            m = real(x.shape[1], n)
            c = n[:, None, None] * 1.0
            mean = (x * m).sum(axis=1, keepdims=True) / c
            var = (mx.square(x - mean) * m).sum(axis=(1, 2), keepdims=True) / c / x.shape[-1]
            return (x ) * mx.rsqrt(var + 1e-5) * self.norms[i]["w"] + self.norms[i]["b"]
        return x

    def strength(self, tokens, lengths, key, dropout):
        bank, bias = self.stem.filter_bank(self.embeddings.table())
        x = filter_responses(tokens, bank, stem_kernel(self.config)) + bias
        n = lengths
        for i, conv in enumerate((None, self.second, self.third)):
            if conv:
                x = conv(mx.pad(x, ((0, 0), (3, 4), (0, 0))))
            x = nn.relu(self.norm(i, x, n)) * real(x.shape[1], n)
            x, n = max_pool(x, n, 2)
        x = bins(x, n, LBINS).reshape(len(x), -1)
        x = nn.relu(self.hidden(x))
        if dropout:
            x = x * mx.random.bernoulli(1 - dropout, x.shape, key=key) * (1 / (1 - dropout))
        return self.output(x)


def real(length, lengths):
    return (mx.arange(length)[None] < lengths[:, None])[..., None]


def max_pool(x, lengths, size):
    x = mx.pad(x, ((0, 0), (0, -x.shape[1] % size), (0, 0)))
    return x.reshape(x.shape[0], -1, size, x.shape[-1]).max(axis=2), (lengths + size - 1) // size


def bins(x, lengths, count):
    n = lengths[:, None, None].astype(mx.float32)
    edge = mx.arange(count, dtype=mx.float32)[None, :, None] * n / count
    place = mx.arange(x.shape[1], dtype=mx.float32)[None, None]
    share = mx.maximum(mx.minimum(place + 1, edge + n / count) - mx.maximum(place, edge), 0) * (count / n)
    return share @ x


def matched_filters(config: ModelConfig) -> int:
    goal = SparseOrganism(config.model_copy(update={"architecture": "sparse"})).n_parameters()
    def count(f):
        n = (3 if SKIP else 1) * f + f * (BINS or 1)
        p = 16 * f if config.anchor != "none" and PROFILE else 0
        return 20 + 4 * config.filter_width * f + 2 * f + p + SECOND * f * f + f + n * HIDDEN + HIDDEN + HIDDEN * config.n_outputs + config.n_outputs
    return min(range(2, 200), key=lambda f: abs(count(f) - goal))

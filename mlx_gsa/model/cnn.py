"""Convolutional rivals of the organism: they read every position and select none.

Both are called as the organism is, so training, checkpoints, inference and evaluation are the same. What only a
selector gives (relevance, gates, contribution, the local objective) they do not have: it is None, never a stand-in.
"""

import mlx.core as mx
import mlx.nn as nn
from mlx.utils import tree_flatten

from mlx_gsa.config import ModelConfig
from mlx_gsa.model.cnn_sizes import (
    HIDDEN,
    LARGE_BINS,
    LARGE_EMBEDDING,
    LARGE_HIDDEN,
    LARGE_KERNELS,
    LARGE_WIDTH,
    POOL,
    SECOND_WIDTH,
    SMALL_BINS,
    SMALL_EMBEDDING,
    small_parameters,
    small_pooled,
)
from mlx_gsa.model.embeddings import TaskSpecificEmbeddings
from mlx_gsa.model.organism import OrganismOutput, SparseOrganism, silence, stem_kernel
from mlx_gsa.model.stem import MotifStem, filter_responses

_MOST_FILTERS = 512


class ConvolutionalModel(nn.Module):
    """What the rivals have in common: a first layer over the DNA, and the call interface of the organism.

    Each gives its own `strength(tokens, lengths, key, dropout)`, the prediction (B, n_outputs).

    The first layer is normalised as that of the organism: the response of a filter is centred and divided by its
    standard deviation over independent nucleotides, which is what batch normalisation estimates, but follows from the
    weights alone. So neither padding nor the other sequences of a batch change a result.

    Parameters
    ----------
    config : ModelConfig
    n_filters, width, embedding_channels : int
        Of the first layer.
    strands : {"both", "forward"}
        "both": a filter says what the stronger strand says.
    """

    keeps_all = True

    def __init__(self, config: ModelConfig, n_filters: int, width: int, embedding_channels: int, strands: str):
        super().__init__()
        self.config = config
        self.embeddings = TaskSpecificEmbeddings(embedding_channels, config.embeddings)
        self.stem = MotifStem(n_filters, width, strands, embedding_channels)
        self.stem.threshold = mx.zeros((n_filters,))

    def n_parameters(self) -> int:
        """Count the learned numbers."""
        return sum(value.size for _, value in tree_flatten(self.trainable_parameters()))

    def first_layer(self, tokens: mx.array, lengths: mx.array) -> mx.array:
        """Return the first layer after its ReLU (B, L, F), zero beyond the end of each sequence."""
        bank, bias = self.stem.filter_bank(self.embeddings.table())
        return rectified(filter_responses(tokens, bank, stem_kernel(self.config)) + bias, lengths)

    def __call__(self, tokens, lengths, counts, widest: int, key=None, dropout: float = 0.0) -> OrganismOutput:
        """Run the model.

        Parameters
        ----------
        tokens : mx.array uint8 (B, L)
            PAD (5) after the end of each sequence.
        lengths : mx.array int32 (B,)
            True length in bp.
        counts, widest
            Not read: nothing is selected.
        key : mx.array, optional
            Random key of the dropout.
        dropout : float
            Share of units silenced in training.

        Returns
        -------
        OrganismOutput
            Every real position is kept; there is no local prediction, relevance, gate or contribution.
        """
        kept = mx.broadcast_to(mx.arange(tokens.shape[1], dtype=mx.int32), tokens.shape)
        prediction = self.strength(tokens, lengths, key, dropout)
        return OrganismOutput(prediction, None, None, kept, kept < lengths[:, None], None, None)

    def predict(self, tokens, lengths, counts, widest: int, key=None) -> mx.array:
        """Return only the prediction (B, n_outputs); arguments as in `__call__`."""
        return self.strength(tokens, lengths)


class SmallCNN(ConvolutionalModel):
    """A CNN with as many parameters as the sparse model of the same configuration, built to be hard to beat.

    Motif filters of `filter_width` bp on the strands of the configuration, ReLU, max-pooling by 4 bp, a second
    convolution over 28 bp, then the strongest response of both layers, the mean of the first, and the means of the
    second in eight equal parts of the sequence, so that it matters where something is, into a dense layer of 16.
    `dropout` silences whole filters, as in the sparse model.
    """

    def __init__(self, config: ModelConfig):
        n_filters = config.cnn_filters or matched_filters(config)
        super().__init__(config, n_filters, config.filter_width, SMALL_EMBEDDING, config.strands)
        self.second = nn.Conv1d(n_filters, n_filters, SECOND_WIDTH, padding=SECOND_WIDTH // 2)
        self.hidden = nn.Linear(small_pooled(n_filters), HIDDEN)
        self.output = nn.Linear(HIDDEN, config.n_outputs)

    def strength(self, tokens, lengths, key=None, dropout: float = 0.0) -> mx.array:
        """Return the prediction (B, n_outputs); arguments as in `__call__`."""
        first = self.first_layer(tokens, lengths)
        if dropout:
            first = first * silence(len(tokens), first.shape[-1], dropout, key)
        pooled, steps = max_pool(first, lengths, POOL)
        second = rectified(self.second(pooled), steps)
        parts = [first.max(axis=1), first.sum(axis=1) / lengths[:, None], second.max(axis=1)]
        parts.append(mean_in_bins(second, steps, SMALL_BINS).reshape(len(tokens), -1))
        return self.output(nn.relu(self.hidden(mx.concatenate(parts, axis=-1))))


class LargeCNN(ConvolutionalModel):
    """A CNN of the shape of the GenomicBenchmarks one: about 81,000 parameters, twelve times the sparse model.

    Embeddings of 100 channels, three convolutions of 16, 8 and 4 kernels of width 8, each with ReLU and max-pooling by
    2, a dense layer of 512. `dropout` silences units of that layer.

    Source: Gresova et al. 2023, "Genomic benchmarks", and its code. Different here: convolutions keep the length; the
    batch normalisation of the first layer is exact, see `ConvolutionalModel`, and the other two have none; the last
    layer is averaged in 32 equal parts of the sequence where theirs is flattened, which needs one length; the dense
    layer has a ReLU, without which it adds nothing to the next; any number of outputs.
    """

    def __init__(self, config: ModelConfig):
        first, second, third = LARGE_KERNELS
        super().__init__(config, first, LARGE_WIDTH, LARGE_EMBEDDING, "forward")
        self.second = nn.Conv1d(first, second, LARGE_WIDTH)
        self.third = nn.Conv1d(second, third, LARGE_WIDTH)
        self.hidden = nn.Linear(LARGE_BINS * third, LARGE_HIDDEN)
        self.output = nn.Linear(LARGE_HIDDEN, config.n_outputs)

    def strength(self, tokens, lengths, key=None, dropout: float = 0.0) -> mx.array:
        """Return the prediction (B, n_outputs); arguments as in `__call__`."""
        features, steps = max_pool(self.first_layer(tokens, lengths), lengths, 2)
        before = (LARGE_WIDTH - 1) // 2
        for convolution in (self.second, self.third):
            padded = mx.pad(features, ((0, 0), (before, LARGE_WIDTH - 1 - before), (0, 0)))
            features, steps = max_pool(rectified(convolution(padded), steps), steps, 2)
        hidden = nn.relu(self.hidden(mean_in_bins(features, steps, LARGE_BINS).reshape(len(tokens), -1)))
        if dropout:
            hidden = hidden * mx.random.bernoulli(1 - dropout, hidden.shape, key=key) * (1 / (1 - dropout))
        return self.output(hidden)


def rectified(responses: mx.array, lengths: mx.array) -> mx.array:
    """Apply ReLU to (B, L, F), and set to zero what lies beyond the true lengths (B,)."""
    inside = mx.arange(responses.shape[1])[None] < lengths[:, None]
    return mx.maximum(responses, 0) * inside[..., None]


def max_pool(features: mx.array, lengths: mx.array, size: int) -> tuple[mx.array, mx.array]:
    """Take the maximum of every `size` positions from the start of each sequence.

    Parameters
    ----------
    features : mx.array (B, L, F)
        Not negative, and zero beyond the end, which then changes no maximum.
    lengths : mx.array int (B,)
    size : int

    Returns
    -------
    pooled : mx.array (B, ceil(L / size), F)
    lengths : mx.array int (B,)
        Steps in use of each sequence.
    """
    padded = mx.pad(features, ((0, 0), (0, -features.shape[1] % size), (0, 0)))
    return padded.reshape(len(features), -1, size, features.shape[-1]).max(axis=2), (lengths + size - 1) // size


def mean_in_bins(features: mx.array, lengths: mx.array, count: int) -> mx.array:
    """Average each sequence in `count` equal parts: (B, L, F) -> (B, count, F).

    A step that lies in two parts counts in each by its share, so a sequence may have fewer steps than parts.
    """
    width = lengths.astype(mx.float32)[:, None, None] / count
    start = mx.arange(count, dtype=mx.float32)[None, :, None] * width
    place = mx.arange(features.shape[1], dtype=mx.float32)[None, None]
    overlap = mx.minimum(place + 1, start + width) - mx.maximum(place, start)
    return (mx.maximum(overlap, 0) / width) @ features


def matched_filters(config: ModelConfig) -> int:
    """Choose the filters of the small CNN: its parameters as near as can be to those of the sparse model."""
    sparse = SparseOrganism(config.model_copy(update={"architecture": "sparse"})).n_parameters()
    return min(range(1, _MOST_FILTERS), key=lambda n: abs(small_parameters(config, n) - sparse))

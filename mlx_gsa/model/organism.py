"""The organism: embeddings, stem, selector, attention and approximator joined into one model."""

import os
from typing import NamedTuple

import mlx.core as mx
import mlx.nn as nn
from mlx.utils import tree_flatten

from mlx_gsa.config import ModelConfig
from mlx_gsa.model.approximator import MLPApproximator
from mlx_gsa.model.attention import FullAttention, SelectedAttention, WindowAttention
from mlx_gsa.model.context import KmerContext
from mlx_gsa.model.embeddings import TaskSpecificEmbeddings
from mlx_gsa.model.exponential import sigmoid
from mlx_gsa.model.memory import require_memory
from mlx_gsa.model.profile import PositionalProfile
from mlx_gsa.model.selector import TokenSelector, budget, keep_first, keep_highest, keep_random, widest_budget
from mlx_gsa.model.stem import PAD, SATURATION, MotifStem, bank_features

GATE_SHIFT = -3.0  # at the start a position where no filter fires is closed to 5 %


class OrganismOutput(NamedTuple):
    """What a forward pass gives; K is L where every position attends, and None what a rival without selector lacks."""

    prediction: mx.array  # (B, n_outputs)
    local: mx.array | None  # (B, n_outputs), the selector's own prediction
    relevance: mx.array | None  # (B, L)
    kept: mx.array  # (B, K) int32, ascending
    mask: mx.array  # (B, K) bool, True where kept is in use
    gates: mx.array | None  # (B, K) in [0, 1]
    contribution: mx.array | None  # (B, K, n_outputs); sums to prediction minus its bias


class SparseOrganism(nn.Module):
    """DNA in, regulatory strength out, through the few positions that the selector keeps.

    Parameters
    ----------
    config : ModelConfig
        Sizes and switches.
    """

    def __init__(self, config: ModelConfig):
        super().__init__()
        self.config = config
        self.embeddings = TaskSpecificEmbeddings(config.embedding_width, config.embeddings)
        if config.stem:
            self.stem = MotifStem(config.n_channels, config.filter_width, config.strands, config.embedding_width)
        if config.anchor != "none":
            self.profile = PositionalProfile(config.n_channels, config.anchor, config.reference_length)
        if config.context:
            self.context = KmerContext(config.context, config.context_kmer, config.context_channels, config.strands)
        width = config.n_features
        self.selector = TokenSelector(width, config.selector_hidden, config.n_channels)
        self.readout = nn.Linear(width, config.n_outputs)
        self.gate = {"scale": mx.array(1.0), "shift": mx.array(GATE_SHIFT)}
        self.attention = _attention(config, width)
        self.approximator = MLPApproximator(config.attention_width, config.approximator_hidden, config.n_outputs)
        self.bias = mx.zeros((config.n_outputs,))

    @property
    def keeps_all(self) -> bool:
        """True where every position attends (attention = full or window)."""
        return self.config.attention in ("full", "window")

    def n_parameters(self) -> int:
        """Count the learned numbers."""
        return sum(value.size for _, value in tree_flatten(self.trainable_parameters()))

    def features(self, tokens: mx.array, silenced=None, bank=None) -> mx.array:
        """Return what is known of every position.

        Parameters
        ----------
        tokens : mx.array (B, L)
            PAD (5) after the end of each sequence.
        silenced : mx.array (B, 1, D), optional
            Factors of the filters, from `silence`.
        bank : tuple of mx.array, optional
            What `MotifStem.filter_bank` returns, where it was made before.

        Returns
        -------
        mx.array (B, L, F)
            The D filters at their place, then the channels of the context, if the model has one.
        """
        if self.config.stem:
            bank = bank or self.stem.filter_bank(self.embeddings.table())
            features = bank_features(tokens, *bank, stem_kernel(self.config))
        else:
            features = self.embeddings(tokens)
        if self.config.anchor != "none":
            features = self.profile(features, (tokens != PAD).sum(axis=1))
        if silenced is not None:
            features = features * silenced
        return mx.concatenate([features, self.context(tokens)], axis=-1) if self.config.context else features

    def __call__(self, tokens, lengths, counts, widest, key=None, dropout=0.0, bank=None) -> OrganismOutput:
        """Run the whole organism.

        Parameters
        ----------
        tokens : mx.array uint8 (B, L)
            PAD (5) after the end of each sequence.
        lengths, counts : mx.array int32 (B,)
            True length in bp and positions to keep of each sequence.
        widest : int
            K, at least every count.
        key : mx.array, optional
            Random key of the control attention = "random" and of the dropout.
        dropout : float
            Share of the filters silenced in each sequence, in training.
        bank : tuple of mx.array, optional
            As for `features`.

        Returns
        -------
        OrganismOutput
        """
        silenced = silence(tokens.shape[0], self.config.n_channels, dropout, key) if dropout else None
        features = self.features(tokens, silenced, bank)
        relevance = self.selector(features)
        kept, mask = self._keep(tokens, relevance, lengths, counts, widest, key)
        chosen, gates = self._gather(features, relevance, kept, mask)
        contribution = self._strength(chosen, kept, mask, gates)
        contribution = contribution * (gates[..., None] * self.config.reference_budget**-0.5)
        prediction = contribution.sum(axis=1) + self.bias
        local = self.readout(self.pool(features, relevance, lengths))
        return OrganismOutput(prediction, local, relevance, kept, mask, gates, contribution)

    def predict(self, tokens, lengths, counts, widest: int, key=None) -> mx.array:
        """Return only the prediction (B, n_outputs); arguments as in `__call__`."""
        return self(tokens, lengths, counts, widest, key).prediction

    def attention_map(self, tokens, output: OrganismOutput) -> mx.array:
        """Return the attention weights (B, K, K) behind an output; rows (queries) sum to 1."""
        chosen, gates = self._gather(self.features(tokens), output.relevance, output.kept, output.mask)
        if self.config.attention == "mlp":
            return self._pairwise(chosen, output.kept, gates)[1]
        return self.attention.weights(chosen, output.kept, output.mask, gates)

    def _keep(self, tokens, relevance, lengths, counts, widest, key):
        n_sequences, length = relevance.shape
        if self.keeps_all:
            kept = mx.broadcast_to(mx.arange(length, dtype=mx.int32), (n_sequences, length))
            return kept, kept < lengths[:, None]
        if self.config.attention == "random":
            key = mx.random.key(0) if key is None else key
            return keep_random(tokens, lengths, counts, widest, key)
        if self.config.attention == "first":
            return keep_first(lengths, counts, widest)
        return keep_highest(relevance, lengths, counts, widest)

    def _gather(self, features, relevance, kept, mask):
        if not self.keeps_all:
            features = mx.take_along_axis(features, kept[..., None], axis=1)
            relevance = mx.take_along_axis(relevance, kept, axis=1)
        opened = self.gate["scale"] * (relevance if self.config.gate else mx.stop_gradient(relevance))
        return features, sigmoid(opened + self.gate["shift"]) * mask

    def _strength(self, chosen, kept, mask, gates):
        if self.config.attention == "mlp":
            return self._pairwise(chosen, kept, gates)[0]
        return self.approximator(self.attention(chosen, kept, mask, gates))

    def _pairwise(self, chosen, kept, gates):
        projected = self.attention.project(chosen, kept)
        bias = self.attention.distance_bias(projected) if self.config.distance else mx.array(0.0)
        return self.approximator.pairwise(projected.queries, projected.keys, projected.values, bias, gates)

    def kept_sum(self, tokens, lengths, counts, widest: int) -> mx.array:
        """Sum the features of the kept positions by their gates: (B, F), what a linear approximator would see.

        Arguments as in `__call__`.
        """
        features = self.features(tokens)
        relevance = self.selector(features)
        kept, mask = self._keep(tokens, relevance, lengths, counts, widest, None)
        chosen, gates = self._gather(features, relevance, kept, mask)
        return (gates[:, None] @ chosen)[:, 0]

    def pool(self, features, relevance, lengths) -> mx.array:
        """Sum the features of all positions by their gates: (B, L, D) -> (B, D); no interaction, linear in L."""
        real = mx.arange(relevance.shape[1])[None] < lengths[:, None]
        weights = sigmoid(self.gate["scale"] * relevance + self.gate["shift"]) * real
        return (weights[:, None] @ features)[:, 0] * (1 / SATURATION)


def stem_kernel(config: ModelConfig) -> str:
    """Choose the stem's kernel: look-ups on a CPU, convolution on a GPU, unless the configuration names one."""
    if config.stem_kernel != "auto":
        return config.stem_kernel
    return "lookup" if mx.default_device() == mx.Device(mx.cpu) else "conv"


def compiled(function, state=None):
    """Compile a function where that pays: on a GPU always, on a CPU only with GSA_COMPILE=1.

    On a CPU, MLX compiles each fused kernel with the machine's C++ compiler while the program runs, up to a second a
    kernel and tens of kernels per shape of batch, for a gain of a tenth; the plain graph starts at once.

    Parameters
    ----------
    function : callable
    state : list, optional
        Trees that the function reads and updates.
    """
    return mx.compile(function, inputs=state, outputs=state) if compiles() else function


def compiles() -> bool:
    """Whether `compiled` compiles here."""
    return mx.default_device() != mx.Device(mx.cpu) or os.environ.get("GSA_COMPILE", "") == "1"


def forward_budget(config: ModelConfig, lengths, padded: int):
    """Return (counts int32 (B,), widest) for sequences of these true lengths padded to `padded` bp.

    Raises
    ------
    RunError
        If this machine has too little memory for what would attend to each other.
    """
    require_memory(config, len(lengths), padded)
    counts = mx.array(budget(lengths, config.sparsity, config.max_selected))
    return counts, min(padded, widest_budget(padded, config.sparsity, config.max_selected))


def silence(n_sequences: int, n_filters: int, share: float, key) -> mx.array:
    """Draw factors (B, 1, D) that silence a share of the filters, a different one in each sequence.

    The others are raised so that the sum stays what it was on average.
    """
    heard = mx.random.bernoulli(1 - share, (n_sequences, 1, n_filters), key=mx.random.split(key)[0])
    return heard.astype(mx.float32) * (1 / (1 - share))


def _attention(config, n_features):
    sizes, precision = (config.attention_width, config.distance, n_features), config.precision
    if config.attention == "full":
        return FullAttention(*sizes, precision=precision)
    if config.attention == "window":
        return WindowAttention(*sizes, config.window, config.n_global, precision)
    return SelectedAttention(*sizes, config.neighbours, precision)

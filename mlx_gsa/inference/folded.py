"""A trained model folded for use: everything that does not depend on the sequence computed once, as NumPy arrays.

Embedding, filters, both strands and the normalisation become tables of 4-mers. Behind the attention the first layer of
the approximator is linear in query, attended key and attended value, so it moves in front of it: what is mixed are its
hidden units, not keys and values.
"""

from typing import NamedTuple

import mlx.core as mx
import numpy as np

from mlx_gsa.model.context import kmer_classes
from mlx_gsa.model.stem import word_tables
from mlx_gsa.model.waves import FREQUENCIES

FOLDS = ("softmax",)  # forms of attention that a folded model has


class Folded(NamedTuple):
    """Tables and matrices of a sparse model; D filters, F features, C channels of attention, H hidden units."""

    words: np.ndarray | None  # (n_words, 6^4, S * D) responses of a 4-mer; the forward strand's D first
    bias: np.ndarray | None  # (D,) minus the thresholds
    letters: np.ndarray | None  # (6, D) features of a letter, of a model without a stem
    selector: tuple  # (hidden, F), (hidden, 1), (1, hidden), float
    gate: tuple  # scale, shift
    queries: tuple  # (F, C), (C,), scaled as the scores are
    keys: tuple  # (F, C), (C,)
    own: np.ndarray  # (H, F), what a position's own query gives the approximator
    heard: np.ndarray  # (H, F), what it gives those that attend to it
    hidden_bias: np.ndarray  # (H, 1)
    output: tuple  # (n_outputs, H), (n_outputs, 1), scaled as the gated sum is
    prediction_bias: np.ndarray  # (n_outputs,)
    waves: tuple | None  # (M,) 1 / wavelengths, (M,) weights
    context: tuple | None  # ((4^k, C), k, half widths)
    neighbours: int | None  # kept positions seen on either side, or all
    profile: tuple | None  # (16, D) heights, anchor, reference length in bp


def can_fold(config) -> bool:
    """Whether a model of this configuration has a folded form."""
    return config.selects and config.attention in FOLDS and config.precision == "float32"


def fold(model) -> Folded:
    """Fold a `SparseOrganism`.

    Parameters
    ----------
    model : SparseOrganism
        For which `can_fold` holds.

    Returns
    -------
    Folded
    """
    config = model.config
    words, bias, letters = _features(model)
    scale = config.reference_budget**-0.5
    out = model.approximator.output
    return Folded(
        words, bias, letters, _selector(model.selector),
        (float(model.gate["scale"].item()), float(model.gate["shift"].item())),
        *_projections(model),
        (_numbers(out.weight * scale), _numbers(out.bias[:, None] * scale)),
        _numbers(model.bias), _waves(model), _context(model), config.neighbours, _profile(model),
    )  # fmt: skip


def _features(model):
    table = model.embeddings.table()
    if not model.config.stem:
        return None, None, _numbers(table)
    bank, bias = model.stem.filter_bank(table)
    return _numbers(mx.concatenate([word_tables(strand) for strand in bank], axis=-1)), _numbers(bias), None


def _selector(selector):
    first, second = selector.input, selector.output
    return _numbers(first.weight), _numbers(first.bias[:, None]), _numbers(second.weight), float(second.bias.item())


def _projections(model):
    """Queries and keys as they are; values only as what the approximator's first layer makes of them."""
    attention, hidden = model.attention, model.approximator.input
    q, k, v = attention.query_projection, attention.key_projection, attention.value_projection
    from_query, from_key, from_value = mx.split(hidden.weight, 3, axis=1)
    own, own_bias = from_query @ q.weight, from_query @ q.bias
    heard = from_key @ k.weight + from_value @ v.weight
    heard_bias = from_key @ k.bias + from_value @ v.bias
    scale = q.weight.shape[0] ** -0.5
    halves = np.arange(q.weight.shape[0]).reshape(2, -1).T.ravel()  # the halves that rotate together, side by side
    beside = mx.array(halves)
    pairs = ((q.weight.T * scale, q.bias * scale), (k.weight.T, k.bias))
    placed = [(_numbers(weight[:, beside]), _numbers(bias[beside])) for weight, bias in pairs]
    bias = own_bias + heard_bias + hidden.bias
    return *placed, _numbers(own), _numbers(heard), _numbers(bias[:, None])


def _waves(model):
    if not model.config.distance:
        return None
    return FREQUENCIES, _numbers(model.attention.distance_weights)


def _context(model):
    config = model.config
    if not config.context:
        return None
    classes = kmer_classes(config.context_kmer, config.strands)
    return _numbers(model.context.table)[classes], config.context_kmer, tuple(config.context)


def _profile(model):
    config = model.config
    if config.anchor == "none":
        return None
    return _numbers(model.profile.weight), config.anchor, config.reference_length


def _numbers(array):
    return np.ascontiguousarray(np.array(array, dtype=np.float32))

"""What a forward pass costs: floating-point operations counted from shapes, and time and memory measured.

A multiplication or an addition is one operation, a multiply-add two; comparisons and exponentials count as
one. Counts are for inference on one sequence.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from mlx_gsa.evaluation.cnn_cost import bank_flops, count_cnn_flops, response_flops
from mlx_gsa.evaluation.timing import Timing, time_forward

ORGANS = ("tables", "stem", "selector", "projections", "attention", "approximator")
SCORE_BYTES = 2 * 2**30
N_WAVES = 16  # cosines of the distance, as in the attention
N_BUMPS = 16  # of the profile of an anchor
_SOFTMAX = 6  # mask, maximum, difference, exponential, sum, division


class ForwardMeasure(NamedTuple):
    """One measured configuration: seconds per batch, peak bytes above the weights, and what was run."""

    timing: Timing
    peak_bytes: int
    batch_size: int
    length: int
    attended: int


def kept_count(config, length: int) -> int:
    """Count the positions that take part in attention.

    Parameters
    ----------
    config : ModelConfig or similar
        Read here: ``attention``, ``sparsity``, ``max_selected``.
    length : int
        bp.

    Returns
    -------
    int
        Every position for "full", "window" and a CNN, else ceil(sparsity x length), at most `max_selected`.
    """
    if config.attention in ("full", "window") or not config.selects:
        return length
    kept = max(1, math.ceil(config.sparsity * length - 1e-9))
    return min(kept, length, config.max_selected or length)


def count_flops(config, length: int, *, stem_form="lookup", batch_size=32) -> dict[str, float]:
    """Count the operations of one forward pass over one sequence, by organ.

    Parameters
    ----------
    config : ModelConfig or similar
    length : int
        bp.
    stem_form : {"lookup", "conv"}
        Which exact form of the stem.
    batch_size : int
        Filter bank and tables are made once per batch; a sequence bears its share.

    Returns
    -------
    dict of str to float
        Operations of "tables", "stem", "selector", "projections", "attention", "approximator", and "total".
        Reading a table, gathering and sorting are no floating-point operations. A CNN has other parts, see
        `cnn_cost.count_cnn_flops`.
    """
    if not config.selects:
        return count_cnn_flops(config, length, stem_form=stem_form, batch_size=batch_size)
    kept = kept_count(config, length)
    counts = {
        "tables": _table_flops(config, stem_form) / batch_size,
        "stem": _stem_flops(config, length, stem_form) + _place_flops(config, length),
        "selector": _selector_flops(config, length),
        "projections": _projection_flops(config, kept),
        "attention": _attention_flops(config, kept),
        "approximator": _approximator_flops(config, kept),
    }
    counts = {organ: float(counts[organ]) for organ in ORGANS}
    return counts | {"total": sum(counts.values())}


def compare_flops(config, length: int, *, batch_size=32) -> dict:
    """Count operations as configured and with every position kept, in both forms of the stem.

    Parameters
    ----------
    config, length, batch_size
        As for `count_flops`.

    Returns
    -------
    dict
        ``length``, ``kept``; ``sparse`` and ``full``, each with a count by organ under "lookup" and "conv";
        ``ratio``, full over sparse in the lookup form. For a CNN, which has no such rival, both are its own.
    """
    full = replaced(config, attention="full")
    counts = {
        name: {
            form: count_flops(c, length, stem_form=form, batch_size=batch_size) for form in ("lookup", "conv")
        }
        for name, c in (("sparse", config), ("full", full))
    }
    ratio = counts["full"]["lookup"]["total"] / counts["sparse"]["lookup"]["total"]
    return {"length": length, "kept": kept_count(config, length), **counts, "ratio": ratio}


def measure_forward(
    config, length: int, batch_size=32, sparsity=None, attention=None, repeats=5
) -> ForwardMeasure:
    """Measure time and peak memory of a forward pass of a fresh model on random sequences.

    Weights do not change the cost, so they are random.

    Parameters
    ----------
    config : ModelConfig
    length, batch_size : int
        bp and sequences; every sequence has the full length.
    sparsity, attention : optional
        Instead of the configured ones.
    repeats : int

    Returns
    -------
    ForwardMeasure
        Peak memory is MLX's own, less what was in use before the first call.
    """
    changes = {"sparsity": sparsity, "attention": attention}
    config = replaced(config, **{name: value for name, value in changes.items() if value is not None})
    timing, peak = measure_call(forward_call(config, length, batch_size), repeats=repeats)
    return ForwardMeasure(timing, peak, batch_size, length, kept_count(config, length))


def random_batch(length: int, batch_size: int) -> np.ndarray:
    """Draw the sequences that every rival is measured on: tokens uint8 (batch_size, length), always the same."""
    return np.random.default_rng(0).integers(0, 4, (batch_size, length)).astype(np.uint8)


def forward_call(config, length: int, batch_size: int) -> Callable[[], object]:
    """Build a forward pass of a fresh model as the training path runs it; arguments as for `measure_forward`."""
    from mlx_gsa.runtime import prepare_mlx

    mx = prepare_mlx()
    from mlx_gsa.model.build import build_model
    from mlx_gsa.model.organism import compiled, forward_budget

    model = build_model(config)
    tokens = mx.array(random_batch(length, batch_size))
    lengths = mx.full((batch_size,), length, dtype=mx.int32)
    counts, widest = forward_budget(config, np.full(batch_size, length), length)
    mx.eval(model.parameters(), tokens, lengths, counts)
    forward = compiled(lambda *batch: model.predict(*batch, widest))
    return lambda: mx.eval(forward(tokens, lengths, counts))


def measure_call(call: Callable[[], object], **timing) -> tuple[Timing, int]:
    """Time a call and measure MLX's peak memory in it, less what was in use before (bytes).

    Parameters
    ----------
    call : callable
        Without arguments; its inputs exist already.
    **timing
        As for `time_forward`.
    """
    from mlx_gsa.runtime import prepare_mlx

    mx = prepare_mlx()
    mx.clear_cache()
    mx.reset_peak_memory()
    before = mx.get_active_memory()
    found = time_forward(call, **timing)
    return found, max(0, mx.get_peak_memory() - before)


def compare_forward(config, length: int, batch_size=32, repeats=5) -> dict:
    """Measure a model as configured and with every position kept, on the same batch.

    Parameters
    ----------
    config, length, batch_size, repeats
        As for `measure_forward`; the batch is made smaller if full attention would need more than about 2 GiB
        for its scores.

    Returns
    -------
    dict
        ``length``, ``batch_size``; ``sparse`` and ``full``, each with ``seconds`` (median, per batch),
        ``fastest``, ``repeats``, ``peak_bytes``, ``attended``; ``speedup`` and ``memory_ratio``, full over
        sparse.
    """
    batch_size = min(batch_size, affordable_batch(length))
    sparse = measure_forward(config, length, batch_size, repeats=repeats)
    # a CNN has no form in which more positions attend
    full = measure_forward(config, length, batch_size, attention="full", repeats=repeats) if config.selects else sparse
    return {
        "length": length,
        "batch_size": batch_size,
        "sparse": _measured(sparse),
        "full": _measured(full),
        "speedup": full.timing.median / sparse.timing.median,
        "memory_ratio": full.peak_bytes / max(sparse.peak_bytes, 1),
    }


def affordable_batch(length: int) -> int:
    """Count the sequences whose full attention scores (three float32 copies of L x L) fit in 2 GiB, or 1."""
    return max(1, SCORE_BYTES // (3 * 4 * length * length))


def replaced(config, **changes):
    """Copy a configuration (pydantic model, dataclass or namespace) with some fields changed."""
    if hasattr(config, "model_copy"):
        return config.model_copy(update=changes)
    return type(config)(**(vars(config) | changes))


def _strands(config):
    return 2 if config.strands == "both" else 1


def _table_flops(config, form):
    """Fold embeddings into the filters; for lookups also sum every 4-mer, one addition over its 3-mer."""
    if not config.stem:
        return 0
    return bank_flops(config.filter_width, config.n_channels, config.embedding_width, _strands(config), form)


def _stem_flops(config, length, form):
    """Filter responses, then per channel: the stronger strand, threshold, maximum with zero, Hill function."""
    if not config.stem:
        return 0
    occupancy = 6  # bias, maximum, square, x 1/c, + 1, divide
    response = response_flops(config.filter_width, config.n_channels, _strands(config), form)
    return length * (response + config.n_channels * occupancy)


def _place_flops(config, length):
    """Profile of an anchor: heights of the bumps, factors, products. Context: running sums, and per window a mean."""
    profile = N_BUMPS * 4 + config.n_channels * (2 * N_BUMPS + 2) if config.anchor != "none" else 0
    widths = config.context_channels + 1
    context = widths * (2 + 2 * len(config.context)) if config.context else 0
    return length * (profile + context)


def _selector_flops(config, length):
    """F -> hidden -> 1, biases and ReLU included."""
    return length * (config.selector_hidden * (2 * config.n_features + 1 + 1 + 2) + 1)


def _projection_flops(config, kept):
    """Queries, keys and values with biases, scaled queries; rotation and waves of the positions."""
    d, features = config.attention_width, config.n_features
    place = 5 * N_WAVES + 2 * 3 * d  # angle, cosine, sine, both weighted; 3 per rotated channel
    return kept * (d + 3 * (2 * features * d + d) + (place if config.distance else 0))


def _attention_flops(config, kept):
    """Count per pair: score with its distance channels, mask, softmax, mixing into attended key and value."""
    d, hidden = config.attention_width, config.approximator_hidden
    pairs = kept * _columns(config, kept)
    distance = 2 * 2 * N_WAVES if config.distance else 0
    if config.attention == "mlp":
        per_pair = hidden * (3 + 2 * config.n_outputs) + 3 * config.n_outputs
        return kept * 3 * 2 * d * hidden + pairs * (per_pair + distance)
    return pairs * (2 * d + distance + _SOFTMAX + 4 * d)


def _columns(config, kept):
    """Count the keys that a position is held against: in a band, those of its own block and of both beside it."""
    width, shared = (config.window, config.n_global) if config.attention == "window" else (config.neighbours, 0)
    in_band = config.attention in ("softmax", "random", "first", "window") and width is not None and kept > width + 1
    return min(kept, 3 * width + shared) if in_band else kept


def _approximator_flops(config, kept):
    """[query, attended key, attended value] = 3 D -> hidden -> outputs; the gate; the gated sum."""
    hidden, outputs = config.approximator_hidden, config.n_outputs
    mlp = hidden * (2 * 3 * config.attention_width + 1 + 1 + 2 * outputs) + outputs
    gate = 5  # scale, shift, sigmoid, mask, 1 / sqrt(k)
    return kept * ((0 if config.attention == "mlp" else mlp) + gate + 2 * outputs)


def _measured(measure):
    timing = measure.timing
    return {
        "seconds": timing.median,
        "fastest": timing.fastest,
        "repeats": timing.repeats,
        "peak_bytes": int(measure.peak_bytes),
        "attended": measure.attended,
    }

"""How much memory a batch needs, told before it is asked for: positions count once, pairs of positions by their square.

The numbers of bytes were measured with MLX on a CPU (peak less what was in use before) and rounded up.
"""

import os
from functools import lru_cache
from typing import NamedTuple

from mlx_gsa.errors import RunError
from mlx_gsa.model.band import PAIRS_AT_ONCE
from mlx_gsa.model.selector import widest_budget

_BATCH = 2**30  # bytes that a batch in use should stay below
_SHARE = 0.75  # of the machine's memory
_WAVES = 64  # channels of a query and a key that say where they are


class _Copies(NamedTuple):
    """Arrays of float32 held at once: of features, of what a kept position has, of pairs, of hidden units of pairs."""

    features: int
    places: int
    pairs: int
    fused: int  # pairs within MLX's own attention
    hidden: float


_IN_USE, _IN_TRAINING = _Copies(14, 4, 7, 2, 1.3), _Copies(29, 8, 7, 4, 5.0)


def batch_bytes(config, n_rows: int, padded: int, training: bool = False) -> int:
    """Estimate the memory of a forward pass of the organism, or of a training step.

    Parameters
    ----------
    config : ModelConfig
    n_rows, padded : int
        Sequences, and bp to which they are padded.
    training : bool
        With what the gradient needs.

    Returns
    -------
    int
        Bytes.
    """
    copies = _IN_TRAINING if training else _IN_USE
    kept = attending(config, padded)
    each = copies.features * padded * config.n_features
    each += copies.places * kept * 2 * (2 * config.attention_width + _WAVES)
    columns = pairs_of_each(config, kept)
    pairs = n_rows * kept * columns
    if columns < kept and not training:
        pairs = min(pairs, PAIRS_AT_ONCE)
    return int(4 * (n_rows * each + pairs * _of_a_pair(config, copies)))


def _of_a_pair(config, copies):
    if config.attention == "mlp":
        return copies.hidden * config.approximator_hidden
    return copies.fused if config.attention == "full" else copies.pairs


def attending(config, padded: int) -> int:
    """Count the positions that attend to each other in a sequence of `padded` bp."""
    if config.attention in ("full", "window"):
        return padded
    return min(padded, widest_budget(padded, config.sparsity, config.max_selected))


def pairs_of_each(config, kept: int) -> int:
    """Count the keys that each of `kept` positions is held against; in a band, three blocks."""
    width, shared = (config.window, config.n_global) if config.attention == "window" else (config.neighbours, 0)
    return kept if width is None or kept <= width + 1 else min(kept + width, 3 * width) + shared


def affordable_rows(config, padded: int, most: int, budget: int = _BATCH) -> int:
    """Return how many sequences fit in a batch: a power of two or `most`, at least 1.

    Parameters
    ----------
    config : ModelConfig
    padded : int
        bp.
    most : int
        Sequences asked for.
    budget : int
        Bytes.
    """
    fitting = budget // max(batch_bytes(config, 1, padded), 1)
    return most if fitting >= most else 1 << (max(fitting, 1).bit_length() - 1)


def require_memory(config, n_rows: int, padded: int, training: bool = False) -> None:
    """Refuse a batch for which this machine has too little memory.

    Raises
    ------
    RunError
        It says how many positions would attend to each other and how to make them fewer.
    """
    needed, limit = batch_bytes(config, n_rows, padded, training), int(_SHARE * memory_total())
    if needed <= limit or not config.selects:
        return
    kept = attending(config, padded)
    found = f"about {needed / 1e9:,.0f} GB ({n_rows} x {padded:,} bp, {kept:,} positions that attend)"
    expected = f"at most {limit / 1e9:,.0f} GB"
    raise RunError("too little memory", expected=expected, found=found, mend=_advice(config, kept))


def _advice(config, kept):
    if pairs_of_each(config, kept) < kept or config.attention in ("mlp", "full", "window"):
        return "Make batches smaller (training.batch_size) or keep fewer positions (model.max_selected)."
    return "Let each see its neighbours (--set model.neighbours=128), or keep fewer positions (model.max_selected)."


@lru_cache(maxsize=1)
def memory_total() -> int:
    """Return the bytes of memory of this machine."""
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")

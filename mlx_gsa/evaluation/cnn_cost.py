"""Operations of a layer of motif filters, and of the convolutional rivals that begin with one; rules as in `cost`."""

import math

from mlx_gsa.model import cnn_sizes as sizes

WORD = 4  # bp of one lookup, as in the stem
TOKEN_ROWS = 6  # {A, C, G, T, N, PAD}
_OVERLAP = 6  # of a step and a part: ends, starts, difference, maximum, division


def bank_flops(width: int, n_filters: int, embedding: int, n_strands: int, form: str) -> int:
    """Count what is made once per batch: embeddings folded into filters, and for lookups the sums of every 4-mer.

    Parameters
    ----------
    width : int
        bp seen by a filter.
    n_filters, embedding, n_strands : int
    form : {"lookup", "conv"}
    """
    bank = width * TOKEN_ROWS * 2 * n_filters * embedding
    sums = math.ceil(width / WORD) * n_strands * n_filters * sum(TOKEN_ROWS**n for n in range(2, WORD + 1))
    return bank + (sums if form == "lookup" else 0)


def response_flops(width: int, n_filters: int, n_strands: int, form: str) -> int:
    """Count the operations per position from tokens to the response of the stronger strand."""
    one = math.ceil(width / WORD) - 1 if form == "lookup" else 2 * width * TOKEN_ROWS
    return n_filters * (n_strands * one + n_strands - 1)


def count_cnn_flops(config, length: int, *, stem_form="lookup", batch_size=32) -> dict[str, float]:
    """Count the operations of one forward pass of a CNN over one sequence, by layer.

    Parameters
    ----------
    config : ModelConfig
        Of architecture "cnn" or "cnn-large".
    length, stem_form, batch_size
        As for `cost.count_flops`.

    Returns
    -------
    dict of str to float
        Operations of "tables" (filters of the first layer), "stem" (the first layer), "convolutions" (the others),
        "dense" (averages, dense layer and output), and "total".
    """
    count = _small_flops if config.architecture == "cnn" else _large_flops
    counts = {name: float(value) for name, value in count(config, length, stem_form, batch_size).items()}
    return counts | {"total": sum(counts.values())}


def _small_flops(config, length, form, batch_size):
    n, strands = _small_filters(config), 2 if config.strands == "both" else 1
    steps = math.ceil(length / sizes.POOL)
    pooled = length * n + length * 2 * n  # maximum of each step; the strongest and the sum of all
    return {
        "tables": bank_flops(config.filter_width, n, sizes.SMALL_EMBEDDING, strands, form) / batch_size,
        "stem": length * (response_flops(config.filter_width, n, strands, form) + _rectified(n)) + pooled,
        "convolutions": steps * (_convolution(sizes.SECOND_WIDTH, n, n) + _rectified(n) + n),
        "dense": _bins(steps, sizes.SMALL_BINS, n)
        + n  # the sum becomes a mean
        + _dense(sizes.small_pooled(n), sizes.HIDDEN, config.n_outputs),
    }


def _small_filters(config):
    """Return the number of filters; a configuration that no training has resolved yet gets what training would set."""
    from mlx_gsa.model.cnn import matched_filters

    return config.cnn_filters or matched_filters(config)


def _large_flops(config, length, form, batch_size):
    first, second, third = sizes.LARGE_KERNELS
    width = sizes.LARGE_WIDTH
    halves = [math.ceil(length / 2**n) for n in range(4)]
    convolutions = sum(
        steps * (_convolution(width, before, after) + _rectified(after) + after)
        for steps, before, after in ((halves[1], first, second), (halves[2], second, third))
    )
    return {
        "tables": bank_flops(width, first, sizes.LARGE_EMBEDDING, 1, form) / batch_size,
        "stem": length * (response_flops(width, first, 1, form) + _rectified(first) + first),
        "convolutions": convolutions,
        "dense": _bins(halves[3], sizes.LARGE_BINS, third)
        + _dense(sizes.LARGE_BINS * third, sizes.LARGE_HIDDEN, config.n_outputs),
    }


def _rectified(n_filters):
    """Bias, maximum with zero, mask."""
    return 3 * n_filters


def _convolution(width, before, after):
    return 2 * width * before * after


def _bins(steps, parts, n_filters):
    return parts * steps * (_OVERLAP + 2 * n_filters)


def _dense(inputs, hidden, outputs):
    """Both layers with their biases, and the ReLU between them."""
    return hidden * (2 * inputs + 2) + outputs * (2 * hidden + 1)

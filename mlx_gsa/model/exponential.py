"""Exponentials and softmax attention on a CPU, where MLX evaluates an exponential in 12 ns and a product in 0.2.

The power of two is built from products: the nearest whole number goes into the exponent's bits, a polynomial gives the
rest. It is exact to 2e-7 before rounding. Attention has its gradient written out, because it then passes over
the K x K pairs once more instead of four times. On a GPU MLX's own functions are used, which are fast there.
"""

import mlx.core as mx
import numpy as np

_LEAST = -126.0  # the smallest exponent of a normal float32; what lies below counts as this: 1e-38
_ROUND = 1.5 * 2.0**23  # adding it to a float32 leaves a whole number in its last bits
_LOG2_E = float(np.log2(np.e))


def _polynomial(degree=5):
    """Coefficients of 2^x on [-1/2, 1/2], rising, with the least relative error on Chebyshev nodes (8e-8)."""
    nodes = np.cos(np.pi * (np.arange(4000) + 0.5) / 4000) / 2
    powers = np.vander(nodes, degree + 1, increasing=True) / 2.0 ** nodes[:, None]
    return [float(c) for c in np.linalg.lstsq(powers, np.ones_like(nodes), rcond=None)[0]]


_COEFFICIENTS = _polynomial()


def power_of_two(exponent: mx.array) -> mx.array:
    """Return 2^x of float32 values below 127, without a gradient; below -126 it is 2^-126."""
    exponent = mx.maximum(exponent, _LEAST)
    rounded = exponent + _ROUND
    rest = exponent - (rounded - _ROUND)
    value = _COEFFICIENTS[-1] * rest + _COEFFICIENTS[-2]
    for coefficient in _COEFFICIENTS[-3::-1]:
        value = value * rest + coefficient
    return ((rounded.view(mx.int32) << 23) + value.view(mx.int32)).view(mx.float32)


def attend(queries: mx.array, keys: mx.array, values: mx.array, key_bias: mx.array) -> mx.array:
    """Attend with every query to every key: softmax(q k + bias) v.

    Parameters
    ----------
    queries, keys : mx.array (B, K, P)
        Scaled already.
    values : mx.array (B, K, V)
        Where these three are in half precision, only the matrix products are; the softmax is not.
    key_bias : mx.array (B, K)
        Added to every score of a key; a very negative one forbids it.

    Returns
    -------
    mx.array (B, K, V)
    """
    if not _on_cpu() or values.dtype != mx.float32:
        scores = queries @ keys.swapaxes(1, 2) + key_bias[:, None]
        return softmax(scores).astype(values.dtype) @ values
    ones = mx.ones((*queries.shape[:2], 1))
    asked = mx.concatenate([queries * _LOG2_E, ones], axis=-1)
    seen = mx.concatenate([keys, key_bias[..., None] * _LOG2_E], axis=-1)
    return _attend(asked, seen, mx.concatenate([values, ones], axis=-1))[0]


def softmax(scores: mx.array) -> mx.array:
    """Softmax over the last axis, with a gradient."""
    return _softmax(scores) if _on_cpu() else mx.softmax(scores, axis=-1)


def sigmoid(values: mx.array) -> mx.array:
    """Logistic function, with a gradient."""
    return _sigmoid(values) if _on_cpu() else mx.sigmoid(values)


def _on_cpu():
    return mx.default_device() == mx.Device(mx.cpu)


@mx.custom_function
def _sigmoid(values):
    return 1 / (1 + power_of_two(mx.minimum(values * -_LOG2_E, -_LEAST)))


@_sigmoid.vjp
def _sigmoid_vjp(primals, cotangent, output):
    return cotangent * output * (1 - output)


@mx.custom_function
def _softmax(scores):
    powers = power_of_two((scores - scores.max(axis=-1, keepdims=True)) * _LOG2_E)
    return powers * (1 / powers.sum(axis=-1, keepdims=True))


@_softmax.vjp
def _softmax_vjp(primals, cotangent, weights):
    return weights * (cotangent - (cotangent * weights).sum(axis=-1, keepdims=True))


@mx.custom_function
def _attend(queries, keys, values):
    """Attend with scores in powers of two; the last of the values is 1, so that its sum is the denominator.

    Keys are rows here and queries columns: the largest of a column is found three times faster than that of a row.
    """
    scores = keys @ queries.swapaxes(1, 2)
    powers = power_of_two(scores - scores.max(axis=1, keepdims=True))
    mixed = powers.swapaxes(1, 2) @ values
    shares = 1 / mixed[..., -1:]
    return mixed[..., :-1] * shares, powers, shares


@_attend.vjp
def _attend_vjp(primals, cotangents, outputs):
    queries, keys, values = primals
    attended, powers, shares = outputs
    wanted = cotangents[0] * shares
    level = -(wanted * attended).sum(axis=-1, keepdims=True)
    wanted = mx.concatenate([wanted, level], axis=-1)
    of_scores = (values @ (wanted / _LOG2_E).swapaxes(1, 2)) * powers
    return of_scores.swapaxes(1, 2) @ keys, of_scores @ queries, powers @ wanted

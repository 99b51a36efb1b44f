"""Exponentials from products, and the attention whose gradient is written out."""

import mlx.core as mx
import numpy as np
import pytest

from mlx_gsa.model.exponential import attend, power_of_two, sigmoid, softmax


def test_powers_of_two():
    exponents = np.concatenate([np.linspace(-126, 126, 100_001), np.arange(-126, 127)]).astype(np.float32)
    np.testing.assert_allclose(power_of_two(mx.array(exponents)), 2.0 ** exponents.astype(np.float64), rtol=3e-7)
    np.testing.assert_allclose(power_of_two(mx.array([-126.0, -127.0, -1e9, -np.inf])), 2.0**-126, rtol=3e-7)


def drawn(n_kept=37, seed=0, scale=1.0):
    rng = np.random.default_rng(seed)
    queries, keys = (scale * rng.standard_normal((2, n_kept, 10)) for _ in range(2))
    bias = np.where(rng.random((2, n_kept)) < 0.2, -1e9, np.log(rng.random((2, n_kept))))
    bias[:, 0] = 0
    return [mx.array(x.astype(np.float32)) for x in (queries, keys, rng.standard_normal((2, n_kept, 6)), bias)]


def plain(queries, keys, values, bias):
    return mx.softmax(queries @ keys.swapaxes(1, 2) + bias[:, None], axis=-1) @ values


@pytest.mark.parametrize("scale", [0.3, 1.0, 4.0])
def test_attention_and_its_gradients_are_those_of_the_softmax(scale):
    given = drawn(scale=scale)
    np.testing.assert_allclose(attend(*given), plain(*given), rtol=1e-4, atol=1e-5)
    found, expected = (
        mx.grad(lambda *x, f=f: mx.sin(f(*x)).sum(), argnums=(0, 1, 2, 3))(*given) for f in (attend, plain)
    )
    for one, other in zip(found, expected, strict=True):
        assert np.abs(np.array(one) - np.array(other)).max() <= 1e-4 * max(np.abs(np.array(other)).max(), 1e-3)


def test_a_forbidden_key_is_not_heard():
    queries, keys, values, bias = drawn()
    forbidden = mx.where(mx.arange(37) == 5, -1e9, bias)
    changed = mx.where((mx.arange(37) == 5)[:, None], values + 100, values)
    np.testing.assert_array_equal(attend(queries, keys, values, forbidden), attend(queries, keys, changed, forbidden))


def test_softmax_and_its_gradient():
    scores = mx.array(np.random.default_rng(1).standard_normal((3, 4, 50)).astype(np.float32) * 8)
    np.testing.assert_allclose(softmax(scores), mx.softmax(scores, axis=-1), atol=1e-6)
    found, expected = (
        mx.grad(lambda x, f=f: (mx.cos(x) * f(x)).sum())(scores) for f in (softmax, lambda x: mx.softmax(x, axis=-1))
    )
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_sigmoid_and_its_gradient():
    values = mx.array(np.concatenate([np.linspace(-20, 20, 401), [-1e9, -100, 100, 1e9]]).astype(np.float32))
    np.testing.assert_allclose(sigmoid(values), mx.sigmoid(values), rtol=2e-6, atol=1e-30)
    found, expected = (mx.grad(lambda x, f=f: f(x).sum())(values) for f in (sigmoid, mx.sigmoid))
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-7)


def test_a_stream_gets_the_same_bits():
    given, stream = drawn(), mx.new_stream(mx.cpu)
    step = mx.value_and_grad(lambda *x: mx.sin(attend(*x)).sum(), argnums=(0, 1, 2, 3))
    with mx.stream(stream):
        found = step(*given)
        mx.eval(found)
    expected = step(*given)
    assert found[0].item() == expected[0].item()
    for one, other in zip(found[1], expected[1], strict=True):
        np.testing.assert_array_equal(one, other)

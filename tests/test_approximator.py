"""The approximator: 48-8-1 on what was attended, and the literal form on every pair of positions."""

import mlx.core as mx
import numpy as np
import pytest

from mlx_gsa.model.approximator import MLPApproximator
from mlx_gsa.model.attention import Attended


def arrays(n_rows=2, n_kept=5, width=4, seed=0):
    rng = np.random.default_rng(seed)
    queries, keys, values = rng.normal(size=(3, n_rows, n_kept, width)).astype(np.float32)
    bias = rng.normal(size=(n_rows, n_kept, n_kept)).astype(np.float32)
    gates = rng.uniform(size=(n_rows, n_kept)).astype(np.float32)
    gates[-1, -2:] = 0  # masked
    return queries, keys, values, bias, gates


def network(approximator, row, extra=0.0):
    """The two layers on one concatenated vector."""
    first, last = approximator.input, approximator.output
    hidden = np.maximum(np.array(first.weight) @ row + np.array(first.bias) + extra, 0)
    return np.array(last.weight) @ hidden + np.array(last.bias)


def test_the_network_by_hand():
    approximator = MLPApproximator(1, 2, 1)
    approximator.input.weight, approximator.input.bias = mx.array([[1.0, 2, 3], [-1.0, 0, 0]]), mx.array([0.0, 1.0])
    approximator.output.weight, approximator.output.bias = mx.array([[1.0, 10.0]]), mx.array([0.5])
    column = [mx.array([[[x]]]) for x in (0.25, 1.0, -0.5)]
    # hidden: 0.25 + 2 - 1.5 = 0.75 and 1 - 0.25 = 0.75
    assert approximator(Attended(*column)).tolist() == [[[8.75]]]


def test_the_network_reads_query_key_and_value_of_each_position():
    mx.random.seed(0)
    approximator, (queries, keys, values, *_) = MLPApproximator(4, 3, 2), arrays()
    strength = np.array(approximator(Attended(*map(mx.array, (queries, keys, values)))))
    for place in np.ndindex(2, 5):
        row = np.concatenate([queries[place], keys[place], values[place]])
        np.testing.assert_allclose(strength[place], network(approximator, row), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("n_outputs", [1, 3])
@pytest.mark.parametrize("seed", [0, 1])
def test_pairwise_is_the_network_on_every_concatenated_triple(seed, n_outputs):
    mx.random.seed(seed)
    approximator, given = MLPApproximator(4, 3, n_outputs), arrays(seed=seed)
    strength, weights = (np.array(x) for x in approximator.pairwise(*map(mx.array, given)))
    queries, keys, values, bias, gates = given
    pairs = np.zeros((2, 5, 5, n_outputs))
    for b, i, j in np.ndindex(2, 5, 5):
        triple = np.concatenate([queries[b, i], keys[b, j], values[b, j]])
        pairs[b, i, j] = network(approximator, triple, bias[b, i, j]) * gates[b, j]
    expected = pairs.sum(axis=2) / np.sqrt(gates.sum(axis=1) + 1)[:, None, None]
    np.testing.assert_allclose(strength, expected, rtol=1e-4, atol=1e-5)
    share = np.abs(pairs[..., 0])
    np.testing.assert_allclose(weights, share / share.sum(axis=-1, keepdims=True), rtol=1e-3, atol=1e-6)
    np.testing.assert_allclose(weights.sum(axis=-1), 1, rtol=1e-5)


def test_a_masked_key_changes_nothing():
    mx.random.seed(0)
    approximator, (queries, keys, values, bias, gates) = MLPApproximator(4, 3), arrays()
    before, weights = approximator.pairwise(*map(mx.array, (queries, keys, values, bias, gates)))
    keys[-1, -2:], values[-1, -2:] = 100, -100
    after, _ = approximator.pairwise(*map(mx.array, (queries, keys, values, bias, gates)))
    np.testing.assert_array_equal(before, after)
    assert not np.array(weights)[-1, :, -2:].any()


def test_no_distance_term_is_a_term_of_zero():
    mx.random.seed(0)
    approximator, (queries, keys, values, bias, gates) = MLPApproximator(4, 3), arrays()
    given = [mx.array(x) for x in (queries, keys, values)]
    none, _ = approximator.pairwise(*given, mx.array(0.0), mx.array(gates))
    zero, _ = approximator.pairwise(*given, mx.zeros(bias.shape), mx.array(gates))
    np.testing.assert_array_equal(none, zero)

"""Attention: three positions by hand, then every kind against a plain reference with loops."""

import mlx.core as mx
import numpy as np
import pytest

from mlx_gsa.model.attention import FullAttention, SelectedAttention, WindowAttention
from mlx_gsa.model.waves import WAVELENGTHS

N_FREQUENCIES = 16


def identity(attention, width=2):
    for projection in (attention.query_projection, attention.key_projection, attention.value_projection):
        projection.weight, projection.bias = mx.eye(width), mx.zeros((width,))
    attention.value_projection.weight = 3 * mx.eye(width)
    return attention


def inputs(length=17, width=8, n_rows=2, seed=0, consecutive=True):
    """Features, positions, mask and gates; the second row ends before the first."""
    rng = np.random.default_rng(seed)
    positions = np.arange(length) if consecutive else np.sort(rng.choice(2000, length, replace=False))
    mask = np.arange(length)[None] < length - 5 * np.arange(n_rows)[:, None]
    features = rng.normal(size=(n_rows, length, width)).astype(np.float32)
    gates = rng.uniform(size=(n_rows, length)).astype(np.float32) * mask
    return [mx.array(x) for x in (features, np.tile(positions, (n_rows, 1)).astype(np.int32), mask, gates)]


def make(kind=SelectedAttention, width=8, seed=0, **settings):
    mx.random.seed(seed)
    attention = kind(width, **settings)
    attention.distance_weights = mx.random.normal((N_FREQUENCIES,))
    return attention


def same_weights(attention, kind, **settings):
    other = make(kind, **settings)
    other.update(attention.parameters())
    return other


def softmax(scores):
    shares = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return shares / shares.sum(axis=-1, keepdims=True)


def reference_weights(attention, features, positions, allowed, gates):
    """Pair by pair: the key turned by the distance, a sum of cosines of the distance, the key weighed by its gate."""
    queries, keys = (np.array(p(features), np.float64) for p in (attention.query_projection, attention.key_projection))
    frequencies = 2 * np.pi / np.geomspace(*WAVELENGTHS, N_FREQUENCIES)
    half = queries.shape[-1] // 2
    turning = frequencies[np.arange(half) * N_FREQUENCIES // half]
    amplitudes, places = np.array(attention.distance_weights, np.float64), np.array(positions)
    scores = np.full(allowed.shape, -1e9)
    for b, i, j in np.argwhere(allowed):
        step = float(places[b, j] - places[b, i])
        turned = np.exp(1j * step * turning) * (keys[b, j, :half] + 1j * keys[b, j, half:])
        pair = queries[b, i] @ np.concatenate([turned.real, turned.imag]) / np.sqrt(2 * half)
        scores[b, i, j] = pair + (amplitudes * np.cos(frequencies * step)).sum() + np.log(gates[b, j])
    return softmax(scores)


def joined(attention, features):
    return np.concatenate([attention.key_projection(features), attention.value_projection(features)], axis=-1)


def attended(result):
    return np.concatenate([result.keys, result.values], axis=-1)


def test_three_positions_of_two_channels_by_hand():
    attention = identity(SelectedAttention(2, distance=False))
    features = mx.array([[[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]])
    given = features, mx.array([[0, 5, 9]]), mx.ones((1, 3), dtype=mx.bool_), mx.ones((1, 3))
    result = attention(*given)
    e, e2 = np.exp(1 / np.sqrt(2)), np.exp(2 / np.sqrt(2))
    weights = np.array([[e, 1, e], [1, e, e], [e, e, e2]])
    weights /= weights.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(attention.weights(*given)[0], weights, rtol=1e-6)
    keys = np.stack([weights[:, 0] + weights[:, 2], weights[:, 1] + weights[:, 2]], axis=1)
    np.testing.assert_allclose(result.keys[0], keys, rtol=1e-6)
    np.testing.assert_allclose(result.values[0], 3 * keys, rtol=1e-6)
    np.testing.assert_array_equal(result.queries[0], features[0])


@pytest.mark.parametrize("width", [2, 6, 8, 16, 32, 48])
def test_scores_are_the_pairwise_reference(width):
    attention = make(width=width)
    features, positions, mask, gates = inputs(width=width, consecutive=False)
    allowed = np.broadcast_to(np.array(mask)[:, None], (2, 17, 17))
    expected = reference_weights(attention, features, positions, allowed, np.array(gates, np.float64))
    result = attention(features, positions, mask, gates)
    np.testing.assert_allclose(attention.weights(features, positions, mask, gates), expected, atol=1e-4)
    np.testing.assert_allclose(attended(result), expected @ joined(attention, features), atol=2e-4)


@pytest.mark.parametrize("kind", [SelectedAttention, FullAttention, WindowAttention])
def test_a_key_is_weighed_by_its_gate(kind):
    attention, (features, positions, mask, gates) = make(kind), inputs()
    before, after = (np.array(attention.weights(features, positions, mask, g)) for g in (gates, gates * 0.5))
    np.testing.assert_allclose(before, after, rtol=1e-3, atol=1e-6)  # only their ratios count
    gates = mx.where(mx.arange(17) == 3, gates * 4, gates)
    odds = np.array(attention.weights(features, positions, mask, gates))[0, 4, [3, 5]] / before[0, 4, [3, 5]]
    np.testing.assert_allclose(odds[0] / odds[1], 4, rtol=1e-3)


@pytest.mark.parametrize("kind", [SelectedAttention, FullAttention, WindowAttention])
def test_rows_sum_to_1_and_masked_keys_get_nothing(kind):
    attention = make(kind)
    weights = np.array(attention.weights(*inputs()))
    np.testing.assert_allclose(weights.sum(axis=-1), 1, rtol=1e-5)
    assert not weights[1, :, 12:].any()


def test_full_attention_is_the_same_softmax():
    sparse = make()
    full = same_weights(sparse, FullAttention)
    given = inputs()
    np.testing.assert_allclose(attended(full(*given)), attended(sparse(*given)), atol=1e-5)
    np.testing.assert_allclose(full.weights(*given), sparse.weights(*given), atol=1e-6)


@pytest.mark.parametrize("n_global", [0, 2, 40])
@pytest.mark.parametrize("window", [1, 3, 8, 30])
def test_window_attention_is_the_masked_dense_reference(window, n_global):
    attention = make(WindowAttention, window=window, n_global=n_global)
    features, positions, mask, gates = given = inputs()
    distance = np.abs(np.arange(17)[:, None] - np.arange(17))
    ranks = np.argsort(np.argsort(-np.array(gates), axis=1), axis=1)
    allowed = ((distance <= window)[None] | (ranks < n_global)[:, None]) & np.array(mask)[:, None]
    expected = reference_weights(attention, features, positions, allowed, np.array(gates, np.float64))
    real = np.array(mask)
    np.testing.assert_allclose(np.array(attention.weights(*given))[real], expected[real], atol=1e-4)
    values = expected @ joined(attention, features)
    np.testing.assert_allclose(attended(attention(*given))[real], values[real], atol=2e-4)


def test_a_window_as_wide_as_the_sequence_is_full_attention():
    full = make(FullAttention)
    window = same_weights(full, WindowAttention, window=17, n_global=3)
    given = inputs()
    np.testing.assert_allclose(attended(window(*given)), attended(full(*given)), atol=1e-5)


@pytest.mark.parametrize("kind", [SelectedAttention, FullAttention, WindowAttention])
def test_the_map_is_what_was_attended_with(kind):
    attention, given = make(kind), inputs()
    expected = np.array(attention.weights(*given)) @ joined(attention, given[0])
    real = np.array(given[2])
    np.testing.assert_allclose(attended(attention(*given))[real], expected[real], atol=1e-5)


@pytest.mark.parametrize("kind", [SelectedAttention, FullAttention, WindowAttention])
@pytest.mark.parametrize("shift", [1, 4000, 999_000])
def test_only_the_distance_counts(kind, shift):
    attention = make(kind)
    features, positions, mask, gates = inputs()
    moved = attention(features, positions + shift, mask, gates)
    np.testing.assert_allclose(attended(moved), attended(attention(features, positions, mask, gates)), atol=1e-5)


def test_the_distance_counts_unless_it_is_switched_off():
    features, positions, mask, gates = inputs()
    changes = []
    for distance in (True, False):
        attention = make(distance=distance)
        near, far = (attention.weights(features, p, mask, gates) for p in (positions, positions * 7))
        changes.append(mx.abs(near - far).max().item())
    assert changes[0] > 0.01 and changes[1] == 0


def test_the_start_prefers_what_is_near():
    attention, places = SelectedAttention(16), mx.array([[0, 16, 64, 256, 1024, 4096]])
    bias = np.array(attention.distance_bias(attention.project(mx.zeros((1, 6, 16)), places)))[0]
    assert (np.diff(bias[0]) < 0).all()
    np.testing.assert_allclose(bias, bias.T, atol=1e-5)
    frequencies = 2 * np.pi / np.geomspace(*WAVELENGTHS, N_FREQUENCIES)
    np.testing.assert_allclose(bias[0, 2], 0.1 * np.cos(64 * frequencies).sum(), atol=1e-5)


def test_the_wavelengths_are_not_learned():
    assert "_frequencies" not in SelectedAttention(16).parameters()

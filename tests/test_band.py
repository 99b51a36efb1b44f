"""The band: blocks against a softmax written pair by pair, gradients included, over random lists, masks and widths."""

import mlx.core as mx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mlx.utils import tree_flatten

from mlx_gsa.model import band
from mlx_gsa.model.attention import SelectedAttention
from mlx_gsa.model.band import FORBIDDEN, attend_in_band, in_band


def made(rng, length, n_rows=2):
    """Queries, keys, values and biases; in every row but the first some of the last places are forbidden."""
    queries, keys, values = (rng.normal(size=(n_rows, length, n)).astype(np.float32) for n in (4, 4, 3))
    counts = rng.integers(1, length + 1, n_rows)
    counts[0] = length
    bias = np.where(np.arange(length) < counts[:, None], rng.normal(size=(n_rows, length)), FORBIDDEN)
    return queries, keys, values, bias.astype(np.float32), counts


def by_pairs(queries, keys, values, bias, counts, width, shared=None):
    """Place by place: only what lies in the band, and what is shared."""
    made = np.zeros((*queries.shape[:2], values.shape[-1]))
    for row, count in enumerate(counts):
        for i in range(count):
            seen = {j for j in range(count) if abs(i - j) <= width}
            seen |= set() if shared is None else {int(j) for j in shared[row] if j < count}
            seen = sorted(seen)
            scores = keys[row, seen].astype(np.float64) @ queries[row, i] + bias[row, seen]
            shares = np.exp(scores - scores.max())
            made[row, i] = shares @ values[row, seen] / shares.sum()
    return made


@settings(deadline=None, max_examples=60)
@given(st.integers(1, 70), st.integers(1, 20), st.integers(0, 2**31))
def test_blocks_are_the_band_pair_by_pair(length, width, seed):
    *arrays, counts = made(np.random.default_rng(seed), length)
    found = np.array(attend_in_band(*map(mx.array, arrays), width))
    expected = by_pairs(*arrays, counts, width)
    for row, count in enumerate(counts):
        np.testing.assert_allclose(found[row, :count], expected[row, :count], atol=2e-6)
    assert np.isfinite(found).all()


@pytest.mark.parametrize("pairs", [1, 100, 700])
def test_pieces_change_nothing(pairs, monkeypatch):
    rng = np.random.default_rng(0)
    *arrays, _ = made(rng, 50)
    shared = mx.array(rng.permutation(50)[None, :3].repeat(2, axis=0).astype(np.int32))
    whole = [np.array(attend_in_band(*map(mx.array, arrays), 4, more)) for more in (None, shared)]
    monkeypatch.setattr(band, "PAIRS_AT_ONCE", pairs)
    for expected, more in zip(whole, (None, shared), strict=True):
        np.testing.assert_allclose(attend_in_band(*map(mx.array, arrays), 4, more), expected, atol=1e-6)


@settings(deadline=None, max_examples=30)
@given(st.integers(1, 40), st.integers(1, 9), st.integers(1, 5), st.integers(0, 2**31))
def test_shared_places_are_seen_once_by_all(length, width, n_shared, seed):
    rng = np.random.default_rng(seed)
    *arrays, counts = made(rng, length)
    shared = np.array([rng.permutation(length)[:n_shared] for _ in counts], np.int32)
    found = np.array(attend_in_band(*map(mx.array, arrays), width, mx.array(shared)))
    expected = by_pairs(*arrays, counts, width, shared)
    for row, count in enumerate(counts):
        np.testing.assert_allclose(found[row, :count], expected[row, :count], atol=2e-6)


def test_the_band_by_hand():
    assert np.array(in_band(4, 1)).astype(int).tolist() == [[1, 1, 0, 0], [1, 1, 1, 0], [0, 1, 1, 1], [0, 0, 1, 1]]


def attention_of(neighbours, seed=0):
    mx.random.seed(seed)
    attention = SelectedAttention(8, neighbours=neighbours)
    attention.distance_weights = mx.random.normal(attention.distance_weights.shape)
    return attention


def kept_of(length, seed=0):
    """Features, positions up to a megabase, mask and gates of two rows, the second shorter."""
    rng = np.random.default_rng(seed)
    positions = np.sort(rng.choice(1_000_000, (2, length)), axis=1).astype(np.int32)
    mask = np.arange(length) < np.array([length, max(length - 7, 1)])[:, None]
    gates = rng.uniform(size=(2, length)) * mask
    features = rng.normal(size=(2, length, 8)).astype(np.float32)
    return [mx.array(x) for x in (features, positions, mask, gates.astype(np.float32))]


def gradients_of(attention, given):
    """Gradients of what real positions attend to, by parameter, by feature and by gate."""

    def total(parameters, features, gates):
        attention.update(parameters)
        made = attention(features, given[1], given[2], gates)
        return (mx.sin(mx.concatenate([made.keys, made.values], axis=-1)) * given[2][..., None]).sum()

    parts = mx.grad(total, argnums=(0, 1, 2))(attention.trainable_parameters(), given[0], given[3])
    return dict(tree_flatten(parts))


@pytest.mark.parametrize("length", [1, 9, 40, 41])
def test_few_kept_positions_all_see_each_other_gradients_included(length, monkeypatch):
    everyone, near, given = attention_of(None), attention_of(40), kept_of(length)
    assert near.sees_all(length)
    monkeypatch.setattr(near, "sees_all", lambda length: False, raising=False)  # through the blocks all the same
    for one, other in zip(everyone(*given)[:3], near(*given)[:3], strict=True):
        np.testing.assert_allclose(*(np.array(x)[np.array(given[2])] for x in (one, other)), rtol=1e-5, atol=2e-6)
    expected, found = gradients_of(everyone, given), gradients_of(near, given)
    assert expected.keys() == found.keys()
    for name in expected:
        np.testing.assert_allclose(found[name], expected[name], rtol=1e-5, atol=2e-5, err_msg=name)


@pytest.mark.parametrize("neighbours", [1, 5, 16, 30])
def test_the_map_is_what_was_attended_with_and_zero_outside_the_band(neighbours):
    attention, given = attention_of(neighbours), kept_of(53)
    weights, real = np.array(attention.weights(*given)), np.array(given[2])
    assert not weights[np.broadcast_to(~np.array(in_band(53, neighbours)), weights.shape) & real[..., None]].any()
    np.testing.assert_allclose(weights.sum(axis=-1), 1, rtol=1e-5)
    made = attention(*given)
    joined = np.concatenate([attention.key_projection(given[0]), attention.value_projection(given[0])], axis=-1)
    attended = np.concatenate([made.keys, made.values], axis=-1)
    np.testing.assert_allclose(attended[real], (weights @ joined)[real], atol=1e-5)


def test_what_lies_beyond_the_neighbours_has_no_say():
    attention, (features, positions, mask, gates) = attention_of(4), kept_of(60)
    changed = mx.where((mx.arange(60) >= 25)[:, None], features + 1, features)
    before, after = (np.array(attention(f, positions, mask, gates).values)[0] for f in (features, changed))
    np.testing.assert_array_equal(before[:21], after[:21])
    assert np.abs(before[21:25] - after[21:25]).max() > 1e-3

"""The selector: what it keeps, against a plain sort; ties; budgets; the random control."""

import mlx.core as mx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlx_gsa.model.selector import TokenSelector, budget, keep_highest, keep_random, widest_budget

GOLDEN = 2654435769
FLOATS = st.floats(-(2.0**99), 2.0**99, width=32) | st.sampled_from([-1.0, 0.0, 0.5, 2.0, float("inf"), float("-inf")])


def keep(relevance, lengths, counts, widest):
    found = keep_highest(mx.array(relevance), mx.array(lengths), mx.array(counts), widest)
    return [np.array(part) for part in found]


def reference(relevance, length, count):
    """Sort the real positions by relevance, ties by the scrambled position, and take the last."""
    places = np.arange(length)
    scrambled = (places.astype(np.uint64) * GOLDEN % 2**32) >> 1
    return np.sort(np.lexsort((scrambled, relevance[:length] + 0.0))[length - count :])


@st.composite
def selections(draw):
    """Rows of relevance with the true length and the budget of each, and room for the largest budget."""
    padded = draw(st.integers(1, 40))
    rows = draw(st.lists(st.lists(FLOATS, min_size=padded, max_size=padded), min_size=1, max_size=4))
    lengths = [draw(st.integers(1, padded)) for _ in rows]
    counts = [draw(st.integers(1, length)) for length in lengths]
    relevance = np.array(rows, dtype=np.float32) + 0.0  # no negative zero, which ranks below zero here
    return relevance, lengths, counts, draw(st.integers(max(counts), padded))


@settings(deadline=None)
@given(selections())
def test_the_highest_are_kept_in_ascending_order(case):
    relevance, lengths, counts, widest = case
    kept, mask = keep(*case)
    assert kept.shape == mask.shape == (len(lengths), widest)
    for row, (length, count) in enumerate(zip(lengths, counts, strict=True)):
        assert mask[row].tolist() == [True] * count + [False] * (widest - count)
        assert kept[row, :count].tolist() == reference(relevance[row], length, count).tolist()
        assert (kept[row, count:] == relevance.shape[1] - 1).all()


@settings(deadline=None)
@given(selections(), st.integers(1, 60))
def test_padding_changes_nothing_not_even_among_ties(case, extra):
    relevance, lengths, counts, widest = case
    wider = np.pad(relevance, ((0, 0), (0, extra)), constant_values=1e30)
    kept, _ = keep(relevance, lengths, counts, widest)
    padded, _ = keep(wider, lengths, counts, widest)
    for row, count in enumerate(counts):
        assert kept[row, :count].tolist() == padded[row, :count].tolist()


def test_pad_is_never_kept_however_relevant():
    relevance = np.array([[-5.0, -7.0, -6.0, 9.0, np.inf]], np.float32)
    kept, mask = keep(relevance, [3], [2], 4)
    assert kept.tolist() == [[0, 2, 4, 4]] and mask.tolist() == [[True, True, False, False]]


def test_equal_positions_are_kept_here_and_there():
    kept, _ = keep(np.zeros((1, 1000), np.float32), [1000], [100], 100)
    assert np.histogram(kept[0], bins=10, range=(0, 1000))[0].tolist() == pytest.approx([10] * 10, abs=2)


def test_no_gradient_passes_through_the_choice():
    def kept_total(relevance):
        kept, _ = keep_highest(relevance, mx.array([4]), mx.array([2]), 2)
        return mx.take_along_axis(relevance, kept, axis=1).sum()

    gradient = mx.grad(kept_total)(mx.array([[1.0, 4.0, 2.0, 3.0]]))
    assert gradient.tolist() == [[0, 1, 0, 1]]


@pytest.mark.parametrize(
    "length, sparsity, limit, count",
    [
        (100, 0.1, None, 10), (101, 0.1, None, 11), (1, 0.1, None, 1), (30, 0.1, None, 3), (2000, 0.05, None, 100),
        (2000, 1.0, None, 2000), (1999, 1.0, None, 1999), (2000, 1e-9, None, 1), (2000, 0.1, 64, 64),
        (100, 0.1, 64, 10),
    ],
)  # fmt: skip
def test_the_budget_is_a_share_of_the_length_rounded_up(length, sparsity, limit, count):
    counts = budget([length], sparsity, limit)
    assert counts.dtype == np.int32 and counts.tolist() == [count]


@settings(deadline=None)
@given(st.lists(st.integers(1, 5000), min_size=1), st.floats(1e-6, 1), st.none() | st.integers(1, 5000))
def test_no_budget_exceeds_its_length_or_the_widest_of_its_bucket(lengths, sparsity, limit):
    counts = budget(lengths, sparsity, limit)
    assert (counts >= 1).all() and (counts <= lengths).all()
    assert counts.max() <= widest_budget(max(lengths), sparsity, limit)


def random_kept(n_rows, length, count, seed, padded=None):
    tokens = np.full((n_rows, padded or length), 5, dtype=np.uint8)
    tokens[:, :length] = np.random.default_rng(7).integers(0, 4, (n_rows, length))
    lengths, counts = mx.full((n_rows,), length, dtype=mx.int32), mx.full((n_rows,), count, dtype=mx.int32)
    return np.array(keep_random(mx.array(tokens), lengths, counts, count, mx.random.key(seed))[0])


@pytest.mark.parametrize("seed", [0, 1])
def test_the_random_control_is_a_uniform_sample_without_replacement(seed):
    n_rows, length, count = 4000, 20, 5
    kept = random_kept(n_rows, length, count, seed, padded=24)
    assert (np.diff(kept, axis=1) > 0).all() and kept.max() < length
    observed, expected = np.bincount(kept.ravel(), minlength=length), n_rows * count / length
    # Draws without replacement vary less than a binomial: 5.5 deviations of it is far above chance.
    assert np.abs(observed - expected).max() < 5.5 * np.sqrt(expected)
    pairs = np.zeros((length, length))
    np.add.at(pairs, (kept[:, :, None], kept[:, None]), 1)
    expected = n_rows * count * (count - 1) / (length * (length - 1))
    assert np.abs(pairs[~np.eye(length, dtype=bool)] - expected).max() < 5.5 * np.sqrt(expected)


def test_the_random_control_is_a_function_of_its_key():
    np.testing.assert_array_equal(random_kept(3, 50, 10, seed=0), random_kept(3, 50, 10, seed=0))
    assert (random_kept(3, 50, 10, seed=0) != random_kept(3, 50, 10, seed=1)).any()


def test_the_random_control_depends_neither_on_padding_nor_on_other_rows():
    alone = random_kept(1, 50, 10, seed=0)
    np.testing.assert_array_equal(alone, random_kept(1, 50, 10, seed=0, padded=96))
    np.testing.assert_array_equal(alone, random_kept(3, 50, 10, seed=0)[:1])  # the first row is the same sequence


def test_relevance_by_hand():
    selector = TokenSelector(2, 2)
    selector.input.weight, selector.input.bias = mx.array([[1.0, -1.0], [2.0, 0.0]]), mx.array([0.0, -1.0])
    selector.output.weight, selector.output.bias = mx.array([[3.0, 0.5]]), mx.array([-1.0])
    features = mx.array([[[1.0, 0.0], [0.0, 1.0], [2.0, 1.0]]])
    # hidden: (1, 1), (0, 0), (1, 3)
    assert selector(features).tolist() == [[2.5, -1.0, 3.5]]


@pytest.mark.parametrize("seed", [0, 1])
def test_a_new_selector_ranks_a_position_where_a_filter_fires_above_one_where_none_does(seed):
    mx.random.seed(seed)
    selector = TokenSelector(16, 8)
    relevance = selector(mx.concatenate([mx.zeros((1, 1, 16)), mx.eye(16)[None]], axis=1))[0]
    assert relevance[0].item() == 0 and relevance[1:].min().item() > 0

"""The stem: both exact forms against each other and against a plain reference, values and gradients."""

import mlx.core as mx
import numpy as np
import pytest
from toys import random_tokens

from mlx_gsa.dna.alphabet import PAD, A, N, reverse_complement
from mlx_gsa.model.embeddings import TaskSpecificEmbeddings
from mlx_gsa.model.stem import (
    SATURATION,
    MotifStem,
    lookup_filters,
    occupancy,
    pad_window,
    rows_at_once,
    unfold,
    word_codes,
    word_tables,
)

WIDTHS = (1, 2, 4, 7, 10, 20, 21)


def make(width, strands, n_channels=4, seed=0):
    mx.random.seed(seed)
    embeddings, stem = TaskSpecificEmbeddings(n_channels), MotifStem(n_channels, width, strands)
    embeddings.n_offset = mx.random.normal((n_channels,))
    stem.threshold = mx.random.uniform(0.1, 0.9, (n_channels,))
    stem.gain = mx.random.uniform(0.5, 2, (n_channels,))
    stem.composition = mx.array([0.35, 0.15, 0.2, 0.3])
    return embeddings, stem


def awkward_batch(length=48, seed=0):
    """A plain row; one with runs of N; one shorter than a filter; one base; N only; PAD only."""
    rows = random_tokens([length, length, 7, 1, 20, 0], seed)
    rows[1][5:30] = N
    rows[1][-3:] = N
    rows[4][:] = N
    return np.stack([np.concatenate([row, np.full(length - len(row), PAD, np.uint8)]) for row in rows])


def reference_features(embeddings, stem, tokens):
    """Position by position: the filter laid on the window, and on the window's reverse complement."""
    table, weight, p = (np.array(x, np.float64) for x in (embeddings.table(), stem.weight, stem.composition))
    raw = np.einsum("wde,te->wtd", weight, table)
    mean = np.einsum("wtd,t->wd", raw[:, :4], p)
    deviation = np.sqrt(np.einsum("wtd,t->d", np.square(raw[:, :4] - mean[:, None]), p) + 1e-6)
    scale, left = np.array(stem.gain, np.float64) / deviation, (stem.width - 1) // 2
    right = stem.width - 1 - left

    def response(window):
        terms = [raw[w, token] - mean[w] for w, token in enumerate(window) if token != PAD]
        return sum(terms, np.zeros(len(scale))) * scale

    def feature(window):
        both = [response(window)] + ([response(reverse_complement(window))] if stem.strands == "both" else [])
        squared = np.square(np.maximum(np.max(both, axis=0) - np.array(stem.threshold), 0))
        return squared / (1 + squared / 8)

    padded = [np.concatenate([[PAD] * left, row, [PAD] * right]).astype(np.uint8) for row in tokens]
    return np.array([[feature(row[i : i + stem.width]) for i in range(tokens.shape[1])] for row in padded])


@pytest.mark.parametrize("kernel", ["lookup", "conv"])
@pytest.mark.parametrize("strands", ["both", "forward"])
@pytest.mark.parametrize("width", WIDTHS)
def test_both_forms_compute_the_plain_reference(width, strands, kernel):
    embeddings, stem = make(width, strands)
    tokens = awkward_batch()
    features = np.array(stem(mx.array(tokens), embeddings.table(), kernel))
    expected = reference_features(embeddings, stem, tokens)
    assert (expected > 0.1).mean() > 0.05  # else there is nothing to compare
    np.testing.assert_allclose(features, expected, atol=2e-5)


def gradients(embeddings, stem, tokens, kernel, direction):
    def loss(parameters):
        embeddings.update(parameters["embeddings"])
        stem.update(parameters["stem"])
        return (stem(tokens, embeddings.table(), kernel) * direction).sum()

    parameters = {"embeddings": embeddings.parameters(), "stem": stem.trainable_parameters()}
    return mx.grad(loss)(parameters)


def assert_same_gradients(width, strands, seed):
    embeddings, stem = make(width, strands, seed=seed)
    tokens = awkward_batch(seed=seed)
    direction = mx.random.normal((*tokens.shape, 4))
    fast, plain = (gradients(embeddings, stem, mx.array(tokens), k, direction) for k in ("lookup", "conv"))
    names = [("embeddings", "bases"), ("embeddings", "n_offset")]
    for part, name in [*names, ("stem", "weight"), ("stem", "gain"), ("stem", "threshold")]:
        expected = np.array(plain[part][name])
        assert np.abs(expected).max() > 1e-3, name
        error = np.abs(np.array(fast[part][name]) - expected).max()
        assert error < 2e-5 * max(1, np.abs(expected).max()), (name, error)


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("strands", ["both", "forward"])
@pytest.mark.parametrize("width", WIDTHS)
def test_the_gradient_of_the_lookup_is_that_of_the_convolution(width, strands, seed):
    assert_same_gradients(width, strands, seed)


@pytest.mark.metal
@pytest.mark.parametrize("width", [7, 20])
def test_both_forms_agree_on_the_gpu(width):
    before = mx.default_device()
    mx.set_default_device(mx.gpu)
    try:
        embeddings, stem = make(width, "both")
        tokens = mx.array(awkward_batch())
        fast, plain = (np.array(stem(tokens, embeddings.table(), k)) for k in ("lookup", "conv"))
        np.testing.assert_allclose(fast, plain, atol=1e-4)
        assert_same_gradients(width, "both", 0)
    finally:
        mx.set_default_device(before)


@pytest.mark.parametrize("composition", [(0.25, 0.25, 0.25, 0.25), (0.4, 0.1, 0.1, 0.4), (0.1, 0.2, 0.3, 0.4)])
def test_the_response_to_random_sequence_has_mean_0_and_deviation_1(composition):
    embeddings, stem = make(20, "forward")
    stem.gain, stem.composition = mx.ones((4,)), mx.array(composition)
    tokens = np.random.default_rng(0).choice(4, (20, 5019), p=composition).astype(np.uint8)
    bank, _ = stem.filter_bank(embeddings.table())
    response = np.array(lookup_filters(mx.array(tokens), bank)[0])[:, 9:-10].reshape(-1, 4)  # whole windows only
    np.testing.assert_allclose(response.mean(axis=0), 0, atol=0.03)
    np.testing.assert_allclose(response.std(axis=0), 1, atol=0.03)


@pytest.mark.parametrize("width, shift", [(7, 0), (21, 0), (4, 1), (20, 1)])
def test_the_reverse_complement_has_the_same_features_backwards(width, shift):
    # An even window has one bp more on the right, so on the other strand it sits one bp further.
    embeddings, stem = make(width, "both")
    tokens = random_tokens([60])[0]
    both = mx.array(np.stack([tokens, reverse_complement(tokens)]))
    forward, reverse = np.array(stem(both, embeddings.table(), "lookup"))
    np.testing.assert_allclose(forward[: 60 - shift], reverse[::-1][shift:], atol=1e-5)


def test_one_strand_alone_does_not_see_the_other():
    embeddings, stem = make(7, "forward")
    tokens = random_tokens([60])[0]
    both = mx.array(np.stack([tokens, reverse_complement(tokens)]))
    forward, reverse = np.array(stem(both, embeddings.table(), "lookup"))
    assert np.abs(forward - reverse[::-1]).max() > 1


def test_occupancy_by_hand():
    assert SATURATION == 8
    responses = [mx.array([[[0.5], [1.0], [2.0], [3.0], [1e4]]])]
    features = np.array(occupancy(responses, mx.array([-1.0])))[0, :, 0]
    np.testing.assert_allclose(features, [0, 0, 1 / (1 + 1 / 8), 4 / (1 + 4 / 8), 8], rtol=1e-6)


def test_the_stronger_strand_counts():
    responses = [mx.array([[[2.0, 0.0]]]), mx.array([[[0.0, 3.0]]])]
    features = np.array(occupancy(responses, mx.array([0.0, -1.0])))[0, 0]
    np.testing.assert_allclose(features, [4 / 1.5, 4 / 1.5], rtol=1e-6)


def test_windows_by_hand():
    tokens = mx.array(np.array([[0, 1, 2]], np.uint8))
    assert pad_window(tokens, 4).tolist() == [[5, 0, 1, 2, 5, 5]]
    digits = [(5, 0, 1, 2), (0, 1, 2, 5), (1, 2, 5, 5)]
    assert word_codes(tokens, 4).tolist() == [[((a * 6 + b) * 6 + c) * 6 + d for a, b, c, d in digits]]
    one_hot = np.concatenate([np.eye(5), np.zeros((1, 5))])
    windows = one_hot[np.array(digits)].reshape(3, 20)
    np.testing.assert_array_equal(unfold(tokens, 4), windows)


def test_a_word_table_is_the_sum_over_its_letters():
    bank = np.random.default_rng(0).normal(size=(6, 6, 2)).astype(np.float32)
    tables = np.array(word_tables(mx.array(bank)))
    assert tables.shape == (2, 6**4, 2)
    first, second = 3 * 216 + 0 * 36 + 4 * 6 + 1, 2 * 216 + 1 * 36 + 5 * 6 + 5
    np.testing.assert_allclose(tables[0, first], bank[0, 3] + bank[1, 0] + bank[2, 4] + bank[3, 1], rtol=1e-5)
    np.testing.assert_allclose(tables[1, second], bank[4, 2] + bank[5, 1], rtol=1e-5)  # the filter ends after 6 bp


def test_pad_contributes_nothing_and_the_composition_is_not_learned():
    embeddings, stem = make(7, "both")
    bank, _ = stem.filter_bank(embeddings.table())
    assert not np.array(bank[:, :, PAD]).any() and np.array(bank[:, :, A]).all()
    assert set(stem.trainable_parameters()) == {"weight", "gain", "threshold"}


@pytest.mark.parametrize("n_rows, work, expected", [
    (64_000, 1600, 512), (64_000, 10**7, 64_000), (48, 1600, 48), (10_007, 1600, 10_007), (16, 1600, 16), (1, 5, 1),
])  # fmt: skip
def test_blocks_divide_the_rows(n_rows, work, expected):
    assert rows_at_once(n_rows, work) == expected

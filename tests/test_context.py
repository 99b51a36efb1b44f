"""Context: windows by running sums against windows counted one by one, strands alike, ends and N left out."""

import mlx.core as mx
import numpy as np
import pytest
from toys import random_tokens

from mlx_gsa.data.batches import pad_rows
from mlx_gsa.dna.alphabet import N, reverse_complement
from mlx_gsa.model.context import KmerContext, kmer_classes, kmer_codes, window_sums

SEQUENCES = random_tokens([70, 9, 2, 33])
SEQUENCES[0][20:31] = N


def made(half_widths=(8, 20), k=3, strands="both", seed=0):
    mx.random.seed(seed)
    return KmerContext(half_widths, k, 2, strands)


def run(context, sequences, padded=None):
    return np.array(context(mx.array(pad_rows(sequences, padded or max(map(len, sequences)))[0])))


def reference(context, tokens, half_widths, strands):
    """Window by window, k-mer by k-mer."""
    table, classes, k = np.array(context.table), kmer_classes(context.k, strands), context.k
    rows = []
    for place in range(len(tokens)):
        parts = []
        for half in half_widths:
            starts = range(max(0, place - half), min(len(tokens), place + half + 1) - k + 1)
            words = [tokens[start : start + k] for start in starts]
            codes = [int("".join(map(str, word)), 4) for word in words if (word < 4).all()]
            parts.append(table[classes[codes]].mean(axis=0) if codes else np.zeros(2))
        rows.append(np.concatenate(parts))
    return np.array(rows)


@pytest.mark.parametrize("strands", ["both", "forward"])
@pytest.mark.parametrize("k", [2, 3, 5])
@pytest.mark.parametrize("half_widths", [(8,), (8, 20), (500,)])
def test_running_sums_are_the_plain_means(half_widths, k, strands):
    context = made(half_widths, k, strands)
    found = run(context, SEQUENCES, padded=80)
    for row, tokens in zip(found, SEQUENCES, strict=True):
        expected = reference(context, tokens, half_widths, strands)
        np.testing.assert_allclose(row[: len(tokens)], expected, atol=1e-4)
    assert np.abs(found).max() > 0.1  # else there is nothing to compare


def test_the_reverse_strand_has_the_same_context_in_reverse():
    context = made(k=5)
    forward, backward = run(context, [SEQUENCES[0]]), run(context, [reverse_complement(SEQUENCES[0])])
    np.testing.assert_allclose(forward[0], backward[0, ::-1], atol=1e-4)


def test_padding_changes_nothing():
    context = made()
    np.testing.assert_allclose(run(context, [SEQUENCES[3]])[0], run(context, [SEQUENCES[3]], 112)[0, :33], atol=1e-5)


@pytest.mark.parametrize("k, both", [(1, 2), (2, 10), (3, 32), (4, 136), (5, 512)])
def test_the_number_of_classes(k, both):
    assert kmer_classes(k, "both").max() + 1 == both
    assert kmer_classes(k, "forward").max() + 1 == 4**k


def test_the_codes_by_hand():
    codes, known = kmer_codes(mx.array([[0, 1, 2, 3, N, 1, 1]]), 2)
    assert codes.tolist()[0][:3] == [0 * 4 + 1, 1 * 4 + 2, 2 * 4 + 3] and codes.tolist()[0][5] == 5
    assert known.tolist() == [[True, True, True, False, False, True, False]]


@pytest.mark.parametrize("length", [1, 16, 17, 35, 100])
@pytest.mark.parametrize("run", [17, 20, 64])
def test_sums_over_the_border_of_two_runs_are_the_plain_ones(run, length):
    values = np.random.default_rng(run).normal(size=(2, length, 3)).astype(np.float32)
    narrow, wide = window_sums(mx.array(values), (3, 8), 2, run)
    for half, found in ((3, narrow), (8, wide)):
        expected = [values[:, max(0, i - half) : i + half].sum(axis=1) for i in range(length)]  # 2-mers that end in it
        np.testing.assert_allclose(found, np.stack(expected, axis=1), atol=1e-5)


def test_gradients_pass_the_border_of_two_runs():
    values = mx.array(np.random.default_rng(0).normal(size=(1, 50, 2)).astype(np.float32))
    one, other = (mx.grad(lambda v, run=run: mx.sin(window_sums(v, (5,), 3, run)[0]).sum())(values) for run in (11, 99))
    np.testing.assert_allclose(one, other, atol=1e-5)


def test_a_long_sequence_loses_no_precision():
    context, tokens = made((512,), k=5), random_tokens([300_000])[0]
    context.table = context.table + 3  # a mean that is not 0 makes running sums grow
    found = np.array(context(mx.array(tokens[None])))[0]
    codes = np.array(kmer_codes(mx.array(tokens[None]), 5)[0])[0]
    values = np.array(context.table, np.float64)[kmer_classes(5, "both")[codes]]
    sums = np.concatenate([np.zeros((1, 2)), np.cumsum(values[:-4], axis=0)])
    places = np.arange(299_000, 300_000)
    first, last = places - 512, np.minimum(places + 509, len(tokens) - 4)
    expected = (sums[last] - sums[first]) / (last - first)[:, None]
    np.testing.assert_allclose(found[places], expected, atol=5e-5)

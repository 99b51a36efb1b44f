"""Context: windows by running sums against windows counted one by one, strands alike, ends and N left out."""

import mlx.core as mx
import numpy as np
import pytest
from toys import random_tokens

from mlx_gsa.data.batches import pad_rows
from mlx_gsa.dna.alphabet import N, reverse_complement
from mlx_gsa.model.context import KmerContext, kmer_classes, kmer_codes

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

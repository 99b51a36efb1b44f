"""Gapped k-mers: counted by hand and held against a plain loop."""

from itertools import combinations

import numpy as np
import pytest

from mlx_gsa.dna.alphabet import encode, reverse_complement
from mlx_gsa.errors import GsaError
from mlx_gsa.evaluation import gapped_kmers
from mlx_gsa.evaluation.gapped_kmers import count_gapped_kmers, gapped_patterns
from mlx_gsa.evaluation.kmer_features import count_kmers


def tokens(text):
    return encode(text)[0]


def named(text, window, k):
    """The gapped k-mers of a text with their counts, by a loop over positions and patterns."""
    found = {}
    for pattern in [(0, *rest) for rest in combinations(range(1, window), k - 1)]:
        for start in range(len(text) - pattern[-1]):
            word = "".join(text[start + i] if i in pattern else "." for i in range(pattern[-1] + 1))
            if "N" not in word:
                found[word] = found.get(word, 0) + 1
    return found


def flipped(word):
    return word[::-1].translate(str.maketrans("ACGT", "TGCA"))


def test_patterns_begin_with_a_base_that_matters():
    assert gapped_patterns(4, 2) == [(0, 1), (0, 2), (0, 3)]
    assert gapped_patterns(3, 3) == [(0, 1, 2)]


def test_two_bases_in_three_by_hand():
    # Sixteen features each of two bases together, then of two bases with one between them.
    counts = count_gapped_kmers([tokens("AACA")], 3, 2, "forward").toarray()[0]
    assert {int(i): int(n) for i, n in enumerate(counts) if n} == {0: 1, 1: 1, 4: 1, 16 + 1: 1, 16 + 0: 1}


@pytest.mark.parametrize("strands", ["forward", "both"])
@pytest.mark.parametrize(("window", "k"), [(4, 2), (5, 3), (6, 4), (4, 4), (1, 1)])
def test_counts_are_those_of_a_plain_loop(window, k, strands):
    rng = np.random.default_rng(window)
    texts = ["".join(rng.choice(list("ACGTN"), size, p=[0.24] * 4 + [0.04])) for size in (60, 3, 0, 45)]
    counts = count_gapped_kmers([tokens(text) for text in texts], window, k, strands).toarray()
    for row, text in zip(counts, texts, strict=True):
        expected = {}
        for word, n in named(text, window, k).items():
            name = min(word, flipped(word)) if strands == "both" else word
            expected[name] = expected.get(name, 0) + n
        assert sorted(row[row > 0].tolist()) == sorted(expected.values())


def test_both_strands_give_the_same_counts():
    sequence = np.random.default_rng(0).integers(0, 5, 200).astype(np.uint8)
    pair = [sequence, reverse_complement(sequence)]
    both, forward = (count_gapped_kmers(pair, 6, 4, strands).toarray() for strands in ("both", "forward"))
    assert (both[0] == both[1]).all() and both[0].sum() > 0 and (forward[0] != forward[1]).any()


def test_without_room_for_a_gap_they_are_kmers():
    sequences = [np.random.default_rng(seed).integers(0, 5, 80).astype(np.uint8) for seed in range(3)]
    for strands in ("both", "forward"):
        gapped, plain = count_gapped_kmers(sequences, 3, 3, strands), count_kmers(sequences, 3, strands)
        assert (gapped != plain).nnz == 0 and gapped.dtype == np.float32


def test_counting_by_chunks_changes_nothing(monkeypatch):
    sequences = [np.random.default_rng(seed).integers(0, 4, 30 + seed).astype(np.uint8) for seed in range(7)]
    whole = count_gapped_kmers(sequences, 5, 3)
    monkeypatch.setattr(gapped_kmers, "_CHUNK", 2 * whole.shape[1])
    assert (count_gapped_kmers(iter(sequences), 5, 3) != whole).nnz == 0


@pytest.mark.parametrize(("window", "k", "n"), [(6, 4, 2560), (7, 4, 5120), (7, 5, 15360)])
def test_number_of_features(window, k, n):
    assert count_gapped_kmers([], window, k, "forward").shape == (0, n)
    assert n / 2 <= count_gapped_kmers([], window, k).shape[1] < n / 2 * 1.1


@pytest.mark.parametrize(("window", "k"), [(3, 4), (4, 0), (12, 8)])
def test_a_size_out_of_range_is_refused(window, k):
    with pytest.raises(GsaError, match=f"found {k} bases in {window} bp"):
        count_gapped_kmers([], window, k)

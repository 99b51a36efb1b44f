"""Shuffles: dinucleotides exactly kept, every Euler path as likely as the other."""

from collections import Counter
from itertools import pairwise, permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import chisquare

from mlx_gsa.dna import shuffle
from mlx_gsa.dna.alphabet import N, decode, encode
from mlx_gsa.dna.shuffle import dinucleotide_shuffle, dinucleotide_shuffles, segment_swap

DNA = arrays(np.uint8, st.integers(2, 80), elements=st.integers(0, 3))
WITH_N = arrays(np.uint8, st.integers(1, 80), elements=st.sampled_from([0, 1, 2, 3, 3, 4]))


def pairs(tokens):
    return Counter(pairwise(np.asarray(tokens).tolist()))


def paths(text):
    """Return every sequence with the dinucleotides and the first base of `text`, by trying all orders."""
    orders = {text[0] + "".join(middle) + text[-1] for middle in permutations(text[1:-1])}
    wanted = Counter(pairwise(text))
    return sorted(order for order in orders if Counter(pairwise(order)) == wanted)


@settings(max_examples=200, deadline=None)
@given(st.lists(WITH_N, min_size=1, max_size=6), st.integers(0, 2**32))
def test_dinucleotides_ends_and_n_are_kept(sequences, seed):
    for before, after in zip(sequences, dinucleotide_shuffles(sequences, np.random.default_rng(seed)), strict=True):
        assert pairs(before) == pairs(after)
        assert (before[0], before[-1]) == (after[0], after[-1])
        assert ((before == N) == (after == N)).all()


@settings(max_examples=50, deadline=None)
@given(st.lists(DNA, min_size=50, max_size=60), st.integers(0, 2**32))
def test_the_walk_in_step_takes_the_paths_of_the_plain_walk(sequences, seed):
    sequences = sorted(sequences, key=len, reverse=True)
    lengths = np.array([s.size for s in sequences])
    tokens = np.full((len(sequences), lengths.max()), N, dtype=np.uint8)
    for row, sequence in enumerate(sequences):
        tokens[row, : sequence.size] = sequence
    starts, order = shuffle._edge_order(tokens, lengths, np.random.default_rng(seed))
    plain = shuffle._walk_singly(tokens[:, 0], lengths, starts, order)
    assert (shuffle._walk_in_step(tokens[:, 0], lengths, starts, order) == plain).all()


@pytest.mark.parametrize("text", ["ACGATCAGA", "ACACACTAT", "AACCAACCA", "GATTACAGA", "AAAATAAAA"])
@pytest.mark.parametrize("walk", [0, 10**9], ids=["in step", "singly"])
def test_every_euler_path_is_as_likely(text, walk, monkeypatch):
    monkeypatch.setattr(shuffle, "FEW", walk)
    every, n = paths(text), 12_000
    assert len(every) > 1 or text == "AAAATAAAA"
    made = dinucleotide_shuffles([encode(text)[0]] * n, np.random.default_rng(0), different=False)
    counts = Counter(decode(tokens) for tokens in made)
    assert sorted(counts) == every
    assert len(every) == 1 or chisquare([counts[path] for path in every]).pvalue > 0.001


def test_every_other_euler_path_is_as_likely_if_it_has_to_differ():
    text, n = "ACGATCAGA", 6000
    others = [path for path in paths(text) if path != text]
    counts = Counter(map(decode, dinucleotide_shuffles([encode(text)[0]] * n, np.random.default_rng(1))))
    assert sorted(counts) == others
    assert chisquare(list(counts.values())).pvalue > 0.001


def test_the_chi_square_notices_trees_drawn_without_their_weights(monkeypatch):
    draw, text = shuffle._draw_trees, "ACACACTAT"
    monkeypatch.setattr(shuffle, "_draw_trees", lambda counts, *rest: draw(np.minimum(counts, 1), *rest))
    made = dinucleotide_shuffles([encode(text)[0]] * 12_000, np.random.default_rng(0), different=False)
    counts = Counter(map(decode, made))
    assert chisquare([counts[path] for path in paths(text)]).pvalue < 0.001


def test_there_are_sixteen_trees_to_each_base():
    assert shuffle._TREES.shape == (4, 16, 4)
    assert len({tuple(tree) for trees in shuffle._TREES.tolist() for tree in trees}) == 64


def test_the_same_seed_gives_the_same_shuffle_and_another_seed_another():
    tokens = np.random.default_rng(5).integers(0, 4, 300).astype(np.uint8)
    one, same, other = (dinucleotide_shuffle(tokens, np.random.default_rng(seed)) for seed in (0, 0, 1))
    assert (one == same).all() and (one != other).any() and (one != tokens).any()


def test_the_input_stays_as_it_is():
    tokens = encode("ACGATCAGA")[0].copy()
    dinucleotide_shuffle(tokens, np.random.default_rng(0))
    assert decode(tokens) == "ACGATCAGA"


@pytest.mark.parametrize("text", ["", "A", "AC", "AAAAAAAA", "ACGT", "NNN", "NANCN", "ACACACAC"])
def test_what_has_no_other_order_stays(text):
    assert decode(dinucleotide_shuffle(np.frombuffer(encode(text)[0], np.uint8), np.random.default_rng(0))) == text


def test_a_long_run_with_one_way_out():
    """A tree by rejection would need hundreds of tries here: one of 500 edges out of A leads on."""
    tokens = encode("C" + "A" * 500 + "T" * 3 + "C")[0]
    assert pairs(dinucleotide_shuffle(tokens, np.random.default_rng(0))) == pairs(tokens)


def test_batches_are_cut_and_put_together_again(monkeypatch):
    monkeypatch.setattr(shuffle, "EDGES_AT_ONCE", 500)
    rng = np.random.default_rng(3)
    sequences = [rng.integers(0, 4, rng.integers(4, 300)).astype(np.uint8) for _ in range(100)]
    for before, after in zip(sequences, dinucleotide_shuffles(sequences, rng), strict=True):
        assert pairs(before) == pairs(after)


def test_segments_that_stay_and_segments_that_go():
    tokens = np.random.default_rng(0).integers(0, 4, 300).astype(np.uint8)
    swapped = segment_swap(tokens, np.random.default_rng(0))
    before, after = tokens.reshape(20, 15), swapped.reshape(20, 15)
    assert (before == after).all(1).sum() == 8
    assert (np.sort(before) == np.sort(after)).all()  # each part has its own bases


def test_a_short_sequence_has_fewer_segments():
    tokens = np.random.default_rng(0).integers(0, 4, 50).astype(np.uint8)
    swapped = segment_swap(tokens, np.random.default_rng(0))
    assert (swapped.reshape(5, 10) == tokens.reshape(5, 10)).all(1).sum() == 2  # 40 % of five


@given(WITH_N, st.integers(0, 100), st.integers(1, 30), st.sampled_from(["shuffle", "random"]))
def test_segment_swap_keeps_length_and_n(tokens, seed, segments, fill):
    swapped = segment_swap(tokens, np.random.default_rng(seed), segments=segments, kept=segments // 2, fill=fill)
    assert swapped.size == tokens.size and swapped.dtype == np.uint8
    assert ((swapped == N) == (tokens == N)).all()
    if fill == "shuffle":
        assert (np.bincount(swapped, minlength=5) == np.bincount(tokens, minlength=5)).all()


def test_random_fill_draws_evenly_from_the_four_bases():
    swapped = segment_swap(np.zeros(40_000, np.uint8), np.random.default_rng(0), kept=0, fill="random")
    assert chisquare(np.bincount(swapped, minlength=4)).pvalue > 0.001


def test_wrong_parameters_of_a_swap():
    with pytest.raises(ValueError, match="kept must be 0 to 3"):
        segment_swap(np.zeros(9, np.uint8), np.random.default_rng(0), segments=4, kept=4)
    with pytest.raises(ValueError, match="fill"):
        segment_swap(np.zeros(9, np.uint8), np.random.default_rng(0), fill="zeros")

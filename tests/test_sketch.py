"""Seeds: the same on either strand, none with N or of low complexity, a sample of long sequences."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from toys import random_tokens

from mlx_gsa.dna.alphabet import N, encode, reverse_complement
from mlx_gsa.dna.sketch import PATTERNS, choose_weight, sketch


def seeds_of(*sequences, **options):
    offsets = np.concatenate([[0], np.cumsum([len(one) for one in sequences])]).astype(np.int64)
    return sketch(np.concatenate(sequences), offsets, **options)


def words(seeds, record=0):
    return set(seeds.word[seeds.record == record].tolist())


@pytest.mark.parametrize("weight", PATTERNS)
def test_a_pattern_is_palindromic_and_has_its_weight(weight):
    assert PATTERNS[weight] == PATTERNS[weight][::-1] and PATTERNS[weight].count("1") == weight


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 4), min_size=1, max_size=120), st.sampled_from(list(PATTERNS)))
def test_the_other_strand_has_the_same_seeds_at_mirrored_places(letters, weight):
    tokens = np.array(letters, dtype=np.uint8)
    seeds = seeds_of(tokens, reverse_complement(tokens), weight=weight)
    here = seeds.record == 0
    forward = sorted(zip(seeds.word[here].tolist(), seeds.start[here].tolist(), strict=True))
    mirrored = (len(tokens) - seeds.span - seeds.start[~here]).tolist()
    assert forward == sorted(zip(seeds.word[~here].tolist(), mirrored, strict=True))


@pytest.mark.parametrize("weight", PATTERNS)
def test_a_word_is_what_the_pattern_shows_and_nothing_else(weight):
    (tokens,) = random_tokens([40], seed=1)
    pattern = np.array([letter == "1" for letter in PATTERNS[weight]])
    reference = seeds_of(tokens, weight=weight)
    for place in range(len(pattern)):
        other = tokens.copy()
        other[10 + place] = (other[10 + place] + 1) % 4
        changed = seeds_of(other, weight=weight)
        at = [one.word[one.start == 10].tolist() for one in (reference, changed)]
        assert (at[0] == at[1]) == (not pattern[place])


def test_no_seed_crosses_from_one_sequence_to_the_next():
    one, two = random_tokens([30, 50], seed=2)
    seeds = seeds_of(one, two, weight=10)
    alone = seeds_of(one, weight=10), seeds_of(two, weight=10)
    assert words(seeds, 0) == words(alone[0]) and words(seeds, 1) == words(alone[1])
    assert seeds.start.max() <= 50 - seeds.span


def test_words_with_n_are_left_out():
    (tokens,) = random_tokens([60], seed=3)
    tokens[30] = N
    starts = seeds_of(tokens, weight=12).start
    span = len(PATTERNS[12])
    assert len(starts) and not ((starts <= 30) & (starts + span > 30)).any()


@pytest.mark.parametrize("text", ["A" * 50, "AT" * 25, "CCCCG" * 10, "GA" * 30])
def test_words_of_one_or_two_letters_are_left_out(text):
    assert len(seeds_of(encode(text)[0], weight=12)) == 0


def test_short_sequences_have_none():
    assert len(seeds_of(*random_tokens([3, 10]), weight=16)) == 0


def test_more_dna_takes_longer_words():
    assert [choose_weight(np.full(n, 80)) for n in (4000, 68_000, 10**6)] == [10, 12, 14]
    assert choose_weight(np.full(200_000, 2000)) == 16
    assert choose_weight(np.array([], dtype=np.int64)) == 10


def test_a_sample_is_the_same_words_in_both_copies_and_short_sequences_keep_more():
    long, short = random_tokens([20_000, 100], seed=4)
    seeds = seeds_of(long, reverse_complement(long), short, weight=14, limit=5000)
    assert words(seeds, 0) == words(seeds, 1) and 1000 < len(words(seeds, 0)) < 6000
    assert len(words(seeds, 2)) == len(words(seeds_of(short, weight=14)))


def test_rows_choose_sequences_and_keep_their_numbers():
    sequences = random_tokens([60, 70, 80], seed=5)
    seeds = seeds_of(*sequences, rows=np.array([0, 2]), weight=10)
    assert set(seeds.record.tolist()) == {0, 2} and words(seeds, 2) == words(seeds_of(sequences[2], weight=10))
    mask = np.array([False, False, True])
    assert set(seeds.of(mask).record.tolist()) == {2} and words(seeds.of(mask), 2) == words(seeds, 2)

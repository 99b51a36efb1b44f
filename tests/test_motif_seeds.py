"""Over-represented words, counted by hand."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from motif_toys import word_tokens
from toys import random_tokens

from mlx_gsa.dna.alphabet import N, reverse_complement
from mlx_gsa.motifs.seeds import WordCounts, next_seed, word_codes


def test_a_word_and_its_reverse_complement_have_one_number():
    windows = np.stack([word_tokens("AACGT"), word_tokens("ACGTT"), word_tokens("ACNGT")])
    codes = word_codes(windows, 3)
    # AAC = 1 (reverse GTT = 47), ACG = 6 (CGT = 27), CGT -> 6
    assert codes[0].tolist() == [1, 6, 6] and codes[1].tolist() == [6, 6, 1]
    assert codes[2].tolist() == [-1, -1, -1]


@given(st.integers(0, 1000), st.integers(1, 6))
def test_codes_of_the_other_strand_are_the_same_backwards(seed, k):
    windows = np.stack(random_tokens([12] * 3, seed))
    other = np.stack([reverse_complement(window) for window in windows])
    np.testing.assert_array_equal(word_codes(windows, k), word_codes(other, k)[:, ::-1])


def test_a_window_counts_once_for_a_word():
    counts = WordCounts(np.stack([word_tokens("AAAAAA"), word_tokens("AAACGC")]), 3, [2.0, 0.5])
    assert counts.counts[0] == 2.5 and counts.counts.sum() == 2.5 + 3 * 0.5 and counts.total == 2.5


def test_counts_after_erasing_are_those_of_the_erased_windows():
    windows = np.stack(random_tokens([25] * 40, 1))
    windows[:10, 5:12] = word_tokens("TGACTCA")
    counts = WordCounts(windows.copy(), 4)
    code = int(word_codes(word_tokens("TGAC")[None], 4)[0, 0])
    counts.erase(code)
    np.testing.assert_array_equal(counts.counts, WordCounts(counts.windows, 4).counts)
    assert counts.counts[code] == 0 and (counts.windows[0, 5:9] == N).all()
    assert not (word_codes(counts.windows, 4) == code).any()


def test_the_word_that_was_planted_is_found_on_both_strands():
    windows, control = (np.stack(random_tokens([25] * 300, seed)) for seed in (0, 1))
    word = word_tokens("TGACTCA")
    for row in range(60):
        windows[row, 9:16] = word if row % 2 else reverse_complement(word)
    seed = next_seed(WordCounts(windows, 7), [WordCounts(control, 7)])
    assert seed.tokens.tolist() in (word.tolist(), reverse_complement(word).tolist()) and seed.z > 20
    here = {(row, start): flag for row, start, flag in zip(seed.rows, seed.starts, seed.reverse, strict=True)}
    assert all((row, 9) in here for row in range(60))
    assert here[0, 9] != here[1, 9]


def test_what_controls_have_as_often_is_no_seed():
    windows = np.stack(random_tokens([25] * 300, 0))
    windows[:100, 9:16] = word_tokens("TGACTCA")
    assert next_seed(WordCounts(windows.copy(), 7), [WordCounts(windows.copy(), 7)]).z < 1
    plain = np.stack(random_tokens([25] * 300, 2))
    assert next_seed(WordCounts(windows, 7), [WordCounts(plain, 7), WordCounts(windows.copy(), 7)]).z < 5


def test_without_windows_there_is_no_seed():
    none = WordCounts(np.zeros((0, 25), np.uint8), 7)
    assert next_seed(none, [none]) is None
    assert next_seed(WordCounts(np.full((3, 25), N, np.uint8), 7), [none]) is None

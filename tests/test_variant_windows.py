"""Windows around variants: exact sequences, equal lengths, and positions carried through an indel."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlx_gsa.dna.alphabet import decode, encode
from mlx_gsa.genomes.variant_windows import carry, change_of, cut_windows

TEXT = "AACCGGTTACGTTGCA"  # 16 bp


def cut(start, ref, alt, window=8, text=TEXT):
    tokens = encode(text)[0]
    return cut_windows(change_of(start, ref, alt), lambda s, e: tokens[s:e], len(tokens), window)


@pytest.mark.parametrize(
    "ref, alt, start, end, tokens, kind",
    [
        ("A", "C", 5, 6, "C", "snv"),
        ("AC", "GT", 5, 7, "GT", "mnv"),
        ("ACA", "AGA", 6, 7, "G", "snv"),
        ("A", "ATT", 6, 6, "TT", "insertion"),
        ("ATT", "A", 6, 8, "", "deletion"),
        ("TTA", "A", 5, 7, "", "deletion"),
        ("AA", "AAA", 5, 5, "A", "insertion"),
        ("ACG", "AT", 6, 8, "T", "complex"),
        ("ac", "AC", 7, 7, "", "none"),
        ("A", "A", 6, 6, "", "none"),
    ],
)
def test_what_an_allele_changes(ref, alt, start, end, tokens, kind):
    change = change_of(5, ref, alt)
    if kind != "none":
        assert (change.start, change.end, decode(change.tokens)) == (start, end, tokens)
    assert change.kind == kind


def test_an_snv():
    pair = cut(7, "T", "G")  # AACC GGT T ACGT TGCA: 3 before, 4 behind
    assert (decode(pair.ref), decode(pair.alt)) == ("GGTTACGT", "GGTGACGT")
    assert pair.ref_span == pair.alt_span == (3, 4)


def test_an_insertion_gets_n_at_both_ends_of_the_reference():
    pair = cut(7, "T", "TCC")  # between T (7) and A (8)
    assert (decode(pair.ref), decode(pair.alt)) == ("NGTTACGN", "GTTCCACG")
    assert pair.ref_span == (4, 4) and pair.alt_span == (3, 5)


def test_a_deletion_gets_n_at_both_ends_of_the_alternative():
    pair = cut(7, "TAC", "T", window=9)  # AC (8-10) go
    assert (decode(pair.ref), decode(pair.alt)) == ("GTTACGTTG", "NGTTGTTGN")
    assert pair.ref_span == (3, 5) and pair.alt_span == (4, 4)


def test_an_odd_base_of_n_stands_behind():
    pair = cut(7, "T", "TC")
    assert (decode(pair.ref), decode(pair.alt)) == ("GTTACGTN", "GTTCACGT")


def test_the_ends_of_a_chromosome_make_shorter_windows():
    pair = cut(0, "A", "C")
    assert (decode(pair.ref), decode(pair.alt)) == ("AACCG", "CACCG") and pair.ref_span == (0, 1)
    pair = cut(15, "A", "ATT")
    assert (decode(pair.ref), decode(pair.alt)) == ("NGCAN", "GCATT")
    pair = cut(0, "AA", "A", window=100)
    assert len(pair.ref) == len(pair.alt) == 16 and decode(pair.alt).rstrip("N") == TEXT[1:]


def test_alleles_that_leave_no_room_have_no_windows():
    assert cut(7, "T", "T" + "C" * 5) is None and cut(7, "T", "T" + "C" * 4) is not None
    assert cut(0, "A", "C", window=8, text="A") is not None


def test_the_way_back_gives_the_same_two_windows():
    there = cut(7, "TAC", "T")
    changed = TEXT[:8] + TEXT[10:]
    back = cut(7, "T", "TAC", text=changed)
    assert (decode(there.ref), decode(there.alt)) == (decode(back.alt), decode(back.ref))


@given(st.integers(0, 15), st.integers(1, 4), st.text("ACGT", min_size=1, max_size=4), st.integers(8, 40))
def test_lengths_are_equal_and_spans_hold_the_alleles(start, length, alt, window):
    ref = TEXT[start : start + length]
    change = change_of(start, ref, alt)
    pair = cut(start, ref, alt, window)
    if pair is None:
        return
    assert len(pair.ref) == len(pair.alt) <= window
    assert decode(pair.ref[slice(*pair.ref_span)]) == TEXT[change.start : change.end]
    assert decode(pair.alt[slice(*pair.alt_span)]) == decode(change.tokens)
    for side in (lambda tokens, span: tokens[: span[0]], lambda tokens, span: tokens[span[1] :]):
        beside = [decode(side(*each)).strip("N") for each in ((pair.ref, pair.ref_span), (pair.alt, pair.alt_span))]
        assert beside[0] == beside[1]


def test_positions_go_through_an_indel_and_back():
    deletion = ((3, 5), (4, 4))
    assert carry(np.array([0, 2, 3, 4, 5, 8]), *deletion).tolist() == [1, 3, -1, -1, 4, 7]
    assert carry(np.array([1, 3, 4, 7]), *deletion[::-1]).tolist() == [0, 2, 5, 8]
    assert carry(np.array([2, 3, 4]), (3, 4), (3, 4)).tolist() == [2, 3, 4]


@given(st.integers(0, 15), st.integers(1, 4), st.text("ACGT", min_size=1, max_size=4))
def test_a_carried_position_holds_the_same_base(start, length, alt):
    pair = cut(start, TEXT[start : start + length], alt, 16)
    if pair is None or pair.ref_span[1] - pair.ref_span[0] == pair.alt_span[1] - pair.alt_span[0]:
        return
    carried = carry(np.arange(len(pair.ref)), pair.ref_span, pair.alt_span)
    for own, other in enumerate(carried):
        if 0 <= other < len(pair.alt) and pair.ref[own] < 4 and pair.alt[other] < 4:
            assert pair.ref[own] == pair.alt[other]

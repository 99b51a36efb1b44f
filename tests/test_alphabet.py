"""Letters to tokens: each letter's token, what is counted, what is refused, and round trips."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlx_gsa.dna.alphabet import COMPLEMENT, PAD, EncodeCounts, decode, encode, gc_content, reverse_complement
from mlx_gsa.errors import SequenceError

DNA = st.text("ACGTN", max_size=200)
ANY_DNA = st.text("ACGTUNRYSWKMBDHVXacgtunryswkmbdhvx-. \n", max_size=200)


def slow_encode(text):
    """Encode letter by letter: what the lookup table must equal."""
    tokens = []
    for letter in text.upper():
        if letter in "ACGTU":
            tokens.append("ACGTU".index(letter) if letter != "U" else 3)
        elif letter in "NRYSWKMBDHVX":
            tokens.append(4)
    return tokens


def test_each_letter_has_its_token():
    assert encode("ACGTN")[0].tolist() == [0, 1, 2, 3, 4]
    assert encode("acgtn")[0].tolist() == [0, 1, 2, 3, 4]
    assert encode(b"UuRx")[0].tolist() == [3, 3, 4, 4]


def test_what_is_read_differently_is_counted():
    tokens, counts = encode("ACgtU-u.RxN n\n")
    assert counts == EncodeCounts(lower=5, uracil=2, gaps=2, iupac=2, n=2)
    assert tokens.tolist() == [0, 1, 2, 3, 3, 3, 4, 4, 4, 4]


def test_counts_add_up():
    assert EncodeCounts(1, 2, 3, 4, 5) + EncodeCounts(10, 20, 30, 40, 50) == EncodeCounts(11, 22, 33, 44, 55)


def test_tokens_can_be_written_to():
    tokens, _ = encode("ACGT")
    tokens[0] = 3
    assert decode(tokens) == "TCGT"


def test_protein_is_named_as_such():
    with pytest.raises(SequenceError) as caught:
        encode("MKTAYIAKQRQISFVKSHFSRQLE")
    assert caught.value.found == "the letters E F I L Q"
    assert "amino acids" in caught.value.mend


@pytest.mark.parametrize(("text", "shown"), [("AC1GT", "1"), ("ACéGT", "É"), ("AC\0GT", "0x00"), ("AC*", "*")])
def test_letters_that_are_not_dna_are_shown(text, shown):
    with pytest.raises(SequenceError, match="not a DNA sequence") as caught:
        encode(text)
    assert caught.value.found == f"the letters {shown}"


def test_nothing_is_an_empty_array():
    tokens, counts = encode("")
    assert tokens.shape == (0,) and tokens.dtype == np.uint8 and counts == EncodeCounts()


@given(ANY_DNA)
def test_encode_equals_the_slow_reference(text):
    assert encode(text)[0].tolist() == slow_encode(text)
    assert encode(text.encode())[0].tolist() == slow_encode(text)


@given(DNA)
def test_round_trip(text):
    assert decode(encode(text)[0]) == text


@given(DNA)
def test_reverse_complement_twice_is_the_same(text):
    tokens, _ = encode(text)
    assert np.array_equal(reverse_complement(reverse_complement(tokens)), tokens)
    assert decode(reverse_complement(tokens)) == text[::-1].translate(str.maketrans("ACGT", "TGCA"))


def test_reverse_complement_keeps_n_and_pad_and_works_on_batches():
    batch = np.array([[0, 1, 4, PAD], [2, 2, 3, 0]], dtype=np.uint8)
    assert reverse_complement(batch).tolist() == [[PAD, 4, 2, 3], [3, 0, 1, 1]]
    assert COMPLEMENT[PAD] == PAD


def test_gc_counts_known_bases_only():
    assert gc_content(encode("GGCA" + "N" * 10)[0]) == 0.75
    assert np.isnan(gc_content(encode("NNN")[0]))


def test_decode_leaves_padding_out():
    assert decode(np.array([0, PAD, 3], dtype=np.uint8)) == "AT"

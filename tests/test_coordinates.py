"""Coordinates in sequence names: which notations are read, and how the length decides between conventions."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlx_gsa.dna.alphabet import decode, encode, reverse_complement
from mlx_gsa.dna.coordinates import Region, fit_region, mentions_region, parse_region


@pytest.mark.parametrize(
    ("header", "length", "region"),
    [
        ("chr7:5,000-7,000(-)", 2000, Region("chr7", 5000, 7000, "-")),
        ("chr7:5,000-7,000(-)", 2001, Region("chr7", 4999, 7000, "-")),
        ("chr7:5000-7000", 2000, Region("chr7", 5000, 7000, ".")),
        ("peak_1::chr7:5000-7000(+)", 2000, Region("chr7", 5000, 7000, "+")),
        ("peak_1 chr2L:11-20 stage 5", 10, Region("chr2L", 10, 20, ".")),
        ("hg38_dna range=chr7:5001-7000 5'pad=0 3'pad=0 strand=- x=n", 2000, Region("chr7", 5000, 7000, "-")),
        ("chr7:5001-7000/rc", 2000, Region("chr7", 5000, 7000, "-")),
        ("chr7:5001-7000:-1", 2000, Region("chr7", 5000, 7000, "-")),
        ("7 dna:chromosome chromosome:GRCh38:7:5001:7000:1 REF", 2000, Region("7", 5000, 7000, "+")),
        ("hg38_chr7_5000_7000", 2000, Region("chr7", 5000, 7000, ".")),
        ("chr1-104768570-104768734_UPCQ_WT", 164, Region("chr1", 104768570, 104768734, ".")),
        ("chr7:9-10 then chr8:0-5", 5, Region("chr8", 0, 5, ".")),
    ],
)
def test_notations(header, length, region):
    assert parse_region(header, length) == region


@pytest.mark.parametrize(
    "header", ["seq1", "gene-5-7", "12:30", "chr7:5-7000abc", "HLA-A*01:01:1-100", "chr7:5000", ""]
)
def test_names_without_coordinates(header):
    assert parse_region(header, 100) is None
    assert not mentions_region(header)


def test_coordinates_that_do_not_fit_the_length_are_left_out():
    assert parse_region("chr7:5,000-7,000(-)", 1999) is None
    assert mentions_region("chr7:5,000-7,000(-)")


def test_there_is_no_base_before_the_first():
    assert fit_region("chr1", 0, 9, ".", 10) is None
    assert fit_region("chr1", 1, 10, ".", 10) == Region("chr1", 0, 10)


@given(st.integers(0, 10**8), st.integers(1, 10**5), st.sampled_from("+-"), st.booleans())
def test_round_trip_in_both_conventions(start, length, strand, one_based):
    region = Region("chr3", start, start + length, strand)
    header = f"x::chr3:{start + 1:,}-{start + length:,}({strand})" if one_based else f"x::{region}"
    assert parse_region(header, length) == region


@given(st.text("ACGT", min_size=30, max_size=30), st.integers(0, 19), st.integers(1, 10), st.booleans())
def test_a_position_is_carried_to_the_same_letters(genome, start, size, reverse):
    region = Region("chr1", 5, 28, "-" if reverse else "+")
    tokens, _ = encode(genome[region.start : region.end])
    tokens = reverse_complement(tokens) if reverse else tokens
    start = min(start, len(tokens) - size)
    first, last = region.to_genome(start, start + size)
    there = encode(genome[first:last])[0]
    assert decode(tokens[start : start + size]) == decode(reverse_complement(there) if reverse else there)

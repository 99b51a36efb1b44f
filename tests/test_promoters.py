"""Promoters: windows counted by hand on both strands, starts chosen per gene, and groups that overlap chains make."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlx_gsa.data.promoters import (
    FURTHER,
    SAME_PLACE,
    choose_starts,
    groups_of,
    one_place_each,
    promoter_region,
)
from mlx_gsa.dna.alphabet import decode, encode, reverse_complement
from mlx_gsa.dna.annotation_lines import Tss
from mlx_gsa.dna.coordinates import Region
from mlx_gsa.errors import TableError

#         0123456789
GENOME = "AACCGTTGCA"


def start(position, strand="+", gene="g", chrom="c", line=1, **more):
    return Tss(chrom, position, strand, f"{gene}_{line}", gene, line, **more)


def read(region):
    tokens, _ = encode(GENOME[region.start : region.end])
    return decode(reverse_complement(tokens) if region.strand == "-" else tokens)


@pytest.mark.parametrize(
    ("position", "strand", "upstream", "downstream", "place", "sequence"),
    [
        (4, "+", 3, 2, (1, 6), "ACCGT"),  # ACC before, the start G, one more
        (4, "+", 3, 0, (1, 4), "ACC"),
        (4, "+", 0, 1, (4, 5), "G"),
        (4, "-", 3, 2, (3, 8), "CAACG"),  # the complement of TTG read backwards is CAA; the start is C (of G), then G
        (4, "-", 3, 0, (5, 8), "CAA"),
        (4, "-", 0, 1, (4, 5), "C"),
    ],
)
def test_windows_by_hand(position, strand, upstream, downstream, place, sequence):
    region = promoter_region(start(position, strand), upstream, downstream)
    assert (region.start, region.end, region.strand) == (*place, strand)
    assert read(region) == sequence


@given(st.integers(0, 1000), st.sampled_from("+-"), st.integers(0, 500), st.integers(1, 500))
def test_the_start_is_base_u_of_the_sequence_on_both_strands(position, strand, upstream, downstream):
    region = promoter_region(start(position, strand), upstream, downstream)
    assert region.end - region.start == upstream + downstream
    assert region.to_genome(upstream, upstream + 1) == (position, position + 1)


def test_starts_of_one_gene_at_one_place_are_one():
    dropped = Counter()
    starts = [start(5, line=1), start(5, line=2), start(5, "-", line=3), start(5, gene="h", line=4)]
    assert [one.line for one in one_place_each(starts, dropped)] == [1, 3, 4] and dropped == {SAME_PLACE: 1}


def test_the_first_start_is_the_one_furthest_upstream():
    dropped = Counter()
    starts = [start(9), start(5), start(9, "-"), start(5, "-"), start(7, gene="h"), start(1, chrom="d")]
    assert choose_starts(starts, "first", dropped) == [1, 2, 4, 5] and dropped == {FURTHER: 2}
    assert choose_starts(starts, "all", Counter()) == [0, 1, 2, 3, 4, 5]


def test_the_strongest_start_by_score_then_by_activity():
    starts = [start(9, score=900), start(5, score=901), start(7, gene="h", score=3)]
    assert choose_starts(starts, "strongest", Counter(), [5, 1, 1]) == [1, 2]
    equal = [start(9, score=900), start(5, score=900), start(7, score=900)]
    assert choose_starts(equal, "strongest", Counter(), [1.0, 5.0, 0.0]) == [1]
    assert choose_starts([start(9), start(7, gene="h")], "strongest", Counter()) == [0, 1]
    with pytest.raises(TableError, match=r"nothing tells which TSS of a gene is the strongest[\s\S]*first"):
        choose_starts(equal, "strongest", Counter())


def test_windows_that_overlap_or_share_a_gene_are_one_group():
    places = [("c", 0, 10), ("c", 9, 20), ("c", 20, 30), ("d", 0, 10), ("c", 15, 16), ("c", 28, 40)]
    regions = [Region(chrom, a, b, "+-"[a % 2]) for chrom, a, b in places]
    # 0-1 overlap, 1-4 overlap; 2 only touches 1; 2-5 overlap; 3 is elsewhere
    assert groups_of(regions, list("abcdef")) == ["a", "a", "c", "d", "a", "c"]
    assert groups_of(regions, list("abcdec")) == ["a", "a", "c", "d", "a", "c"]
    assert groups_of(regions, list("abcadd")) == ["a", "a", "a", "a", "a", "a"]


@given(st.lists(st.tuples(st.sampled_from("cd"), st.integers(0, 60), st.integers(1, 12)), min_size=1, max_size=12))
def test_groups_are_the_connected_parts_of_the_overlaps(places):
    regions = [Region(chrom, a, a + n) for chrom, a, n in places]
    n = len(regions)
    linked = [[a.chrom == b.chrom and a.start < b.end and b.start < a.end for b in regions] for a in regions]
    for k in range(n):
        for i in range(n):
            for j in range(n):
                linked[i][j] = linked[i][j] or (linked[i][k] and linked[k][j])
    groups = groups_of(regions, [str(i) for i in range(n)])
    assert [[groups[i] == groups[j] for j in range(n)] for i in range(n)] == linked

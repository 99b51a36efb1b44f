"""Interval sets, held against a set of positions written out one by one."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlx_gsa.dna.coordinates import Region
from mlx_gsa.dna.intervals import IntervalSet
from mlx_gsa.errors import RegionError

SPANS = st.tuples(st.sampled_from(["chr1", "chr2"]), st.integers(0, 60), st.integers(1, 12)).map(
    lambda s: Region(s[0], s[1], s[1] + s[2])
)


def positions(regions, chrom):
    return {p for r in regions if r.chrom == chrom for p in range(r.start, r.end)}


def test_intervals_are_merged_and_sorted():
    found = IntervalSet.of([Region("chr1", 20, 30), Region("chr1", 0, 5), Region("chr1", 5, 8), Region("chr1", 25, 40)])
    assert [x.tolist() for x in found.on("chr1")] == [[0, 20], [8, 40]]
    assert (len(found), found.bp, found.chroms) == (2, 28, ["chr1"])


def test_questions_about_a_small_set():
    found = IntervalSet.of([Region("chr1", 10, 20), Region("chr1", 30, 40)])
    assert found.overlaps("chr1", 19, 25) and not found.overlaps("chr1", 20, 30)
    assert found.overlap_bp("chr1", 15, 35) == 10
    assert [found.nearest_gap("chr1", *span) for span in ((22, 25), (0, 8), (50, 60), (15, 16), (20, 21))] == [
        *(2, 2, 10, 0, 0)
    ]
    assert found.nearest_gap("chr2", 0, 5) is None and not found.overlaps("chr2", 0, 5)


def test_many_intervals_at_once():
    found = IntervalSet.of([Region("chr1", 10, 20)])
    start = np.array([0, 5, 12, 20])
    assert found.overlap_bp("chr1", start, start + 6).tolist() == [0, 1, 6, 0]
    assert found.overlaps("chr1", start, start + 6).tolist() == [False, True, True, False]
    assert found.overlaps("chr2", start, start + 6).tolist() == [False] * 4


def test_an_empty_set_overlaps_nothing():
    for found in (IntervalSet(), IntervalSet.of([])):
        assert (len(found), found.bp, found.overlap_bp("chr1", 0, 100)) == (0, 0, 0)


@pytest.mark.parametrize("span", [(5, 5), (9, 3), (-1, 4)])
def test_what_is_no_interval_is_refused(span):
    with pytest.raises(RegionError, match="not an interval"):
        IntervalSet.of([Region("chr1", *span)])


@given(st.lists(SPANS, max_size=12), SPANS)
def test_answers_are_those_of_the_positions(regions, asked):
    found, there = IntervalSet.of(regions), positions(regions, asked.chrom)
    mine = set(range(asked.start, asked.end))
    assert found.overlap_bp(asked.chrom, asked.start, asked.end) == len(there & mine)
    assert found.overlaps(asked.chrom, asked.start, asked.end) == bool(there & mine)
    gaps = [max(min(mine) - p, p - max(mine), 1) - 1 if p not in mine else 0 for p in there]
    assert found.nearest_gap(asked.chrom, asked.start, asked.end) == min(gaps, default=None)


@given(st.lists(SPANS, max_size=8), st.lists(SPANS, max_size=8), st.integers(0, 10))
def test_union_and_widening_are_those_of_the_positions(one, other, bp):
    both = IntervalSet.of(one).union(IntervalSet.of(other))
    assert both.bp == sum(len(positions(one + other, chrom)) for chrom in ("chr1", "chr2"))
    wide = [Region(r.chrom, max(r.start - bp, 0), r.end + bp) for r in one]
    widened = IntervalSet.of(one).widened(bp)
    assert [x.tolist() for x in widened.on("chr1")] == [x.tolist() for x in IntervalSet.of(wide).on("chr1")]

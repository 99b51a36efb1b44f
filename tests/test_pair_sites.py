"""Pairs of sites by hand."""

import numpy as np
import pytest

from mlx_gsa.motifs.hits import HitTable, Pool
from mlx_gsa.motifs.pair_sites import MotifSites, attention_between, pair_up, shifted, sites_of

POOL = Pool.of([np.zeros(50, np.uint8), np.zeros(40, np.uint8)])


def sites(record, start, sense=None, width=6, kept=True):
    """Sites of one width."""
    record, start = np.array(record), np.array(start)
    sense = np.ones(len(record), int) if sense is None else np.array(sense)
    return MotifSites(record, start, start + width, sense, np.full(len(record), kept))


def test_overlapping_hits_count_as_the_best():
    hits = HitTable(
        np.array([0, 0, 0, 0, 1]), np.array([0, 0, 1, 0, 0]), np.array([5, 8, 9, 20, 50]),
        np.array([11, 14, 15, 26, 56]), np.array(["+", "-", "+", "+", "-"]), np.array([5.0, 7.0, 9.0, 4.0, 6.0]),
    )  # fmt: skip
    kept = np.zeros(90, bool)
    kept[[13, 55]] = True
    found = sites_of(hits, 0, POOL, kept)
    assert found.record.tolist() == [0, 0, 1] and found.start.tolist() == [8, 20, 0]
    assert found.sense.tolist() == [-1, 1, -1] and found.kept.tolist() == [True, False, True]
    assert found.centre.tolist() == [10.5, 22.5, 2.5]


def test_distance_is_read_on_the_strand_of_the_second():
    first, second = sites([0, 1], [0, 0]), sites([0, 1], [20, 20], sense=[1, -1])
    assert pair_up(first, second, 30).distance.tolist() == [-20, 20]
    assert pair_up(second, first, 30).distance.tolist() == [20, 20]


def test_pairs_are_within_records_within_reach_and_apart():
    first, second = sites([0, 0, 1], [0, 30, 10]), sites([0, 0, 2], [5, 12, 10])
    pairs = pair_up(first, second, 20)
    # 0 with 5 overlaps; 30 with 5 is 25 bp away; record 1 has no second site
    assert list(zip(pairs.first.tolist(), pairs.second.tolist(), pairs.distance.tolist(), strict=True)) == [
        (0, 1, -12), (1, 1, 18),
    ]  # fmt: skip


def test_partners_from_other_records():
    first, second = sites([0, 1], [0, 0]), sites([0, 1, 1], [10, 20, 30])
    pairs = pair_up(first, second, 40, partner=np.array([1, -1]))
    assert pairs.first.tolist() == [0, 0] and pairs.distance.tolist() == [-20, -30]


def test_sites_move_together_around_the_record():
    given = sites([0, 0, 1], [0, 30, 10], sense=[1, -1, 1])
    moved = shifted(given, POOL.lengths, np.random.default_rng(0))
    assert (np.diff(moved.record) >= 0).all() and (moved.end - moved.start == 6).all()
    assert ((moved.start >= 0) & (moved.end <= POOL.lengths[moved.record])).all()
    apart = np.diff(moved.start[moved.record == 0])[0]
    assert apart in (30, 45 - 30)
    assert {(s, int(x)) for s, x in zip(moved.record.tolist(), moved.sense, strict=True)} == {(0, 1), (0, -1), (1, 1)}
    starts = [shifted(given, POOL.lengths, np.random.default_rng(i)).start[2] for i in range(300)]
    assert min(starts) == 0 and max(starts) == 34


def test_attention_is_over_even_attention():
    kept = np.array([2, 8, 9, 30])
    weights = np.array([[0.1, 0.3, 0.5, 0.1], [0.4, 0.2, 0.2, 0.2], [0.2, 0.2, 0.2, 0.4], [0.25] * 4])
    found = attention_between(weights, kept, (0, 5), (8, 10))
    assert found == pytest.approx(4 * ((0.3 + 0.5) / 2 + (0.4 + 0.2) / 2) / 2)
    assert np.isnan(attention_between(weights, kept, (0, 5), (10, 20)))
    assert attention_between(np.full((4, 4), 0.25), kept, (0, 5), (8, 10)) == pytest.approx(1)

"""Random positions of like local GC and location."""

import numpy as np
import pytest

from mlx_gsa.motifs.hits import Pool
from mlx_gsa.motifs.matched import draw_matched, expected_share, local_gc, make_strata, matching_of


def pool(seed=0, lengths=(300, 400, 120)):
    rng = np.random.default_rng(seed)
    return Pool.of(rng.integers(0, 4, length).astype(np.uint8) for length in lengths)


def test_local_gc_is_that_of_the_window_inside_the_record():
    two = Pool.of([np.zeros(30, np.uint8), np.ones(30, np.uint8)])
    gc = local_gc(two)
    assert gc[:30].max() == 0 and gc[30:].min() == 1
    half = Pool.of([np.array([0] * 10 + [1] * 10 + [4] * 5, np.uint8)])
    assert local_gc(half)[10] == pytest.approx(0.5)  # 0 to 19: ten of twenty
    assert local_gc(half)[15] == pytest.approx(10 / 15)  # 5 to 24: N is not counted


def test_a_stratum_has_one_record_one_place_and_one_gc():
    some = pool()
    strata, gc = make_strata(some), local_gc(some)
    record = np.repeat(np.arange(3), some.lengths)
    place = np.arange(len(record)) - some.offsets[record]
    for number in range(len(strata.size)):
        members = np.flatnonzero(strata.of == number)
        assert len(members) == strata.size[number]
        assert len(set(record[members])) == 1 and np.ptp(place[members]) < 50 and np.ptp(gc[members]) < 0.41


def test_the_expectation_is_the_mean_of_redraws():
    some = pool()
    focus = np.sort(np.random.default_rng(1).choice(820, 80, replace=False))
    strata, rng = make_strata(some), np.random.default_rng(2)
    share = expected_share(strata, focus)
    assert share.sum() == pytest.approx(80)
    drawn = np.zeros(820)
    for _ in range(2000):
        again = draw_matched(strata, focus, rng)
        assert len(set(again.tolist())) == 80
        drawn[again] += 1 / 2000
    assert drawn == pytest.approx(share, abs=0.06)
    assert np.array_equal(np.bincount(strata.of[again]), np.bincount(strata.of[focus]))


def test_positions_without_another_to_stand_for_them_are_counted():
    some = pool()
    everything = np.arange(820)
    strata = make_strata(some)
    assert matching_of(strata, everything) == (820, 0, 0.0)
    few = matching_of(strata, np.array([5, 500]))
    assert few.positions == 2 and few.matched == 2 and few.alternatives >= 1

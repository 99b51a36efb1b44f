from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlx_gsa.explain.spans import (
    find_spans,
    merge_positions,
    outstanding,
    signed_contribution,
    span_scores,
    span_window,
)


def _relevance(length, values):
    relevance = np.zeros(length)
    for position, value in values.items():
        relevance[position] = value
    return relevance


def test_merging_counts_the_positions_between():
    kept = np.array([3, 4, 7, 11, 20])  # 0, 2, 3 and 8 positions between neighbours
    assert merge_positions(kept, gap=0) == [(0, 2), (2, 3), (3, 4), (4, 5)]
    assert merge_positions(kept, gap=2) == [(0, 3), (3, 4), (4, 5)]
    assert merge_positions(kept, gap=3) == [(0, 4), (4, 5)]
    assert merge_positions(np.array([], dtype=int)) == []


def test_a_span_holds_what_its_positions_hold():
    relevance = _relevance(30, {5: 1.0, 7: 4.0, 20: 2.0})
    best, second = find_spans(relevance, [5, 7, 20], [0.5, -0.25, 1.0], gap=3)
    assert (best.start, best.end, best.peak, best.n_kept, best.rank) == (5, 8, 7, 2, 1)
    assert (best.max_relevance, best.sum_relevance, best.contribution, best.weight) == (4.0, 5.0, 0.25, 0.75)
    assert (second.start, second.end, second.rank) == (20, 21, 2)


@pytest.mark.parametrize(("by", "first"), [("max", 10), ("sum", 20), ("weight", 0)])
def test_each_ranking_has_its_own_winner(by, first):
    relevance = _relevance(40, {0: 1.0, 10: 3.0, 20: 2.0, 21: 2.0})
    spans = find_spans(relevance, [0, 10, 20, 21], [-9.0, 1.0, 1.0, 1.0], by=by)
    assert spans[0].start == first
    assert [span.rank for span in spans] == [1, 2, 3]


def test_an_unknown_ranking_is_named():
    with pytest.raises(ValueError, match="max, sum, weight"):
        find_spans(np.zeros(3), [1], [0.0], by="mean")


def test_equal_relevance_ranks_in_the_order_of_the_sequence():
    assert [span.start for span in find_spans(np.ones(50), [40, 20, 0][::-1], np.zeros(3))] == [0, 20, 40]


def test_windows_stay_inside_the_sequence():
    relevance = np.arange(30.0)
    spans = find_spans(relevance, [2, 28], [0, 0])
    assert sorted(span_window(span, 30, flank=12) for span in spans) == [(0, 15), (16, 30)]


def test_scores_run_from_0_to_1000():
    relevance = _relevance(60, {0: -2.0, 20: 0.0, 40: 2.0})
    spans = find_spans(relevance, [0, 20, 40], np.zeros(3))
    assert span_scores(spans).tolist() == [1000, 500, 0]
    assert span_scores(spans[:1]).tolist() == [1000]
    assert span_scores([]).tolist() == []


def test_contribution_of_one_output():
    assert signed_contribution(np.array([1.0, 2.0])).tolist() == [1.0, 2.0]
    assert signed_contribution(np.array([[1.0, 9.0], [2.0, 8.0]]), output=1).tolist() == [9.0, 8.0]
    assert signed_contribution(np.array([[1.0], [2.0]]), output=3).tolist() == [1.0, 2.0]


@given(st.sets(st.integers(0, 200), min_size=1), st.integers(0, 20))
def test_spans_part_the_kept_positions(positions, gap):
    kept = np.array(sorted(positions))
    spans = sorted(find_spans(np.zeros(201), kept, np.ones(len(kept)), gap=gap))
    assert sum(span.n_kept for span in spans) == len(kept)
    assert all(b.start - a.end > gap for a, b in pairwise(spans))
    inside = np.concatenate([kept[(kept >= s.start) & (kept < s.end)] for s in spans])
    assert inside.tolist() == kept.tolist()


def test_spans_that_only_fill_the_budget_do_not_stand_out():
    relevance = np.full(100, -0.35)
    relevance[[10, 40]] = [8.0, 5.0]
    kept = np.array([10, 40, 60, 80])
    spans = find_spans(relevance, kept, np.zeros(4))
    assert [span.start for span in outstanding(spans, relevance)] == [10, 40]
    flat = np.zeros(100)
    assert len(outstanding(find_spans(flat, kept, np.zeros(4)), flat)) == 1

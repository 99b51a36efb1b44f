"""Selection metrics: hand-counted sequences, exact chance, and a random selector that does as chance does."""

import json
from itertools import combinations
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import hypergeom

from mlx_gsa.errors import DatasetError, RunError
from mlx_gsa.evaluation.chance import chance_covered, chance_touched
from mlx_gsa.evaluation.selection import SelectionTally, cover, top_budget
from mlx_gsa.evaluation.selection_report import make_report


def sites(*rows):
    """Sites from (start, end, kind, role)."""
    start, end, kind, role = zip(*rows, strict=True) if rows else ((), (), (), ())
    return SimpleNamespace(start=np.array(start, int), end=np.array(end, int), kind=kind, role=role)


def relevance_of(length, order):
    """Relevance that ranks the positions of `order` first, the others equal."""
    relevance = np.zeros(length)
    relevance[list(order)] = np.arange(len(order), 0, -1)
    return relevance


def by(rows, **wanted):
    """The one row that has these values."""
    found = [row for row in rows if all(row[name] == value for name, value in wanted.items())]
    assert len(found) == 1, found
    return found[0]


def test_chance_equals_enumeration():
    length, budget, start, end = 8, 3, 2, 5
    inside = [sum(start <= p < end for p in kept) for kept in combinations(range(length), budget)]
    assert chance_touched(length, end - start, budget) == pytest.approx(np.mean(np.array(inside) > 0))
    for least in (1, 2, 3):
        expected = np.mean(np.array(inside) >= least)
        assert chance_covered(length, end - start, budget, least) == pytest.approx(expected)


@given(st.integers(1, 6000), st.data())
def test_chance_equals_scipy(length, data):
    width = data.draw(st.integers(1, min(length, 30)))
    budget = data.draw(st.integers(0, length))
    least = data.draw(st.integers(1, width))
    tail = hypergeom.sf(least - 1, length, width, budget)
    assert chance_covered(length, width, budget, least) == pytest.approx(tail, abs=1e-9)
    assert chance_touched(length, width, budget) == pytest.approx(
        hypergeom.sf(0, length, width, budget), abs=1e-9
    )


def test_chance_at_the_edges():
    assert chance_touched(10, 10, 1) == 1
    assert chance_touched(10, 3, 8) == 1
    assert chance_touched(10, 3, 0) == 0
    assert chance_covered(10, 3, 10, 3) == 1
    assert chance_covered(10, 3, 2, 3) == 0
    assert chance_covered(np.empty(0), np.empty(0), 2, 1).shape == (0,)


@given(st.integers(1, 20000), st.sampled_from([0.005, 0.01, 0.02, 0.05, 0.07, 0.1]))
def test_top_budget_is_the_exact_ceiling(length, share):
    parts = round(share * 1000)
    assert top_budget(share, length) == -(-length * parts // 1000)


def test_cover_merges_spans():
    assert cover(np.array([1, 2, 6]), np.array([3, 4, 7]), 7).tolist() == [
        False,
        True,
        True,
        True,
        False,
        False,
        True,
    ]
    assert not cover(np.array([], int), np.array([], int), 3).any()


def test_recall_by_kind_and_role_counted_by_hand():
    tally = SelectionTally()
    planted = sites(
        (10, 14, "TATA", "functional"), (30, 35, "TATA", "functional"),
        (50, 54, "REP", "repressor"), (70, 74, "TATA", "decoy_core"),
    )  # fmt: skip
    tally.add(relevance_of(100, []), [10, 11, 32, 54, 73], planted)
    report = make_report(tally, n_resamples=0)
    tata = by(report.recall, role="functional", kind="TATA")
    assert (tata["n"], tata["any"].value, tata["half"].value) == (2, 1.0, 0.5)
    assert tata["any_chance"] == pytest.approx(chance_touched(100, [4, 5], 5).mean())
    assert tata["half_chance"] == pytest.approx(chance_covered(100, [4, 5], 5, [2, 3]).mean())
    assert by(report.recall, role="repressor", kind="REP")["any"].value == 0
    assert by(report.recall, role="decoy_core", kind="TATA")["any"].value == 1
    assert by(report.recall, kind="all")["any"].value == pytest.approx(2 / 3)
    order = ["functional", "repressor", "decoy_core", "functional"]  # the last one over all functional kinds
    assert [row["role"] for row in report.recall] == order
    assert report.kept_share == 0.05


def test_ranking_counted_by_hand():
    tally = SelectionTally(shares=(0.02,))
    planted = sites((50, 60, "A", "functional"), (150, 160, "B", "decoy_spacing"))
    tally.add(relevance_of(200, [45, 44, 155, 100]), [0], planted)  # the top 2 % are four positions
    row = by(make_report(tally, n_resamples=0).ranking, cut="top 2 %")
    assert row["positions"] == 4
    assert row["recall"].value == 0  # 45 is near the site, but not in it
    assert row["precision"].value == 0.25  # 45 is 5 bp from the first position, 44 is 6 bp
    assert row["precision_chance"] == pytest.approx(20 / 200)
    assert row["enrichment"].value == pytest.approx(2.5)
    assert row["intact_recall"].value == 0.5
    assert row["intact_precision"].value == 0.5
    assert row["recall_chance"] == pytest.approx(float(chance_touched(200, 10, 4)))


def test_near_a_site_at_the_very_end():
    tally = SelectionTally(shares=(0.1,))
    tally.add(relevance_of(20, [19, 0]), [19], sites((18, 20, "A", "functional"), (0, 2, "A", "functional")))
    row = by(make_report(tally, n_resamples=0).ranking, cut="top 10 %")
    assert (row["recall"].value, row["precision"].value) == (1, 1)
    assert row["precision_chance"] == pytest.approx(14 / 20)


def test_average_precision_beside_prevalence():
    tally = SelectionTally()
    tally.add(relevance_of(100, range(20, 30)), [0], sites((20, 30, "A", "functional")))
    tally.add(np.zeros(100), [0], sites((20, 30, "A", "functional")))
    tally.add(np.zeros(100), [0], sites())
    found = make_report(tally, n_resamples=0).average_precision
    assert found["value"].value == pytest.approx((1 + 0.1) / 2)
    assert (found["prevalence"], found["n"]) == (pytest.approx(0.1), 2)


def _random_tally(n=300, length=600, budget=60, seed=0, relevance=None):
    rng, tally = np.random.default_rng(seed), SelectionTally(seed=seed)
    roles = ["functional", "functional", "repressor", "decoy_core"]
    for _ in range(n):
        start = np.sort(rng.integers(0, length - 12, 4))
        planted = [(s, s + 12, "AABA"[i], roles[i]) for i, s in enumerate(start)]
        scores = rng.random(length) if relevance is None else relevance(length)
        tally.add(scores, rng.permutation(length)[:budget], sites(*planted))
    return tally


def test_a_random_selector_does_as_chance_does():
    report = make_report(_random_tally(), n_resamples=200)
    for row in report.recall:
        assert row["any"].low <= row["any_chance"] + 0.03
        assert row["any"].high >= row["any_chance"] - 0.03
        assert row["half"].value == pytest.approx(row["half_chance"], abs=0.02)
    for row in report.ranking:
        assert row["enrichment"].value == pytest.approx(1, abs=0.15)
        assert row["recall"].value == pytest.approx(row["recall_chance"], abs=0.05)
    for row in report.decoys:
        assert row["difference"].low < 0.03
        assert row["difference"].high > -0.03


def test_a_constant_relevance_ranks_at_random():
    report = make_report(_random_tally(relevance=np.zeros), n_resamples=0)
    for row in report.ranking:
        assert row["recall"].value == pytest.approx(row["recall_chance"], abs=0.05)


def test_decoys_are_paired_with_functional_sites_of_their_kind():
    tally = SelectionTally(shares=())
    for _ in range(5):
        planted = sites(
            (10, 15, "A", "functional"), (30, 35, "A", "decoy_core"),
            (50, 55, "B", "functional"), (70, 75, "B", "decoy_core"), (90, 95, "C", "functional"),
        )  # fmt: skip
        tally.add(np.zeros(100), [12, 52, 72], planted)
    report = make_report(tally, n_resamples=50)
    assert [(row["kind"], row["difference"].value) for row in report.decoys] == [
        ("A", 1),
        ("B", 0),
        ("all", 0.5),
    ]
    assert by(report.decoys, kind="A")["difference"] == (1, 1, 1)
    total = by(report.decoys, kind="all")
    assert (total["n_functional"], total["n_decoy"]) == (10, 10)


def test_kinds_at_every_cut():
    tally = SelectionTally(shares=(0.01,))
    tally.add(relevance_of(100, [12]), [52], sites((10, 15, "A", "functional"), (50, 55, "B", "repressor")))
    rows = make_report(tally, n_resamples=0).kinds
    found = {(row["cut"], row["kind"]): row["recall"].value for row in rows}
    assert found == {("kept", "A"): 0, ("kept", "B"): 1, ("top 1 %", "A"): 1, ("top 1 %", "B"): 0}


def test_keeping_everything_finds_everything_and_so_does_chance():
    tally = SelectionTally()
    tally.add(np.arange(50.0), np.arange(50), sites((3, 9, "A", "functional")))
    report = make_report(tally, n_resamples=0)
    row = by(report.recall, kind="A")
    assert (row["any"].value, row["any_chance"], row["half"].value, row["half_chance"]) == (1, 1, 1, 1)
    assert by(report.ranking, cut="kept")["enrichment"].value == pytest.approx(1)


def test_data_without_any_site():
    tally = SelectionTally()
    tally.add(np.arange(50.0), [1, 2], sites())
    report = make_report(tally, n_resamples=10)
    assert report.recall == report.kinds == report.decoys == []
    assert np.isnan(report.ranking[0]["recall"].value)
    assert np.isnan(report.average_precision["value"].value)


def test_report_is_plain_and_repeatable():
    first, second = (make_report(_random_tally(n=20), n_resamples=20).to_dict() for _ in range(2))
    assert json.dumps(first) == json.dumps(second)


@pytest.mark.parametrize(
    ("error", "message", "relevance", "kept", "planted"),
    [
        (RunError, "not one finite number per position", [0.0, np.nan], [0], sites()),
        (RunError, "not distinct positions.*expected each once, 0 to 1", [0.0, 1.0], [0, 0], sites()),
        (RunError, "not distinct positions", [0.0, 1.0], [2], sites()),
        (DatasetError, "A site is outside its sequence", [0.0, 1.0], [0], sites((1, 3, "A", "functional"))),
    ],
)
def test_bad_input_is_named(error, message, relevance, kept, planted):
    with pytest.raises(error, match=message):
        SelectionTally().add(relevance, kept, planted)


def test_an_empty_tally_is_refused():
    with pytest.raises(DatasetError, match="No sequence to report on"):
        make_report(SelectionTally())

"""What GC and length alone tell: by hand, on real sets, and where there is nothing to tell."""

import csv
import gzip

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlx_gsa.data.shortcuts import Shortcut, either_auroc, find_shortcuts, pearson_r, rank_auroc
from mlx_gsa.dna.alphabet import encode, gc_content

NAMES = np.array(["a", "a", "b", "b", "c"], dtype=object)


def test_auroc_by_hand():
    positive = np.array([True, True, False, False])
    assert rank_auroc(np.array([3.0, 2, 1, 0]), positive) == 1
    assert rank_auroc(np.array([0.0, 1, 2, 3]), positive) == 0
    assert rank_auroc(np.array([3.0, 1, 2, 0]), positive) == 0.75
    assert rank_auroc(np.array([1.0, 1, 1, 1]), positive) == 0.5
    assert either_auroc(np.array([0.0, 1, 2, 3]), positive) == 1


@given(st.lists(st.tuples(st.integers(0, 9), st.booleans()), min_size=2, max_size=40))
def test_auroc_is_the_share_of_pairs_in_order(pairs):
    values, positive = np.array([v for v, _ in pairs], float), np.array([p for _, p in pairs])
    wins = [(a > b) + 0.5 * (a == b) for a in values[positive] for b in values[~positive]]
    assert rank_auroc(values, positive) == (
        pytest.approx(np.mean(wins)) if wins else pytest.approx(np.nan, nan_ok=True)
    )


def test_records_without_a_value_do_not_count():
    values, positive = np.array([np.nan, 2, 1, np.nan]), np.array([True, True, False, False])
    assert rank_auroc(values, positive) == 1
    assert np.isnan(rank_auroc(np.full(4, np.nan), positive))
    assert pearson_r(np.array([np.nan, 1, 2, 3]), np.array([9.0, 2, 4, 6])) == pytest.approx(1)


def test_r_of_what_does_not_vary_is_unknown():
    assert np.isnan(pearson_r(np.ones(3), np.arange(3.0))) and np.isnan(pearson_r(np.ones(1), np.ones(1)))


def test_each_kind_of_negatives_then_all():
    labels, names = np.array([1, 1, 0, 0, 0]), np.array(["positive", "positive", "x", "x", "y"], dtype=object)
    gc, lengths = np.array([0.5, 0.6, 0.1, 0.2, 0.9]), np.array([7, 7, 7, 7, 9])
    assert find_shortcuts("binary", labels, names, gc, lengths) == [
        Shortcut("x", 2, "AUROC", 1.0, 0.5),
        Shortcut("y", 1, "AUROC", 1.0, 1.0),
        Shortcut("negatives", 3, "AUROC", pytest.approx(2 / 3), pytest.approx(2 / 3)),
    ]


def test_one_kind_needs_no_total():
    labels = np.array([1, 1, 0, 0, 0])
    names = np.where(labels == 1, "yes", "no").astype(object)
    assert [s.name for s in find_shortcuts("binary", labels, names, labels * 1.0, labels)] == ["no"]


def test_classes_against_all_others():
    labels, gc = np.array([0, 0, 1, 1, 2]), np.array([0.1, 0.2, 0.3, 0.4, 0.35])
    found = find_shortcuts("multiclass", labels, NAMES, gc, np.ones(5))
    assert [(s.name, s.records) for s in found] == [("a", 2), ("b", 2), ("c", 1)]
    assert [s.gc for s in found] == [1, pytest.approx(5 / 6), 0.75]


def test_a_regression_is_held_against_r():
    [found] = find_shortcuts("regression", np.array([1.0, 2, 3]), None, np.array([3.0, 2, 1]), np.ones(3))
    assert (found.measure, found.gc) == ("r", pytest.approx(-1)) and np.isnan(found.length)
    assert found.alarming("gc") and not found.alarming("length")


@pytest.mark.parametrize(
    ("measure", "value", "alarm"), [("AUROC", 0.6, False), ("AUROC", 0.61, True), ("r", 0.3, False), ("r", -0.31, True)]
)
def test_alarms(measure, value, alarm):
    assert Shortcut("x", 9, measure, value, 0.0).alarming("gc") is alarm


@pytest.mark.parametrize(
    ("file", "column", "positives", "auroc"),
    [
        ("human_regseq_2kb/human_regseq_2kb.tsv.gz", "class", ("pa", "na"), 0.739),
        ("dmel_crm_redfly/dmel_crm.tsv.gz", "label", ("1",), 0.559),
    ],
)
def test_gc_alone_on_real_sets(shared_data, file, column, positives, auroc):
    """The figures that the sets' own notes give: about .74 and .559."""
    with gzip.open(shared_data / file, "rt") as lines:
        rows = list(csv.DictReader(lines, delimiter="\t"))
    gc = np.array([gc_content(encode(row["sequence"])[0]) for row in rows])
    labels = np.array([row[column] in positives for row in rows], dtype=float)
    [found] = find_shortcuts("binary", labels, labels.astype(object), gc, np.ones(len(rows)))
    assert found.gc == pytest.approx(auroc, abs=0.001)

"""Strata of a binary split: GC-matched records, and positives against each kind of negatives."""

import numpy as np
import pytest

from mlx_gsa.data.dataset import Records, write_dataset
from mlx_gsa.evaluation.matching import compare_strata, make_strata, score_strata
from mlx_gsa.evaluation.prediction import auroc


def sequence(n_gc, length=40):
    """A sequence with so many G among A."""
    return np.array([2] * n_gc + [0] * (length - n_gc), np.uint8)


def make(folder, gc, labels, kinds=None, task="binary"):
    records = Records.build(
        [f"r{i}" for i in range(len(gc))], labels, ["train", "val", *["test"] * (len(gc) - 2)],
        extra={} if kinds is None else {"kind": kinds},
    )  # fmt: skip
    return write_dataset(folder, map(sequence, gc), records, task=task, source={}, seed=0)


def test_gc_matched_by_hand(tmp_path):
    # test records: positives at 10, 10, 20, 30 of 40; negatives at 10, 20, 20, 0
    dataset = make(tmp_path / "d", [5, 5, 10, 10, 20, 30, 10, 20, 20, 0], [0, 1, 1, 1, 1, 1, 0, 0, 0, 0])
    every, matched = make_strata(dataset, dataset.indices("test"))
    assert (every.name, matched.name) == ("all", "GC-matched")
    assert every.rows.tolist() == list(range(8))
    # wins 10: over 0, ties 10; twice. 20: over 10 and 0, ties two. 30: over all
    assert every.gc_auroc == pytest.approx((1.5 + 1.5 + 3 + 4) / 16)
    rows = matched.rows.tolist()
    assert len(rows) == 4 and len({0, 1} & set(rows)) == 1 and {2, 4} <= set(rows) and len({5, 6} & set(rows)) == 1
    assert matched.gc_auroc == 0.5
    assert make_strata(dataset, dataset.indices("test"))[1].rows.tolist() == rows
    drawn = {tuple(make_strata(dataset, dataset.indices("test"), seed=seed)[1].rows) for seed in range(20)}
    assert len(drawn) == 4


def test_positives_against_each_kind(tmp_path):
    kinds = np.array(["x", "x", "positive", "positive", "shuffle", "shuffle", "flank"], object)
    dataset = make(tmp_path / "d", [9] * 7, [0, 1, 1, 1, 0, 0, 0], kinds)
    strata = make_strata(dataset, dataset.indices("test"))
    assert [(one.name, one.rows.tolist()) for one in strata[2:]] == [
        ("against flank", [0, 1, 4]),
        ("against shuffle", [0, 1, 2, 3]),
    ]
    predictions, labels = np.array([0.9, 0.5, 0.7, 0.1, 0.2]), dataset.records.label[2:]
    scored = {row["name"]: row for row in score_strata(strata, labels, predictions, n=50)}
    assert scored["against flank"]["metrics"]["auroc"].value == 1
    assert scored["against shuffle"]["metrics"]["auroc"].value == 0.75
    assert (scored["against shuffle"]["n"], scored["against shuffle"]["n_positive"]) == (4, 2)


def test_one_kind_is_no_stratum_of_its_own(tmp_path):
    kinds = np.array(["x", "x", "positive", "flank"], object)
    dataset = make(tmp_path / "d", [9] * 4, [0, 1, 1, 0], kinds)
    assert [one.name for one in make_strata(dataset, dataset.indices("test"))] == ["all", "GC-matched"]


def test_nothing_matches(tmp_path):
    dataset = make(tmp_path / "d", [0, 40, 40, 0], [0, 1, 1, 0])
    assert [one.name for one in make_strata(dataset, dataset.indices("test"))] == ["all"]


def test_other_tasks_have_none(tmp_path):
    dataset = make(tmp_path / "d", [0, 40, 40, 0], [0, 1, 1, 0], task="regression")
    assert make_strata(dataset, dataset.indices("test")) == []


def test_a_model_of_gc_alone_is_found_out(tmp_path):
    rng = np.random.default_rng(0)
    labels = np.arange(602) % 2
    gc = np.clip(np.rint(rng.normal(18 + 4 * labels, 4)), 0, 40).astype(int)
    dataset = make(tmp_path / "d", gc, labels)
    rows = dataset.indices("test")
    strata = make_strata(dataset, rows)
    every, matched = score_strata(strata, labels[rows], gc[rows] / 40, n=200)
    assert every["metrics"]["auroc"].low > 0.7
    assert matched["metrics"]["auroc"].value == matched["gc_auroc"] == pytest.approx(0.5, abs=0.01)
    assert matched["n_positive"] == matched["n"] / 2 > 100


def test_two_models_are_paired(tmp_path):
    dataset = make(tmp_path / "d", [9] * 42, np.arange(42) % 2)
    labels = dataset.records.label[2:]
    good, bad = labels + 0.1, np.random.default_rng(1).random(40)
    (row, _) = compare_strata(make_strata(dataset, dataset.indices("test")), labels, good, bad, n=100)
    assert row["difference"]["auroc"].value == pytest.approx(1 - auroc(labels, bad))
    assert row["metrics"]["auroc"].value == auroc(labels, bad) and row["difference"]["auroc"].low > 0


def test_a_stratum_of_one_group_has_no_interval(tmp_path):
    dataset = make(tmp_path / "d", [9] * 10, np.arange(10) % 2)
    labels = dataset.records.label[2:]
    strata = make_strata(dataset, dataset.indices("test"))
    row = score_strata(strata, labels, labels, n=20, groups=np.array(["chr1"] * 8))[0]
    assert row["metrics"]["auroc"].value == 1 and np.isnan(row["metrics"]["auroc"].low)

"""Parts of the test records over folds: which records, which folds and models remain, and what they are scored."""

import numpy as np
import pytest
from run_folders import guesses, make_dataset, make_run

from mlx_gsa.data.gc_match import gc_contents
from mlx_gsa.evaluation.prediction import auroc
from mlx_gsa.experiments.collect_runs import collect_runs
from mlx_gsa.experiments.comparison import Options, compare_collection
from mlx_gsa.experiments.pooled_folds import pool_runs
from mlx_gsa.experiments.pooled_strata import restrict, strata_of


@pytest.fixture
def toy(tmp_path):
    data = make_dataset(tmp_path / "data/toy", n=240)
    for fold in (0, 1):
        make_run(tmp_path / f"runs/full-fold{fold}", data, guesses(data, 1, fold), fold=fold)
        make_run(tmp_path / f"runs/sparse-fold{fold}", data, guesses(data, 2, fold), fold=fold)
    return data, collect_runs([tmp_path / "runs"])


def pooled(toy):
    return pool_runs("toy", toy[1].runs)


def test_gc_matched_records_have_the_same_gc_in_both_classes(toy):
    found = strata_of(pooled(toy))
    assert list(found) == ["GC-matched"]
    part = found["GC-matched"]
    for number, fold in part.folds.items():
        rows = [int(name[1:]) for name in part.ids[number]]
        content = np.floor(gc_contents(toy[0], rows) / 0.025 + 1e-9)
        assert sorted(content[fold.labels == 0]) == sorted(content[fold.labels == 1])
        assert (fold.labels == toy[0].records.label[rows]).all() and 0 < len(rows) < 80
        assert fold.predictions["full"][0] == pytest.approx(guesses(toy[0], 1, number)[rows])


def test_lengths_that_leave_nothing_out_are_no_stratum(toy):
    assert list(strata_of(pooled(toy), [20])) == ["GC-matched"]  # every record has 20 bp
    assert list(strata_of(pooled(toy), [21])) == ["GC-matched"]  # none has more


def test_folds_with_one_label_and_models_without_folds_go(toy):
    pool = pooled(toy)
    labels = pool.folds[0].labels
    part = restrict(pool, {0: np.flatnonzero(labels == 1), 1: np.arange(5)})
    assert list(part.folds) == [1] and set(part.runs) == {"full", "sparse"}
    assert part.ids[1].tolist() == pool.ids[1][:5].tolist() and part.n_test == {0: 80, 1: 80}
    none = restrict(pool, {0: np.array([0]), 1: np.array([0])})
    assert none.folds == {} and none.runs == {}


def test_they_are_compared_on_their_own(toy):
    found = compare_collection(toy[1], options=Options(n=30))["datasets"]["toy"]
    part, matched = found["strata"]["GC-matched"], strata_of(pooled(toy))["GC-matched"]
    expected = np.mean([auroc(fold.labels, fold.predictions["full"][0]) for fold in matched.folds.values()])
    assert part["models"]["full"]["mean"]["value"] == pytest.approx(expected)
    (row,) = part["comparisons"]
    assert (row["first"], row["second"]) == ("sparse", "full") and row["q"] == row["p"]  # a family of its own
    assert part["n_records"] == sum(len(fold.labels) for fold in matched.folds.values()) < found["n_records"]
    assert compare_collection(toy[1], options=Options(n=30, strata=False))["datasets"]["toy"]["strata"] == {}

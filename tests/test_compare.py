"""Runs held against each other: retention worked out by hand, pairing by record, files of a run folder."""

import json

import numpy as np
import pytest
from test_evaluate import evaluated, make

from mlx_gsa.errors import GsaError, RunError
from mlx_gsa.evaluation.bootstrap import paired_difference_intervals
from mlx_gsa.evaluation.compare import Predictions, align, read_predictions, retention
from mlx_gsa.evaluation.prediction import auroc, pearson

LABELS = np.array([0.0, 0, 0, 0, 1, 1, 1, 1])
RIGHT = np.array([0.1, 0.2, 0.3, 0.4, 0.6, 0.7, 0.8, 0.9])  # AUROC 1
HALF = np.array([0.1, 0.2, 0.6, 0.7, 0.1, 0.2, 0.6, 0.7])  # AUROC 1/2


def table(predictions, labels=LABELS, ids=None, task="binary"):
    ids = np.array(ids if ids is not None else [f"r{i}" for i in range(len(labels))], object)
    return Predictions("somewhere", task, ids, np.asarray(labels, float), np.asarray(predictions, float))


def test_retention_by_hand():
    found = retention([table(HALF), table(RIGHT)], [table(RIGHT), table(RIGHT)], n=200)
    assert found.metric == "auroc" and found.n_records == 8
    assert found.sparse == [0.5, 1.0] and found.full == [1.0, 1.0]
    assert [each.value for each in found.per_seed] == [0.5, 1.0]
    assert found.pooled.value == 0.75  # mean of the sparse over mean of the full
    assert found.pooled.low < 0.75 < found.pooled.high <= 1


def test_equal_models_are_not_inferior_and_worse_ones_are():
    rng = np.random.default_rng(0)
    labels = rng.normal(size=300)
    good, bad = labels + rng.normal(size=300), labels + 4 * rng.normal(size=300)
    same = retention([table(good, labels, task="regression")], [table(good, labels, task="regression")], n=99)
    assert same.pooled == (1.0, 1.0, 1.0)
    assert same.p_inferior == {0.95: 0.01, 0.90: 0.01}
    worse = retention([table(bad, labels, task="regression")], [table(good, labels, task="regression")], n=99)
    assert worse.pooled.high < 0.9 and worse.p_inferior == {0.95: 1.0, 0.90: 1.0}


def test_p_counts_resamples_at_or_below_the_margin():
    rng = np.random.default_rng(1)
    labels = rng.normal(size=80)
    sparse, full = labels + 1.1 * rng.normal(size=80), labels + rng.normal(size=80)
    pair = [table(sparse, labels, task="regression")], [table(full, labels, task="regression")]
    found = retention(*pair, n=400, margins=(0.8, 0.95, 1.1))
    p = found.p_inferior
    assert p[0.8] <= p[0.95] <= p[1.1]
    assert (p[0.95] < 0.025) == (found.pooled.low > 0.95)
    assert found.pooled == found.per_seed[0]  # one seed: the plain paired ratio, on the same resamples


def test_pairing_is_by_record_and_not_by_row():
    shuffled = np.random.default_rng(2).permutation(8)
    ids = [f"r{i}" for i in shuffled]
    labels, (first, second) = align([table(RIGHT), table(RIGHT[shuffled], LABELS[shuffled], ids)])
    assert (first == second).all() and (labels == LABELS).all()
    found = retention([table(HALF)], [table(RIGHT[shuffled], LABELS[shuffled], ids)], n=50)
    assert found == retention([table(HALF)], [table(RIGHT)], n=50)


def test_other_records_or_labels_are_refused():
    with pytest.raises(RunError, match="different records"):
        align([table(RIGHT), table(RIGHT, ids=[f"x{i}" for i in range(8)])])
    with pytest.raises(RunError, match="different records"):
        align([table(RIGHT), table(RIGHT, 1 - LABELS)])
    with pytest.raises(RunError, match="different records"):
        align([table(RIGHT), table(RIGHT[:7], LABELS[:7])])
    with pytest.raises(GsaError, match="2 sparse and 1 full"):
        retention([table(HALF)] * 2, [table(RIGHT)])
    with pytest.raises(GsaError, match=r"auroc.*found pearson"):
        retention([table(HALF)], [table(RIGHT)], "pearson")


def test_a_full_model_without_skill_gives_no_retention():
    found = retention([table(RIGHT, task="regression")], [table(1 - RIGHT, task="regression")], n=20)
    assert np.isnan(found.pooled.value) and np.isnan(found.pooled.low)
    assert found.p_inferior[0.95] == 1.0


def test_differences_by_hand():
    found = paired_difference_intervals({"auroc": auroc, "r": pearson}, LABELS, RIGHT, HALF, n=100)
    assert found["auroc"].value == 0.5 and 0 < found["auroc"].low <= 0.5
    assert found["r"].value == pytest.approx(pearson(LABELS, RIGHT))


@pytest.mark.parametrize("task", ["regression", "binary", "multiclass"])
def test_reads_what_evaluate_wrote(tmp_path, task):
    classes = ["a", "b", "c"] if task == "multiclass" else None
    dataset, predictor = make(tmp_path / "data", task, classes)
    evaluation = evaluated(dataset, predictor, tmp_path)
    evaluation.save(tmp_path / "run")
    found = read_predictions(tmp_path / "run")
    assert found.task == task and found.ids.tolist() == evaluation.ids.tolist()
    assert found.labels == pytest.approx(evaluation.labels, rel=1e-6)
    assert found.predictions == pytest.approx(evaluation.predictions, rel=1e-6)
    json.dumps(retention([found], [found], n=10).to_dict(), allow_nan=False)


def test_a_run_without_evaluation_is_named(tmp_path):
    with pytest.raises(RunError, match=r"not been evaluated.*\n.*gsa evaluate"):
        read_predictions(tmp_path)
    (tmp_path / "evaluation.json").write_text('{"task": "binary"}')
    (tmp_path / "evaluation-predictions.tsv").write_text("id\tlabel\tprediction\nr0\t1\n")
    with pytest.raises(RunError, match="cannot be read"):
        read_predictions(tmp_path)

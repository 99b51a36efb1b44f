"""What is watched during training, by hand and against scikit-learn."""

import numpy as np
import pytest
from sklearn.metrics import log_loss, roc_auc_score
from toys import scrambled, toy_dataset

from mlx_gsa.inference.predictor import Predictor
from mlx_gsa.model.labels import LabelScale
from mlx_gsa.model.weights import ModelBundle
from mlx_gsa.training.validation import validate, watched_metric


def test_a_correlation_by_hand():
    raw = np.array([[1.0], [2.0], [3.0]])
    assert watched_metric("regression", raw, np.array([2.0, 4.0, 6.0])) == pytest.approx(1)
    assert watched_metric("regression", raw, np.array([5.0, 1.0, 5.0])) == pytest.approx(0)


def test_ties_count_one_half():
    raw, labels = np.array([[0.0], [0.0], [1.0], [-1.0]]), np.array([1, 0, 1, 0])
    assert watched_metric("binary", raw, labels) == (0.5 + 1 + 1 + 1) / 4


@pytest.mark.parametrize("seed", [0, 1])
def test_the_area_is_that_of_scikit_learn(seed):
    rng = np.random.default_rng(seed)
    labels, raw = rng.integers(0, 2, 200), np.round(rng.normal(size=(200, 1)), 1)
    assert watched_metric("binary", raw, labels) == pytest.approx(roc_auc_score(labels, raw[:, 0]))


def test_accuracy_by_hand():
    raw = np.array([[3.0, 1, 0], [0, 1, 0], [0, 1, 2], [5, 6, 7]])
    assert watched_metric("multiclass", raw, np.array([0, 1, 1, 2])) == 0.75


@pytest.mark.parametrize("task, labels", [("regression", [1.0, 1.0]), ("binary", [1.0, 1.0]), ("binary", [0.0, 0.0])])
def test_what_is_not_defined_is_0(task, labels):
    assert watched_metric(task, np.array([[1.0], [2.0]]), np.array(labels)) == 0
    assert watched_metric("regression", np.ones((2, 1)), np.array([1.0, 2.0])) == 0


@pytest.mark.parametrize("task", ["regression", "binary", "multiclass"])
def test_loss_and_metric_of_a_model(tmp_path, task):
    dataset = toy_dataset(tmp_path / "data", n=40, task=task)
    scale = LabelScale(0.3, 2.0) if task == "regression" else LabelScale()
    model = scrambled(n_outputs=3 if task == "multiclass" else 1)
    predictor = Predictor(ModelBundle(model, task, dataset.classes, scale))
    rows = np.arange(5, 40)
    loss, metric, each = validate(predictor, dataset, rows, batch_size=4)
    assert each == {}
    found = list(predictor.predict([dataset.sequence(int(i)) for i in rows]))
    raw, labels = np.stack([p.raw for p in found]), dataset.records.label[rows]
    answers = np.stack([p.prediction for p in found]).astype(float)
    answers /= answers.sum(axis=1, keepdims=True) if task == "multiclass" else 1
    expected = {
        "regression": lambda: np.square(raw[:, 0] - (labels - 0.3) / 2).mean(),
        "binary": lambda: log_loss(labels, answers[:, 0]),
        "multiclass": lambda: log_loss(labels, answers, labels=[0, 1, 2]),
    }[task]()
    assert loss == pytest.approx(expected, rel=1e-4)
    assert metric == pytest.approx(watched_metric(task, raw, labels), rel=1e-5)

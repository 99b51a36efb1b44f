"""Prediction metrics: held against scikit-learn and SciPy, with ties, weights and degenerate input."""

import numpy as np
import pytest
from scipy import stats

from mlx_gsa.errors import DatasetError, GsaError, RunError
from mlx_gsa.evaluation.prediction import (
    METRICS,
    accuracy,
    auprc,
    auroc,
    macro_auroc,
    mcc,
    pearson,
    r2,
    spearman,
)

BINARY = {"auroc": auroc, "auprc": auprc, "accuracy": accuracy, "mcc": mcc}


def _tied_binary(seed, n=200):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 2, n)
    return labels, np.round(np.clip(0.3 * labels + 0.7 * rng.random(n), 0, 1), 1)


def _classes(seed, n=150, n_classes=4):
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.r_[np.arange(n_classes), rng.integers(0, n_classes, n - n_classes)])
    raw = rng.random((n, n_classes)) + 0.5 * np.eye(n_classes)[labels]
    return labels, raw / raw.sum(1, keepdims=True)


@pytest.mark.parametrize("seed", [0, 1])
def test_binary_metrics_equal_scikit_learn_with_ties(seed):
    sklearn = pytest.importorskip("sklearn.metrics")
    labels, predictions = _tied_binary(seed)
    called = predictions >= 0.5
    assert auroc(labels, predictions) == pytest.approx(sklearn.roc_auc_score(labels, predictions))
    assert auprc(labels, predictions) == pytest.approx(sklearn.average_precision_score(labels, predictions))
    assert mcc(labels, predictions) == pytest.approx(sklearn.matthews_corrcoef(labels, called))
    assert accuracy(labels, predictions) == pytest.approx(sklearn.accuracy_score(labels, called))


@pytest.mark.parametrize("seed", [0, 1])
def test_multiclass_metrics_equal_scikit_learn(seed):
    sklearn = pytest.importorskip("sklearn.metrics")
    labels, predictions = _classes(seed)
    called = predictions.argmax(1)
    assert mcc(labels, predictions) == pytest.approx(sklearn.matthews_corrcoef(labels, called))
    assert accuracy(labels, predictions) == pytest.approx(sklearn.accuracy_score(labels, called))
    expected = sklearn.roc_auc_score(labels, predictions, multi_class="ovr", average="macro")
    assert macro_auroc(labels, predictions) == pytest.approx(expected)


def test_regression_metrics_equal_scipy_with_ties():
    rng = np.random.default_rng(0)
    labels = np.round(rng.normal(size=100), 1)
    predictions = np.round(labels + rng.normal(size=100), 1)
    assert pearson(labels, predictions) == pytest.approx(stats.pearsonr(labels, predictions).statistic)
    assert spearman(labels, predictions) == pytest.approx(stats.spearmanr(labels, predictions).statistic)
    residual = ((labels - predictions) ** 2).sum() / ((labels - labels.mean()) ** 2).sum()
    assert r2(labels, predictions) == pytest.approx(1 - residual)


def test_metrics_by_hand():
    assert auroc([0, 1, 0, 1], [0.1, 0.4, 0.5, 0.9]) == 0.75
    assert auroc([0, 1], [0.5, 0.5]) == 0.5
    assert auprc([1, 0, 1], [0.9, 0.8, 0.7]) == pytest.approx((1 + 2 / 3) / 2)
    assert r2([0, 1, 2], [1, 1, 1]) == 0
    assert accuracy([0, 1], [0.5, 0.5]) == 0.5
    assert mcc([0, 0, 1, 1], [0.1, 0.2, 0.8, 0.9]) == 1


@pytest.mark.parametrize("task", METRICS)
def test_integer_weights_are_repeated_records(task):
    rng = np.random.default_rng(3)
    if task == "multiclass":
        labels, predictions = _classes(3, n=60)
    else:
        labels, predictions = _tied_binary(3, n=60)
    weights = rng.multinomial(60, np.full(60, 1 / 60), size=5)
    for metric in METRICS[task].values():
        each = [
            metric(labels[pick], predictions[pick]) for pick in (np.repeat(np.arange(60), w) for w in weights)
        ]
        assert metric(labels, predictions, weights=weights) == pytest.approx(each)


def test_large_offset_does_not_spoil_correlation():
    labels = np.arange(5.0)
    assert pearson(labels + 1e6, 1e6 - labels) == pytest.approx(-1)


def test_one_class_is_nan():
    for name in ("auroc", "auprc", "mcc"):
        assert np.isnan(BINARY[name]([1, 1, 1], [0.2, 0.3, 0.9])), name
        assert np.isnan(BINARY[name]([0, 0], [0.2, 0.3])), name


def test_constant_predictions():
    constant = np.full(4, 0.1)
    assert auroc([0, 1, 0, 1], constant) == 0.5
    assert auprc([0, 1, 0, 1], constant) == 0.5
    assert np.isnan(mcc([0, 1, 0, 1], constant))
    assert np.isnan(pearson([1.0, 2, 3, 4], constant))
    assert np.isnan(spearman([1.0, 2, 3, 4], constant))
    assert np.isnan(r2(constant, [1.0, 2, 3, 4]))


def test_macro_auroc_leaves_out_an_absent_class():
    predictions = np.array([[0.7, 0.2, 0.1], [0.6, 0.3, 0.1], [0.1, 0.8, 0.1], [0.4, 0.5, 0.1]])
    assert macro_auroc([0, 0, 1, 1], predictions) == 1
    assert np.isnan(macro_auroc([0, 0, 0, 0], predictions))


@pytest.mark.parametrize(
    ("error", "message", "call"),
    [
        (
            RunError,
            "A prediction is not a finite number: found 1 such records",
            lambda: pearson([1, 2], [np.nan, 1]),
        ),
        (DatasetError, "A label is not a finite number", lambda: pearson([1, np.inf], [1, 1])),
        (DatasetError, "A binary label is neither 0 nor 1", lambda: auroc([0, 2], [0.1, 0.2])),
        (
            DatasetError,
            "expected whole numbers 0 to 1, found labels from 0 to 3",
            lambda: mcc([0, 3], [0.1, 0.2]),
        ),
        (GsaError, "do not line up: expected n labels and n predictions", lambda: r2([1, 2], [1, 2, 3])),
        (GsaError, "do not line up", lambda: pearson([], [])),
        (GsaError, "needs a probability for each class", lambda: macro_auroc([0, 1], [0.1, 0.2])),
        (GsaError, "Weights do not line up", lambda: r2([1, 2], [1, 2], weights=[1])),
    ],
)
def test_bad_input_is_named(error, message, call):
    with pytest.raises(error, match=message):
        call()

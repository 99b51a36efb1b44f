"""Calibration by hand, where the truth is known, and the picture of it."""

import json

import numpy as np
import pytest
from scipy.stats import binomtest

from mlx_gsa.evaluation.calibration import bins_of, calibrate, calibrate_outputs
from mlx_gsa.evaluation.jsonable import jsonable
from mlx_gsa.explain.figures.calibration import build_calibration, calibration_figure


def sample(n=2000, seed=0):
    """Probabilities and labels drawn from them."""
    rng = np.random.default_rng(seed)
    predictions = rng.beta(0.5, 0.5, n)
    return (rng.random(n) < predictions).astype(float), predictions


def test_by_hand():
    labels = np.r_[np.repeat([1, 0], [10, 30]), np.repeat([1, 0], [30, 10])]
    found = calibrate("binary", labels, np.repeat([0.2, 0.6], 40), bins=2)
    assert [point.n for point in found.points] == [40, 40]
    assert [point.predicted for point in found.points] == pytest.approx([0.2, 0.6])
    assert [point.observed.value for point in found.points] == [0.25, 0.75]
    assert found.numbers["ece"] == pytest.approx((0.05 + 0.15) / 2)
    brier = (10 * 0.8**2 + 30 * 0.2**2 + 30 * 0.4**2 + 10 * 0.6**2) / 80
    assert found.numbers["brier"] == pytest.approx(brier)
    assert found.numbers["brier_constant"] == 0.25
    expected = binomtest(10, 40).proportion_ci(method="wilson")
    assert found.points[0].observed[1:] == pytest.approx((expected.low, expected.high))


def test_a_calibrated_model_has_an_error_above_zero_that_is_no_more_than_chance():
    found = calibrate("binary", *sample()).numbers
    assert 0 < found["ece_if_calibrated"].low < found["ece"] < found["ece_if_calibrated"].high
    assert found["p"] > 0.05


def test_p_is_uniform_if_calibrated():
    p_values = [calibrate("binary", *sample(300, seed)).numbers["p"] for seed in range(60)]
    assert 0.35 < np.mean(p_values) < 0.65 and np.mean(np.array(p_values) < 0.1) < 0.25


def test_an_overconfident_model_is_seen():
    labels, predictions = sample()
    odds = (predictions / (1 - predictions)) ** 3
    found = calibrate("binary", labels, odds / (1 + odds)).numbers
    assert found["ece"] > 2 * found["ece_if_calibrated"].high and found["p"] == pytest.approx(1 / 501)
    assert found["brier"] > calibrate("binary", labels, predictions).numbers["brier"]


def test_smaller_bins_are_more_biased():
    labels, predictions = sample(400)
    few, many = (calibrate("binary", labels, predictions, bins=k).numbers["ece_if_calibrated"] for k in (2, 20))
    assert many.value > 1.5 * few.value


def test_bins_hold_equally_many_and_equal_predictions_stay_together():
    assert np.bincount(bins_of(np.random.default_rng(0).random(1000))).tolist() == [100] * 10
    saturated = np.r_[np.full(500, 1.0), np.linspace(0, 0.9, 500)]
    place = bins_of(saturated)
    assert len(set(place[:500].tolist())) == 1
    assert (bins_of(saturated[::-1])[::-1] == place).all()  # the order of records does not matter
    assert bins_of(np.arange(39.0)).max() == 0 and bins_of(np.arange(40.0)).max() == 1


def test_several_classes_are_judged_by_the_one_called():
    predictions = np.tile([[0.7, 0.2, 0.1]], (40, 1))
    labels = np.repeat([0, 1], [30, 10])
    found = calibrate("multiclass", labels, predictions)
    assert found.kind == "top label" and found.points[0].observed.value == 0.75
    assert found.numbers["ece"] == pytest.approx(0.05)
    one, other = 0.3**2 + 0.2**2 + 0.1**2, 0.7**2 + 0.8**2 + 0.1**2
    assert found.numbers["brier"] == pytest.approx((30 * one + 10 * other) / 40)


def test_values_have_a_slope_and_an_intercept():
    rng = np.random.default_rng(1)
    truth = rng.normal(size=500)
    found = calibrate("regression", 0.5 + 2 * truth + 0.1 * rng.normal(size=500), truth)
    assert found.numbers["slope"].value == pytest.approx(2, abs=0.02)
    assert found.numbers["slope"].low < 2 < found.numbers["slope"].high
    assert found.numbers["intercept"].value == pytest.approx(0.5, abs=0.02)
    assert len(found.points) == 10 and found.points[0].observed.low < found.points[0].observed.value
    assert found.numbers["mean_difference"] == pytest.approx(truth.mean() - (0.5 + 2 * truth).mean(), abs=0.02)


def test_constant_predictions_have_no_slope():
    found = calibrate("regression", np.arange(50.0), np.ones(50))
    assert np.isnan(found.numbers["slope"].value) and len(found.points) == 1
    json.dumps(jsonable(found), allow_nan=False)


def test_each_output_on_the_records_that_have_its_label():
    labels = np.c_[np.arange(60.0), np.where(np.arange(60) < 30, np.arange(60), np.nan), np.full(60, np.nan)]
    found = calibrate_outputs("regression", ["a", "b", "c"], labels, np.nan_to_num(labels) + 1)
    assert {name: each.n for name, each in found.items()} == {"a": 60, "b": 30}
    assert found["b"].numbers["intercept"].value == pytest.approx(-1)
    assert list(calibrate_outputs("regression", None, labels[:, 0], labels[:, 0])) == [""]


@pytest.mark.parametrize("task", ["binary", "regression", "multiclass"])
def test_the_picture_shows_every_bin_and_its_interval_on_one_axes(task, tmp_path):
    labels, predictions = sample(300)
    predictions = np.c_[1 - predictions, predictions] if task == "multiclass" else predictions
    found = calibrate(task, labels, predictions)
    (axes,) = build_calibration(found, "ATAC").axes
    (points,) = axes.containers
    assert points[0].get_xdata() == pytest.approx([point.predicted for point in found.points])
    bars = np.array(points[2][0].get_segments())
    assert bars[:, 0, 1] == pytest.approx([point.observed.low for point in found.points])
    assert bars[:, 1, 1] == pytest.approx([point.observed.high for point in found.points])
    assert axes.get_title(loc="left") == "reliability of ATAC (n = 300)"
    assert calibration_figure(found, tmp_path / "a.png") == [tmp_path / "a.png"]

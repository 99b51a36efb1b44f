"""From raw outputs to labels."""

import numpy as np
import pytest

from mlx_gsa.model.labels import LabelScale, probabilities


def test_a_regression_is_learned_in_standard_units():
    scale = LabelScale.fit(np.array([1.0, 3.0, 5.0, 7.0]), "regression")
    assert (scale.mean, scale.deviation) == (4.0, pytest.approx(np.sqrt(5)))
    np.testing.assert_allclose(scale.labels(scale.learned([1.0, 9.5])), [1.0, 9.5], rtol=1e-6)


def test_labels_that_are_all_the_same_do_not_divide_by_zero():
    scale = LabelScale.fit(np.full(5, 2.0), "regression")
    assert (scale.mean, scale.deviation) == (2.0, 1.0)


@pytest.mark.parametrize("task", ["binary", "multiclass"])
def test_class_labels_stay_as_they_are(task):
    assert LabelScale.fit(np.array([0.0, 1.0, 1.0]), task) == LabelScale(0.0, 1.0)


def test_outputs_of_each_task_by_hand():
    assert probabilities("regression", np.array([2.0]), LabelScale(10.0, 3.0)).tolist() == [16.0]
    np.testing.assert_allclose(probabilities("binary", np.log([3.0]), LabelScale()), [0.75])
    classes = probabilities("multiclass", np.log([[1.0, 2.0, 5.0]]) + 1000, LabelScale())
    np.testing.assert_allclose(classes, [[0.125, 0.25, 0.625]])


def test_every_output_has_a_scale_of_its_own_and_gaps_do_not_count():
    labels = np.array([[1.0, 10.0], [3.0, np.nan], [5.0, 30.0], [np.nan, 20.0]], np.float32)
    scale = LabelScale.fit(labels, "regression")
    assert scale.mean == (3.0, 20.0) and scale.deviation == pytest.approx((np.sqrt(8 / 3), np.sqrt(200 / 3)))
    learned = scale.learned(labels)
    assert np.isnan(learned[1, 1]) and learned.dtype == np.float32
    np.testing.assert_allclose(scale.labels(learned), labels, rtol=1e-6)
    assert LabelScale.fit(np.full((3, 2), 2.0), "regression").deviation == (1.0, 1.0)


def test_a_scale_comes_back_from_what_a_file_holds():
    scale = LabelScale((1.0, 2.0), (3.0, 4.0))
    assert LabelScale(**{"mean": [1, 2], "deviation": [3, 4]}) == scale

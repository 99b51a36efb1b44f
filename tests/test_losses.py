"""Losses by hand."""

import mlx.core as mx
import numpy as np
import pytest

from mlx_gsa.training.losses import task_loss


def loss(task, raw, labels):
    found = task_loss(task, mx.array(raw, dtype=mx.float32), mx.array(labels, dtype=mx.float32))
    assert found.shape == (len(labels),)
    return np.array(found)


def test_a_regression_has_squared_error():
    assert loss("regression", [[1.0], [-2.0]], [3.0, -2.0]).tolist() == [4.0, 0.0]


def test_a_binary_task_has_cross_entropy():
    raw = np.log([[3.0], [3.0], [1.0]])  # probabilities 3/4, 3/4 and 1/2
    np.testing.assert_allclose(loss("binary", raw, [1, 0, 1]), -np.log([0.75, 0.25, 0.5]), rtol=1e-6)


def test_a_certain_answer_costs_nothing_or_much_but_never_infinity():
    assert loss("binary", [[80.0], [80.0]], [1, 0]) == pytest.approx([0, 80])


def test_classes_have_cross_entropy():
    raw = np.log([[1.0, 2.0, 5.0], [4.0, 2.0, 2.0]]) + 7
    np.testing.assert_allclose(loss("multiclass", raw, [2, 1]), -np.log([5 / 8, 2 / 8]), rtol=1e-5)


@pytest.mark.parametrize("task", ["regression", "binary"])
def test_several_outputs_have_the_mean_over_those_measured(task):
    raw, labels = [[1.0, -2.0], [0.5, 3.0], [1.0, 1.0]], [[1, 0], [0, np.nan], [np.nan, np.nan]]
    each = [loss(task, [[r] for r in row], [v if v == v else 0 for v in label])
            for row, label in zip(raw, labels, strict=True)]  # fmt: skip
    np.testing.assert_allclose(loss(task, raw, labels), [each[0].mean(), each[1][0], 0], rtol=1e-6)


@pytest.mark.parametrize("task", ["regression", "binary"])
def test_a_label_that_was_not_measured_has_a_gradient_of_exactly_zero(task):
    labels = mx.array([[1.0, float("nan")], [float("nan"), 0.0], [float("nan"), float("nan")]])
    gradient = np.array(mx.grad(lambda raw: task_loss(task, raw, labels).sum())(mx.array([[0.5, 2.0]] * 3)))
    assert (gradient[np.isnan(np.array(labels))] == 0).all()
    assert (gradient[~np.isnan(np.array(labels))] != 0).all()

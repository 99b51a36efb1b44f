"""The share of variance explained, by hand."""

import numpy as np
import pytest
from toys import random_tokens, write_toy

from mlx_gsa.audit.explained import Yardstick, squared_errors, straightened, targets_of


def test_targets_of_each_task():
    np.testing.assert_array_equal(targets_of("regression", [1.5, 2.0], 1), [[1.5], [2.0]])
    np.testing.assert_array_equal(targets_of("multiclass", [2, 0], 3), [[0, 0, 1], [1, 0, 0]])


def test_errors_are_in_units_of_each_output_and_gaps_add_nothing():
    errors = squared_errors(np.array([[1.0, np.nan], [0.0, 4.0]]), np.zeros((2, 2)), np.array([1.0, 2.0]))
    np.testing.assert_array_equal(errors, [1.0, 4.0])


def test_chance_is_the_mean_of_the_training_labels(tmp_path):
    dataset = write_toy(tmp_path / "data", random_tokens([30] * 20), np.arange(20.0))
    yardstick = Yardstick(dataset, 1)
    train, test = dataset.indices("train"), dataset.indices("test")
    mean = dataset.labels[train].mean()
    np.testing.assert_allclose(yardstick.chance(test), (dataset.labels[test] - mean) ** 2 / dataset.labels[train].var())
    assert yardstick.chance(train).mean() == pytest.approx(1.0)
    np.testing.assert_array_equal(yardstick.errors(test, dataset.labels[test][:, None]), 0.0)


def test_a_line_puts_level_and_slope_right():
    line = straightened(np.array([[0.0], [1.0]]), np.array([[5.0], [9.0]]))
    np.testing.assert_allclose(line(np.array([[2.0]])), [[13.0]])


def test_a_limited_line_does_not_enlarge_a_small_difference():
    predictions, targets = np.array([[0.500], [0.501]] * 5), np.array([[0.0], [1.0]] * 5)
    line = straightened(predictions, targets, steepest=1.0)
    np.testing.assert_allclose(line(predictions), 0.5, atol=1e-3)


def test_a_line_never_falls_and_gaps_are_left_out():
    line = straightened(np.array([[0.0], [1.0], [7.0]]), np.array([[1.0], [0.0], [np.nan]]))
    np.testing.assert_allclose(line(np.array([[0.0], [9.0]])), 0.5)

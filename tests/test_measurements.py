"""From measurements to labels and weights, by hand."""

import numpy as np
import pytest

from mlx_gsa.data.measurements import LEAST, MOST, Measured, Measurements, spread_weights


def gathered(*records, replicated=False):
    """Measurements of records, each a list of rows of (values, spreads, weight)."""
    made = Measurements(replicated)
    for rows in records:
        number = made.add(rows[0])
        for row in rows[1:]:
            made.merge(number, row)
    return made


def test_the_formula_by_hand():
    # m = 1; v = (1 + 1) / 2 = 1, (0 + 1) / 2 = 0.5, (4 + 1) / 2 = 2.5; w = 1, 2, 0.4, over their mean
    found = spread_weights(np.array([1.0, 0.0, 2.0]), np.array([2, 2, 2]))
    np.testing.assert_allclose(found, np.array([1, 2, 0.4]) / np.mean([1, 2, 0.4]))


def test_more_replicates_weigh_more():
    found = spread_weights(np.array([1.0, 1.0]), np.array([1, 3]))
    np.testing.assert_allclose(found, [0.5, 1.5])


def test_an_unknown_spread_is_taken_as_typical():
    found = spread_weights(np.array([1.0, np.nan, 1.0]), np.array([2, 1, 2]))
    np.testing.assert_allclose(found[0] / found[1], 2)
    assert spread_weights(np.array([np.nan, np.nan]), np.array([1, 1])).tolist() == [1, 1]


def test_spreads_of_zero_divide_nothing():
    assert spread_weights(np.zeros(3), np.array([2, 2, 2])).tolist() == [1, 1, 1]
    found = spread_weights(np.array([0.0, 0.0, 0.0, 3.0]), np.full(4, 2))
    assert np.isfinite(found).all() and found[3] < found[0]


def test_no_record_dominates_and_none_is_lost():
    found = spread_weights(np.array([1e-9] + [1.0] * 50 + [1e6]), np.array([1000] + [1] * 51))
    assert found[0] == MOST and found[-1] == LEAST


def test_one_measurement_is_the_label_bit_for_bit():
    made = gathered([Measured([[0.1 + 0.2]])])
    assert made.label(0) == 0.1 + 0.2 and made.weights() is None


def test_replicates_give_mean_and_weight():
    made = gathered([Measured([[1.0, 3.0]])], [Measured([[2.0, 2.0]])], [Measured([[5.0]])], replicated=True)
    assert [made.label(i) for i in range(3)] == [2, 2, 5]
    # sd^2 = 2, 0, unknown -> m = 1; v = 3/2, 1/2, 2/1
    expected = np.array([2 / 3, 2, 1 / 2])
    np.testing.assert_allclose(made.weights(), expected / expected.mean())


def test_stated_spreads_and_copies_come_together():
    made = gathered([Measured([[1.0]], [1.0]), Measured([[3.0]], [1.0])], [Measured([[0.0]], [1.0])])
    # sd^2 = 1 + 2 (between the copies) of two, 1 of one -> m = 2; v = 5/2, 3/1
    expected = np.array([2 / 5, 1 / 3])
    assert made.label(0) == 2 and made.merged == 1
    np.testing.assert_allclose(made.weights(), expected / expected.mean())


def test_stated_weights_add_up_and_pull_the_label():
    made = gathered([Measured([[1.0]], None, 3.0), Measured([[5.0]], None, 1.0)], [Measured([[7.0]], None, 0.0)])
    assert (made.label(0), made.label(1)) == (2, 7) and made.weights().tolist() == [4, 0]


def test_each_output_has_its_own_spread_and_a_missing_one_no_say():
    made = gathered([Measured([[1.0], []], [1.0, np.nan])], [Measured([[2.0], [9.0]], [1.0, 5.0])])
    assert np.isnan(made.label(0, 1)) and made.label(1, 1) == 9
    assert made.weights() == pytest.approx([1, 1])


def test_a_class_keeps_its_name():
    assert gathered([Measured([["promoter"]])]).label(0) == "promoter"

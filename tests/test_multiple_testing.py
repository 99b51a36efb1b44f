"""q-values: by hand, against scipy's, and where only the smallest p-values are known."""

import numpy as np
import pytest
from scipy.stats import false_discovery_control

from mlx_gsa.evaluation.multiple_testing import benjamini_hochberg


def test_q_values_are_scipys_when_all_tests_are_given():
    p_values = np.random.default_rng(0).random(50) ** 3
    assert np.allclose(benjamini_hochberg(p_values), false_discovery_control(p_values))


def test_q_values_of_the_smallest_are_never_too_small():
    p_values = np.sort(np.random.default_rng(1).random(200) ** 4)
    everything = benjamini_hochberg(p_values)
    smallest = benjamini_hochberg(p_values[:20], n_tests=200)
    assert (smallest >= everything[:20] - 1e-15).all()
    assert benjamini_hochberg([0.9], n_tests=10).tolist() == [1.0]
    assert len(benjamini_hochberg([])) == 0


def test_q_values_by_hand():
    assert benjamini_hochberg([0.04, 0.001, 0.02], n_tests=4) == pytest.approx([0.16 / 3, 0.004, 0.04])


def test_what_was_not_tested_does_not_count():
    found = benjamini_hochberg([0.01, np.nan, 0.03])
    assert found[[0, 2]] == pytest.approx([0.02, 0.03]) and np.isnan(found[1])


def test_a_p_value_above_one_by_a_rounding_is_one():
    assert benjamini_hochberg([1 + 1e-15, 0.5]).tolist() == [1.0, 1.0]

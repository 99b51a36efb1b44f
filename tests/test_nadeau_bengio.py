"""The corrected t-test: by hand, against the plain one, and where it cannot be made."""

import numpy as np
import pytest
from scipy.stats import ttest_1samp

from mlx_gsa.errors import GsaError
from mlx_gsa.evaluation.nadeau_bengio import corrected_t_test


def test_by_hand():
    # mean 2, variance 1 with three degrees less one; (1/3 + 1/6) * 1 = 1/2, so t = 2 * sqrt(2)
    found = corrected_t_test([1.0, 2.0, 3.0], n_train=60, n_test=10)
    assert (found.mean, found.df, found.folds) == (2, 2, 3)
    assert found.t == pytest.approx(2 * np.sqrt(2))
    # Student's t of two degrees: p = 1 - t / sqrt(t^2 + 2), with t^2 = 8
    assert found.p == pytest.approx(1 - np.sqrt(8 / 10))
    # its 97.5 % point is 4.302653
    assert (found.low, found.high) == pytest.approx((2 - 4.302653 * np.sqrt(0.5), 2 + 4.302653 * np.sqrt(0.5)))


def test_without_the_correction_it_is_the_plain_test():
    differences = np.random.default_rng(0).normal(0.3, 1, 7)
    found, plain = corrected_t_test(differences, n_train=1e12, n_test=1), ttest_1samp(differences, 0)
    assert (found.t, found.p) == pytest.approx((plain.statistic, plain.pvalue))
    corrected = corrected_t_test(differences, n_train=6, n_test=1)
    assert abs(corrected.t) < abs(found.t) and corrected.p > found.p
    assert corrected.t / found.t == pytest.approx(np.sqrt((1 / 7) / (1 / 7 + 1 / 6)))


def test_seeds_of_a_fold_are_averaged_and_are_no_folds():
    assert corrected_t_test([[0.0, 2.0], [2.0, 2.0], [1.0, 5.0]], 60, 10) == corrected_t_test([1, 2, 3], 60, 10)


def test_sizes_of_folds_are_averaged():
    assert corrected_t_test([1, 2, 3], [50, 60, 70], [9, 10, 11]) == corrected_t_test([1, 2, 3], 60, 10)


def test_folds_that_agree_exactly_have_no_p():
    found = corrected_t_test([1.0, 1.0], 10, 5)
    assert np.isnan(found.t) and np.isnan(found.p) and (found.low, found.high) == (1, 1)


def test_what_cannot_be_tested_is_refused():
    with pytest.raises(GsaError, match="two folds or more"):
        corrected_t_test([1.0], 10, 5)
    with pytest.raises(GsaError, match="two folds or more"):
        corrected_t_test([1.0, np.nan], 10, 5)
    with pytest.raises(GsaError, match=r"no records.*found 0 for training"):
        corrected_t_test([1.0, 2.0], 0, 5)

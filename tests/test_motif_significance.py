"""Sign flips of records, their far tail, and untrained selectors as units."""

from itertools import product

import numpy as np
import pytest
from scipy.stats import binom, kstest

from mlx_gsa.motifs.significance import among_seeds, q_values, saddlepoint_tail, sign_flip_test


def all_signs(d):
    """The permutation p-value by going through every pattern of signs."""
    sums = np.array(list(product((1, -1), repeat=len(d)))) @ d
    return (sums >= d.sum() - 1e-9).mean()


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_tail_agrees_with_going_through_all_signs(seed):
    d = np.random.default_rng(seed).normal(0.5, 1, (14, 5))
    exact = np.array([all_signs(column) for column in d.T])
    found, inside = saddlepoint_tail(d), d.sum(0) > 0.3
    assert inside.any()
    assert found[inside] == pytest.approx(exact[inside], rel=0.25)


def test_the_far_tail_is_that_of_a_binomial():
    d = np.full((400, 1), 1.0)
    d[:60] = -1  # 340 of 400 positive: far below what any number of permutations could count
    found, exact = saddlepoint_tail(d)[0], binom.sf(339, 400, 0.5)
    assert 1e-50 < exact < 1e-40 and found == pytest.approx(exact, rel=0.5)


def test_all_positive_differences_have_the_chance_of_one_pattern():
    assert saddlepoint_tail(np.ones((20, 1)))[0] == pytest.approx(0.5**20)
    assert saddlepoint_tail(np.zeros((20, 1)))[0] == 1


def test_counted_p_values_have_the_plus_one():
    test = sign_flip_test(np.ones((40, 1)), permutations=199)
    assert test.counted[0] == 1 / 200 and test.p[0] == pytest.approx(0.5**40)
    nothing = sign_flip_test(np.zeros((40, 1)), permutations=199)
    assert nothing.counted[0] == nothing.p[0] == 1


def test_p_values_of_nothing_are_uniform_and_depend_on_the_seed_alone():
    d = np.random.default_rng(4).normal(size=(80, 400))
    test = sign_flip_test(d, 500, seed=3)
    assert kstest(test.p, "uniform").pvalue > 0.01
    assert np.array_equal(test.p, sign_flip_test(d, 500, seed=3).p)
    assert not np.array_equal(test.p, sign_flip_test(d, 500, seed=5).p)


def test_rare_skewed_differences_are_not_called_significant_too_often():
    # A motif with 5 expected positions in 300 records: 1 - e where there is one, -e elsewhere.
    counts = np.random.default_rng(1).poisson(5 / 300, (300, 2000))
    assert (sign_flip_test(counts - 5 / 300, 300).p < 0.01).mean() < 0.012


def test_a_random_selector_is_not_extreme_among_others():
    rng = np.random.default_rng(0)
    taste = rng.normal(10, 2, (21, 3000)) ** 2  # what a motif gets varies from selector to selector
    p = among_seeds(taste[0], taste[1:])
    assert (p < 0.05).mean() == pytest.approx(0.05, abs=0.015)
    assert among_seeds([900.0], np.full((20, 1), 100.0))[0] < 1e-10


def test_q_values_are_over_all_of_an_array():
    q = q_values([[0.001, 0.5], [0.02, 0.9]])
    assert q.shape == (2, 2) and q[0, 0] == pytest.approx(0.004) and q[1, 0] == pytest.approx(0.04)

"""Sign-flip permutation of per-record differences, for many motifs at once, with an exact way of seeing its far tail.

Under the null hypothesis a record's difference between what is observed and its control is as likely positive as
negative. Permuting the signs of whole records (or groups of them) gives a distribution of the sum; b of n permutations
at least as large as observed give p = (b + 1) / (n + 1). With 1,000 matrices to correct for, n = 1,000 cannot reach
q < 0.01. The permutation distribution is known exactly through its cumulants, log cosh(t d) summed over records, so
beyond the reach of counting its tail is computed by saddlepoint instead of assumed normal.
"""

from typing import NamedTuple

import numpy as np
from scipy.special import log_ndtr
from scipy.stats import norm
from scipy.stats import t as student

from mlx_gsa.evaluation.multiple_testing import benjamini_hochberg

FEWEST = 10  # permutations beyond the observed sum, below which the count says too little
SMALLEST = 1e-300  # p-value given
CHUNK = 4_000_000  # signs held at once


class Tested(NamedTuple):
    """P-values of M tests, each shape (M,), one-sided: that the sum of differences is above zero.

    ``counted`` is (b + 1) / (n + 1); ``p`` is the same where at least ten permutations reach the observed sum, and the
    saddlepoint tail of the same permutation distribution where fewer do.
    """

    counted: np.ndarray
    p: np.ndarray


def sign_flip_test(differences, permutations: int = 1000, seed: int = 0) -> Tested:
    """Test for each column whether differences are above zero.

    Parameters
    ----------
    differences : array_like, shape (n, M)
        One row per record, or per group of records that are not independent.
    permutations : int
        Each flips the signs of whole rows, the same for all columns.
    seed : int

    Returns
    -------
    Tested

    Source: Good, Permutation, Parametric and Bootstrap Tests of Hypotheses, 2005 (sign flips); Knijnenburg et al.,
    Bioinformatics 2009 (another estimate where few permutations reach the observed value, from ten on the count).
    """
    differences = np.asarray(differences, np.float64)
    n, m = differences.shape
    observed, scale = differences.sum(0), np.abs(differences).sum(0)
    reached, rng = np.zeros(m, np.int64), np.random.default_rng(seed)
    rows = max(1, CHUNK // max(n, 1))
    for done in range(0, permutations, rows):
        signs = 2.0 * rng.integers(0, 2, (min(rows, permutations - done), n)) - 1.0
        reached += (signs @ differences >= observed - 1e-9 * scale).sum(0)
    counted = (reached + 1) / (permutations + 1)
    tail = np.clip(saddlepoint_tail(differences), SMALLEST, counted)
    return Tested(counted, np.where(reached >= FEWEST, counted, tail))


def saddlepoint_tail(differences) -> np.ndarray:
    """Approximate the chance that random signs give each column's sum or more.

    Parameters
    ----------
    differences : array_like, shape (n, M)

    Returns
    -------
    np.ndarray, shape (M,)
        1 where every difference is zero or the sum is not above zero by more than rounding.

    Source: Lugannani & Rice, Adv Appl Prob 1980; Robinson, J R Stat Soc B 1982, for permutation distributions.
    """
    d = np.asarray(differences, np.float64)
    spread = np.sqrt((d**2).sum(0))
    d = d / np.where(spread > 0, spread, 1.0)
    observed, most = d.sum(0), np.abs(d).sum(0)
    tail = np.ones(d.shape[1])
    extreme = (spread > 0) & (observed >= most * (1 - 1e-9))
    tail[extreme] = 0.5 ** (d[:, extreme] != 0).sum(0)
    inside = np.flatnonzero((spread > 0) & ~extreme & (observed > 0.05))
    if inside.size:
        tail[inside] = _lugannani_rice(d[:, inside], observed[inside])
    return tail


def _lugannani_rice(d, observed):
    """Compute the tail from the saddlepoint of K(t) = sum log cosh(t d); d has unit length, 0.05 < observed < most."""
    t = _saddlepoint(d, observed)
    x = np.abs(t * d)
    cumulant = (x + np.log1p(np.exp(-2 * x)) - np.log(2)).sum(0)
    curvature = (d**2 / np.cosh(np.minimum(x, 300)) ** 2).sum(0)
    w = np.sqrt(2 * np.maximum(t * observed - cumulant, 1e-12))
    u = t * np.sqrt(np.maximum(curvature, 1e-300))
    # Written as a factor of the normal tail, so that nothing cancels where the tail is far below 1e-16.
    log_tail, log_density = log_ndtr(-w), norm.logpdf(w)
    factor = 1 + np.exp(log_density - log_tail) * (1 / u - 1 / w)
    return np.clip(np.exp(log_tail) * np.maximum(factor, 1e-3), 0.0, 1.0)


def _saddlepoint(d, observed):
    """Solve sum d tanh(t d) = observed by bisection, for each column."""
    low, high = np.zeros(d.shape[1]), np.ones(d.shape[1])
    for _ in range(60):
        short = (d * np.tanh(high * d)).sum(0) < observed
        if not short.any():
            break
        high = np.where(short, 2 * high, high)
    for _ in range(50):
        middle = (low + high) / 2
        short = (d * np.tanh(middle * d)).sum(0) < observed
        low, high = np.where(short, middle, low), np.where(short, high, middle)
    return (low + high) / 2


def among_seeds(observed, controls) -> np.ndarray:
    """Give the chance that one more draw of the control is as high as observed, with the draws themselves as units.

    Records tell how sure a difference between two selectors is; they cannot tell whether another random selector
    would have shown it, as a selector has the same taste in every record. Square roots of counts are compared, so that
    their spread does not grow with their size.

    Parameters
    ----------
    observed : array_like, shape (M,)
        Counts, 0 or more.
    controls : array_like, shape (J, M)
        The same of J draws, two at least.

    Returns
    -------
    np.ndarray, shape (M,)
        One-sided, from the t-distribution of a prediction with J - 1 degrees of freedom.
    """
    observed, controls = np.sqrt(np.asarray(observed, float) + 0.375), np.sqrt(np.asarray(controls, float) + 0.375)
    n_draws = len(controls)
    # The spread of a count that hardly varies among few draws is at least that of counting itself: 1/2.
    spread = np.maximum(controls.std(0, ddof=1), 0.5)
    return student.sf((observed - controls.mean(0)) / (spread * np.sqrt(1 + 1 / n_draws)), n_draws - 1)


def q_values(p_values) -> np.ndarray:
    """Turn p-values of any shape into q-values over all of them (Benjamini and Hochberg 1995)."""
    p_values = np.asarray(p_values, np.float64)
    return benjamini_hochberg(p_values.ravel()).reshape(p_values.shape)

"""Many tests at once: p-values turned into q-values."""

import numpy as np


def benjamini_hochberg(p_values, n_tests: int | None = None) -> np.ndarray:
    """Turn p-values into q-values: the share of false finds to expect if all up to this one are called finds.

    Parameters
    ----------
    p_values : array_like
        Shape (M,), any order; nan is no test and stays nan.
    n_tests : int, optional
        How many tests were made, where only the smallest p-values are known; the unknown ones are taken as larger than
        all given, so the q-values are never too small.

    Returns
    -------
    np.ndarray
        Shape (M,), in the order given, at most 1.

    Source: Benjamini and Hochberg, J. R. Stat. Soc. B 57 (1995) 289-300, step-up procedure, by
    `scipy.stats.false_discovery_control`; p-values that are not known enter it as 1.
    """
    from scipy.stats import false_discovery_control  # takes half a second to import

    p_values = np.asarray(p_values, dtype=np.float64)
    known = np.flatnonzero(~np.isnan(p_values))
    q_values = np.full(len(p_values), np.nan)
    if len(known):
        unknown = np.ones(max((n_tests or 0) - len(known), 0))
        given = np.minimum(p_values[known], 1.0)  # the exponential of a logarithm may exceed 1 by a rounding
        q_values[known] = false_discovery_control(np.r_[given, unknown])[: len(known)]
    return q_values

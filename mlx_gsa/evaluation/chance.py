"""What a random selection of the same budget in the same sequence would find: exact, no sampling.

A selector that keeps k of L positions at random keeps a hypergeometric number of the w positions of a site.
"""

import numpy as np
from scipy.special import gammaln


def chance_touched(length, width, budget) -> np.ndarray:
    """Compute the chance that at least one position of a site is kept, 1 - C(L - w, k) / C(L, k).

    Parameters
    ----------
    length, width, budget : array_like, integer, broadcastable
        Length L of the sequence and width w of the site in bp, w <= L; number k of positions kept, k <= L.

    Returns
    -------
    np.ndarray, float64, in [0, 1]
    """
    length, width, budget = (np.asarray(part, float) for part in (length, width, budget))
    rest = np.maximum(length - width - budget, -1.0)  # below zero the site cannot be missed
    with np.errstate(invalid="ignore", divide="ignore"):
        missed = _log_choose(length - width, budget, rest) - _log_choose(length, budget, length - budget)
    return np.where(rest < 0, 1.0, -np.expm1(np.minimum(missed, 0.0)))


def chance_covered(length, width, budget, at_least) -> np.ndarray:
    """Compute the chance that `at_least` positions of a site are kept: the hypergeometric upper tail.

    Parameters
    ----------
    length, width, budget : array_like, integer, broadcastable
        As for `chance_touched`.
    at_least : array_like, integer
        Positions of the site that must be kept, 1 or more; (w + 1) // 2 for half of it.

    Returns
    -------
    np.ndarray, float64, in [0, 1]
    """
    parts = np.broadcast_arrays(*(np.asarray(part, float) for part in (length, width, budget, at_least)))
    if not parts[0].size:
        return np.zeros(parts[0].shape)
    length, width, budget, at_least = (part[..., None] for part in parts)
    inside = np.arange(parts[1].max() + 1)
    outside = budget - inside
    possible = (inside >= at_least) & (inside <= width) & (outside >= 0) & (outside <= length - width)
    inside, outside = np.where(possible, inside, 0.0), np.where(possible, outside, 0.0)
    log_p = (
        _log_choose(width, inside, width - inside)
        + _log_choose(length - width, outside, length - width - outside)
        - _log_choose(length, budget, length - budget)
    )
    return np.minimum(np.sum(np.exp(log_p) * possible, axis=-1), 1.0)


def _log_choose(n, k, rest):
    return gammaln(n + 1) - gammaln(k + 1) - gammaln(rest + 1)

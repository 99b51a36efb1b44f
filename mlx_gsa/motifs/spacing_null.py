"""Nulls of spacing: what counts and attention against distance would be if distance did not matter."""

from typing import NamedTuple

import numpy as np
from scipy.stats import nbinom, norm, poisson

from mlx_gsa.motifs.pair_sites import Pairs, pair_up, shifted

NULLS = ("records", "shift")
FEWEST_REACHED = 10  # permutations beyond the observed value, below which the tail is computed instead of counted


class Profile(NamedTuple):
    """A quantity against distance, each shape (n_bins,).

    ``observed``, ``expected`` under the null with its central 95 % (``low`` to ``high``), ``p`` that of as much or more
    in the null (of attention: of so far from it, more or less), ``q`` over all bins of all pairs tested together.
    """

    observed: np.ndarray
    expected: np.ndarray
    low: np.ndarray
    high: np.ndarray
    p: np.ndarray
    q: np.ndarray


def histogram(distance, edges):
    """Count distances by bin, shape (n_bins,)."""
    return np.histogram(distance, edges)[0]


def selection_profile(first, second, pairs: Pairs, edges, lengths, null, permutations, rng) -> Profile:
    """Hold the number of pairs in each bin against the null.

    Parameters
    ----------
    first, second : MotifSites
        Kept sites.
    pairs : Pairs
        Of them.
    edges : np.ndarray, shape (n_bins + 1,)
    lengths : np.ndarray, shape (n_records,)
        bp.
    null : {"records", "shift"}
    permutations : int
    rng : np.random.Generator

    Returns
    -------
    Profile
        ``q`` is still 1. Only records with both motifs are in the null: that they occur together is no spacing.
    """
    observed, drawn = histogram(pairs.distance, edges), np.zeros((permutations, len(edges) - 1))
    both = np.intersect1d(first.record, second.record)
    first, second = (sites.select(np.isin(sites.record, both)) for sites in (first, second))
    for number in range(permutations):
        if null == "shift":
            dealt = pair_up(first, shifted(second, lengths, rng), edges[-1])
        else:
            partner = np.full(len(lengths), -1)
            partner[both] = both[rng.permutation(len(both))]
            dealt = pair_up(first, second, edges[-1], partner)
        drawn[number] = histogram(dealt.distance, edges)
    return _profile(observed.astype(float), drawn, _count_tail)


def attention_profile(attention, pairs: Pairs, edges, permutations, rng) -> Profile:
    """Hold the mean attention of each bin against the same values dealt out anew.

    Parameters
    ----------
    attention : np.ndarray, shape (n_pairs,)
        Over even attention; those that are not numbers are left out.
    pairs : Pairs
    edges : np.ndarray, shape (n_bins + 1,)
    permutations : int
    rng : np.random.Generator

    Returns
    -------
    Profile
        Binary logarithms; nan where there is no pair. ``q`` is still 1.
    """
    values, place = log_attention(attention), np.digitize(pairs.distance, edges) - 1
    inside = (place >= 0) & (place < len(edges) - 1) & np.isfinite(values)
    values, place = values[inside], place[inside]
    count = np.bincount(place, minlength=len(edges) - 1)

    def mean(dealt):
        sums = np.bincount(place, dealt, len(count))
        return np.divide(sums, count, out=np.full(len(count), np.nan), where=count > 0)

    drawn = np.array([mean(rng.permutation(values)) for _ in range(permutations)]).reshape(permutations, -1)
    return _profile(mean(values), drawn, _normal_tail, two_sided=True)


def log_attention(attention):
    """Return the binary logarithm of attention over even attention, at least -20."""
    return np.log2(np.maximum(attention, 1e-6))


def _profile(observed, drawn, tail, two_sided=False) -> Profile:
    """Compare observed values with those drawn from the null; p is 1 in a bin where nothing is observed."""
    empty = np.isnan(observed)
    safe = np.where(np.isnan(drawn), 0.0, drawn)
    given, mean, variance = np.where(empty, 0.0, observed), safe.mean(axis=0), safe.var(axis=0)
    if two_sided:
        given = mean + np.abs(given - mean)
        reached = (mean + np.abs(safe - mean) >= given - 1e-9).sum(axis=0)
    else:
        reached = (safe >= given - 1e-9).sum(axis=0)
    counted = (reached + 1) / (len(drawn) + 1)
    computed = np.minimum(tail(given, mean, variance), counted)
    p = np.where(empty, 1.0, np.where(reached >= FEWEST_REACHED, counted, computed))
    low, high = np.quantile(safe, [0.025, 0.975], axis=0)
    return Profile(observed, mean, low, high, p, np.ones(len(p)))


def _count_tail(observed, mean, variance):
    """Return the chance of so many or more: Poisson, or negative binomial where the null varies more."""
    mean = np.maximum(mean, 1e-3)
    share = np.clip(mean / np.maximum(variance, mean * (1 + 1e-9)), 1e-9, 1 - 1e-9)
    spread = nbinom.sf(observed - 1, mean * share / (1 - share), share)
    return np.where(variance > mean, spread, poisson.sf(observed - 1, mean))


def _normal_tail(observed, mean, variance):
    """Return the chance of a mean so far from that of the null, on either side."""
    return 2 * norm.sf((observed - mean) / np.sqrt(np.maximum(variance, 1e-12)))

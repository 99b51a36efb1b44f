"""From sites to regulatory strength: the formula of a synthetic grammar, and the role each site plays in it.

strength = (basal + sum of site weights + sum of right-pair weights) x product of repressor factors

Only intact sites count. A pair is right when its gap, and its order if it has one, are what the grammar asks
for; every combination of two sites that makes a right pair counts.
"""

from dataclasses import replace

import numpy as np

INACTIVE = ("decoy_core", "accidental")


def strengths(grammar, sites, n):
    """Compute the strength of each sequence from its sites, before standardisation and noise.

    Parameters
    ----------
    grammar : Grammar
    sites : Sites
        Those with role ``decoy_core`` or ``accidental`` are left out; the other roles are not looked at.
    n : int
        Number of sequences.

    Returns
    -------
    np.ndarray
        float64, shape (n,).
    """
    active = sites.select(~np.isin(sites.role, INACTIVE))
    activation, factor = np.full(n, grammar.basal), np.ones(n)
    for name, kind in grammar.kinds.items():
        count = np.bincount(active.record[active.kind == name], minlength=n)
        activation += kind.weight * count
        factor *= kind.factor**count
    for pair in grammar.pairs.values():
        first, _ = right_pairs(pair, active)
        activation += pair.weight * np.bincount(active.record[first], minlength=n)
    return activation * factor


def right_pairs(pair, sites):
    """Find every two sites at which a pair rule acts.

    Parameters
    ----------
    pair : Pair
    sites : Sites
        Intact sites, sorted by record.

    Returns
    -------
    first, second : np.ndarray
        int64 indices into `sites`, one entry per right pair.
    """
    first, second = (np.flatnonzero(sites.kind == kind) for kind in (pair.first, pair.second))
    first, second = _same_record(sites, first, second)
    leads = sites.start[first] < sites.start[second]
    left, right = np.where(leads, first, second), np.where(leads, second, first)
    gap = sites.start[right] - sites.end[left]
    right_gap = (gap >= pair.gap[0]) & (gap <= pair.gap[1])
    if pair.order == "first_upstream":
        right_gap &= leads == (sites.strand[second] == "+")
    return first[right_gap], second[right_gap]


def with_roles(grammar, sites):
    """Give each intact site the role that follows from the formula.

    Parameters
    ----------
    grammar : Grammar
    sites : Sites
        Mutated cores have role ``decoy_core``; the roles of the others are replaced.

    Returns
    -------
    Sites
        ``repressor`` for kinds with a factor below 1; ``functional`` for sites with a weight and for
        members of a right pair; ``decoy_spacing`` for sites that act only in a pair and are in no right one.
    """
    inactive = np.isin(sites.role, INACTIVE)
    intact = np.flatnonzero(~inactive)
    active = sites.select(intact)
    role = np.where(inactive, sites.role, "decoy_spacing")
    for pair in grammar.pairs.values():
        role[intact[np.concatenate(right_pairs(pair, active))]] = "functional"
    for name, kind in grammar.kinds.items():
        if kind.has_own_effect:
            role[~inactive & (sites.kind == name)] = "repressor" if kind.is_repressor else "functional"
    return replace(sites, role=role)


def _same_record(sites, first, second):
    """Every combination of one index of `first` and one of `second` in the same record."""
    low = np.searchsorted(sites.record[second], sites.record[first], side="left")
    count = np.searchsorted(sites.record[second], sites.record[first], side="right") - low
    within = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
    return np.repeat(first, count), second[np.repeat(low, count) + within]

"""How much two selections of the same sequence agree, beside what clusters of the same shape agree on by chance."""

from typing import NamedTuple

import numpy as np

from mlx_gsa.evaluation.bootstrap import sums_intervals

NEAR = 5  # bp; as in `evaluation.selection`
ROTATIONS = 10
_MEASURES = ("jaccard", "overlap", "near", "motifs")


class Pair(NamedTuple):
    """Two selections of one sequence, in the coordinates of the first.

    ``first``, ``second``: bool (L,), over the positions that both could choose; ``sites``: (start, end, key) of the
    places that count as touched when a chosen position is within 5 bp, or None.
    """

    first: np.ndarray
    second: np.ndarray
    sites: tuple | None = None


def agreement(pairs, seed=0, bootstrap=1000, groups=None, level=0.95) -> dict:
    """Measure the agreement of pairs of selections, all sequences together.

    Parameters
    ----------
    pairs : list of Pair
    seed : int
        Of the rotations that chance is measured by: the second selection, turned to ten other places.
    bootstrap, groups, level
        As for `sums_intervals`.

    Returns
    -------
    dict
        Of ``jaccard`` (shared positions over all), ``overlap`` (shared over mean size), ``near`` (share of positions
        with one of the other within 5 bp) and ``motifs`` (Jaccard of the sites touched; absent without sites): value
        and interval, ``NAME_chance``, and ``NAME_corrected``, 0 at chance and 1 for the same selection.

    Source: correction for chance as in Nogueira, Sechidis & Brown 2018 (JMLR), whose measure ``overlap_corrected`` is
    for two selections of one size.
    """
    rng = np.random.default_rng([seed, 3])
    columns = np.array([_columns(pair, rng) for pair in pairs])
    found = sums_intervals(columns, _statistics, bootstrap, seed, groups, level)
    names = [f"{name}{part}" for part in ("", "_chance", "_corrected") for name in _MEASURES]
    numbers = dict(zip(names, found, strict=True))
    return {name: value for name, value in numbers.items() if np.isfinite(value.value)}


def _columns(pair, rng):
    """Return shares as numerators and denominators: (2 x measures observed, 2 x measures by chance)."""
    observed = _counts(pair.first, pair.second, pair.sites)
    shifts = rng.integers(0, len(pair.first), ROTATIONS)
    turned = [_counts(pair.first, np.roll(pair.second, shift), pair.sites) for shift in shifts]
    return np.concatenate([observed, np.mean(turned, axis=0)])


def _counts(first, second, sites):
    both, sizes = (first & second).sum(), first.sum() + second.sum()
    near = (first & _spread(second)).sum() + (second & _spread(first)).sum()
    touched = [_touched(part, sites) for part in (first, second)]
    shared, either = len(touched[0] & touched[1]), len(touched[0] | touched[1])
    return np.array([both, sizes - both, 2 * both, sizes, near, sizes, shared, either], float)


def _spread(mask):
    """Mark the positions within 5 bp of a marked one."""
    return np.convolve(mask, np.ones(2 * NEAR + 1))[NEAR : NEAR + len(mask)] > 0.5


def _touched(mask, sites):
    if sites is None:
        return set()
    before = np.concatenate([[0], np.cumsum(mask)])
    start, end, key = sites
    first, last = (np.clip(edge, 0, len(mask)) for edge in (start - NEAR, end + NEAR))
    inside = before[last] > before[first]
    return set(np.asarray(key)[inside].tolist())


def _statistics(sums):
    shape = (*sums.shape[:-1], 2, len(_MEASURES), 2)
    parts = sums.reshape(shape)
    with np.errstate(invalid="ignore", divide="ignore"):
        shares = parts[..., 0] / parts[..., 1]
        observed, chance = shares[..., 0, :], shares[..., 1, :]
        corrected = (observed - chance) / (1 - chance)
    return np.concatenate([observed, chance, corrected], axis=-1)

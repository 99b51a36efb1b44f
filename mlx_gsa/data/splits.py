"""Training, validation and test, and folds: stratified by label, whole groups together, the same for the same seed."""

import numpy as np

from mlx_gsa.data.records import SPLITS
from mlx_gsa.errors import SplitError

FRACTIONS = (0.8, 0.1, 0.1)
QUANTILES = 5  # label classes of a regression, for balancing groups
TRIES, MANY_GROUPS = 32, 500  # a few chromosomes need several tries, hundreds of clusters do not


def assign_splits(n, labels, task, groups=None, fractions=FRACTIONS, seed=0):
    """Assign each record to ``train``, ``val`` or ``test``.

    Single records are drawn in strata of the label: per class, or along the sorted values of a regression.
    Records of one group stay together: groups are placed largest first, where they bring sizes and labels
    nearest to the fractions; the best of several random orders is taken.

    Parameters
    ----------
    n : int
        Number of records.
    labels : np.ndarray, shape (n,)
    task : str
        ``regression``, ``binary`` or ``multiclass``.
    groups : sequence of str, shape (n,), optional
        Such as chromosomes, or clusters of similar sequences.
    fractions : tuple of 3 floats
        Shares of train, val and test; they sum to 1.
    seed : int

    Returns
    -------
    np.ndarray of str, shape (n,)

    Raises
    ------
    SplitError
        Too few records or groups for three splits, or a split that would miss a class it needs.
    """
    fractions = _check_fractions(fractions)
    return np.array(SPLITS)[_assign(n, labels, task, groups, fractions, seed, SPLITS)]


def assign_folds(n, labels, task, groups=None, folds=5, seed=0):
    """Assign each record to one of several folds of about the same size, as `assign_splits` does.

    Parameters
    ----------
    n, labels, task, groups, seed
        As for `assign_splits`.
    folds : int
        At least 2.

    Returns
    -------
    np.ndarray of int64, shape (n,)
        0 to folds - 1.

    Raises
    ------
    SplitError
        Fewer records or groups than folds, or a fold that would miss a class of a binary task.
    """
    if folds < 2:
        raise SplitError("too few folds", expected="at least 2", found=str(folds))
    names = [f"fold {i}" for i in range(folds)]
    return _assign(n, labels, task, groups, np.full(folds, 1 / folds), seed, names)


def _assign(n, labels, task, groups, fractions, seed, names):
    """Return the number of the part of each record; shape (n,), int64."""
    labels = np.asarray(labels, dtype=float)
    _check_number(n, fractions, "records")
    rng = np.random.default_rng(seed)
    members = _groups(n, groups)
    large = [rows for rows in members if len(rows) > 1]
    single = np.array([rows[0] for rows in members if len(rows) == 1], dtype=np.int64)
    if groups is not None:
        _check_number(len(members), fractions, "groups")
    split = np.full(n, -1)
    if large:
        _place_groups(split, large, _strata(labels, task), fractions, rng)
    _place_single(split, single, labels, fractions, rng)
    _fill_empty(split, members, fractions)
    _check_filled(split, labels, task, fractions, names, groups is not None)
    return split


def _check_fractions(fractions):
    """Return the fractions as an array; raise unless they are shares of a whole."""
    shares = np.asarray(fractions, dtype=float)
    if shares.shape != (3,) or (shares < 0).any() or shares[0] <= 0 or abs(shares.sum() - 1) > 1e-6:
        raise SplitError(
            "bad split fractions",
            expected="three shares that sum to 1, train above 0",
            found=str(tuple(fractions)),
        )
    return shares


def _check_number(n, fractions, what):
    """Raise if there are fewer records, or groups, than splits or folds."""
    needed = int((fractions > 0).sum())
    if n < needed:
        mend = "Split at random, or by a column with more groups." if what == "groups" else "Give more sequences."
        raise SplitError(f"too few {what} to split", expected=f"at least {needed}", found=str(n), mend=mend)


def _groups(n, groups):
    """Return the record numbers of each group, groups in the order of their names."""
    if groups is None:
        return np.arange(n)[:, None]
    _, number = np.unique(np.asarray(groups, dtype=object).astype(str), return_inverse=True)
    order = np.argsort(number, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(number[order])) + 1)


def _strata(labels, task):
    """Return a small class number for each label: the class, or the quantile of a value."""
    if task != "regression":
        return np.unique(labels, return_inverse=True)[1]
    cuts = np.quantile(labels, np.linspace(0, 1, QUANTILES + 1)[1:-1])
    return np.searchsorted(cuts, labels, side="right")


def _place_groups(split, members, strata, fractions, rng):
    """Place whole groups; the best of several tries is written into `split`."""
    n_strata = int(strata.max()) + 1
    table = np.stack([np.bincount(strata[rows], minlength=n_strata) for rows in members]).astype(float)
    table = np.hstack([table, table.sum(1, keepdims=True)])  # the last column balances the size itself
    whole = np.append(np.bincount(strata, minlength=n_strata), len(strata)).astype(float)
    wanted = np.maximum(fractions[:, None] * whole, 1e-9)
    tries = [_greedy(table, wanted, rng) for _ in range(TRIES if len(members) <= MANY_GROUPS else 1)]
    _, places = min(tries, key=lambda one: one[0])
    for rows, place in zip(members, places, strict=True):
        split[rows] = place


def _greedy(table, wanted, rng):
    """Place groups one by one, largest first with some chance; return how far off the result is, and it."""
    sizes = table[:, -1]
    order = np.argsort(-sizes * np.exp(0.3 * rng.standard_normal(len(sizes))), kind="stable")
    filled, places = np.zeros_like(wanted), np.zeros(len(table), dtype=np.int64)
    for group in order:
        added = table[group]
        cost = (added * (2 * (filled - wanted) + added) / wanted).sum(1)
        places[group] = cost.argmin()
        filled[places[group]] += added
    return ((filled - wanted) ** 2 / wanted).sum(), places


def _place_single(split, rows, labels, fractions, rng):
    """Fill each split up to its size with single records drawn evenly along the sorted labels."""
    n = len(split)
    sizes = _sizes(n, fractions) - np.bincount(split[split >= 0], minlength=len(fractions))
    sizes = np.maximum(sizes, 0)
    rows = rows[np.lexsort((rng.permutation(len(rows)), labels[rows]))]
    for place in range(len(fractions) - 1, 0, -1):
        drawn = _even_draw(len(rows), min(int(sizes[place]), len(rows)), rng)
        split[rows[drawn]] = place
        rows = np.delete(rows, drawn)
    split[rows] = 0


def _fill_empty(split, members, fractions):
    """Give each wanted split that got nothing, as all groups are large, the smallest group that can be spared."""
    for place in np.flatnonzero(fractions > 0):
        if (split == place).any():
            continue
        owners = np.array([split[rows[0]] for rows in members])
        spare = [i for i, owner in enumerate(owners) if (owners == owner).sum() > 1]
        split[members[min(spare, key=lambda i: len(members[i]))]] = place


def _sizes(n, fractions):
    """Return whole numbers near ``n * fractions`` that sum to n; no wanted split is empty."""
    sizes = np.maximum(np.rint(n * fractions), fractions > 0).astype(int)
    sizes[0] = n - sizes[1:].sum()
    return sizes


def _even_draw(n, k, rng):
    """Draw k of n positions, one at random from each of k equal stretches."""
    if not k:
        return np.zeros(0, dtype=np.int64)
    edges = np.arange(k + 1) * n // k
    return edges[:-1] + (rng.random(k) * np.diff(edges)).astype(np.int64)


def _check_filled(split, labels, task, fractions, names, grouped):
    """Raise if a wanted split is empty or misses a class without which it is of no use."""
    mend = "Split at random, by another column, or with more records." if grouped else "Give more records."
    for place, name in enumerate(names):
        found = labels[split == place]
        if fractions[place] and not found.size:
            raise SplitError(
                "a split is empty", where=name, expected=f"{fractions[place]:.0%} of the records", mend=mend
            )
        needed = 2 if task == "binary" else len(np.unique(labels)) if task == "multiclass" and name == "train" else 1
        if found.size and len(np.unique(found)) < needed:
            raise SplitError(
                "a split lacks a class",
                where=name,
                expected=f"records of {needed} classes",
                found=f"{len(np.unique(found))}",
                mend=mend,
            )

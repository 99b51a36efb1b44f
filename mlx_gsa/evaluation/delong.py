"""DeLong's test: do two models differ in AUROC on the same records, by a formula instead of by resampling."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from mlx_gsa.errors import GsaError


class DeLong(NamedTuple):
    """Two AUROCs of the same records and the test of their difference.

    Attributes
    ----------
    first, second : float
        AUROC; the mean over folds and seeds.
    difference, standard_error : float
        First less second.
    low, high : float
        Normal interval of the difference.
    z, p : float
        Two-sided; nan where the two models rank every pair alike, so that nothing varies.
    """

    first: float
    second: float
    difference: float
    standard_error: float
    low: float
    high: float
    z: float
    p: float

    def to_dict(self) -> dict[str, float]:
        """Give the numbers by name."""
        return self._asdict()


class Placement(NamedTuple):
    """How each record stands among those of the other class; the means of both are the AUROC.

    Attributes
    ----------
    positives : np.ndarray, shape (m,)
        Share of the negatives below each positive, ties half.
    negatives : np.ndarray, shape (n,)
        Share of the positives above each negative, ties half.
    """

    positives: np.ndarray
    negatives: np.ndarray


def delong(labels, first, second, groups=None, level=0.95) -> DeLong:
    """Test the difference of two AUROCs on the same records.

    Parameters
    ----------
    labels : array_like, shape (n_records,)
        0 or 1.
    first, second : array_like, shape (n_records,), or list of such
        Scores of two models; of several runs (seeds) of a model the AUROCs are averaged.
    groups : array_like, shape (n_records,), optional
        Records of one group are not independent; without groups every record counts as independent, and with related
        records the test is then too sure.
    level : float
        Coverage of the interval.

    Returns
    -------
    DeLong
        Covers the choice of test records, given the trained models; not that of training records or of seeds.

    Raises
    ------
    GsaError
        A class with fewer than two records (or groups), labels other than 0 and 1, or scores that do not line up.

    Source: DeLong, DeLong & Clarke-Pearson 1988; the placements by midranks as in Sun & Xu 2014; groups as in
    Obuchowski 1997, which without groups gives the same numbers.
    """
    return delong_over_folds([(labels, first, second, groups)], level)


def delong_over_folds(folds: Sequence[tuple], level=0.95) -> DeLong:
    """Test the difference of two mean AUROCs over folds, whose test records are disjoint.

    Parameters
    ----------
    folds : sequence of (labels, first, second, groups)
        Each as for `delong`.
    level : float

    Returns
    -------
    DeLong
        The variance of the mean difference is the sum of the folds' over the squared number of folds. Folds share
        training records, and no formula sees that (Bengio & Grandvalet 2004): this covers test records only.

    Raises
    ------
    GsaError
        As for `delong`.
    """
    from scipy.special import ndtr, ndtri

    parts = [_fold(*fold) for fold in folds]
    areas = np.mean([part[0] for part in parts], axis=0)
    error = float(np.sqrt(sum(part[1] for part in parts)) / len(parts))
    difference = float(areas[0] - areas[1])
    z = difference / error if error > 0 else np.nan
    reach = float(ndtri((1 + level) / 2)) * error
    p = float(2 * ndtr(-abs(z)))
    return DeLong(float(areas[0]), float(areas[1]), difference, error, difference - reach, difference + reach, z, p)


def placements(labels, scores) -> Placement:
    """Place every record among those of the other class, in the time of a sort.

    Parameters
    ----------
    labels, scores : array_like, shape (n_records,)

    Returns
    -------
    Placement
    """
    from scipy.stats import rankdata

    positive, scores = np.asarray(labels) == 1, np.asarray(scores, float)
    m, n = int(positive.sum()), int((~positive).sum())
    ranks = rankdata(scores)
    above = (ranks[positive] - rankdata(scores[positive])) / n
    below = 1 - (ranks[~positive] - rankdata(scores[~positive])) / m
    return Placement(above, below)


def _fold(labels, first, second, groups):
    """Return both AUROCs of one fold and the variance of their difference."""
    labels = np.asarray(labels, float)
    runs = [np.atleast_2d(np.asarray(model, float)) for model in (first, second)]
    _check(labels, runs)
    placed = [[placements(labels, scores) for scores in model] for model in runs]
    means = [Placement(*(np.mean(part, axis=0) for part in zip(*model, strict=True))) for model in placed]
    areas = [float(mean.positives.mean()) for mean in means]
    # what each record adds to the difference, centred
    difference = [a - b - (areas[0] - areas[1]) for a, b in zip(*means, strict=True)]
    return areas, _variance(labels, difference, groups)


def _variance(labels, centred, groups):
    """Return the variance of a mean placement, summed within groups; the covariance of the classes is 0 without."""
    positive = labels == 1
    names = np.arange(len(labels)) if groups is None else np.unique(np.asarray(groups), return_inverse=True)[1].ravel()
    if len(names) != len(labels):
        raise GsaError("Groups do not line up with the records", expected=str(len(labels)), found=str(len(names)))
    sums, counts = np.zeros((2, names.max() + 1)), []
    for row, (rows, values) in enumerate(zip((positive, ~positive), centred, strict=True)):
        np.add.at(sums[row], names[rows], values)
        counts.append(len(np.unique(names[rows])))
    if min(counts) < 2:
        found = f"{counts[0]} and {counts[1]}"
        raise GsaError("DeLong's test needs two independent records of each class", found=found)
    n_all, sizes = len(np.unique(names)), np.array([positive.sum(), (~positive).sum()])
    spread = (sums**2).sum(1) * np.array(counts) / (np.array(counts) - 1) / sizes**2
    shared = 2 * (sums[0] @ sums[1]) * n_all / (n_all - 1) / sizes.prod()
    return max(float(spread.sum() + shared), 0.0)


def _check(labels, runs):
    if any(model.shape[1:] != labels.shape for model in runs):
        shapes = ", ".join(str(model.shape[1:]) for model in runs)
        raise GsaError("Labels and scores do not line up", expected=f"shape {labels.shape}", found=shapes)
    if not np.isin(labels, (0.0, 1.0)).all():
        raise GsaError("A binary label is neither 0 nor 1", found=f"labels from {labels.min():g} to {labels.max():g}")

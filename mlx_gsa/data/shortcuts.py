"""What base composition and length alone can tell of the label: a model may learn these instead of sites."""

from dataclasses import dataclass

import numpy as np

AUROC_ALARM, R_ALARM = 0.6, 0.3
ALL = "negatives"  # the name under which several kinds are taken together


@dataclass(frozen=True)
class Shortcut:
    """How well GC and length alone predict one thing.

    Attributes
    ----------
    name : str
        What the positives are told from (a kind of negatives, or ``negatives`` for all together), the class that is
        told from all others, or ``label`` of a regression.
    records : int
        Negatives of this kind, records of this class, or all.
    measure : str
        ``AUROC``, 0.5 to 1, whichever class has more; or ``r``, Pearson's, -1 to 1.
    gc, length : float
        NaN where all values are the same or there is but one class.
    """

    name: str
    records: int
    measure: str
    gc: float
    length: float

    def alarming(self, what):
        """Say whether ``gc`` or ``length`` alone predicts more than it should: AUROC above 0.6, or |r| above 0.3."""
        return abs(getattr(self, what)) > (AUROC_ALARM if self.measure == "AUROC" else R_ALARM)


def find_shortcuts(task, labels, names, gc, lengths):
    """Measure what GC and length alone tell of the label.

    Parameters
    ----------
    task : str
        ``regression``, ``binary`` or ``multiclass``.
    labels : np.ndarray, shape (n,)
    names : np.ndarray of str, shape (n,)
        Class of each record, or its kind where there are several kinds of negatives; not read for a regression.
    gc, lengths : np.ndarray, shape (n,)
        Records without GC (NaN) do not count.

    Returns
    -------
    list of Shortcut
        Binary: one per kind of negatives, and all together where there are several. Multiclass: one per class,
        against all others. Regression: one.
    """
    if task == "regression":
        return [Shortcut("label", len(labels), "r", pearson_r(gc, labels), pearson_r(lengths, labels))]
    found = []
    if task == "binary":
        positives, kinds = labels == 1, list(dict.fromkeys(names[labels == 0].tolist()))
        pairs = [(kind, positives | ((labels == 0) & (names == kind))) for kind in kinds]
        pairs += [(ALL, np.ones(len(labels), dtype=bool))] if len(kinds) > 1 else []
        for name, rows in pairs:
            values = (either_auroc(x[rows], positives[rows]) for x in (gc, lengths))
            found.append(Shortcut(name, int((~positives[rows]).sum()), "AUROC", *values))
        return found
    for name in dict.fromkeys(names[np.argsort(labels, kind="stable")].tolist()):
        inside = names == name
        found.append(Shortcut(name, int(inside.sum()), "AUROC", *(either_auroc(x, inside) for x in (gc, lengths))))
    return found


def rank_auroc(values, positive):
    """Return the chance that a positive has a larger value than a negative, ties counting half.

    Parameters
    ----------
    values : np.ndarray, shape (n,)
        NaN are left out.
    positive : np.ndarray of bool, shape (n,)

    Returns
    -------
    float
        0 to 1; NaN if there is but one class.

    Source: Mann & Whitney 1947, from the sum of the positives' mid-ranks.
    """
    known = np.isfinite(values)
    values, positive = np.asarray(values)[known], np.asarray(positive, dtype=bool)[known]
    n_positive = int(positive.sum())
    n_negative = len(positive) - n_positive
    if not n_positive or not n_negative:
        return float("nan")
    _, number, times = np.unique(values, return_inverse=True, return_counts=True)
    middle = np.cumsum(times) - (times - 1) / 2
    ranks = middle[number][positive].sum()
    return float((ranks - n_positive * (n_positive + 1) / 2) / (n_positive * n_negative))


def either_auroc(values, positive):
    """Return `rank_auroc` of the better direction, 0.5 to 1: a model may use a difference of either sign."""
    auroc = rank_auroc(values, positive)
    return max(auroc, 1 - auroc)


def pearson_r(values, labels):
    """Return Pearson's r over the records with a value; NaN where either does not vary.

    Parameters
    ----------
    values, labels : np.ndarray, shape (n,)
    """
    known = np.isfinite(values)
    x, y = (np.asarray(a, dtype=float)[known] for a in (values, labels))
    if len(x) < 2 or np.ptp(x) == 0 or np.ptp(y) == 0:
        return float("nan")
    return float(np.corrcoef(x, y)[0, 1])

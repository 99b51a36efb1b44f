"""Whether a motif at kept positions goes with the label: what a selector that learned noise cannot fake.

A selector keeps what its filters like, also one that was trained on shuffled labels; its taste is enriched at what it
keeps, and says nothing. So a motif has to tell something about the labels of records that were never trained on, beyond
what their GC content and length tell.
"""

from typing import NamedTuple

import numpy as np

from mlx_gsa.motifs.controls import by_group
from mlx_gsa.motifs.significance import q_values, sign_flip_test


class Association(NamedTuple):
    """How the label goes with a motif.

    ``effect`` is the mean label of records with a kept site less that of the others, in standard deviations of the
    label (of several classes: of the class that differs most, ``which``); ``n`` records have one; ``p`` is two-sided,
    with GC content and length taken out, by flipping signs of whole groups of records.
    """

    effect: float
    which: int
    n: int
    p: float
    q: float


def label_columns(dataset, indices, output=0) -> np.ndarray:
    """Return what is to be explained of records: shape (n, 1), or a column for each class.

    Parameters
    ----------
    dataset : Dataset
    indices : np.ndarray of int, shape (n,)
    output : int
        Of several labels, the one to take.
    """
    labels = np.asarray(dataset.labels, np.float64)[indices]
    if dataset.task == "multiclass":
        return (labels[:, None] == np.arange(len(dataset.classes or np.unique(labels)))).astype(float)
    return labels[:, None] if labels.ndim == 1 else labels[:, [output]]


def covariates(sequences) -> np.ndarray:
    """Return GC share, its square and the logarithm of the length of sequences; shape (n, 3)."""
    gc = np.array([np.isin(tokens, (1, 2)).sum() / max((tokens < 4).sum(), 1) for tokens in sequences])
    length = np.log(np.array([max(len(tokens), 1) for tokens in sequences], float))
    return np.stack([gc, gc**2, length], axis=1)


def associate(found, labels, beside, groups, permutations=1000, seed=0) -> list[Association]:
    """Test for each motif whether the label differs between records with and without it.

    Parameters
    ----------
    found : np.ndarray of bool, shape (n, M)
        Whether a record has the motif at a kept position.
    labels : np.ndarray, shape (n, C)
        Records with a NaN are left out.
    beside : np.ndarray, shape (n, Q)
        What labels and motifs are freed from first, by least squares.
    groups : np.ndarray, shape (n,)
        Records of one group are not independent: their contributions to the covariance change sign together.
    permutations, seed : int

    Returns
    -------
    list of Association
        One per motif; p = 1 where it is in all or in none of the records. Of several classes the smallest p, times
        their number.

    Source: Kline & Santos, J Econometric Methods 2012 (score bootstrap): without an association the sums of a group's
    products of residuals are as likely positive as negative.
    """
    known = ~np.isnan(labels).any(axis=1)
    found, labels, beside, groups = found[known].astype(float), labels[known], beside[known], groups[known]
    p = _score_test(_freed(found, beside), _freed(labels, beside), groups, permutations, seed)
    p[(found.sum(axis=0) == 0) | (found.sum(axis=0) == len(found))] = 1.0
    q, spread, results = q_values(p), np.maximum(labels.std(axis=0), 1e-12), []
    for motif in range(found.shape[1]):
        has = found[:, motif] > 0
        effects = np.zeros(labels.shape[1])
        if has.any() and not has.all():
            effects = (labels[has].mean(axis=0) - labels[~has].mean(axis=0)) / spread
        which = int(np.abs(effects).argmax())
        results.append(Association(float(effects[which]), which, int(has.sum()), float(p[motif]), float(q[motif])))
    return results


def _freed(values, beside):
    """Take out of each column what the covariates explain of it."""
    design = np.column_stack([np.ones(len(beside)), beside])
    return values - design @ np.linalg.lstsq(design, values, rcond=None)[0]


def _score_test(x, y, groups, permutations, seed):
    """Return two-sided p-values of the covariance of each column of x with those of y; shape (M,)."""
    products = (x[:, :, None] * y[:, None, :]).reshape(len(x), -1)
    sums = by_group(products, groups)
    p = sign_flip_test(np.concatenate([sums, -sums], axis=1), permutations, seed).p
    two_sided = np.minimum(1.0, 2 * p.reshape(2, -1).min(axis=0))
    return np.minimum(1.0, two_sided.reshape(x.shape[1], -1).min(axis=1) * y.shape[1])

"""Strata of a binary split: GC-matched records, and the positives against each kind of negatives.

A model that only reads composition does well wherever the classes differ in GC. Within the GC-matched stratum GC says
(nearly) nothing, so what is left there is what the model knows beyond it.
"""

from dataclasses import dataclass

import numpy as np

from mlx_gsa.data.gc_match import BIN, gc_contents, matched_rows
from mlx_gsa.evaluation.bootstrap import bootstrap_intervals, paired_difference_intervals
from mlx_gsa.evaluation.prediction import METRICS, auroc

ALL, MATCHED = "all", "GC-matched"
KIND = "kind"
UNKNOWN_GC = 0.5  # of a record without a known base


@dataclass(frozen=True, eq=False)
class Stratum:
    """Some of the records that are scored.

    Attributes
    ----------
    name : str
        ``all``, ``GC-matched`` or ``against KIND``.
    rows : np.ndarray of int64
        Places among the records scored, ascending.
    gc_auroc : float
        What GC content alone reaches within the stratum; below 0.5 where the negatives are richer in GC.
    """

    name: str
    rows: np.ndarray
    gc_auroc: float


def make_strata(dataset, indices, width=BIN, seed=0) -> list[Stratum]:
    """Find the strata of the records to be scored.

    Parameters
    ----------
    dataset : Dataset
    indices : np.ndarray of int
        Numbers of the records to be scored.
    width : float
        Of the bins of GC content within which the classes are made equally many.
    seed : int
        Of the choice of records within a bin.

    Returns
    -------
    list of Stratum
        All records; the GC-matched ones, where there are any; the positives with each kind of negatives, where the
        records have a column ``kind`` with more than one. Empty unless the task is binary with one label.
    """
    if dataset.task != "binary" or getattr(dataset.manifest, "outputs", None):
        return []
    labels = np.asarray(dataset.records.label)[indices]
    gc = np.nan_to_num(gc_contents(dataset, indices), nan=UNKNOWN_GC)
    found = {ALL: np.arange(len(labels)), MATCHED: matched_rows(gc, labels, width, seed)}
    if KIND in dataset.records.extra:
        kinds = np.asarray(dataset.records.extra[KIND], dtype=object)[indices]
        names = sorted(set(kinds[labels == 0].tolist()))
        for name in names if len(names) > 1 else ():
            found[f"against {name}"] = np.flatnonzero((labels == 1) | (kinds == name))
    return [Stratum(name, rows, auroc(labels[rows], gc[rows])) for name, rows in found.items() if len(rows)]


def score_strata(strata, labels, predictions, *, n=1000, seed=0, groups=None, level=0.95) -> list[dict]:
    """Score a model within each stratum.

    Parameters
    ----------
    strata : list of Stratum
    labels, predictions : np.ndarray, shape (n_records,)
        Of all records scored.
    n, seed, groups, level
        As for `bootstrap_interval`.

    Returns
    -------
    list of dict
        ``name``, ``n``, ``n_positive``, ``gc_auroc`` and ``metrics`` (Interval by name).
    """
    rows = []
    for one in strata:
        options = _options(one, n, seed, groups, level)
        metrics = bootstrap_intervals(METRICS["binary"], labels[one.rows], predictions[one.rows], **options)
        count = {"n": len(one.rows), "n_positive": int(labels[one.rows].sum())}
        rows.append({"name": one.name, **count, "gc_auroc": one.gc_auroc, "metrics": metrics})
    return rows


def compare_strata(strata, labels, predictions, other, *, n=1000, seed=0, groups=None, level=0.95) -> list[dict]:
    """Score another model within each stratum, and by how much the first one is better, record by record paired.

    Parameters
    ----------
    strata, labels, predictions, n, seed, groups, level
        As for `score_strata`.
    other : np.ndarray, shape (n_records,)
        Predictions of the other model.

    Returns
    -------
    list of dict
        ``name``, ``metrics`` of the other model and ``difference`` (first less other), both Interval by name.
    """
    rows = []
    for one in strata:
        options = _options(one, n, seed, groups, level)
        mine, theirs, truth = predictions[one.rows], other[one.rows], labels[one.rows]
        rows.append(
            {
                "name": one.name,
                "metrics": bootstrap_intervals(METRICS["binary"], truth, theirs, **options),
                "difference": paired_difference_intervals(METRICS["binary"], truth, mine, theirs, **options),
            }
        )
    return rows


def _options(stratum, n, seed, groups, level):
    """Return the options of the bootstrap within a stratum; no interval where one group is all of it."""
    inside = None if groups is None else np.asarray(groups)[stratum.rows]
    if inside is not None and len(np.unique(inside)) < 2:
        return {"n": 0, "seed": seed, "groups": None, "level": level}
    return {"n": n, "seed": seed, "groups": inside, "level": level}

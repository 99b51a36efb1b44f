"""Parts of the test records scored apart over folds: GC-matched ones, and long ones.

A model that only reads composition does well wherever the classes differ in GC; within the GC-matched records that
tells (nearly) nothing.
"""

from dataclasses import replace

import numpy as np

from mlx_gsa.data.gc_match import gc_contents, matched_rows
from mlx_gsa.evaluation.matching import MATCHED, UNKNOWN_GC
from mlx_gsa.experiments.pooled_folds import PooledFolds


def strata_of(pool, min_lengths=()) -> dict[str, PooledFolds]:
    """Find the strata of pooled folds.

    Parameters
    ----------
    pool : PooledFolds
    min_lengths : iterable of int
        In bp.

    Returns
    -------
    dict of str to PooledFolds
        ``GC-matched``, of a binary task with one output: in every fold equally many of both classes at every GC
        content. ``at least N bp`` for each length, if that leaves some out. A fold without two labels in a stratum is
        left out of it, a stratum without folds altogether. Empty where the data set is not here.
    """
    if pool.dataset is None:
        return {}
    number = {name: row for row, name in enumerate(pool.dataset.records.id.tolist())}
    rows = {fold: np.array([number[name] for name in ids.tolist()]) for fold, ids in pool.ids.items()}
    keep = {}
    if pool.task == "binary" and not pool.outputs:
        keep[MATCHED] = {fold: _matched(pool, fold, rows[fold]) for fold in rows}
    for length in sorted(min_lengths):
        long = {fold: np.flatnonzero(pool.dataset.lengths[rows[fold]] >= length) for fold in rows}
        if any(len(long[fold]) < len(rows[fold]) for fold in rows):
            keep[f"at least {length} bp"] = long
    found = {name: restrict(pool, places) for name, places in keep.items()}
    return {name: part for name, part in found.items() if part.folds}


def restrict(pool, places) -> PooledFolds:
    """Keep some of the records of each fold.

    Parameters
    ----------
    pool : PooledFolds
    places : dict of fold to np.ndarray of int
        Of the records kept, in the order of the fold.

    Returns
    -------
    PooledFolds
        Without the folds that have fewer than two labels left, and the models that have no fold left. Where all records
        left of a fold are of one group they are resampled singly.
    """
    folds = {}
    for number, fold in pool.folds.items():
        kept = places[number]
        labels = fold.labels[kept]
        if len(np.unique(labels[~np.isnan(labels)])) > 1:
            groups = None if fold.groups is None else fold.groups[kept]
            groups = None if groups is not None and len(set(groups.tolist())) < 2 else groups
            predictions = {name: [run[kept] for run in runs] for name, runs in fold.predictions.items()}
            folds[number] = fold._replace(labels=labels, predictions=predictions, groups=groups)
    known = {name for fold in folds.values() for name in fold.predictions}
    return replace(
        pool, folds=folds, runs={name: runs for name, runs in pool.runs.items() if name in known},
        simple=[name for name in pool.simple if name in known],
        ids={number: pool.ids[number][places[number]] for number in folds},
    )  # fmt: skip


def _matched(pool, fold, rows):
    content = np.nan_to_num(gc_contents(pool.dataset, rows), nan=UNKNOWN_GC)
    return matched_rows(content, pool.folds[fold].labels)

"""The runs of one data set put together by fold: the same records in the same order, related ones known."""

from collections import defaultdict
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from mlx_gsa.data.dataset import Dataset
from mlx_gsa.errors import RunError
from mlx_gsa.evaluation.compare import align
from mlx_gsa.evaluation.cross_validation import Fold


@dataclass(frozen=True, eq=False)
class PooledFolds:
    """Everything that models predicted for one data set.

    Attributes
    ----------
    name, task, data_hash : str
    outputs : list of str or None
        Of several outputs; simple models are then not known.
    folds : dict of int or None to Fold
        By number; None is the data set's own split. Predictions are lists, one per seed.
    seeds : dict of (str, fold) to list of int
        Of each model in each fold; simple models have none.
    runs : dict of str to list of CollectedRun
        By model.
    simple : list of str
        Names of the simple models.
    n_train : dict of fold to int
        Records that were trained on; where the data set is not here, all those of the other folds.
    n_test : dict of fold to int
        Records of the whole fold, also where only some of them are scored.
    grouped : bool
        Whether related records are resampled together.
    notes : list of str
        What could not be known.
    ids : dict of fold to np.ndarray of str, shape (n,)
        Names of the records, in the order of the folds.
    dataset : Dataset or None
        None where it is not here, or has changed.
    """

    name: str
    task: str
    data_hash: str
    outputs: list | None
    folds: dict
    seeds: dict
    runs: dict
    simple: list
    n_train: dict
    n_test: dict
    grouped: bool
    notes: list
    ids: dict
    dataset: Dataset | None


def pool_runs(name, runs, by_group=True) -> PooledFolds:
    """Put the runs of one data set together.

    Parameters
    ----------
    name : str
    runs : list of CollectedRun
    by_group : bool
        Know related records, where the data set has some and is here.

    Returns
    -------
    PooledFolds

    Raises
    ------
    RunError
        Runs of different data, of different records within a fold, or of folds that share test records.
    """
    _check_same_data(runs)
    by_fold = defaultdict(list)
    for run in runs:
        by_fold[run.fold].append(run)
    notes, tables = [], {number: _aligned(by_fold[number]) for number in sorted(by_fold, key=_order)}
    ids = {number: by_fold[number][0].table.ids for number in tables}
    _check_disjoint(name, ids)
    dataset = _open(runs[0], notes)
    group_of = _groups(dataset) if by_group and dataset else None
    folds, seeds = {}, {}
    for number, (labels, predictions, simple) in tables.items():
        by_model = defaultdict(list)
        for run, found in zip(by_fold[number], predictions, strict=True):
            by_model[run.model].append(found)
            seeds.setdefault((run.model, number), []).append(run.seed)
        groups = group_of and np.array([group_of[each] for each in ids[number].tolist()], object)
        folds[number] = Fold(labels, {**by_model, **{k: [v] for k, v in simple.items()}}, groups, number)
    by_name = defaultdict(list)
    for run in runs:
        by_name[run.model].append(run)
    return PooledFolds(
        name, runs[0].table.task, runs[0].evaluation["manifest"]["data_hash"], runs[0].table.outputs, folds, seeds,
        dict(by_name), list(dict.fromkeys(each for fold in tables.values() for each in fold[2])),
        _n_train(dataset, folds), {number: len(fold.labels) for number, fold in folds.items()}, group_of is not None,
        notes, ids, dataset,
    )  # fmt: skip


def _order(number):
    return -1 if number is None else number


def _aligned(runs):
    """Return labels, the predictions of each run, and those of each simple model, all of the same records."""
    tables = [run.table for run in runs]
    labels, predictions = align(tables)
    simple = {}
    for table in tables:
        for name, column in table.simple.items():
            if name not in simple:  # fitted on the split alone: every run of the fold has the same
                simple[name] = align([tables[0], replace(table, predictions=column)])[1][1]
    return labels, predictions, simple


def _check_same_data(runs):
    for run in runs[1:]:
        mine, first = (each.evaluation["manifest"]["data_hash"] for each in (run, runs[0]))
        if mine != first:
            raise RunError(
                "Runs were evaluated on different data of the same name", where=f"{runs[0].folder} and {run.folder}",
                expected=first[:12], found=mine[:12], mend="Evaluate both on the same data set.",
            )  # fmt: skip


def _check_disjoint(name, ids):
    seen = {}
    for number, fold in ids.items():
        again = next((each for each in fold.tolist() if each in seen), None)
        if again is not None:
            both = f"{_fold_name(seen[again])} and {_fold_name(number)}"
            raise RunError(
                "A record was tested in two folds, so they cannot be averaged", where=f"{name}, record {again}",
                found=both, mend="Compare runs of one way of splitting only.",
            )  # fmt: skip
        seen |= dict.fromkeys(fold.tolist(), number)


def _fold_name(number):
    return "the data set's own split" if number is None else f"fold {number}"


def _open(run, notes):
    """Open the data set, None with a note where it is not here or not the same."""
    path = Path(run.evaluation["manifest"]["dataset"])
    if not path.is_dir():
        notes.append(f"{path} is not here: related records are not known, and are resampled singly")
        return None
    dataset = Dataset.open(path, verify=False)
    if dataset.data_hash != run.evaluation["manifest"]["data_hash"]:
        notes.append(f"{path} has changed since: related records are not known, and are resampled singly")
        return None
    return dataset


def _groups(dataset):
    """Return the group of each record by its name; None where no two records share one."""
    records = dataset.records
    if len(np.unique(records.group.astype(str))) == len(records):
        return None
    return dict(zip(records.id.tolist(), records.group.tolist(), strict=True))


def _n_train(dataset, folds):
    if dataset is not None:
        return {number: len(dataset.with_fold(number).indices("train")) for number in folds}
    total = sum(len(fold.labels) for fold in folds.values())
    return {number: total - len(fold.labels) for number, fold in folds.items()}

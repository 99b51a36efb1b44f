"""Runs held against each other on the same records: retention of a sparse model, and differences between runs."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from mlx_gsa.errors import GsaError, RunError
from mlx_gsa.evaluation.bootstrap import Interval, paired_ratio_interval
from mlx_gsa.evaluation.cross_validation import Fold, p_at_most, score_fold
from mlx_gsa.evaluation.prediction import METRICS

MARGINS = (0.95, 0.90)
KNOWN = ("id", "label", "prediction")  # columns of every table; the others are those of simple models


@dataclass(frozen=True, eq=False)
class Predictions:
    """What a run predicted for the records of one split, as `gsa evaluate` left it in the run folder.

    Attributes
    ----------
    where : str
        The file it came from.
    task : str
    ids : np.ndarray of str (object), shape (n,)
    labels : np.ndarray, shape (n,)
    predictions : np.ndarray, shape (n,) or (n, C)
    simple : dict of str to np.ndarray, shape (n,)
        What simple models predicted, by their names, where `gsa evaluate --baseline` fitted some.
    outputs : list of str or None
        Names of several outputs, if all of them were read: labels (nan where not measured) and predictions then have
        shape (n, n_outputs).
    """

    where: str
    task: str
    ids: np.ndarray
    labels: np.ndarray
    predictions: np.ndarray
    simple: dict = field(default_factory=dict)
    outputs: list | None = None


@dataclass(frozen=True)
class Retention:
    """How much of a metric sparse models keep of what full models reach.

    Attributes
    ----------
    metric : str
    n_records : int
    sparse, full : list of float
        The metric of each seed's run.
    per_seed : list of Interval
        sparse / full of each seed; intervals over test records.
    pooled : Interval
        Mean over seeds of the sparse metric, over that of the full one; every resample of records is scored with
        all runs. The interval covers the choice of test records; `per_seed` shows what seeds add.
    p_inferior : dict of float to float
        Per margin, one-sided p of "retention is at most this margin": small means not inferior.
    """

    metric: str
    n_records: int
    sparse: list
    full: list
    per_seed: list
    pooled: Interval
    p_inferior: dict

    def to_dict(self) -> dict:
        """Give everything as plain dictionaries, lists and numbers."""
        plain = vars(self) | {"pooled": self.pooled.to_dict(), "per_seed": [each.to_dict() for each in self.per_seed]}
        return plain | {"p_inferior": {f"{margin:g}": p for margin, p in self.p_inferior.items()}}


def read_predictions(run, name="evaluation", every_output=False) -> Predictions:
    """Read the predictions that `gsa evaluate` wrote.

    Parameters
    ----------
    run : str or Path
        Run folder, or whatever was given as ``--out``.
    name : str
        ``evaluation`` for the run's own test split; see `Evaluation.name`.
    every_output : bool
        Of several outputs read all; otherwise the first, and only the records that have its label.

    Returns
    -------
    Predictions

    Raises
    ------
    RunError
        The files are missing or damaged.
    """
    table, facts = Path(run) / f"{name}-predictions.tsv", Path(run) / f"{name}.json"
    try:
        described = json.loads(facts.read_text(encoding="utf-8"))
        columns = _read_columns(table)
        return _as_predictions(str(table), described["task"], described.get("outputs"), columns, every_output)
    except FileNotFoundError as error:
        raise RunError("run has not been evaluated", where=str(error.filename), mend=f"gsa evaluate {run}") from None
    except (OSError, ValueError, KeyError) as error:
        raise RunError(
            "predictions cannot be read", where=str(table), found=str(error), mend=f"gsa evaluate {run}"
        ) from None


def _read_columns(path):
    lines = path.read_bytes().decode("utf-8", "surrogateescape").split("\n")
    heads, *rows = (line.split("\t") for line in lines[:-1])
    return dict(zip(heads, zip(*rows, strict=True), strict=True))


def _as_predictions(where, task, outputs, columns, every_output):
    if outputs and every_output:
        endings = ["", *(f":{name}" for name in outputs[1:])]  # the first output's columns have the plain names
        labels, values = (
            np.array([columns[f"{head}{ending}"] for ending in endings], float).T for head in ("label", "prediction")
        )
        return Predictions(where, task, np.array(columns["id"], object), labels, values, outputs=list(outputs))
    names = [head for head in columns if head.startswith("p_")] if task == "multiclass" else ["prediction"]
    values, labels = np.array([columns[each] for each in names], float), np.array(columns["label"], float)
    known = ~np.isnan(labels)  # the first of several labels may be missing
    simple = {} if task == "multiclass" or outputs else {head: columns[head] for head in columns if head not in KNOWN}
    return Predictions(
        where, task, np.array(columns["id"], object)[known], labels[known],
        (values.T if task == "multiclass" else values[0])[known],
        {head: np.array(column, float)[known] for head, column in simple.items()},
    )  # fmt: skip


def align(tables: Sequence[Predictions]) -> tuple[np.ndarray, list[np.ndarray]]:
    """Put the predictions of several runs in the order of the first one's records.

    Parameters
    ----------
    tables : sequence of Predictions

    Returns
    -------
    np.ndarray, shape (n,)
        Labels.
    list of np.ndarray, each shape (n,) or (n, C)
        Predictions of each run.

    Raises
    ------
    RunError
        The runs were not evaluated on the same records with the same labels.
    """
    first = tables[0]
    row_of = {name: row for row, name in enumerate(first.ids)}
    aligned = []
    for table in tables:
        rows = [row_of.get(name, -1) for name in table.ids]
        if sorted(rows) != list(range(len(first.ids))) or not _same(table.labels, first.labels[rows]):
            raise RunError(
                "Runs were evaluated on different records",
                where=f"{first.where} and {table.where}",
                mend="Evaluate both on the same data set and split.",
            )
        order = np.argsort(rows)
        aligned.append(table.predictions[order])
    return first.labels, aligned


def _same(labels, others):
    """Compare labels; a label that was not measured is the same as another such."""
    return np.array_equal(labels, others, equal_nan=True)


def retention(
    sparse_evaluations: Sequence[Predictions],
    full_evaluations: Sequence[Predictions],
    metric: str | None = None,
    n=1000,
    seed=0,
    groups=None,
    level=0.95,
    margins=MARGINS,
) -> Retention:
    """Compute what share of a metric sparse runs keep of full runs, over seeds and test records.

    Parameters
    ----------
    sparse_evaluations, full_evaluations : sequence of Predictions, the same number
        One of each per seed, in the same order of seeds; all of the same records.
    metric : str, optional
        A name of `prediction.METRICS`; otherwise the task's leading one.
    n, seed, groups, level
        As for `bootstrap_interval`; groups in the order of the first sparse run's records.
    margins : sequence of float
        Shares below which a sparse model would count as inferior.

    Returns
    -------
    Retention
        nan where a full model's metric is not positive.

    Raises
    ------
    RunError
        The runs were not evaluated on the same records.
    GsaError
        Unequal numbers of runs, none, or a metric that the task does not have.

    See Also
    --------
    cross_validation : pools over folds as well, and does the work here.
    """
    sparse, full = list(sparse_evaluations), list(full_evaluations)
    if not sparse or len(sparse) != len(full):
        raise GsaError(
            "Retention needs a full run for each sparse run", found=f"{len(sparse)} sparse and {len(full)} full"
        )
    name, function = _metric(sparse[0].task, metric)
    labels, predictions = align(sparse + full)
    fold = Fold(labels, {"sparse": predictions[: len(sparse)], "full": predictions[len(sparse) :]}, groups)
    found = score_fold({name: function}, fold, fold.predictions, n, seed)
    scores = [found[half][name] for half in ("sparse", "full")]
    pooled = scores[0].over(scores[1])
    pairs = zip(*fold.predictions.values(), strict=True)
    return Retention(
        metric=name,
        n_records=len(labels),
        sparse=scores[0].seeds,
        full=scores[1].seeds,
        per_seed=[paired_ratio_interval(function, labels, *pair, n, seed, groups, level) for pair in pairs],
        pooled=pooled.interval(level),
        p_inferior={margin: p_at_most(pooled.draws, margin) for margin in margins},
    )


def _metric(task, name):
    metrics = METRICS[task]
    name = name or next(iter(metrics))
    if name not in metrics:
        raise GsaError("Unknown metric", where=task, expected=", ".join(metrics), found=name)
    return name, metrics[name]

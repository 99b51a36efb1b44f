"""Which records of a split to look for motifs in: those that a model is asked to explain."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from mlx_gsa.errors import DatasetError
from mlx_gsa.evaluation.selection import SelectionTally
from mlx_gsa.explain.records import class_records

TOP_SHARE = 1 / 3  # of a regression, by prediction


class Chosen(NamedTuple):
    """Numbers of the records, ``words`` for what they are, and of how many they were chosen."""

    rows: np.ndarray
    words: str
    of: int


class Survey(NamedTuple):
    """A model's predictions for a whole split, shape (n,), and what it selects there beside known sites, if any."""

    rows: np.ndarray
    predictions: np.ndarray
    tally: SelectionTally | None


def survey(predictor, dataset, split="test", seed=0, batch_size=32, progress: Callable | None = None) -> Survey:
    """Run a model over a split.

    Parameters
    ----------
    predictor : Predictor
    dataset : Dataset
    split : str
    seed : int
        Of ties in the relevance ranking.
    batch_size : int
    progress : callable, optional
        Called as ``progress(done, total, note)``.

    Returns
    -------
    Survey
        Predictions are those of the first output, or of a multiclass task the number of the likeliest class.

    Raises
    ------
    DatasetError
        The split has no record.
    """
    rows = dataset.indices(split)
    if not len(rows):
        raise DatasetError("the split is empty", where=f"{dataset.path}, {split}", mend="Choose another --split.")
    tally = None if dataset.sites is None else SelectionTally(seed=seed)
    output = predictor.outputs.index(dataset.outputs[0]) if dataset.outputs else 0
    predictions = []
    stream = predictor.predict((dataset.sequence(int(i)) for i in rows), batch_size=batch_size)
    for row, found in zip(rows, stream, strict=True):
        value = found.prediction.argmax() if dataset.task == "multiclass" else found.prediction[output]
        predictions.append(float(value))
        if tally is not None:
            tally.add(found.relevance, found.kept, dataset.sites.of(int(row)))
        if progress is not None:
            progress(len(predictions), len(rows), "predictions")
    return Survey(rows, np.array(predictions), tally)


def choose_records(
    dataset, surveyed: Survey, split="test", class_name: str | None = None, min_score: float | None = None,
    limit: int | None = None,
) -> Chosen:  # fmt: skip
    """Choose the records whose motifs are asked for.

    Parameters
    ----------
    dataset : Dataset
    surveyed : Survey
        Of the same split.
    split : str
    class_name : str, optional
        Name or number of a class. Default: class 1 of a binary task.
    min_score : float, optional
        Least prediction (value, or probability of class 1). Default for a regression: the third of highest prediction.
    limit : int, optional
        At most so many, evenly along the order of the data set.

    Returns
    -------
    Chosen

    Raises
    ------
    DatasetError
        No record is left, there is no such class, or `min_score` with a multiclass task.
    """
    rows, words = surveyed.rows, f"{split} records"
    if class_name is None and dataset.task == "binary":
        class_name = "1"
    if class_name is not None:
        rows = class_records(dataset, split, class_name).rows
        names = dataset.classes or ["0", "1"]
        words = f"{split} records of class {class_name if class_name in names else names[int(class_name)]}"
    predictions = surveyed.predictions[np.searchsorted(surveyed.rows, rows)]
    total = len(rows)
    if min_score is not None:
        if dataset.task == "multiclass":
            raise DatasetError("several classes have no single score", mend="Choose records with --class.")
        rows, words = rows[predictions >= min_score], f"{words} predicted {min_score:g} or more"
    elif dataset.task == "regression":
        best = np.argsort(-predictions, kind="stable")[: max(1, round(TOP_SHARE * total))]
        rows, words = rows[np.sort(best)], f"the third of the {words} with the highest prediction"
    if not len(rows):
        highest = f"the highest prediction is {predictions.max():.4g}" if len(predictions) else "none"
        raise DatasetError("no record is left", where=words, found=highest, mend="Choose a lower --min-score.")
    if limit is not None and limit < len(rows):
        rows, words = rows[np.arange(limit) * len(rows) // limit], f"{limit:,} of {len(rows):,} {words}"
    return Chosen(rows, words, total)

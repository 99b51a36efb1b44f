"""Parts of the test records scored apart, over all folds: GC-matched ones, long ones."""

import numpy as np

from mlx_gsa.data.gc_match import gc_contents, matched_rows
from mlx_gsa.evaluation.cross_validation import Fold, mean_over_folds
from mlx_gsa.evaluation.prediction import METRICS

OPTIONS = {"n": 1000, "seed": 0, "level": 0.95}
COLUMNS = ("k-mers", "GC content")  # simple models scored beside the variants


def score_strata(dataset, tables, min_lengths=()):
    """Score variants and simple models on parts of the test records.

    Parameters
    ----------
    dataset : Dataset
    tables : dict of (str, int or None) to dict
        Variant and fold to ``rows`` (numbers of the records) and ``columns`` (name to predictions), see `read_table`;
        several seeds of a variant: the first one.
    min_lengths : sequence of int
        Records of so many bp or more are a part each.

    Returns
    -------
    dict of str to dict
        By part: model -> ``mean`` (value, low, high), ``values`` of each fold and ``n``. Binary tasks have the
        GC-matched records as a part, as `evaluation.matching` picks them.
    """
    name, metric = next(iter(METRICS[dataset.task].items()))
    found = {}
    for part, pick in _parts(dataset, min_lengths).items():
        folds = _folds(dataset, tables, pick)
        models = dict.fromkeys(model for fold in folds for model in fold.predictions)
        found[part] = {model: _mean(metric, folds, model) for model in models}
    return {"metric": name, "parts": found}


def read_table(path, dataset):
    """Read a table of predictions.

    Parameters
    ----------
    path : Path
        evaluation-predictions.tsv.
    dataset : Dataset

    Returns
    -------
    dict
        ``rows``: numbers of the records in the data set; ``columns``: prediction of the run and of simple models.
    """
    lines = path.read_bytes().decode("utf-8", "surrogateescape").split("\n")
    heads, *rows = (line.split("\t") for line in lines[:-1])
    columns = dict(zip(heads, zip(*rows, strict=True), strict=True))
    number = {name: i for i, name in enumerate(dataset.records.id.tolist())}
    wanted = [name for name in heads if name in ("prediction", *COLUMNS)]
    places = np.array([number[name] for name in columns["id"]])
    return {"rows": places, "columns": {name: np.array(columns[name], float) for name in wanted}}


def _parts(dataset, min_lengths):
    """Name the parts, each with how its rows are picked."""
    parts = {}
    if dataset.task == "binary":
        content, label = gc_contents(dataset, range(len(dataset))), dataset.records.label
        parts["GC-matched"] = lambda rows: rows[matched_rows(content[rows], label[rows])]
    for least in min_lengths:
        parts[f"at least {least} bp"] = lambda rows, least=least: rows[dataset.lengths[rows] >= least]
    return parts


def _folds(dataset, tables, pick):
    label, group, folds = dataset.records.label, dataset.records.group, {}
    for (variant, number), table in tables.items():
        place = np.isin(table["rows"], pick(table["rows"]))
        chosen = table["rows"][place]
        if len(np.unique(label[chosen])) < 2:
            continue  # nothing to tell apart
        fold = folds.setdefault(number, Fold(label[chosen], {}, group[chosen], number))
        fold.predictions[variant] = table["columns"]["prediction"][place]
        others = {name: column[place] for name, column in table["columns"].items() if name in COLUMNS}
        fold.predictions.update(others)
    return list(folds.values())


def _mean(metric, folds, model):
    own = [fold for fold in folds if model in fold.predictions]
    return {
        "mean": mean_over_folds(metric, own, model, **OPTIONS).to_dict(),
        "values": [float(metric(fold.labels, fold.predictions[model])) for fold in own],
        "n": sum(len(fold.labels) for fold in own),
    }

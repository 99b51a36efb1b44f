"""Models held against each other over seeds, folds and data sets: means, differences, retention, and their tests."""

import difflib
from typing import NamedTuple

import numpy as np

from mlx_gsa.errors import GsaError
from mlx_gsa.evaluation.compare import MARGINS
from mlx_gsa.evaluation.cross_validation import average, p_at_most, p_of_zero, score_fold
from mlx_gsa.evaluation.delong import delong_over_folds
from mlx_gsa.evaluation.jsonable import jsonable
from mlx_gsa.evaluation.multiple_testing import benjamini_hochberg
from mlx_gsa.evaluation.nadeau_bengio import corrected_t_test
from mlx_gsa.evaluation.outputs import metrics_of
from mlx_gsa.experiments.pooled_folds import pool_runs
from mlx_gsa.runtime import machine, versions

FORMAT, FORMAT_VERSION = "mlx_gsa.comparison", 1
FULL = "full"
CHANCE = {"auroc": 0.5, "macro_auroc": 0.5}
"""Metrics that a model without any knowledge gets more than 0 of, whatever the data."""


class Options(NamedTuple):
    """How to resample: ``n`` resamples, ``seed``, ``level`` of the intervals, ``by_group``, and the ``metric``."""

    n: int = 1000
    seed: int = 0
    level: float = 0.95
    by_group: bool = True
    metric: str | None = None


def compare_collection(
    collection, reference=None, data_sets=(), options: Options | None = None, command="", progress=None
) -> dict:
    """Hold the models of a collection against each other, data set by data set.

    Every model is held against the reference, and every run variant against each simple model and each CNN. Simple
    models are the further columns that `gsa evaluate --baseline` wrote.

    Parameters
    ----------
    collection : Collection
    reference : str, optional
        A model; otherwise the sweep's, else ``full``, else the first one.
    data_sets : sequence of str
        Only these; otherwise all.
    options : Options, optional
    command : str
        That repeats it, for the manifest.
    progress : callable, optional
        ``progress(done, total, note)`` after each fold.

    Returns
    -------
    dict
        For JSON: ``format``, ``manifest`` and ``datasets``, each with ``models`` and ``comparisons``. A comparison is
        made over the folds that both models have; ``means`` are theirs, in these folds. Intervals cover
        test records, see `evaluation.cross_validation`; ``nadeau_bengio`` stands for training records too. Over all
        comparisons ``q`` is Benjamini and Hochberg's of the bootstrap ``p``. Of several outputs the metric is the
        mean over them.

    Raises
    ------
    GsaError
        No such data set, model or metric, or see `pool_runs`.
    """
    options = options or Options()
    names = _chosen(list(dict.fromkeys(run.dataset for run in collection.runs)), data_sets)
    pools = [pool_runs(name, [r for r in collection.runs if r.dataset == name], options.by_group) for name in names]
    reference = _reference(pools, reference, collection.reference)
    metrics = [_metrics(pool, options.metric) for pool in pools]
    report, total = progress or (lambda *_: None), sum(len(pool.folds) for pool in pools)
    datasets, done = {}, 0
    for pool, functions in zip(pools, metrics, strict=True):
        found = _score(pool, functions, options, lambda i, base=done, name=pool.name: report(base + i, total, name))
        done += len(pool.folds)
        datasets[pool.name] = _data_set(pool, found, reference, options)
    rows = [row for each in datasets.values() for row in each["comparisons"]]
    for row, q in zip(rows, benjamini_hochberg([row["p"] for row in rows]), strict=True):
        row["q"] = q
    manifest = _manifest(collection, reference, options, command)
    return jsonable({"format": FORMAT, "manifest": manifest, "datasets": datasets})


def _manifest(collection, reference, options, command):
    return {
        "format_version": FORMAT_VERSION,
        "command": command,
        "where": collection.where,
        "sweep": collection.name,
        "reference": reference,
        "runs": len(collection.runs),
        "left_out": collection.left_out,
        "bootstrap": options.n,
        **{name: getattr(options, name) for name in ("seed", "level", "by_group", "metric")},
        "margins": list(MARGINS),
        "versions": versions(),
        "machine": machine(),
    }


def _chosen(names, asked):
    unknown = [name for name in asked if name not in names]
    if unknown:
        raise GsaError("No run of such a data set", expected=", ".join(names), found=", ".join(unknown))
    return [name for name in names if not asked or name in asked]


def _reference(pools, asked, of_sweep):
    models = list(dict.fromkeys(name for pool in pools for name in [*pool.runs, *pool.simple]))
    if asked and asked not in models:
        near = difflib.get_close_matches(asked, models, n=1)
        mend = f"Did you mean {near[0]!r}?" if near else None
        raise GsaError("No such model to compare with", expected=", ".join(models), found=asked, mend=mend)
    return next(name for name in (asked, of_sweep, FULL, models[0]) if name in models)


def _metrics(pool, asked):
    """Return the metrics of a task, the one asked for first."""
    metrics = metrics_of(pool.task, pool.outputs)
    if asked and asked not in metrics:
        where = f"{pool.name}, {pool.task}"
        raise GsaError("Unknown metric", where=where, expected=", ".join(metrics), found=asked)
    leading = asked or next(iter(metrics))
    return {leading: metrics[leading], **metrics}


def _score(pool, metrics, options, report):
    """Score every model on every fold: model -> metric -> fold -> Scored."""
    found = {}
    for done, (number, fold) in enumerate(pool.folds.items(), start=1):
        for name, each in score_fold(metrics, fold, fold.predictions, options.n, options.seed).items():
            for metric, scored in each.items():
                found.setdefault(name, {}).setdefault(metric, {})[number] = scored
        report(done)
    return found


def _data_set(pool, found, reference, options):
    leading = next(iter(next(iter(found.values()))))
    models = {name: _model(pool, name, found[name], leading, options.level) for name in [*pool.runs, *pool.simple]}
    return {
        "task": pool.task,
        "metric": leading,
        "outputs": pool.outputs,
        "scored": f"mean over {len(pool.outputs)} outputs" if pool.outputs else "one output",
        "n_records": sum(len(fold.labels) for fold in pool.folds.values()),
        "data_hash": pool.data_hash,
        "grouped": pool.grouped,
        "notes": pool.notes,
        "models": models,
        "comparisons": [
            _comparison(pool, {name: found[name][leading] for name in pair}, *pair, leading, options)
            for pair in _pairs(pool, reference)
        ],
    }


def _model(pool, name, scored, leading, level):
    runs, folds = pool.runs.get(name, []), list(scored[leading])
    costs = [run.evaluation.get("cost") or {} for run in runs]
    flops = [cost["flops"]["sparse"]["lookup"]["total"] for cost in costs if cost.get("flops")]
    return {
        "label": runs[0].label if runs else name,
        "kind": "run" if runs else "simple",
        "seeds": sorted({run.seed for run in runs}),
        "folds": [number for number in folds if number is not None],
        "values": [
            {"seed": seed, "fold": number, "value": value}
            for number in folds
            for seed, value in zip(pool.seeds.get((name, number), [None]), scored[leading][number].seeds, strict=True)
        ],
        "mean": average(list(scored[leading].values())).interval(level),
        "all_metrics": {metric: average(list(each.values())).interval(level) for metric, each in scored.items()},
        "kept_share": _mean([run.evaluation.get("kept_share") for run in runs]),
        "parameters": _mean([cost.get("parameters") for cost in costs]),
        "flops": _mean(flops),
        "seconds_training": _mean([run.training["seconds"] for run in runs]),
        "epochs": _mean([run.training["epochs"] for run in runs]),
    }


def _mean(values):
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else None


def _pairs(pool, reference):
    """Return whom to compare with whom; no pair twice, and only where both have a fold in common."""
    cnns = [name for name, runs in pool.runs.items() if runs[0].is_cnn]
    wanted = [(name, reference) for name in pool.runs]
    wanted += [(name, other) for other in [*pool.simple, *cnns] for name in pool.runs]
    wanted += [(name, reference) for name in pool.simple]
    known, pairs = {*pool.runs, *pool.simple}, []
    for first, second in wanted:
        both = known.issuperset((first, second)) and first != second
        if both and (second, first) not in pairs and (first, second) not in pairs and _common(pool, first, second):
            pairs.append((first, second))
    return pairs


def _common(pool, first, second):
    return [n for n, fold in pool.folds.items() if first in fold.predictions and second in fold.predictions]


def _comparison(pool, scored, first, second, metric, options):
    folds, level = _common(pool, first, second), options.level
    mine, other = (average([scored[name][number] for number in folds]) for name in (first, second))
    difference, ratio = mine.less(other), mine.over(other)
    chance = CHANCE.get(metric)
    retention = ratio.interval(level) if np.isfinite(ratio.value) else None
    beside = difference.interval(level)
    return {
        "first": first,
        "second": second,
        "pairs": sum(min(len(pool.folds[number].predictions[name]) for name in (first, second)) for number in folds),
        "folds": [number for number in folds if number is not None],
        "means": [mine.value, other.value],
        "difference": beside,
        "p": p_of_zero(difference.draws),
        "q": None,
        "retention": retention,
        "retention_above_chance": None if chance is None else mine.over(other, chance).interval(level),
        "p_inferior": {f"{margin:g}": p_at_most(ratio.draws, margin) for margin in MARGINS},
        "verdict": in_words(beside, retention, second in pool.simple),
        "delong": _delong(pool, folds, first, second, level),
        "nadeau_bengio": _nadeau_bengio(pool, folds, scored, first, second, level),
    }


def in_words(difference, retention, against_simple=False) -> str:
    """Say what a comparison found: non-inferiority to another run, or whether it beats a simple model.

    Parameters
    ----------
    difference : Interval
        First less second.
    retention : Interval or None
        First over second.
    against_simple : bool

    Returns
    -------
    str
        Against a simple model ``better``, ``worse`` or ``not distinguishable``, as the interval excludes zero or does
        not. Else ``not inferior at M`` with the largest margin that the interval of the retention lies above,
        ``inferior at M`` with the smallest it lies below, or ``undecided``; ``not defined`` without a retention.
    """
    if against_simple:
        return "better" if difference.low > 0 else "worse" if difference.high < 0 else "not distinguishable"
    if retention is None or not np.isfinite(retention.low):
        return "not defined"
    above = [margin for margin in sorted(MARGINS, reverse=True) if retention.low >= margin]
    below = [margin for margin in sorted(MARGINS) if retention.high < margin]
    return f"not inferior at {above[0]:g}" if above else f"inferior at {below[0]:g}" if below else "undecided"


def _delong(pool, folds, first, second, level):
    """Return DeLong's test where the task is one binary output and every fold has two records of each class."""
    if pool.task != "binary" or pool.outputs:
        return None
    parts = [(pool.folds[n], *(pool.folds[n].predictions[name] for name in (first, second))) for n in folds]
    for fold, *_ in parts:
        units = np.arange(len(fold.labels)) if fold.groups is None else fold.groups
        if min(len({*units[fold.labels == c].tolist()}) for c in (0, 1)) < 2:
            return None
    return delong_over_folds([(fold.labels, *models, fold.groups) for fold, *models in parts], level)


def _nadeau_bengio(pool, folds, scored, first, second, level):
    """Return the corrected t-test, where there are folds."""
    differences = [scored[first][number].value - scored[second][number].value for number in folds]
    if len(folds) < 2 or not np.isfinite(differences).all():
        return None
    sizes = [len(pool.folds[number].labels) for number in folds]
    return corrected_t_test(differences, [pool.n_train[number] for number in folds], sizes, level)

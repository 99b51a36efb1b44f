"""Models held against each other over seeds, folds and data sets: means, differences, retention, and their tests."""

import difflib
from typing import NamedTuple

import numpy as np

from mlx_gsa.errors import GsaError
from mlx_gsa.evaluation.compare import MARGINS
from mlx_gsa.evaluation.cross_validation import average, score_fold
from mlx_gsa.evaluation.jsonable import jsonable
from mlx_gsa.evaluation.multiple_testing import benjamini_hochberg
from mlx_gsa.evaluation.outputs import metrics_of
from mlx_gsa.experiments.pairwise import compare_pair, pairs_of
from mlx_gsa.experiments.pooled_folds import pool_runs
from mlx_gsa.experiments.pooled_strata import strata_of
from mlx_gsa.runtime import machine, versions

FORMAT, FORMAT_VERSION = "mlx_gsa.comparison", 1
FULL = "full"


class Options(NamedTuple):
    """How to resample, and what to score.

    Attributes
    ----------
    n, seed, level
        As for `bootstrap_interval`.
    by_group : bool
        Resample related records together.
    metric : str or None
        None: the task's leading one.
    min_lengths : tuple of int
        Test records of so many bp or more are also scored apart; further ones of a sweep's own are added.
    strata : bool
        Score parts of the test records apart, see `pooled_strata.strata_of`.
    """

    n: int = 1000
    seed: int = 0
    level: float = 0.95
    by_group: bool = True
    metric: str | None = None
    min_lengths: tuple = ()
    strata: bool = True


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
        made over the folds that both models have; ``means`` are theirs, in these folds, and ``single_runs`` show each
        seed and fold that both have. Intervals cover
        test records, see `evaluation.cross_validation`; ``nadeau_bengio`` stands for training records too. Over all
        comparisons ``q`` is Benjamini and Hochberg's of the bootstrap ``p``; those within ``strata`` are a family of
        their own. Of several outputs the metric is the mean over them.

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
    lengths = {name: {*options.min_lengths, *collection.min_lengths.get(name, ())} for name in names}
    for pool, functions in zip(pools, metrics, strict=True):
        found = _score(pool, functions, options, lambda i, base=done, name=pool.name: report(base + i, total, name))
        done += len(pool.folds)
        strata = strata_of(pool, lengths[pool.name]) if options.strata else {}
        datasets[pool.name] = _data_set(pool, found, reference, options) | {
            "strata": {name: _stratum(part, functions, reference, options) for name, part in strata.items()}
        }
    _add_q([each["comparisons"] for each in datasets.values()])
    _add_q([part["comparisons"] for each in datasets.values() for part in each["strata"].values()])
    manifest = _manifest(collection, reference, options, command)
    return jsonable({"format": FORMAT, "manifest": manifest, "datasets": datasets})


def _add_q(lists):
    """Put q-values into rows that have p-values; all rows given count as one family of tests."""
    rows = [row for part in lists for row in part]
    for row, q in zip(rows, benjamini_hochberg([row["p"] for row in rows]), strict=True):
        row["q"] = q


def _manifest(collection, reference, options, command):
    return {
        "format_version": FORMAT_VERSION,
        "command": command,
        "where": collection.where,
        "sweep": collection.name,
        "reference": reference,
        "sweep_reference": collection.reference,
        "runs": len(collection.runs),
        "left_out": collection.left_out,
        "bootstrap": options.n,
        **{name: getattr(options, name) for name in ("seed", "level", "by_group", "metric", "strata")},
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
        mend = "Choose one of these, or with --data-set data of another task."
        raise GsaError("Unknown metric", where=where, expected=", ".join(metrics), found=asked, mend=mend)
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
        "comparisons": _comparisons(pool, found, leading, reference, options),
    }


def _stratum(pool, metrics, reference, options):
    """Score some of the records by the leading metric only."""
    leading = next(iter(metrics))
    found = _score(pool, {leading: metrics[leading]}, options, lambda done: None)
    names = [*pool.runs, *pool.simple]
    return {
        "n_records": sum(len(fold.labels) for fold in pool.folds.values()),
        "models": {
            name: {
                "folds": [number for number in found[name][leading] if number is not None],
                "values": _values(pool, name, found[name][leading]),
                "mean": average(list(found[name][leading].values())).interval(options.level),
            }
            for name in names
            if name in found
        },
        "comparisons": _comparisons(pool, found, leading, reference, options),
    }


def _comparisons(pool, found, leading, reference, options):
    return [
        compare_pair(pool, {name: found[name][leading] for name in pair}, *pair, leading, options)
        for pair in pairs_of(pool, reference)
    ]


def _model(pool, name, scored, leading, level):
    runs, folds = pool.runs.get(name, []), list(scored[leading])
    costs = [run.evaluation.get("cost") or {} for run in runs]
    flops = [cost["flops"]["sparse"]["lookup"]["total"] for cost in costs if cost.get("flops")]
    return {
        "label": runs[0].label if runs else name,
        "kind": "run" if runs else "simple",
        "seeds": sorted({run.seed for run in runs}),
        "folds": [number for number in folds if number is not None],
        "values": _values(pool, name, scored[leading]),
        "mean": average(list(scored[leading].values())).interval(level),
        "all_metrics": {metric: average(list(each.values())).interval(level) for metric, each in scored.items()},
        "kept_share": _mean([run.evaluation.get("kept_share") for run in runs]),
        "parameters": _mean([cost.get("parameters") for cost in costs]),
        "flops": _mean(flops),
        "seconds_training": _mean([run.training["seconds"] for run in runs]),
        "epochs": _mean([run.training["epochs"] for run in runs]),
    }


def _values(pool, name, scored):
    """Return the metric of each run; that of a simple model has no seed."""
    return [
        {"seed": seed, "fold": number, "value": value}
        for number, each in scored.items()
        for seed, value in zip(pool.seeds.get((name, number), [None]), each.seeds, strict=True)
    ]


def _mean(values):
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else None

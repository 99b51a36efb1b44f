"""The sweep over the real data sets, in the form that the page of the data sets reads."""

import numpy as np

from mlx_gsa.experiments.record import read_json


def real_sets(results, sweep):
    """Put together what each data set of a sweep was asked and what was found.

    Parameters
    ----------
    results : Results
    sweep : str

    Returns
    -------
    list of (dict, dict or None)
        The data set's entry of the sweep's spec with its bars; what was found, None where nothing was run. In the order
        of the spec.
    """
    found = results.sweep(sweep)
    if found is None:
        return []
    stated = sorted(found["spec"]["data"], key=lambda each: each.get("order", 99))
    return [(_asked(each), _found(results, sweep, each["name"])) for each in stated]


def _asked(each):
    """Give the data set's entry; what may be missing there is empty."""
    bars = [bar | {"also": bar["step"]} if bar.get("step") else bar for bar in each.get("bars", ())]
    return {"title": each["name"], "purpose": "", "remarks": "", "prepare": []} | each | {"bars": bars}


def _found(results, sweep, name):
    data, part = results.data(sweep, name), results.comparison(sweep, name)
    if data is None or part is None:
        return None
    strata = {"all": {"metric": part["metric"], "models": _models(part), "comparisons": _comparisons(part)}}
    for stratum, inner in (part.get("strata") or {}).items():
        inner = {"n_records": part["n_records"], **inner}
        strata[stratum] = {"metric": part["metric"], "models": _models(inner), "comparisons": _comparisons(inner)}
    earlier = results.folder.parent / "datasets" / f"{name}-linear.json"
    runs = [run for run in data["runs"] if run.get("explained")]
    explained = {f"{run['variant']}, fold {run['fold']}": run["explained"] for run in runs}
    return {
        "name": name,
        "dataset": data["data"] | {"data_hash": data["data_hash"]},
        "runs": [_run(run) for run in data["runs"]],
        "strata": strata,
        "also": data.get("further") or {},
        "explained": explained,
        "linear": results.file(f"linear-{name}.json") or read_json(earlier),
        "versions": data["versions"],
        "machine": data["machine"],
    }


def _models(part):
    n = part["n_records"]
    return {
        name: {"mean": model["mean"], "values": _by_fold(model), "folds": model["folds"] or [None], "n": n}
        for name, model in part["models"].items()
    }


def _by_fold(model):
    """Return the mean over seeds of each fold."""
    folds = dict.fromkeys(each["fold"] for each in model["values"])
    return [float(np.mean([each["value"] for each in model["values"] if each["fold"] == fold])) for fold in folds]


def _comparisons(part):
    found = {}
    for pair in part["comparisons"]:
        value = pair["retention"] if pair["second"] == "full" else pair["difference"]
        if value:
            found[f"{pair['first']} v {pair['second']}"] = value | {"folds": len(pair.get("folds") or [None])}
    return found


def _run(run):
    made = run.get("made_by") or {}
    return {
        "variant": run["variant"],
        "seed": run["seed"],
        "kept_share": run["evaluation"]["kept_share"],
        "parameters": run["n_parameters"],
        "epochs": len(run["epochs"]),
        "best_epoch": run["best_epoch"],
        "seconds": sum(row["seconds"] or 0 for row in run["epochs"]),
        "training": made.get("train"),
        "evaluation": made.get("evaluate"),
    }

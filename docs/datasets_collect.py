"""docs/results/datasets/NAME.json from the run folders of a data set: every fold, the means over folds, the bars."""

import json
import tomllib

import numpy as np
from results_files import EPOCH_FIELDS, _write, read_json
from scipy.stats import binomtest

from mlx_gsa.data.dataset import Dataset
from mlx_gsa.data.gc_match import gc_contents, matched_rows
from mlx_gsa.evaluation.cross_validation import (
    Fold,
    mean_difference_over_folds,
    mean_over_folds,
    retention_over_folds,
)
from mlx_gsa.evaluation.prediction import METRICS

OPTIONS = {"n": 1000, "seed": 0, "level": 0.95}
KMERS, GC = "k-mers", "GC content"


def run_state(folder):
    """Say whether a run is ``new``, ``interrupted`` or ``finished``."""
    manifest = read_json(folder / "manifest.json")
    if manifest is None:
        return "new"
    return "finished" if manifest["finished"] else "interrupted"


def collect(sets, runs, results, root):
    """Write the results of every data set that has a finished run.

    Parameters
    ----------
    sets : list of dict
        Experiments, as `datasets.load_sets` reads them.
    runs, results, root : Path

    Yields
    ------
    str
        What was written.
    """
    for each in sets:
        found = {(v["name"], fold): runs / each["name"] / f"{v['name']}-fold{fold}" for v, fold in _all_runs(each)}
        finished = {key: folder for key, folder in found.items() if (folder / "evaluation.json").is_file()}
        if finished:
            dataset = Dataset.open(root / "data" / each["name"], verify=False)
            yield _write(results / f"{each['name']}.json", _result(each, finished, dataset, runs, root), root)


def _all_runs(each):
    return [(variant, fold) for variant in each["runs"] for fold in variant["folds"]]


def _result(each, finished, dataset, runs, root):
    rows = [_run_facts(name, fold, folder) for (name, fold), folder in finished.items()]
    one = read_json(next(iter(finished.values())) / "manifest.json")
    return {
        "name": each["name"],
        "dataset": _data_facts(dataset),
        "made_by": read_json(runs / each["name"] / "prepare.json"),
        "runs": rows,
        "strata": {name: _stratum(rows_of, each, finished, dataset) for name, rows_of in _strata(each, dataset)},
        "also": {extra["name"]: _also(extra, runs / each["name"]) for extra in each.get("also", [])},
        "explained": _explained(each, finished),
        "linear": read_json(root / "docs/results/datasets" / f"{each['name']}-linear.json"),
        "versions": one["versions"],
        "machine": one["machine"],
        "resampling": OPTIONS,
    }


def _data_facts(dataset):
    manifest = dataset.manifest
    names = ("task", "classes", "n_records", "n_bases", "splits", "seed", "dropped", "normalised", "duplicates")
    lengths, kinds = dataset.lengths, dataset.records.extra.get("kind")
    return {
        **{name: manifest[name] for name in names},
        "data_hash": dataset.data_hash,
        "split_by": manifest.source.get("split_by"),
        "lengths": [int(lengths.min()), int(np.median(lengths)), int(lengths.max())],
        "kinds": None if kinds is None else {str(k): int((kinds == k).sum()) for k in sorted(set(kinds.tolist()))},
        "leakage": read_json(dataset.path / "leakage.json"),
    }


def _run_facts(name, fold, folder):
    manifest, evaluation = read_json(folder / "manifest.json"), read_json(folder / "evaluation.json")
    rows = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    epochs = [{key: row.get(key) for key in EPOCH_FIELDS} for row in rows if row["kind"] == "epoch"]
    made = read_json(folder.with_name(f"{folder.name}.json")) or {}
    return {
        "variant": name,
        "fold": fold,
        "n_test": evaluation["n"],
        "kept_share": evaluation["kept_share"],
        "metrics": {key: value["value"] for key, value in evaluation["metrics"].items()},
        "parameters": manifest["n_parameters"],
        "epochs": len(epochs),
        "best_epoch": manifest["result"]["best"]["epoch"],
        "best_validation": manifest["result"]["best"].get("val_metric"),
        "seconds": round(sum(row["seconds"] for row in epochs), 1),
        "training": made.get("train"),
        "evaluation": made.get("evaluate"),
        "config": tomllib.loads((folder / "config.toml").read_text()),
        "seed": manifest["seed"],
        "data_hash": manifest["data_hash"],
        "finished_at": manifest.get("finished_at"),
    }


def _strata(each, dataset):
    """Yield the name of each part of the test records that is scored, and how its rows are picked."""
    yield "all", lambda rows: rows
    if dataset.task == "binary":
        content, label = gc_contents(dataset, range(len(dataset))), dataset.records.label
        yield "GC-matched", lambda rows: rows[matched_rows(content[rows], label[rows])]
    for least in each.get("min_lengths", []):
        yield f"at least {least} bp", lambda rows, least=least: rows[dataset.lengths[rows] >= least]


def _stratum(pick, each, finished, dataset):
    """Score every variant and the simple models on one part of the test records, fold by fold and averaged."""
    metric_name, metric = next(iter(METRICS[dataset.task].items()))
    tables = {key: _read_table(folder / "evaluation-predictions.tsv", dataset) for key, folder in finished.items()}
    folds, found = {}, {"metric": metric_name, "models": {}, "comparisons": {}}
    for (variant, fold), (rows, columns) in tables.items():
        place = np.isin(rows, pick(rows))
        if len(np.unique(dataset.records.label[rows[place]])) < 2:
            continue  # nothing to tell apart
        parts = folds.setdefault(fold, Fold(dataset.records.label[rows[place]], {}, dataset.records.group[rows[place]]))
        parts.predictions[variant] = columns["prediction"][place]
        parts.predictions.update({name: columns[name][place] for name in (KMERS, GC) if name in columns})
    names = list(dict.fromkeys(name for fold in folds.values() for name in fold.predictions))
    for name in names:
        own = {number: fold for number, fold in sorted(folds.items()) if name in fold.predictions}
        found["models"][name] = {
            "folds": list(own),
            "n": sum(len(fold.labels) for fold in own.values()),
            "values": [float(metric(fold.labels, fold.predictions[name])) for fold in own.values()],
            "mean": mean_over_folds(metric, list(own.values()), name, **OPTIONS).to_dict(),
        }
    for first, second in _pairs(names):
        both = [fold for fold in folds.values() if first in fold.predictions and second in fold.predictions]
        if both:
            function = retention_over_folds if second == "full" else mean_difference_over_folds
            interval = function(metric, both, first, second, **OPTIONS).to_dict()
            found["comparisons"][f"{first} v {second}"] = {"folds": len(both), **interval}
    return found


def _pairs(names):
    variants = [name for name in names if name not in (KMERS, GC)]
    simple = [(name, KMERS) for name in variants if KMERS in names]
    return simple + [(name, "full") for name in variants if name != "full" and "full" in names]


def _read_table(path, dataset):
    """Read the rows and the columns of predictions; several outputs give the first one's."""
    lines = path.read_bytes().decode("utf-8", "surrogateescape").split("\n")
    heads, *rows = (line.split("\t") for line in lines[:-1])
    columns = dict(zip(heads, zip(*rows, strict=True), strict=True))
    number = {name: i for i, name in enumerate(dataset.records.id.tolist())}
    wanted = [name for name in heads if name in ("prediction", KMERS, GC)]
    return np.array([number[name] for name in columns["id"]]), {n: np.array(columns[n], float) for n in wanted}


def _also(extra, folder):
    """Read what the runs of each fold predicted of further data."""
    found = {"made_by": read_json(folder / f"also-{extra['name']}.json"), "kind": extra["kind"]}
    outs = sorted(folder.glob(f"also-{extra['name']}-fold*"))
    if not outs:
        return found
    if extra["kind"] == "mutants":
        pairs = [pair for out in outs for pair in _mutant_pairs(extra, folder, out)]
        return found | {"folds": len(outs)} | _directions(pairs, extra["clear_change"])
    evaluations = [read_json(next(out.glob("evaluation*.json"))) for out in outs]
    values = {name: [e["metrics"][name]["value"] for e in evaluations] for name in evaluations[0]["metrics"]}
    return found | {"folds": len(outs), "n": evaluations[0]["n"], "values": values}


def _mutant_pairs(extra, folder, out):
    """Yield (measured change, predicted change) of the mutants whose wild type was a test record of the same fold."""
    wild = _labels_and_predictions(folder / f"{extra['variant']}-{out.name.rpartition('-')[2]}")
    for name, (label, prediction) in _labels_and_predictions(out).items():
        base = f"{name.rsplit('_', 1)[0]}_WT"
        if base in wild:
            yield label - wild[base][0], prediction - wild[base][1]


def _directions(pairs, clear_change):
    """Count how often the sign of the predicted change is that of the measured one, where this is clear."""
    measured, predicted = np.array(pairs).T
    clear = np.abs(measured) >= clear_change
    right, n = np.sign(measured[clear]) == np.sign(predicted[clear]), int(clear.sum())
    interval = binomtest(int(right.sum()), n).proportion_ci(method="wilson")
    return {
        "pairs": len(pairs), "clear": n, "clear_change": clear_change,
        "right": {"value": float(right.mean()), "low": float(interval.low), "high": float(interval.high)},
        "falling": float((measured[clear] < 0).mean()),
        "right_falling": float(right[measured[clear] < 0].mean()),
        "right_rising": float(right[measured[clear] > 0].mean()),
        "r_of_change": float(np.corrcoef(measured, predicted)[0, 1]),
    }  # fmt: skip


def _labels_and_predictions(folder):
    """Read id -> (label, prediction) of one evaluation."""
    lines = next(folder.glob("evaluation*-predictions.tsv")).read_text(encoding="utf-8").splitlines()[1:]
    return {name: (float(label), float(value)) for name, label, value in (line.split("\t")[:3] for line in lines)}


def _explained(each, finished):
    """Read the motif table of each explained run."""
    found = {}
    for (variant, fold), folder in finished.items():
        path = folder / "explained/motifs.tsv"
        if path.is_file():
            heads, *rows = (line.split("\t") for line in path.read_text().splitlines() if not line.startswith("#"))
            found[f"{variant}-fold{fold}"] = [dict(zip(heads, row, strict=True)) for row in rows[:40]]
    return found

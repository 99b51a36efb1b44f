"""The machine-readable results in docs/results: gathered from run folders, and measured (see experiments.py)."""

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path

from mlx_gsa.config import load_config, parse_assignments
from mlx_gsa.data.manifest import read_manifest
from mlx_gsa.errors import GsaError
from mlx_gsa.evaluation.bootstrap import paired_difference_intervals
from mlx_gsa.evaluation.compare import align, read_predictions, retention
from mlx_gsa.evaluation.prediction import METRICS

RESAMPLES, SEED, LEVEL = 1000, 0, 0.95
EPOCH_FIELDS = ("epoch", "sparsity", "train_loss", "val_loss", "metric_name", "val_metric", "seconds")
SCORE_COPIES = 4  # float32 copies of the B x L x L scores that full attention is reckoned to need at once


def collect(experiments, root, results):
    """Copy configuration, manifest and evaluation of every finished run, and compare runs where that is asked for.

    A run that is not here leaves its older file alone: results outlive the folders of their runs. A run whose settings
    or data are no longer the experiment's is left out and its older file removed, so that no table mixes recipes.

    Parameters
    ----------
    experiments, root, results : Path
        Folder of the TOML files; of runs/; to write into.

    Yields
    ------
    str
        What was written, and what was left out and why.
    """
    for path in sorted(experiments.glob("*.toml")):
        experiment = load_experiment(path)
        folder, runs = results / experiment["name"], root / "runs" / experiment["name"]
        yield _write(folder / "experiment.json", experiment, root)
        states = {each["name"]: run_state(experiment, each, root) for each in experiment["runs"]}
        usable = {name for name, state in states.items() if state == "finished" and _evaluated(runs / name)}
        for name in _outdated(states, folder):
            yield f"left out: {experiment['name']}/{name}, {states[name]}"
        found = {name: _run_result(experiment, name, runs) for name in states if name in usable}
        found["retention"] = _retention(experiment, runs, usable)
        found["differences"] = _differences(experiment, runs, usable)
        for name, result in found.items():
            if result:
                yield _write(folder / f"{name}.json", result, root)


def _outdated(states, folder):
    """Name the runs of another recipe, and remove what was collected of them and from them."""
    changed = [name for name, state in states.items() if state.startswith("changed")]
    for name in [*changed, "retention", "differences"] if changed else []:
        (folder / f"{name}.json").unlink(missing_ok=True)
    return changed


def load_experiment(path):
    """Read an experiment; its name is that of the file."""
    read = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    experiment = {"name": Path(path).stem, "runs": [], "bars": [], **read}
    names = [each["name"] for each in experiment["runs"]]
    if len(set(names)) != len(names):
        raise SystemExit(f"{path}: a run's name occurs twice")
    return experiment


def run_state(experiment, each, root):
    """Say whether a run is "new", "interrupted", "finished", or "changed: " and by what."""
    folder, data = root / "runs" / experiment["name"] / each["name"], root / experiment["data"]["path"]
    manifest = read_json(folder / "manifest.json")
    if manifest is None or not (folder / "config.toml").is_file():
        return "new"
    config = each.get("config") and root / each["config"]
    settings = parse_assignments(settings_of(each)) | {"data.path": experiment["data"]["path"]}
    wanted = load_config(config, settings).model_dump()
    try:
        was = load_config(folder / "config.toml").model_dump()
    except GsaError as error:
        return f"changed: its configuration is of another version ({error})"
    found = [
        f"{name} was {was[table][name]}, is {value}"
        for table in wanted
        for name, value in wanted[table].items()
        if was[table][name] != value
    ]
    if (data / "manifest.json").is_file() and manifest["data_hash"] != read_manifest(data).data_hash:
        found.append("the data set is another one")
    if found:
        return f"changed: {'; '.join(found)}"
    return "finished" if manifest["finished"] else "interrupted"


def settings_of(each):
    """Write the settings of a run as `--set` reads them."""
    settings = each.get("settings", {}).items()
    return [f"{key}={str(value).lower() if isinstance(value, bool) else value}" for key, value in settings]


def _evaluated(folder):
    return all((folder / name).is_file() for name in ("evaluation.json", "evaluation-predictions.tsv"))


def _run_result(experiment, name, runs):
    """Put together what is known of one finished run."""
    folder = runs / name
    manifest, evaluation = read_json(folder / "manifest.json"), read_json(folder / "evaluation.json")
    rows = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    return {
        "experiment": experiment["name"],
        "run": name,
        "made_by": read_json(runs / f"{name}.json"),
        "manifest": manifest,
        "config": tomllib.loads((folder / "config.toml").read_text()),
        "epochs": [{key: row.get(key) for key in EPOCH_FIELDS} for row in rows if row["kind"] == "epoch"],
        "dataset": _data_facts(Path(manifest["dataset"]), manifest["data_hash"]),
        "evaluation": evaluation,
    }


def _data_facts(folder, data_hash):
    found = read_json(folder / "manifest.json")
    if found is None:
        return {"data_hash": data_hash}
    source = {key: value for key, value in found["source"].items() if key != "grammar"}  # it is in configs/grammars
    names = ("task", "classes", "n_records", "n_bases", "splits", "seed", "dropped")
    return {"data_hash": data_hash, "source": source, **{name: found[name] for name in names}}


def _retention(experiment, runs, usable):
    asked = experiment.get("retention")
    if not asked or not usable.issuperset(asked["sparse"] + asked["full"]):
        return None
    halves = [[read_predictions(runs / name) for name in asked[half]] for half in ("sparse", "full")]
    found = retention(*halves, asked["metric"], RESAMPLES, SEED, level=LEVEL, margins=asked["margins"])
    return {**found.to_dict(), "runs": {half: asked[half] for half in ("sparse", "full")}, **_resampling()}


def _differences(experiment, runs, usable):
    """Difference of each run to the experiment's reference run, paired over test records."""
    reference = experiment.get("reference")
    if reference not in usable:
        return None
    found, base = {}, read_predictions(runs / reference)
    for name in sorted(usable - {reference}):
        labels, (mine, other) = align([read_predictions(runs / name), base])
        pairs = paired_difference_intervals(METRICS[base.task], labels, mine, other, RESAMPLES, SEED, level=LEVEL)
        found[name] = {metric: interval.to_dict() for metric, interval in pairs.items()}
    return {"reference": reference, "differences": found, **_resampling()} if found else None


def _resampling():
    return {"resamples": RESAMPLES, "seed": SEED, "level": LEVEL}


def measure(config, results, anyway=False):
    """Time a forward pass, sparse and full, each in a process of its own, into speed.json.

    Parameters
    ----------
    config : Path
        TOML file with the table ``forward``: lengths, batch_size, sparsity, repeats.
    results : Path
    anyway : bool
        Measure with a reference BLAS, too; such a file settles no bar.

    Returns
    -------
    int
        0, or 1 if nothing was measured.
    """
    asked = tomllib.loads(Path(config).read_text())["forward"]
    report = _in_process({"what": "report"})
    fast = report["blas"]["status"] in ("loaded", "not needed")
    if not fast and not anyway:
        print(f"MLX uses the {report['blas']['name']} here, which is no fair rival: install OpenBLAS, or --anyway.")
        return 1
    found = {"forward": asked, "headline": fast, "load_before": os.getloadavg()[0], **report, "rows": []}
    found["commit"] = commit(Path(config).resolve().parent)
    for length in asked["lengths"]:
        found["rows"].append(_measure_length(length, asked, report["memory_available"]))
        print(json.dumps(found["rows"][-1]), flush=True)
    _write(results / "speed.json", found, Path.cwd())
    return 0


def _measure_length(length, asked, memory):
    """Time both at the batch wanted, or at the largest half, quarter ... of it that full attention has memory for."""
    batch = asked["batch_size"]
    while batch > 1 and memory is not None and SCORE_COPIES * 4 * batch * length**2 > memory:
        batch //= 2
    shared = {"length": length, "batch_size": batch, "sparsity": asked["sparsity"], "repeats": asked["repeats"]}
    pair = {
        name: _in_process({"what": "forward", "attention": attention, **shared})
        for name, attention in (("sparse", "softmax"), ("full", "full"))
    }
    ratio = pair["full"]["seconds"] / pair["sparse"]["seconds"]
    return {"length": length, "batch_size": batch, "batch_wanted": asked["batch_size"], **pair, "speedup": ratio}


def _in_process(what):
    """Do one measurement in a fresh process; its answer is the last line it prints."""
    script = Path(__file__).with_name("experiments.py")
    done = subprocess.run(
        [sys.executable, str(script), "measure-one", json.dumps(what)], stdout=subprocess.PIPE, text=True, check=True
    )
    return json.loads(done.stdout.splitlines()[-1])


def measure_one(what):
    """Measure one thing in this process and print it as a line of JSON; returns the exit code."""
    if what["what"] == "report":
        from mlx_gsa.runtime import runtime_report

        report = runtime_report().to_dict()
        report["blas"].pop("path")  # a place on this machine
        print(json.dumps(report))
        return 0
    from mlx_gsa.config import ModelConfig
    from mlx_gsa.evaluation.cost import measure_forward

    length, batch_size = what["length"], what["batch_size"]
    config = ModelConfig(attention=what["attention"], sparsity=what["sparsity"])
    found = measure_forward(config, length, batch_size, repeats=what["repeats"])
    facts = {"attended": found.attended, "peak_bytes": int(found.peak_bytes)}
    timing = {"seconds": found.timing.median, "fastest": found.timing.fastest, "repeats": found.timing.repeats}
    print(json.dumps(timing | facts))
    return 0


def commit(folder):
    """Name the commit that is checked out, with "+" if tracked files differ from it; None outside a checkout."""
    git = ["git", "-C", str(folder)]
    try:
        name = subprocess.run([*git, "rev-parse", "--short=12", "HEAD"], capture_output=True, text=True, check=True)
        changed = subprocess.run([*git, "status", "--porcelain", "-uno"], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return name.stdout.strip() + ("+" if changed.stdout.strip() else "")


def read_json(path):
    """Read a JSON file; None where there is none."""
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise GsaError("Not JSON", where=str(path), found=str(error)) from None


def _write(path, value, root):
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(_without(f"{root}{os.sep}", _finite(value)), indent=1, allow_nan=False)
    path.write_text(text + "\n", encoding="utf-8")
    return f"{path.relative_to(root) if path.is_relative_to(root) else path}"


def _without(place, value):
    """Make paths relative to the checkout: where it lies is nobody's business."""
    if isinstance(value, dict):
        return {key: _without(place, part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_without(place, part) for part in value]
    return value.replace(place, "") if isinstance(value, str) else value


def _finite(value):
    """Replace nan by None, as JSON has no word for it."""
    if isinstance(value, dict):
        return {key: _finite(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(part) for part in value]
    return None if isinstance(value, float) and value != value else value

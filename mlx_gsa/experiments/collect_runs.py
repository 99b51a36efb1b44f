"""Runs found in a sweep, under a folder or one by one: which model, seed and fold each is, and what it predicted."""

import json
import os
import re
import tomllib
from collections import defaultdict
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from mlx_gsa.errors import RunError
from mlx_gsa.evaluation.compare import Predictions, read_predictions

SWEEP, SWEEP_FORMAT = "sweep.json", "mlx_gsa.sweep"
RUN_FORMAT = "mlx_gsa.run"
MANIFEST, EVALUATION, CONFIG, METRICS = "manifest.json", "evaluation.json", "config.toml", "metrics.jsonl"
NAME = re.compile(r"(?P<model>.+?)(?:-seed\d+)?(?:-fold\d+)?")


@dataclass(frozen=True, eq=False)
class CollectedRun:
    """A finished and evaluated run.

    Attributes
    ----------
    folder : Path
    dataset : str
        Name of the data set's folder.
    model : str
        Name of the variant: what runs that differ in seed and fold only have in common.
    label : str
        The same for people.
    seed : int
    fold : int or None
        None: the data set's own split.
    manifest, evaluation : dict
        Of the run folder.
    """

    folder: Path
    dataset: str
    model: str
    label: str
    seed: int
    fold: int | None
    manifest: dict
    evaluation: dict

    @cached_property
    def table(self) -> Predictions:
        """Return what the run predicted, of several outputs all; read on first use."""
        return read_predictions(self.folder, every_output=True)

    @cached_property
    def config(self) -> dict:
        """Return the resolved settings of training; empty where the folder does not hold them."""
        path = self.folder / CONFIG
        return tomllib.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}

    @property
    def is_cnn(self) -> bool:
        """Return whether this is one of the convolutional baselines, by its settings or its name."""
        model = self.config.get("model", {})
        return str(model.get("architecture", "")).startswith("cnn") or "cnn" in re.split(r"[-_\d]", self.model)

    @cached_property
    def training(self) -> dict:
        """Return ``epochs`` and ``seconds`` of training; None where the run kept no log."""
        path = self.folder / METRICS
        if not path.is_file():
            return {"epochs": None, "seconds": None}
        rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        epochs = [row for row in rows if row.get("kind") == "epoch"]
        return {"epochs": len(epochs), "seconds": sum(row.get("seconds", 0.0) for row in epochs)}


@dataclass(frozen=True, eq=False)
class Collection:
    """The runs to compare.

    Attributes
    ----------
    runs : list of CollectedRun
    where : list of str
        What was given.
    name : str or None
        Of the sweep.
    reference : str or None
        The variant that the sweep compares others with.
    left_out : list of str
        Runs that are not finished, not evaluated, or of another recipe than the sweep's.
    min_lengths : dict of str to list of int
        By data set, lengths (bp) from which on the sweep wants test records scored apart.
    """

    runs: list
    where: list
    name: str | None = None
    reference: str | None = None
    left_out: list = field(default_factory=list)
    min_lengths: dict = field(default_factory=dict)


def collect_runs(paths) -> Collection:
    """Find finished and evaluated runs.

    Parameters
    ----------
    paths : sequence of path
        A folder of `gsa sweep`, any folder with runs below it, or run folders. Without a sweep's list the folder's
        name is the model's, without ``-seedN`` and ``-foldN``; seed and fold are read from inside.

    Returns
    -------
    Collection

    Raises
    ------
    RunError
        Nothing was found, a run named is not finished or not evaluated, or two runs are the same model, data set, seed
        and fold.
    """
    paths = [Path(path) for path in paths]
    sweep = _read_json(paths[0] / SWEEP) if len(paths) == 1 else None
    left_out = []
    if sweep and sweep.get("format") == SWEEP_FORMAT:
        runs = _of_sweep(paths[0], sweep, left_out)
    else:
        sweep, runs = None, [run for path in paths for run in _below(path, left_out)]
    if not runs:
        raise RunError(
            "No finished and evaluated run here", where=", ".join(map(str, paths)),
            found=f"{len(left_out)} without gsa evaluate or unfinished" if left_out else "no run",
            mend="Give a sweep, a folder of runs, or run folders; `gsa evaluate RUN` makes what is compared.",
        )  # fmt: skip
    spec = (sweep or {}).get("spec") or {}
    found = Collection(_named_apart(runs), [str(p) for p in paths], (sweep or {}).get("name"), spec.get("reference"))
    lengths = {each["name"]: each.get("min_lengths") or [] for each in spec.get("data", [])}
    return replace(found, left_out=left_out, min_lengths=lengths)


def _of_sweep(folder, sweep, left_out):
    labels = {each["name"]: each.get("label") for each in (sweep.get("spec") or {}).get("variants", [])}
    runs = []
    for cell in sweep["cells"]:
        if str(cell.get("state")).startswith("changed"):
            left_out.append(f"{folder / cell['folder']} ({cell['state']})")
            continue
        places = [folder / cell["data"] / Path(cell["folder"]).name, folder / cell["folder"], Path(cell["folder"])]
        place = next((each for each in places if (each / MANIFEST).is_file()), places[0])
        label = cell.get("label") or labels.get(cell["variant"]) or cell["variant"]
        run = _read_run(place, cell["variant"], label, left_out)
        if run is not None:
            runs.append(replace(run, dataset=cell["data"]))
    return runs


def _below(path, left_out):
    """Yield the runs of a folder: itself, or all below it; a run named must be usable."""
    if not path.is_dir():
        raise RunError("There is no such folder", where=str(path))
    folders = list(_run_folders(path))
    itself = folders == [path]
    for folder in folders:
        model = NAME.fullmatch(folder.resolve().name)["model"]
        run = _read_run(folder, model, model, left_out)
        if run is not None:
            yield run
        elif itself:
            raise RunError("run is not finished, or not evaluated", where=str(path), mend=f"gsa evaluate {path}")


def _run_folders(path):
    """Yield folders that `gsa train` made, links followed, not looking inside them."""
    for folder, below, files in os.walk(path, followlinks=True):
        below.sort()
        if MANIFEST in files and (_read_json(Path(folder) / MANIFEST) or {}).get("format") == RUN_FORMAT:
            below.clear()
            yield Path(folder)


def _read_run(folder, model, label, left_out):
    manifest, evaluation = (_read_json(folder / name) for name in (MANIFEST, EVALUATION))
    if not manifest or not manifest.get("finished") or not evaluation:
        left_out.append(str(folder))
        return None
    of = evaluation["manifest"]
    return CollectedRun(
        folder, Path(of["dataset"]).name, model, label, int(manifest["seed"]), of["fold"], manifest, evaluation
    )


def _named_apart(runs):
    """Put the parent folder's name before the model's where two runs would be the same one."""
    if not _clashes(runs):
        return runs
    named = [replace(run, model=f"{run.folder.resolve().parent.name}/{run.model}") for run in runs]
    named = [replace(run, label=run.model) for run in named]
    clash = _clashes(named)
    if clash:
        raise RunError(
            "Two runs are the same model, data set, seed and fold",
            where=" and ".join(str(run.folder) for run in clash),
            mend="Leave one out, or give the folders different names.",
        )  # fmt: skip
    return named


def _clashes(runs):
    """Return the first runs that cannot be told apart."""
    same = defaultdict(list)
    for run in runs:
        same[run.dataset, run.model, run.seed, run.fold].append(run)
    return next((each for each in same.values() if len(each) > 1), None)


def _read_json(path):
    """Read a file of JSON; None where there is none.

    Raises
    ------
    RunError
        It is not JSON.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise RunError("file cannot be read", where=str(path), found=str(error)) from None

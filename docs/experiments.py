"""Run the experiments of configs/experiments, collect what they measured, and write docs/results.md from it.

    python docs/experiments.py run configs/experiments/retention_short.toml [--only NAME] [--data-root FOLDER]
    python docs/experiments.py measure      seconds of a forward pass, sparse and full, into docs/results/speed.json
    python docs/experiments.py collect      small result files of every run into docs/results/EXPERIMENT/RUN.json
    python docs/experiments.py render       docs/results.md and the README's table, from the files in docs/results
    python docs/experiments.py ship FOLDER  the model of a collected run into assets/model, with its card

`run` prepares the data, trains and evaluates, one run at a time, each into runs/EXPERIMENT/RUN with a log beside it.
It can be stopped and started at will: what is finished is left alone, what was interrupted goes on. A run whose
settings, defaults or data have changed since is not used silently: it stops there until --overwrite trains it again.
"""

import argparse
import json
import os
import shlex
import subprocess
import sys
import time
from pathlib import Path

import results_files
import results_page
import shipping

from mlx_gsa.errors import GsaError

ROOT = Path(__file__).resolve().parent.parent


class StepError(Exception):
    """A step of an experiment that could not be done; the rest goes on."""


def main(arguments=None):
    """Do what the command line asks; returns the exit code."""
    options = _parser().parse_args(arguments)
    root, results = options.root.resolve(), options.root.resolve() / "docs/results"
    experiments = root / "configs/experiments"
    if options.action == "run":
        return run(options.config, root, options.only, options.data_root, options.overwrite)
    if options.action == "measure":
        return results_files.measure(options.config or experiments / "speed.toml", results, options.anyway)
    if options.action == "measure-one":
        return results_files.measure_one(json.loads(options.what))
    if options.action == "collect":
        for line in results_files.collect(experiments, root, results):
            print(line)
        return 0
    if options.action == "ship":
        print(shipping.ship(options.folder.resolve(), results, root).relative_to(root))
        return 0
    page = root / "docs/results.md"
    page.write_text(results_page.render(results), encoding="utf-8")
    shipping.fill_readme(root / "README.md", results_page.collected(results))
    print(page.relative_to(root))
    return 0


def run(config, root, only=(), data_root="../shared/data", overwrite=False):
    """Bring every run of an experiment to its end.

    Parameters
    ----------
    config : Path
        TOML file: ``data`` (``path``, ``prepare``), ``runs`` (``name``, ``settings``, ``config``), ``evaluate``.
    root : Path
        Folder that holds runs/ and data/; paths in the file are relative to it.
    only : sequence of str
        Names of the runs wanted; all of them if empty.
    data_root : str
        What ``{data_root}`` in the prepare command stands for.
    overwrite : bool
        Train runs again whose settings, defaults or data have changed.

    Returns
    -------
    int
        0, or 1 if a step failed.
    """
    experiment = results_files.load_experiment(config)
    unknown = set(only) - {each["name"] for each in experiment["runs"]}
    if unknown:
        print(f"no such run: {', '.join(sorted(unknown))}")
        return 1
    failed = []
    for each in experiment["runs"]:
        if only and each["name"] not in only:
            continue
        try:
            commands = commands_of(experiment, each, data_root)
            _one_run(experiment, each, commands, root, overwrite)
        except (StepError, GsaError) as error:
            print(f"{experiment['name']}/{each['name']}: {error}", flush=True)
            failed.append(each["name"])
    if failed:
        print(f"not done: {', '.join(failed)}")
    return 1 if failed else 0


def commands_of(experiment, each, data_root="DATA_ROOT"):
    """Write out the three `gsa` commands of a run, as lists of arguments."""
    data, folder = experiment["data"], f"runs/{experiment['name']}/{each['name']}"
    prepare = [part.replace("{data_root}", data_root) for part in data["prepare"]]
    settings = [part for setting in results_files.settings_of(each) for part in ("--set", setting)]
    config = ["--config", each["config"]] if "config" in each else []
    return {
        "prepare": ["prepare", *prepare, "--out", data["path"]],
        "train": ["train", "--data", data["path"], *config, *settings, "--out", folder],
        "evaluate": ["evaluate", folder, *experiment.get("evaluate", []), *each.get("evaluate", [])],
    }


def _one_run(experiment, each, commands, root, overwrite):
    """Prepare, train and evaluate, as far as that is still to be done."""
    folder, data = root / "runs" / experiment["name"] / each["name"], root / experiment["data"]["path"]
    folder.parent.mkdir(parents=True, exist_ok=True)
    record = Record(folder, root)
    if not (data / "manifest.json").is_file():
        record.step("prepare", commands["prepare"], commands_of(experiment, each)["prepare"])
    state = results_files.run_state(experiment, each, root)
    if state.startswith("changed"):
        if not overwrite:
            raise StepError(f"{state}: --overwrite trains it again")
        record.forget()
    if state == "interrupted":
        record.step("train", ["train", "--resume", commands["train"][-1]], commands["train"])
    elif state != "finished":
        record.step("train", [*commands["train"], *(["--overwrite"] if folder.is_dir() else [])], commands["train"])
    if _must_evaluate(folder, commands["evaluate"], record):
        record.step("evaluate", commands["evaluate"])
    print(f"{experiment['name']}/{each['name']}: done", flush=True)


def _must_evaluate(folder, command, record):
    evaluation, model = folder / "evaluation.json", folder / "best/model.safetensors"
    old = not evaluation.is_file() or evaluation.stat().st_mtime < model.stat().st_mtime
    return old or record.facts.get("evaluate", {}).get("command") != shlex.join(["gsa", *command])


class Record:
    """runs/EXPERIMENT/RUN.json: the commands that made a run, their seconds, and the commit they ran at."""

    def __init__(self, folder, root):
        self.path, self.root = folder.with_name(f"{folder.name}.json"), root
        self.facts = results_files.read_json(self.path) or {}

    def step(self, name, command, named=None):
        """Run one `gsa` command, its output into the log; remember it under the command that names the result."""
        shown = shlex.join(["gsa", *command])
        print(f"{time.strftime('%H:%M:%S')} {shown}", flush=True)
        begun = time.monotonic()
        try:
            code = self._gsa(command, shown)
        finally:
            earlier = self.facts.get(name, {}).get("seconds", 0) if "--resume" in command else 0
            self.facts[name] = {
                "command": shlex.join(["gsa", *(named or command)]),
                "seconds": round(earlier + time.monotonic() - begun, 1),
                "resumed": "--resume" in command,
                "commit": results_files.commit(self.root),
            }
            self.path.write_text(json.dumps(self.facts, indent=1) + "\n")
        if code:
            raise StepError(f"{name} failed with exit code {code}, see {self.path.with_suffix('.log')}")

    def _gsa(self, command, shown):
        """Run a command in a process of its own; Ctrl-C reaches it too, and it is given the time to save."""
        with open(self.path.with_suffix(".log"), "a") as log:
            print(f"$ {shown}", file=log, flush=True)
            streams = {"stdin": subprocess.DEVNULL, "stdout": log, "stderr": subprocess.STDOUT}
            place = {"cwd": self.root, "env": {**os.environ, "COLUMNS": "120"}}
            process = subprocess.Popen([sys.executable, "-m", "mlx_gsa", *command], **place, **streams)
            try:
                return process.wait()
            except KeyboardInterrupt:
                process.wait()
                raise

    def forget(self):
        """Begin anew: an older run is about to be replaced."""
        self.facts = {}


def _parser():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=Path, default=ROOT, help="folder of runs/, data/, configs/ and docs/")
    actions = parser.add_subparsers(dest="action", required=True)
    one = actions.add_parser("run", help="prepare, train and evaluate the runs of one experiment")
    one.add_argument("config", type=Path)
    one.add_argument("--only", action="append", default=[], metavar="NAME", help="this run only; repeatable")
    one.add_argument("--data-root", default="../shared/data", help="folder of the real data sets")
    one.add_argument("--overwrite", action="store_true", help="train runs again whose settings or data have changed")
    speed = actions.add_parser("measure", help="time forward passes, sparse and full")
    speed.add_argument("config", type=Path, nargs="?", help="default: configs/experiments/speed.toml")
    speed.add_argument("--anyway", action="store_true", help="also with a reference BLAS, which settles no bar")
    actions.add_parser("measure-one").add_argument("what")
    actions.add_parser("collect", help="copy small result files into docs/results")
    ship = actions.add_parser("ship", help="make the model of a collected run the one that ships")
    ship.add_argument("folder", type=Path)
    actions.add_parser("render", help="write docs/results.md from docs/results")
    return parser


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit("stopped; the same command goes on")

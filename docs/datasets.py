"""Prepare, train, evaluate and explain the real data sets, fold by fold, and write docs/datasets.md from it.

    python docs/datasets.py run [NAME ...] [--data-root FOLDER] [--runs sparse10,...] [--folds 0,1] [--overwrite]
    python docs/datasets.py diagnose NAME [NAME ...]    what linear models gain from length, strand, counts or shares
    python docs/datasets.py collect         docs/results/datasets/NAME.json from the run folders
    python docs/datasets.py render          docs/datasets.md from docs/results/datasets

What is run is stated in configs/experiments/datasets/NAME.toml: the recipe that prepares the set, the training
configuration, the variants and their folds, and the bars. Every step is a public `gsa` command, in a process of its
own, with its output in a log beside the run. What is finished is left alone, what was interrupted goes on.
"""

import argparse
import sys
import tomllib
from pathlib import Path

import datasets_collect
import datasets_diagnose
import datasets_page
from experiments import Record, StepError

from mlx_gsa.errors import GsaError

ROOT = Path(__file__).resolve().parent.parent
SETS, RESULTS, RUNS = "configs/experiments/datasets", "docs/results/datasets", "runs/datasets"


def main(arguments=None):
    """Do what the command line asks; returns the exit code."""
    options = _parser().parse_args(arguments)
    root = options.root.resolve()
    sets = load_sets(root / SETS)
    if options.action == "run":
        return run(sets, root, options)
    if options.action == "diagnose":
        for each in sets:
            if each["name"] in options.names:
                print(datasets_diagnose.diagnose(each, root / "data" / each["name"], root / RESULTS, root), flush=True)
        return 0
    if options.action == "collect":
        for line in datasets_collect.collect(sets, root / RUNS, root / RESULTS, root):
            print(line, flush=True)
        return 0
    page = root / "docs/datasets.md"
    page.write_text(datasets_page.render(sets, root / RESULTS), encoding="utf-8")
    print(page.relative_to(root))
    return 0


def load_sets(folder):
    """Read the experiment of every data set, in the order that they state."""
    found = [{"name": path.stem, **tomllib.loads(path.read_text(encoding="utf-8"))} for path in folder.glob("*.toml")]
    return sorted(found, key=lambda each: (each.get("order", 99), each["name"]))


def run(sets, root, options):
    """Bring every run that is wanted to its end; returns 0, or 1 if a step failed."""
    failed = []
    for each in sets:
        if options.names and each["name"] not in options.names:
            continue
        try:
            _prepare(each, root, options.data_root)
            for variant, fold in _wanted(each, options):
                _one_run(each, variant, fold, root, options.overwrite)
            for extra in each.get("also", []):
                _also(each, extra, root, options.data_root)
        except (StepError, GsaError) as error:
            print(f"{each['name']}: {error}", flush=True)
            failed.append(each["name"])
    print(f"not done: {', '.join(failed)}" if failed else "done", flush=True)
    return 1 if failed else 0


def commands_of(each, variant, fold, data_root="DATA_ROOT"):
    """Write out the `gsa` commands of one run, as lists of arguments.

    Parameters
    ----------
    each : dict
        The experiment of a data set.
    variant : dict
        One of its ``runs``.
    fold : int
    data_root : str
        What ``{data_root}`` stands for.

    Returns
    -------
    dict of str to list of str
        ``prepare``, ``train``, ``evaluate`` and ``explain``.
    """
    data, folder = f"data/{each['name']}", f"{RUNS}/{each['name']}/{variant['name']}-fold{fold}"
    prepare = [part.replace("{data_root}", data_root) for part in each["prepare"]]
    config = ["--config", each["config"]] if "config" in each else []
    settings = [f"{key}={_plain(value)}" for key, value in variant.get("settings", {}).items()]
    return {
        "prepare": ["prepare", *prepare, "--out", data],
        "train": ["train", "--data", data, *config, *(p for s in settings for p in ("--set", s)),
                  "--fold", str(fold), "--out", folder],
        "evaluate": ["evaluate", folder, *each.get("evaluate", []), *variant.get("evaluate", [])],
        "explain": ["explain", "--data", data, "--run", folder, "--split", "test", *each.get("explain", []),
                    "--out", f"{folder}/explained"],
    }  # fmt: skip


def _plain(value):
    return str(value).lower() if isinstance(value, bool) else value


def _wanted(each, options):
    """Yield (variant, fold), all variants of the first fold first, so that an early stop leaves something of each."""
    runs = [variant for variant in each["runs"] if not options.runs or variant["name"] in options.runs]
    folds = sorted({fold for variant in runs for fold in variant["folds"]})
    for fold in folds:
        for variant in runs:
            if fold in variant["folds"] and (options.folds is None or fold in options.folds):
                yield variant, fold


def _prepare(each, root, data_root):
    folder = root / RUNS / each["name"]
    folder.mkdir(parents=True, exist_ok=True)
    if (root / "data" / each["name"] / "manifest.json").is_file():
        return
    record, variant = Record(folder / "prepare", root), each["runs"][0]
    named = commands_of(each, variant, 0)["prepare"]
    record.step("prepare", commands_of(each, variant, 0, data_root)["prepare"], named)


def _one_run(each, variant, fold, root, overwrite):
    """Train, evaluate and, where asked, explain, as far as that is still to be done."""
    commands = commands_of(each, variant, fold)
    folder = root / commands["train"][-1]
    record = Record(folder, root)
    state = datasets_collect.run_state(folder)
    if overwrite and state != "new":
        record.forget()
        state = "old"
    if state == "interrupted":
        record.step("train", ["train", "--resume", commands["train"][-1]], commands["train"])
    elif state != "finished":
        record.step("train", [*commands["train"], *(["--overwrite"] if folder.is_dir() else [])])
    evaluation, model = folder / "evaluation.json", folder / "best/model.safetensors"
    if not evaluation.is_file() or evaluation.stat().st_mtime < model.stat().st_mtime:
        record.step("evaluate", commands["evaluate"])
    if variant.get("explain") == fold and not (folder / "explained/manifest.json").is_file():
        record.step("explain", commands["explain"])
    print(f"{each['name']}/{folder.name}: done", flush=True)


def _also(each, extra, root, data_root):
    """Evaluate the runs of a variant on further data, such as mutants or another species, fold by fold."""
    data, folder = f"data/{extra['data']}", root / RUNS / each["name"]
    record = Record(folder / f"also-{extra['name']}", root)
    if not (root / data / "manifest.json").is_file():
        prepare = [part.replace("{data_root}", data_root) for part in extra["prepare"]]
        record.step("prepare", ["prepare", *prepare, "--out", data], ["prepare", *extra["prepare"], "--out", data])
    for fold in next(variant["folds"] for variant in each["runs"] if variant["name"] == extra["variant"]):
        run, out = folder / f"{extra['variant']}-fold{fold}", folder / f"also-{extra['name']}-fold{fold}"
        if (run / "evaluation.json").is_file() and not out.is_dir():
            options = ["--data", data, "--split", "test", "--no-cost", "--out", str(out.relative_to(root))]
            record.step("evaluate", ["evaluate", str(run.relative_to(root)), *options])


def _numbers(text):
    return [int(part) for part in text.split(",")]


def _parser():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=Path, default=ROOT, help="folder of runs/, data/, configs/ and docs/")
    actions = parser.add_subparsers(dest="action", required=True)
    one = actions.add_parser("run", help="prepare, train, evaluate and explain")
    one.add_argument("names", nargs="*", help="data sets; all of them if none is named")
    one.add_argument("--data-root", default="../shared/data", help="folder of the real data sets")
    one.add_argument("--runs", type=lambda text: text.split(","), help="these variants only")
    one.add_argument("--folds", type=_numbers, help="these folds only")
    one.add_argument("--overwrite", action="store_true", help="train again what is there")
    diagnose = actions.add_parser("diagnose", help="fit linear models that count in several ways")
    diagnose.add_argument("names", nargs="+")
    actions.add_parser("collect", help="gather the results of the runs")
    actions.add_parser("render", help="write docs/datasets.md")
    return parser


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit("stopped; the same command goes on")

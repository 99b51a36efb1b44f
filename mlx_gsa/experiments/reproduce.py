"""Make the results of a scale again, from nothing or from what is finished: sweeps, comparisons, measurements."""

import datetime
import shlex
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from mlx_gsa.benchmark.speed import measure_speed
from mlx_gsa.configs import config_path
from mlx_gsa.data.dataset import Dataset
from mlx_gsa.errors import ConfigError, GsaError, ResultsError
from mlx_gsa.experiments.collect_runs import collect_runs
from mlx_gsa.experiments.comparison import Options, compare_collection
from mlx_gsa.experiments.comparison_files import save_comparison
from mlx_gsa.experiments.example import make_example
from mlx_gsa.experiments.gather import gather_sweep
from mlx_gsa.experiments.json_files import write_json
from mlx_gsa.experiments.linear import compare_counts
from mlx_gsa.experiments.record import commit, read_json
from mlx_gsa.experiments.results import FORMAT, FORMAT_VERSION
from mlx_gsa.experiments.runner import SweepOptions, run_sweep
from mlx_gsa.experiments.spec import load_spec
from mlx_gsa.runtime import machine, prepare_mlx, versions

SCALES = ("ci", "quick", "standard", "full")
_KEYS = {"title", "purpose", "sweeps", "names", "figures", "speed", "example", "linear", "check", "choose"}


@dataclass(frozen=True)
class Place:
    """Where a reproduction reads and writes.

    Attributes
    ----------
    data_root : str
        Folder of the real data sets.
    runs : Path
        Folder of the sweeps; what is finished there is used.
    results : Path
        docs/results, or a folder like it: SCALE is written below it.
    """

    data_root: str
    runs: Path
    results: Path


def load_scale(name):
    """Read what is run and measured at one scale.

    Parameters
    ----------
    name : str
        One of `SCALES`, or a path to a TOML file like those of configs/reproduce.

    Returns
    -------
    dict
        ``sweeps``: names in configs/experiments; ``choose``: restrictions of a sweep (``only``, ``data``, ``folds``,
        ``seeds``); ``speed``: see `measure_speed`; ``linear``: data sets (``data``, ``min_lengths``) for
        `compare_counts`; ``example``: the run whose attention is drawn; ``names``: what the
        claims mean by ``{name}``; ``figures``; ``check.tolerance``.

    Raises
    ------
    ResultsError
        If there is no such scale, or it has an unknown key.
    """
    try:
        path = Path(name) if str(name).endswith(".toml") else config_path(f"reproduce/{name}.toml")
        found = tomllib.loads(path.read_text(encoding="utf-8"))
    except (ConfigError, FileNotFoundError):
        raise ResultsError("no such scale", where=str(name), expected=", ".join(SCALES)) from None
    except tomllib.TOMLDecodeError as error:
        raise ResultsError("scale is not TOML", where=str(path), found=str(error)) from None
    unknown = set(found) - _KEYS
    if unknown:
        raise ResultsError("unknown key", where=str(path), expected=", ".join(sorted(_KEYS)), found=min(unknown))
    return {"sweeps": [], "name": path.stem, **found}


def reproduce(scale, place: Place, report: Callable = lambda line: None, sweeper: Callable = run_sweep):
    """Run what is not finished, compare, measure, and gather everything into small files.

    Parameters
    ----------
    scale : dict
        From `load_scale`.
    place : Place
    report : callable
        Told what is begun and what could not be done, one line each.
    sweeper : callable
        As `run_sweep`, called as ``sweeper(spec, out, options)``; the command line gives one that shows its progress.

    Returns
    -------
    Path
        ``place.results`` / SCALE. A sweep that fails leaves the others alone; results.json says what is missing.
    """
    target = place.results / scale["name"]
    begun = datetime.datetime.now(datetime.UTC)
    prepare_mlx()
    missing = {}
    for name in scale["sweeps"]:
        report(f"sweep {name}")
        why = _sweep(name, scale, place, target, report, sweeper)
        if why:
            missing[name] = why
            report(f"{name}: {why}")
    for name, make, asked in _measurements(scale):
        report(name)
        try:
            write_json(target / f"{name}.json", make(asked, place, report), _places(place))
        except GsaError as error:
            missing[name] = str(error).splitlines()[0]
            report(f"{name}: {missing[name]}")
    write_json(target / "results.json", _facts(scale, begun, missing, target), _places(place))
    return target


def _sweep(name, scale, place, target, report, sweeper):
    """Bring one sweep to its end and gather it; returns why it is missing or incomplete, or None."""
    out = place.runs / name
    try:
        spec = load_spec(name)
        chosen = {key: tuple(value) for key, value in scale.get("choose", {}).get(name, {}).items()}
        done = sweeper(spec, out, SweepOptions(data_root=place.data_root, **chosen))
        if any((out / "sweep.json").parent.rglob("evaluation.json")):
            _compare(out, report)
            gather_sweep(out, target, _places(place))
    except GsaError as error:
        return str(error).splitlines()[0]
    problems = [*dict.fromkeys([*done.failed.values(), *done.skipped.values()])]
    return "; ".join(problems) or None


def _compare(out, report):
    """Compare the models of a sweep, unless the comparison is newer than every evaluation."""
    file = out / "comparison.json"
    newest = max(path.stat().st_mtime for path in out.rglob("evaluation.json"))
    if file.is_file() and file.stat().st_mtime > newest:
        return
    report(f"compare {out.name}")
    options = Options()
    command = shlex.join(["gsa", "compare", str(out), "--bootstrap", str(options.n), "--seed", str(options.seed)])
    save_comparison(compare_collection(collect_runs([out]), options=options, command=command), out)


def _measurements(scale):
    """Yield what is measured besides the sweeps: name of its file, function, and what it is asked."""
    for name, make in (("example", _example), ("speed", _speed)):
        if name in scale:
            yield name, make, scale[name]
    for each in scale.get("linear", ()):
        yield f"linear-{each['data']}", _linear, each


def _linear(asked, place, report):
    """Take what linear models by what they count reach, if it is there of the same data, or fit them."""
    dataset = Dataset.open(Path("data") / asked["data"], verify=False)
    file = place.runs / f"linear-{asked['data']}.json"
    found = read_json(file)
    if found is None or (found["data_hash"], found["versions"]) != (dataset.data_hash, versions()):
        found = compare_counts(dataset, asked.get("min_lengths", ()))
        write_json(file, found)
    return found


def _example(run, place, report):
    return make_example(place.runs / run)


def _speed(asked, place, report):
    """Take the measurement of this machine and these versions that is there, or measure."""
    file = place.runs / "speed.json"
    found = read_json(file)
    if found and found["asked"] == asked and found["versions"] == versions() and found["commit"] == commit():
        return found
    found = measure_speed(asked, report) | {"commit": commit()}
    write_json(file, found)
    return found


def _facts(scale, begun, missing, target):
    return {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "scale": scale,
        "command": f"gsa reproduce --scale {scale['name']}",
        "commit": commit(),
        "created": begun.isoformat(timespec="seconds"),
        "seconds": round((datetime.datetime.now(datetime.UTC) - begun).total_seconds(), 1),
        "missing": missing,
        "files": sorted(path.relative_to(target).as_posix() for path in target.rglob("*.json")),
        "versions": versions(),
        "machine": machine(),
    }


def _places(place):
    """Folders that no result may name: here, the real data, and where the runs are if that is elsewhere."""
    return [Path.cwd(), Path(place.data_root).resolve(), place.runs.resolve().parent, place.results.resolve().parent]

"""`gsa sweep`: options, the plan, the display; and real sweeps of toys, killed, gone on with, and two at a time."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from rank_jobs import gsa_job
from toy_sweep import FakeSteps, leave_run, toy_data, toy_spec, toy_tables

from mlx_gsa.cli.sweep_display import SweepDisplay, duration, spans
from mlx_gsa.config import dump_config
from mlx_gsa.experiments import runner
from mlx_gsa.experiments.plan import plan_cells
from mlx_gsa.experiments.runner import SweepOptions
from mlx_gsa.experiments.survey import survey
from mlx_gsa.model.weights import load_arrays
from mlx_gsa.training.metrics_log import read_metrics
from mlx_gsa.training.run import read_manifest

WAIT = 120  # seconds that a loaded machine may take
CLOCK = {"seconds", "records_per_second"}


def write_toml(path="toy.toml", **changes):
    """Write the toy experiment as a file."""
    tables = {key: value for key, value in toy_tables(**changes).items() if key != "name"}
    plain = {key: value for key, value in tables.items() if not isinstance(value, list)}
    lines = [f"{key} = {json.dumps(value)}" for key, value in plain.items()]
    for name, entries in tables.items():
        for entry in entries if isinstance(entries, list) else ():
            lines += [f"[[{name}]]", *(f"{key} = {_toml(value)}" for key, value in entry.items())]
    Path(path).write_text("\n".join(lines) + "\n")
    return path


def _toml(value):
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {json.dumps(part)}" for key, part in value.items()) + " }"
    return json.dumps(value)


def files():
    return {path: path.stat().st_mtime_ns for path in Path().rglob("*")}


@pytest.fixture
def steps(gsa, monkeypatch):
    monkeypatch.setattr(runner, "_PAUSE", 0)
    monkeypatch.setattr(runner, "Step", FakeSteps())
    return runner.Step


def test_a_dry_run_shows_the_plan_and_touches_nothing(gsa):
    toy_data()
    path = write_toml()
    before = files()
    done = gsa("sweep", path, "--dry-run")
    assert done.exit_code == 0 and files() == before
    words = " ".join(done.stdout.split())
    assert "2 of 2 runs to do, about" in words and "at the speed of a short measurement" in words
    assert "sparse" in words and "label" not in words


def test_a_sweep_is_run_and_the_next_one_has_nothing_to_do(gsa, steps):
    toy_data()
    path = write_toml()
    done = gsa("sweep", path)
    assert done.exit_code == 0 and "2 runs are finished: runs/toy/sweep.json" in done.stdout
    assert "toy/sparse-seed0: done, val r 0.500" in done.stderr
    n = len(steps.calls)
    done = gsa("sweep", path)
    assert "Nothing is left to do." in done.stdout and len(steps.calls) == n


def test_options_reach_the_sweep(gsa, monkeypatch):
    calls = []
    monkeypatch.setattr(runner, "run_sweep", lambda *given: calls.append(given) or runner.SweepResult())
    toy_data()
    path = write_toml(data=[{"name": "toy", "folds": [0, 1, 2]}, {"name": "b"}])
    given = ("--only", "full", "--only", "sparse", "--data", "toy", "--folds", "0,2", "--seeds", "0")
    assert gsa("sweep", path, *given, "--data-root", "R", "--out", "x/y", "--jobs", 3, "--overwrite").exit_code == 0
    spec, out, options, *_ = calls[0]
    assert spec.name == "toy" and out == Path("x/y")
    assert options == SweepOptions(("full", "sparse"), ("toy",), (0, 2), (0,), "R", 3, True)


def test_without_options_everything_is_run_into_runs(gsa, monkeypatch):
    calls = []
    monkeypatch.setattr(runner, "run_sweep", lambda *given: calls.append(given) or runner.SweepResult())
    assert gsa("sweep", write_toml()).exit_code == 0
    assert calls[0][1:3] == (Path("runs/toy"), SweepOptions())


@pytest.mark.parametrize(
    "options, code, text",
    [
        (("--folds", "a"), 2, "is not a list of numbers such as 0,1,2"),
        (("--jobs", "0"), 2, "--jobs"),
        (("--only", "nobody"), 1, "no such variant in this experiment"),
        (("--seeds", "7"), 1, "no such seed in this experiment"),
    ],
)
def test_wrong_usage_is_said(gsa, options, code, text):
    done = gsa("sweep", write_toml(), *options)
    assert done.exit_code == code and text in done.stderr and not Path("runs").exists()


def test_a_bad_experiment_is_a_panel(gsa):
    write_toml(variants=[{"name": "full", "setings": {}}])
    done = gsa("sweep", "toy.toml")
    assert done.exit_code == 1 and "unknown key" in done.stderr and "Did you mean settings?" in done.stderr


def test_failures_and_what_is_missing_are_in_a_table_at_the_end(gsa, steps):
    toy_data()
    steps.codes["attention=full"] = 1
    done = gsa("sweep", write_toml(data=[{"name": "toy"}, {"name": "real", "prepare": ["table", "{data_root}/x"]}]))
    assert done.exit_code == 1
    assert "train failed with exit code 1, see runs/toy/toy/full-seed0.log" in done.stdout
    assert "../shared/data/x is not there" in done.stdout and "1 runs are finished" in done.stdout


def test_what_is_missing_is_no_failure(gsa, steps):
    toy_data()
    done = gsa("sweep", write_toml(data=[{"name": "toy"}, {"name": "none"}]))
    assert done.exit_code == 0 and "data/none is not there" in done.stdout


def test_the_display_follows_epochs_and_keeps_the_best(gsa, steps, monkeypatch):
    toy_data()
    Path("runs/toy").mkdir(parents=True)
    spec = toy_spec()
    sparse, full = plan_cells(spec, Path("runs/toy"))
    monkeypatch.setattr("mlx_gsa.cli.sweep_display._SECONDS_BETWEEN_LOOKS", 0)
    with SweepDisplay(survey(spec, Path("runs/toy"), SweepOptions(), lambda: 1e9), 1) as display:
        display.observe("begin", sparse, step="train", command=None)
        leave_run(sparse.config(), sparse.folder, finished=False)
        display.observe("tick", None, running=[(sparse, "train")])
        task = next(each for each in display.bar.tasks if each.description == "toy/sparse-seed0")
        assert (task.completed, task.total, task.fields["note"]) == (1, 1, "train val r 0.500")
        display.observe("done", sparse)
        total = display.bar.tasks[0]
        assert total.completed == 1 and total.total == 2
        assert total.fields["note"].endswith("best on toy: sparse, r 0.500") and "left" in total.fields["note"]
        display.observe("failed", full, why="it is broken")
        assert total.completed == 2


@pytest.mark.parametrize("seconds, text", [(0, "0 s"), (89, "89 s"), (91, "2 min"), (5700, "1 h 35 min")])
def test_durations_are_written_as_people_say_them(seconds, text):
    assert duration(seconds) == text


def test_numbers_are_written_as_spans():
    assert [spans(each) for each in ({2, 0, 1, 4}, {7}, set())] == ["0-2, 4", "7", ""]


def sweep(folder, *options, **popen):
    command = [sys.executable, "-m", "mlx_gsa", "sweep", "toy.toml", *map(str, options)]
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    return subprocess.Popen(command, cwd=folder, **streams, **popen)


def finish(process):
    text, _ = process.communicate(timeout=WAIT)
    assert process.returncode == 0, text
    return text


def numbers(run):
    """Everything of a run that must be the same on the same machine."""
    rows = [{key: value for key, value in row.items() if key not in CLOCK} for row in read_metrics(run)]
    table = (run / "evaluation-predictions.tsv").read_text()
    return rows, table, load_arrays(run / "best/model.safetensors")[0]


def assert_same(one, other):
    assert one[:2] == other[:2]
    assert all(np.array_equal(one[2][name], other[2][name]) for name in one[2] | other[2])


RUNS = ("sparse-seed0", "full-seed0")


@pytest.fixture(scope="module")
def reference(tmp_path_factory):
    """A sweep of two runs that nobody interrupted."""
    folder = tmp_path_factory.mktemp("reference")
    make(folder)
    finish(sweep(folder))
    return folder


def make(folder):
    before = Path.cwd()
    os.chdir(folder)
    try:
        toy_data()
        write_toml()
    finally:
        os.chdir(before)


@pytest.mark.slow
def test_a_real_sweep_leaves_ordinary_runs_and_is_not_repeated(reference):
    base = reference / "runs/toy/toy"
    cells = plan_cells(toy_spec(), Path("runs/toy"))
    for cell in cells:
        assert read_manifest(reference / cell.folder)["finished"]
        assert (reference / cell.folder / "config.toml").read_text() == dump_config(cell.config())
        record = json.loads((reference / cell.beside(".json")).read_text())
        assert record["train"]["finished"] and record["evaluate"]["finished"]
    before = {path: path.stat().st_mtime_ns for path in base.rglob("*") if path.suffix != ".lock"}
    assert "Nothing is left to do." in finish(sweep(reference))
    assert {path: path.stat().st_mtime_ns for path in base.rglob("*") if path.suffix != ".lock"} == before


@pytest.mark.slow
def test_two_jobs_give_the_same_numbers_as_one(reference, tmp_path):
    make(tmp_path)
    finish(sweep(tmp_path, "--jobs", 2))
    for name in RUNS:
        assert_same(numbers(tmp_path / "runs/toy/toy" / name), numbers(reference / "runs/toy/toy" / name))


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_sweep_that_was_killed_goes_on_to_the_same_numbers(reference, tmp_path, number):
    make(tmp_path)
    first = sweep(tmp_path)
    begun = tmp_path / "runs/toy/toy/sparse-seed0/manifest.json"
    deadline = time.monotonic() + WAIT
    while not begun.exists():
        assert time.monotonic() < deadline and first.poll() is None
        time.sleep(0.02)
    first.send_signal(number)
    first.communicate(timeout=WAIT)
    assert first.returncode == (-signal.SIGKILL if number == signal.SIGKILL else 130)
    finish(sweep(tmp_path))
    for name in RUNS:
        assert_same(numbers(tmp_path / "runs/toy/toy" / name), numbers(reference / "runs/toy/toy" / name))


@pytest.mark.slow
def test_two_sweeps_at_once_train_no_run_twice(reference, tmp_path):
    make(tmp_path)
    for each in [sweep(tmp_path), sweep(tmp_path)]:
        finish(each)
    for name in RUNS:
        log = (tmp_path / f"runs/toy/toy/{name}.log").read_text()
        assert log.count("$ gsa train") == 1 and log.count("$ gsa evaluate") == 1
        assert_same(numbers(tmp_path / "runs/toy/toy" / name), numbers(reference / "runs/toy/toy" / name))


@pytest.mark.slow
def test_two_ranks_share_the_runs_and_the_first_reports_them_all(reference, tmp_path):
    make(tmp_path)
    first, second = gsa_job(2, ["sweep", "toy.toml"], tmp_path).end()
    assert (first[2], second) == (0, ("", "", 0)), first[1] + second[1]
    assert "2 runs are finished" in first[0]
    cells = json.loads((tmp_path / "runs/toy/sweep.json").read_text())["cells"]
    assert [cell["state"] for cell in cells] == ["finished"] * len(RUNS)
    for name in RUNS:
        assert (tmp_path / f"runs/toy/toy/{name}.log").read_text().count("$ gsa train") == 1
        assert_same(numbers(tmp_path / "runs/toy/toy" / name), numbers(reference / "runs/toy/toy" / name))

"""The script of the experiments: what it runs and leaves alone, and the page that it writes from JSON."""

import itertools
import json
import sys
import tomllib

import pytest
from conftest import ROOT

sys.path.insert(0, str(ROOT / "docs"))

import experiments
import results_files
import results_page
from results_bars import Measured, verdict

EXPERIMENTS = sorted((ROOT / "configs/experiments").glob("*.toml"))
CONFIG = """
title = "A trial"
evaluate = ["--baseline"]
reference = "full"
[data]
path = "data/tiny"
prepare = ["table", "{data_root}/tiny.tsv", "--task", "regression"]
[[runs]]
name = "sparse"
label = "a tenth kept"
settings = { sparsity = 0.1, distance = false }
[[runs]]
name = "full"
settings = { attention = "full" }
[retention]
sparse = ["sparse"]
full = ["full"]
metric = "pearson"
margins = [0.95, 0.9]
[[bars]]
what = "share"
run = "sparse"
measure = "share_of_reachable"
at_least = 0.95
[[bars]]
what = "sites"
run = "sparse"
measure = "hardest_kind"
cut = "kept"
at_least = 0.8
[[bars]]
what = "decoys"
run = "sparse"
measure = "decoys"
cut = "kept"
above = 0
[[bars]]
what = "epoch"
run = "sparse"
measure = "slowest_epoch"
at_most = 180
[[bars]]
what = "kept skill"
measure = "retention"
at_least = 0.95
"""


def interval(value, half=0.01):
    return {"value": value, "low": value - half, "high": value + half}


def run_file(name, r=0.8):
    """What `collect` writes of a run, as far as the page reads it."""
    ranking = {"recall": interval(0.876), "recall_chance": 0.612}
    ranking |= {"precision": interval(0.345), "precision_chance": 0.04}
    kinds = [("TATA", 0.93, 0.61), ("CAAT", 0.71, 0.59)]
    decoy = {"functional": interval(0.9), "decoy": interval(0.4), "difference": interval(0.5)}
    return {
        "experiment": "trial",
        "run": name,
        "made_by": {"train": {"command": f"gsa train --out runs/trial/{name}", "commit": "abc123"}},
        "manifest": {
            "seed": 7, "data_hash": "feedbeef" * 8, "finished_at": "2026-01-02T03:04:05+00:00",
            "result": {"best": {"epoch": 3}}, "versions": {"mlx": "9.9.9"},
            "machine": {"platform": "Linux 6", "blas": "OpenBLAS 1.2.3", "cores": 2, "memory_total": 8 * 2**30},
        },
        "epochs": [{"epoch": 1, "seconds": 61.2}, {"epoch": 2, "seconds": 234.5}],
        "evaluation": {
            "split": "test", "n": 321, "kept_share": 0.1003, "cost": {"parameters": 6543},
            "manifest": {"level": 0.95},
            "metrics": {"pearson": interval(r), "r2": interval(0.64)},
            "reachable": {"share": interval(0.961)},
            "selection": {
                "near": 5,
                "ranking": [{"cut": "kept", "enrichment": interval(8.6), **ranking}],
                "kinds": [{"cut": "kept", "kind": kind, "n": 50, "recall": interval(x), "recall_chance": chance}
                          for kind, x, chance in kinds],
                "decoys": [{"cut": "kept", "kind": "TATA", **decoy}],
            },
            "baselines": [{"name": "k-mers", "choice": {"k": 6}, "difference": {"pearson": interval(0.25)},
                           "metrics": {"pearson": interval(0.55), "r2": interval(0.3)}}],
        },
    }  # fmt: skip


RETENTION = {
    "metric": "pearson", "n_records": 321, "sparse": [0.8], "full": [0.82], "per_seed": [interval(0.976)],
    "pooled": interval(0.9756), "p_inferior": {"0.95": 0.012, "0.9": 0.001}, "resamples": 1000,
    "runs": {"sparse": ["sparse"], "full": ["full"]},
}  # fmt: skip


@pytest.fixture
def results(tmp_path):
    """docs/results with one experiment whose sparse run is there and whose full run is not."""
    folder = tmp_path / "docs/results"
    facts = {"name": "trial", "runs": [], **tomllib.loads(CONFIG)}
    write(folder / "trial/experiment.json", facts)
    write(folder / "trial/sparse.json", run_file("sparse"))
    return folder


def write(path, value):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value))
    return path


def row(page, start):
    """The first row of a table that begins with this text."""
    return next(line for line in page.splitlines() if line.startswith(f"| {start} |"))


def test_numbers_come_through(results):
    page = results_page.render(results)
    assert "0.961 (0.951 to 0.971)" in row(page, "share") and "≥ 0.95" in row(page, "share")
    assert "0.800 (0.790 to 0.810)" in page and "6,543" in page and "321 test records" in page
    assert "87.6 (86.6 to 88.6) %" in page and "61.2%" in page and "within 5 bp" in page
    assert row(page, "6-mers, linear").count("0.550 (0.540 to 0.560)") == 1
    assert "0.250 (0.240 to 0.260)" in row(page, "6-mers, linear")
    assert "gsa train --out runs/trial/sparse" in page and "abc123" in page and "feedbeeffeed" in page
    assert "OpenBLAS 1.2.3" in page and "mlx 9.9.9" in page and "(95 %)" in page


def test_met_and_missed_bars_are_told_apart(results):
    page = results_page.render(results)
    assert "**met**" in row(page, "share")
    assert "**missed**" in row(page, "sites")  # one kind of two is below, and that kind is named beside chance
    assert "CAAT" in row(page, "sites") and "59.0%" in row(page, "sites")
    assert "**met**" in row(page, "decoys") and "90.0% against 40.0%" in row(page, "decoys")
    assert "**missed**" in row(page, "epoch") and "234 s" in row(page, "epoch")
    assert "**not run yet**" in row(page, "kept skill")
    assert "2 met, 2 missed, 1 not run yet." in page


def test_a_changed_number_changes_the_page(results):
    run = run_file("sparse")
    run["evaluation"]["reachable"]["share"] = interval(0.9)
    write(results / "trial/sparse.json", run)
    assert "**missed**" in row(results_page.render(results), "share")


def test_what_is_missing_is_said(results, tmp_path):
    assert "*Not run yet: full.*" in results_page.render(results)
    (results / "trial/sparse.json").unlink()
    page = results_page.render(results)
    assert "*Not run yet: a tenth kept, full.*" in page and "0 met, 0 missed, 5 not run yet." in page
    assert "not run yet" in results_page.render(tmp_path / "nothing")


def test_retention_and_differences(results):
    write(results / "trial/retention.json", RETENTION)
    write(results / "trial/full.json", run_file("full", 0.82))
    differences = {"sparse": {"pearson": interval(-0.02)}}
    write(results / "trial/differences.json", {"reference": "full", "differences": differences})
    page = results_page.render(results)
    assert "**met**" in row(page, "kept skill") and "p = 0.012" in row(page, "kept skill")
    assert "0.976 (0.966 to 0.986)" in row(page, "a tenth kept / full")
    assert "Pearson r less that of “full”" in page and "-0.020 (-0.030 to -0.010)" in page
    assert "Not run yet" not in page


@pytest.mark.parametrize("headline", [True, False])
def test_speed_settles_a_bar_only_beside_a_fair_rival(results, headline):
    bar = {"what": "speed", "measure": "speedup", "length": 2000, "at_least": 20}
    write(results / "speed/experiment.json", {"title": "Speed", "runs": [], "forward": {}, "bars": [bar]})
    assert "**not run yet**" in row(results_page.render(results), "speed")
    one = {"seconds": 0.05, "peak_bytes": 10**9}
    row_of = {"length": 2000, "batch_size": 16, "batch_wanted": 32, "speedup": 24}
    rows = [{**row_of, "sparse": one, "full": one | {"seconds": 1.2}}]
    speed = {"rows": rows, "headline": headline, "device": "cpu", "blas": {"name": "some BLAS"}, "gemm_gflops": 5.0}
    write(results / "speed.json", speed | {"versions": {"mlx": "9.9.9"}, "load_before": 0.1})
    page = results_page.render(results)
    assert ("**met**" in row(page, "speed")) is headline
    assert ("settle no bar" in page) is not headline
    assert "24.0 x" in page and "both were timed at 16" in page


@pytest.mark.parametrize(
    ("value", "low", "high", "sign", "expected"),
    [
        (0.96, 0.955, 0.97, "≥", "met"),
        (0.96, 0.94, 0.97, "≥", "met (the interval reaches below)"),
        (0.94, 0.93, 0.96, "≥", "missed (the interval reaches it)"),
        (0.94, 0.93, 0.945, "≥", "missed"),
        (0.95, None, None, "≤", "met"),
        (0.951, None, None, "≤", "missed"),
        (0.99, 0.951, 1.0, ">", "met"),
        (0.99, 0.949, 1.0, ">", "missed"),
        (None, None, None, "≥", "missed (not defined)"),
    ],
)
def test_verdicts(value, low, high, sign, expected):
    assert verdict(Measured(value, low, high, ""), sign, 0.95) == expected


@pytest.mark.parametrize("path", EXPERIMENTS, ids=lambda path: path.stem)
def test_every_experiment_is_sound(path):
    from results_bars import _MEASURES, _SIGNS

    from mlx_gsa.config import load_config, parse_assignments

    experiment = results_files.load_experiment(path)
    names = {each["name"] for each in experiment["runs"]}
    for each in experiment["runs"]:
        train = experiments.commands_of(experiment, each)["train"]
        settings = [value for flag, value in itertools.pairwise(train) if flag == "--set"]
        assert len(settings) == len(each["settings"])
        load_config(None, parse_assignments(settings))
    for bar in experiment["bars"]:
        assert bar["measure"] in _MEASURES and any(sign in bar for sign in _SIGNS)
        assert bar.get("run", next(iter(names), None)) in (names or {None})
    asked = experiment.get("retention", {"sparse": [], "full": []})
    assert {*asked["sparse"], *asked["full"], experiment.get("reference")} - {None} <= names
    assert names or "forward" in experiment


@pytest.fixture
def trial(tmp_path, monkeypatch):
    """A checkout with one experiment, and a `gsa` that only remembers; returns (run, commands seen, set state)."""
    config = tmp_path / "configs/experiments/trial.toml"
    config.parent.mkdir(parents=True)
    config.write_text(CONFIG)
    seen = []

    def pretend(record, command, shown):
        seen.append(" ".join(command))
        folder = tmp_path / command[command.index("--out") + 1] if "--out" in command else None
        if command[0] == "prepare":
            write(folder / "manifest.json", {})
        elif command[0] == "evaluate":
            write(tmp_path / command[1] / "evaluation.json", {})
        elif command[1] == "--resume":
            finish(tmp_path / command[2], True)
        else:
            leave(folder, command)
        return 0

    def leave(folder, command):
        from mlx_gsa.config import dump_config, load_config, parse_assignments

        settings = [value for flag, value in itertools.pairwise(command) if flag == "--set"]
        (folder / "best").mkdir(parents=True, exist_ok=True)
        (folder / "best/model.safetensors").touch()
        data = {"data.path": command[command.index("--data") + 1]}
        (folder / "config.toml").write_text(dump_config(load_config(None, parse_assignments(settings) | data)))
        finish(folder, True)

    def finish(folder, finished):
        write(folder / "manifest.json", {"finished": finished, "data_hash": "same"})

    monkeypatch.setattr(experiments.Record, "_gsa", pretend)
    monkeypatch.setattr(results_files, "read_manifest", lambda path: type("M", (), {"data_hash": "same"}))

    def run(*only, **options):
        seen.clear()
        return experiments.run(config, tmp_path, only, data_root="elsewhere", **options)

    return run, seen, finish


def test_runs_what_is_to_be_done_and_nothing_twice(trial, tmp_path):
    run, seen, _ = trial
    assert run() == 0
    assert seen == [
        "prepare table elsewhere/tiny.tsv --task regression --out data/tiny",
        "train --data data/tiny --set sparsity=0.1 --set distance=false --out runs/trial/sparse",
        "evaluate runs/trial/sparse --baseline",
        "train --data data/tiny --set attention=full --out runs/trial/full",
        "evaluate runs/trial/full --baseline",
    ]
    made = json.loads((tmp_path / "runs/trial/sparse.json").read_text())
    assert made["prepare"]["command"].startswith("gsa prepare table DATA_ROOT/tiny.tsv")
    assert run() == 0 and seen == []


def test_an_interrupted_run_goes_on(trial, tmp_path):
    run, seen, finish = trial
    run("sparse")
    finish(tmp_path / "runs/trial/sparse", False)
    (tmp_path / "runs/trial/sparse/evaluation.json").unlink()
    assert run("sparse") == 0
    assert seen == ["train --resume runs/trial/sparse", "evaluate runs/trial/sparse --baseline"]
    made = json.loads((tmp_path / "runs/trial/sparse.json").read_text())["train"]
    assert made["resumed"] and made["command"].startswith("gsa train --data data/tiny --set sparsity=0.1")


def test_changed_settings_stop_a_run_until_it_may_be_replaced(trial, tmp_path, capsys):
    run, seen, _ = trial
    run()
    config = tmp_path / "configs/experiments/trial.toml"
    config.write_text(CONFIG.replace("sparsity = 0.1", "sparsity = 0.2"))
    assert run() == 1 and seen == []
    out = capsys.readouterr().out
    assert "sparsity was 0.1, is 0.2" in out and "--overwrite" in out and "trial/full: done" in out
    assert run(overwrite=True) == 0
    assert seen[0].startswith("train --data data/tiny --set sparsity=0.2") and seen[0].endswith("--overwrite")


def test_a_run_of_another_recipe_is_not_collected(trial, tmp_path):
    run, _, _ = trial
    run()
    config = tmp_path / "configs/experiments/trial.toml"
    config.write_text(CONFIG.replace("sparsity = 0.1", "sparsity = 0.2"))
    old = write(tmp_path / "docs/results/trial/sparse.json", {})
    lines = list(results_files.collect(config.parent, tmp_path, tmp_path / "docs/results"))
    assert lines[0] == "docs/results/trial/experiment.json"
    assert "left out: trial/sparse, changed: sparsity was 0.1, is 0.2" in lines
    assert not old.exists()


def test_an_unknown_run_is_refused(trial, capsys):
    run, seen, _ = trial
    assert run("nobody") == 1 and seen == []
    assert "no such run: nobody" in capsys.readouterr().out


def test_collected_files_name_no_place(tmp_path):
    shown = results_files._write(tmp_path / "x/y.json", {"a": [f"{tmp_path}/data/z", float("nan")]}, tmp_path)
    assert shown == "x/y.json"
    assert json.loads((tmp_path / shown).read_text()) == {"a": ["data/z", None]}

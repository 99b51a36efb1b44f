"""What is finished of a sweep, taken without running anything."""

import json
from pathlib import Path

from toy_sweep import FakeSteps, toy_data, toy_spec

from mlx_gsa.experiments import runner
from mlx_gsa.experiments.finished import take_finished
from mlx_gsa.experiments.runner import SweepOptions, run_sweep

OUT = Path("runs/toy")


def test_runs_that_are_not_finished_are_counted_and_not_begun(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(runner, "_PAUSE", 0)
    monkeypatch.setattr(runner, "Step", FakeSteps())
    toy_data()
    run_sweep(toy_spec(), OUT, SweepOptions(only=("sparse",)))
    runner.Step.calls.clear()
    found = take_finished(toy_spec(), OUT)
    assert [cell.variant.name for cell in found.finished] == ["sparse"] and runner.Step.calls == []
    assert {cell.variant.name: why for cell, why in found.skipped.items()} == {"full": "1 of 2 runs are not finished"}
    states = {cell["variant"]: cell["state"] for cell in json.loads((OUT / "sweep.json").read_text())["cells"]}
    assert states == {"sparse": "finished", "full": "new"}
    assert not take_finished(toy_spec(), OUT, SweepOptions(only=("sparse",))).skipped

"""Sweeps with commands that cost nothing: what is run, in which order, what is not repeated, what is reported."""

import json
import os
from pathlib import Path

import pytest
from toy_sweep import FakeSteps, leave_run, toy_data, toy_spec

from mlx_gsa.data.locks import RunLock
from mlx_gsa.errors import ConfigError
from mlx_gsa.experiments import runner
from mlx_gsa.experiments.plan import plan_cells
from mlx_gsa.experiments.process import threads_of
from mlx_gsa.experiments.runner import SweepOptions, run_sweep

OUT = Path("runs/toy")
PREPARE = [{"name": "toy", "prepare": ["table", "t.tsv"]}]


@pytest.fixture
def steps(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(runner, "_PAUSE", 0)
    monkeypatch.setattr(runner, "Step", FakeSteps())
    return runner.Step


def sweep(observe=None, *, spec=None, **options):
    return run_sweep(spec or toy_spec(), OUT, SweepOptions(**options), observe)


def report():
    return json.loads((OUT / "sweep.json").read_text())


def states():
    return {cell["variant"]: cell["state"] for cell in report()["cells"]}


def test_every_run_is_prepared_trained_and_evaluated_in_order(steps):
    look = [{"name": "look", "variants": ["full"], "command": ["explain", "--run", "{run}"]}]
    result = sweep(spec=toy_spec(data=PREPARE, steps=look))
    assert [call[0] for call in steps.calls] == ["prepare", "train", "evaluate", "train", "evaluate", "explain"]
    assert [cell.name for cell in result.finished] == ["toy/sparse-seed0", "toy/full-seed0"]
    assert states() == {"sparse": "finished", "full": "finished"} and not result.failed and not result.skipped
    assert json.loads((OUT / "toy/prepare.json").read_text())["prepare"]["finished"]


def test_a_finished_sweep_runs_nothing(steps):
    toy_data()
    sweep()
    steps.calls.clear()
    assert len(sweep().finished) == 2 and steps.calls == []


def test_an_interrupted_run_goes_on(steps):
    toy_data()
    cell = plan_cells(toy_spec(), OUT)[0]
    leave_run(cell.config(), cell.folder, finished=False)
    sweep(only=("sparse",))
    assert steps.calls[0] == ("train", "--resume", str(cell.folder))
    facts = json.loads(cell.beside(".json").read_text())["train"]
    assert facts["command"].startswith("gsa train --data data/toy") and facts["resumed"]


def test_a_changed_run_is_not_used_and_not_overwritten_silently(steps):
    toy_data()
    sweep()
    toy_data(seed=1)
    steps.calls.clear()
    result = sweep(only=("full",))
    (why,) = result.failed.values()
    assert steps.calls == [] and "changed: the data set is another one" in why and "--overwrite" in why
    assert states()["full"].startswith("changed") and report()["cells"][1]["failed"] == why
    result = sweep(only=("full",), overwrite=True)
    assert not result.failed and steps.commands("train")[0][-1] == "--overwrite"
    assert states() == {"sparse": "changed: the data set is another one", "full": "finished"}


def test_data_made_by_another_command_are_not_used_silently(steps):
    sweep(spec=toy_spec(data=PREPARE))
    other = toy_spec(data=[{"name": "toy", "prepare": ["table", "t.tsv", "again"]}])
    result = sweep(spec=other)
    assert all("made by another command" in why for why in result.failed.values()) and len(result.failed) == 2
    steps.calls.clear()
    assert not sweep(spec=other, overwrite=True, jobs=2).failed
    assert len(steps.commands("prepare")) == 1 and len(steps.commands("train")) == 2


def test_one_failure_leaves_the_rest_alone(steps):
    toy_data()
    steps.codes["sparsity=0.2"] = 1
    result = sweep()
    (why,) = result.failed.values()
    assert why == "train failed with exit code 1, see runs/toy/toy/sparse-seed0.log"
    assert states() == {"sparse": "new", "full": "finished"}
    facts = json.loads((OUT / "toy/sparse-seed0.json").read_text())
    assert facts["train"]["finished"] is False
    steps.codes.clear()
    assert not sweep().failed and states()["sparse"] == "finished"


def test_a_failed_step_is_tried_again_and_nothing_else(steps):
    toy_data()
    spec = toy_spec(steps=[{"name": "look", "command": ["explain", "{run}"]}])
    steps.codes["explain"] = 2
    assert len(sweep(spec=spec).failed) == 2
    steps.codes.clear()
    steps.calls.clear()
    assert not sweep(spec=spec).failed
    assert [call[0] for call in steps.calls] == ["explain", "explain"]


def test_a_data_set_that_cannot_be_made_is_tried_once(steps):
    steps.codes["prepare"] = 1
    result = sweep(spec=toy_spec(data=PREPARE))
    assert len(steps.calls) == 1 and len(result.failed) == 2
    assert set(result.failed.values()) == {"prepare failed with exit code 1, see runs/toy/toy/prepare.log"}


def test_data_sets_whose_files_are_absent_are_skipped_and_the_others_run(steps):
    toy_data()
    data = [{"name": "real", "prepare": ["table", "{data_root}/x.tsv"]}, {"name": "toy"}, {"name": "none"}]
    result = sweep(spec=toy_spec(data=data), data_root="nowhere")
    assert [cell.name for cell in result.finished] == ["toy/sparse-seed0", "toy/full-seed0"] and not result.failed
    reasons = {cell.data.name: why for cell, why in result.skipped.items()}
    assert reasons == {"real": "nowhere/x.tsv is not there", "none": "data/none is not there"}
    assert {cell.get("skipped") for cell in report()["cells"] if cell["data"] == "real"} == {reasons["real"]}


def test_a_further_data_set_is_made_once_for_all_runs(steps):
    toy_data()
    step = {"name": "mouse", "command": ["evaluate", "{run}", "--data", "{also}"], "prepare": ["table", "m.tsv"],
            "prepare_out": "data/mouse"}  # fmt: skip
    steps.polls = 2
    sweep(spec=toy_spec(steps=[step]), jobs=2)
    assert len(steps.commands("prepare")) == 1
    assert sum("data/mouse" in call for call in steps.commands("evaluate")) == 2


def test_a_configuration_that_is_not_valid_stops_before_anything_is_run(steps):
    toy_data()
    spec = toy_spec(variants=[{"name": "full"}, {"name": "bad", "settings": {"sparsity": 7}}])
    with pytest.raises(ConfigError, match="variant 'bad'"):
        sweep(spec=spec)
    assert steps.calls == [] and not OUT.exists()
    assert sweep(spec=spec, only=("full",)).finished


def test_as_many_run_at_a_time_as_there_are_jobs_with_their_share_of_the_cores(steps):
    toy_data()
    steps.polls = 3
    sweep(jobs=2)
    assert steps.most == 2 and steps.threads == threads_of(2)
    assert threads_of(10_000) == 1 and threads_of(2) == max(1, threads_of(1) // 2)


def test_a_run_in_the_hands_of_another_sweep_is_waited_for_and_not_repeated(steps):
    toy_data()
    cell = plan_cells(toy_spec(), OUT)[0]
    other, seen = RunLock(cell.beside(".lock")), []
    assert other.take()

    def observe(kind, about, **facts):
        seen.append((kind, about and about.name, facts.get("holder")))
        if kind == "waiting":  # the other sweep gets it done and lets go
            run_sweep_of_the_other()

    def run_sweep_of_the_other():
        leave_run(cell.config(), cell.folder)
        other.free()

    result = sweep(observe)
    assert ("waiting", "toy/sparse-seed0", str(os.getpid())) in seen
    assert len(result.finished) == 2 and len(steps.commands("train")) == 1, "of the other variant"


def test_an_interruption_is_passed_on_and_what_runs_may_end(steps):
    toy_data()
    steps.polls = 10

    def observe(kind, cell, **facts):
        if kind == "tick":
            assert states()["full"] == "new"
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        sweep(observe)
    assert steps.interrupted == 1 and steps.running == 0
    lock = RunLock(OUT / "toy/sparse-seed0.lock")
    assert lock.take()
    lock.free()
    assert json.loads((OUT / "toy/sparse-seed0.json").read_text())["train"]["finished"] is False


def test_what_happens_is_told(steps):
    toy_data()
    steps.codes["attention=full"] = 3
    seen = []
    sweep(lambda kind, cell, **facts: kind != "tick" and seen.append((kind, cell.variant.name, facts.get("step"))))
    assert seen == [
        ("begin", "sparse", "train"), ("end", "sparse", "train"), ("begin", "sparse", "evaluate"),
        ("end", "sparse", "evaluate"), ("done", "sparse", None), ("begin", "full", "train"), ("end", "full", "train"),
        ("failed", "full", None),
    ]  # fmt: skip


def test_sweep_json_says_what_was_asked_and_names_no_place(steps, tmp_path):
    toy_data()
    sweep()
    found = report()
    assert found["format"] == "mlx_gsa.sweep" and found["spec"]["reference"] == "full" and found["versions"]["python"]
    assert found["cells"][1] == {
        "data": "toy", "variant": "full", "family": "full", "label": "full attention", "seed": 0, "fold": None,
        "folder": "toy/full-seed0", "state": "finished",
    }  # fmt: skip
    assert str(tmp_path) not in (OUT / "sweep.json").read_text()

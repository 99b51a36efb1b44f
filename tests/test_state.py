"""How far a run is, read from its folder, and what makes an older one unusable."""

import json
import os
from pathlib import Path

import pytest
from toy_sweep import leave_run, toy_data, toy_spec

from mlx_gsa.experiments.plan import Command, evaluate_command, plan_cells, step_commands
from mlx_gsa.experiments.record import Record
from mlx_gsa.experiments.state import cell_state, is_prepared, must_evaluate, run_state, steps_left


@pytest.fixture
def cell(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    toy_data()
    return plan_cells(toy_spec(), Path("runs/toy"))[0]


def evaluate(cell, arguments=None):
    """Leave an evaluation and its record."""
    for name in ("evaluation.json", "evaluation-predictions.tsv"):
        (cell.folder / name).write_text("{}")
    command = Command("evaluate", arguments, arguments) if arguments else evaluate_command(cell)
    record = Record(cell.beside(".json"))
    record.begin(command)
    record.end("evaluate", finished=True)
    return record


def test_a_run_is_new_interrupted_or_finished(cell):
    assert run_state(cell) == "new"
    leave_run(cell.config(), cell.folder, finished=False)
    assert run_state(cell) == "interrupted"
    leave_run(cell.config(), cell.folder)
    assert run_state(cell) == "finished"


def test_another_setting_is_named(cell):
    leave_run(cell.config(), cell.folder)
    variants = [{"name": "sparse", "settings": {"sparsity": 0.3}}]
    other = plan_cells(toy_spec(variants=variants, reference=None), Path("x"))
    changed = type(cell)(cell.data, other[0].variant, "sparse", 0, None, cell.folder)
    assert run_state(changed).startswith("changed: filter_width was 12, is 20; sparsity was 0.2, is 0.3; epochs was 1")
    assert run_state(changed).endswith(" and 3 more")


def test_another_seed_or_fold_is_another_run(cell):
    leave_run(cell.config(), cell.folder)
    assert run_state(type(cell)(cell.data, cell.variant, "sparse", 1, None, cell.folder)) == "changed: seed was 0, is 1"
    with_fold = type(cell)(cell.data, cell.variant, "sparse", 0, 2, cell.folder)
    assert run_state(with_fold) == "changed: fold was None, is 2"


def test_other_data_are_noticed(cell):
    leave_run(cell.config(), cell.folder)
    toy_data(seed=1)
    assert run_state(cell) == "changed: the data set is another one"


def test_data_that_are_gone_leave_a_finished_run_finished(cell):
    leave_run(cell.config(), cell.folder)
    Path("data/toy/manifest.json").unlink()
    assert run_state(cell) == "finished" and not is_prepared("data/toy")


def test_a_configuration_of_another_version_is_a_change(cell):
    leave_run(cell.config(), cell.folder)
    (cell.folder / "config.toml").write_text("[model]\nhumour = 3\n")
    assert run_state(cell).startswith("changed: its configuration is of another version (unknown setting")


def test_a_trained_run_is_finished_once_it_is_evaluated_by_the_same_command(cell):
    leave_run(cell.config(), cell.folder)
    assert cell_state(cell) == "trained"
    evaluate(cell)
    assert cell_state(cell) == "finished"
    evaluate(cell, ("evaluate", "elsewhere"))
    assert cell_state(cell) == "trained"


def test_an_evaluation_that_is_older_than_the_weights_or_half_there_does_not_count(cell):
    leave_run(cell.config(), cell.folder)
    record = evaluate(cell)
    assert not must_evaluate(cell, record)
    os.utime(cell.folder / "evaluation.json", (1, 1))
    assert must_evaluate(cell, record)
    evaluate(cell)
    (cell.folder / "evaluation-predictions.tsv").unlink()
    assert must_evaluate(cell, record)


def test_an_evaluation_that_was_broken_off_does_not_count(cell):
    leave_run(cell.config(), cell.folder)
    record = evaluate(cell)
    record.begin(evaluate_command(cell))
    assert must_evaluate(cell, Record(cell.beside(".json")))


def test_a_step_is_left_until_the_same_command_was_finished(cell):
    steps = [{"name": "look", "command": ["explain", "{run}"]}]
    spec = toy_spec(steps=steps)
    (command,) = step_commands(spec, cell, "real")
    cell.folder.parent.mkdir(parents=True)
    record = Record(cell.beside(".json"))
    for finished, left in ((False, [command]), (True, [])):
        record.begin(command)
        record.end("look", finished)
        assert steps_left(spec, cell, "real") == left
    other = toy_spec(steps=[{"name": "look", "command": ["explain", "{run}", "--top", "3"]}])
    assert len(steps_left(other, cell, "real")) == 1


def test_states_do_not_depend_on_where_the_real_data_are(cell):
    steps = [{"name": "look", "command": ["explain", "{data_root}/x.fa"]}]
    spec = toy_spec(steps=steps)
    cell.folder.parent.mkdir(parents=True)
    record = Record(cell.beside(".json"))
    record.begin(step_commands(spec, cell, "here")[0])
    record.end("look", True)
    assert steps_left(spec, cell, "there") == []
    assert "here" not in json.dumps(record.facts)

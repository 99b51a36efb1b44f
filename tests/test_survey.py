"""What a sweep would do: how far each run is, what is missing, what is left."""

from pathlib import Path

import pytest
from toy_sweep import leave_run, toy_data, toy_spec

from mlx_gsa.errors import ConfigError
from mlx_gsa.experiments.plan import evaluate_command, plan_cells
from mlx_gsa.experiments.record import Record
from mlx_gsa.experiments.runner import SweepOptions
from mlx_gsa.experiments.survey import survey

OUT = Path("runs/toy")


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    toy_data()


def look(spec, **options):
    found = survey(spec, OUT, SweepOptions(**options), lambda: 1e9)
    return found, {cell.name: found.states[cell] for cell in found.cells}


def finish(cell):
    leave_run(cell.config(), cell.folder)
    for name in ("evaluation.json", "evaluation-predictions.tsv"):
        (cell.folder / name).write_text("{}")
    record = Record(cell.beside(".json"))
    record.begin(evaluate_command(cell))
    record.end("evaluate", finished=True)


def test_each_run_is_as_far_as_its_folder_says():
    spec = toy_spec(steps=[{"name": "look", "variants": ["sparse"], "command": ["explain", "{run}"]}])
    sparse, full = plan_cells(spec, OUT)
    found, states = look(spec)
    assert states == {"toy/sparse-seed0": "new", "toy/full-seed0": "new"} and found.todo() == found.cells
    finish(sparse)
    leave_run(full.config(), full.folder)
    found, states = look(spec)
    assert states == {"toy/sparse-seed0": "steps", "toy/full-seed0": "trained"}
    assert found.todo() == found.cells and found.estimate.seconds == {}, "neither is to be trained"
    finish(full)
    found, states = look(spec)
    assert [cell.name for cell in found.todo()] == ["toy/sparse-seed0"] and states["toy/full-seed0"] == "finished"


def test_what_is_not_there_is_nothing_to_do():
    data = [{"name": "toy"}, {"name": "real", "prepare": ["table", "{data_root}/x.tsv"]}, {"name": "none"}]
    found, states = look(toy_spec(data=data), data_root="nowhere")
    assert states["real/full-seed0"] == "skipped: nowhere/x.tsv is not there"
    assert states["none/full-seed0"] == "skipped: data/none is not there"
    assert {cell.data.name for cell in found.todo()} == {"toy"}


def test_data_that_are_prepared_need_no_files():
    spec = toy_spec(data=[{"name": "toy", "prepare": ["table", "{data_root}/x.tsv"]}])
    assert look(spec, data_root="nowhere")[1]["toy/full-seed0"] == "new"


def test_only_what_is_wanted_is_looked_at():
    spec = toy_spec(variants=[{"name": "full"}, {"name": "bad", "settings": {"sparsity": 7}}])
    assert [cell.variant.name for cell in look(spec, only=("full",))[0].cells] == ["full"]
    with pytest.raises(ConfigError, match="variant 'bad'"):
        look(spec)
    Path("data/toy/manifest.json").unlink()
    with pytest.raises(ConfigError, match="variant 'bad'"):
        look(spec)

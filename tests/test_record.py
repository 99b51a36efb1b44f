"""The record beside a run: commands, seconds, commit."""

import json

import pytest

from mlx_gsa.errors import RunError
from mlx_gsa.experiments import record as module
from mlx_gsa.experiments.plan import Command
from mlx_gsa.experiments.record import Record, read_json

TRAIN = Command("train", ("train", "--out", "a b", "real/x"), ("train", "--out", "a b", "DATA_ROOT/x"))
RESUME = TRAIN._replace(arguments=("train", "--resume", "a b"))


@pytest.fixture
def clock(monkeypatch):
    """Seconds that pass only when told to."""
    now = [100.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(module, "commit", lambda: "abc+")
    return now


def test_a_step_is_written_down_with_the_command_that_names_the_result(tmp_path, clock):
    record = Record(tmp_path / "sparse-0.5-seed0.json")
    record.begin(TRAIN)
    assert json.loads(record.path.read_text())["train"]["finished"] is False
    clock[0] += 12.3
    record.end("train", finished=True)
    assert json.loads(record.path.read_text()) == {
        "train": {
            "command": "gsa train --out 'a b' DATA_ROOT/x", "seconds": 12.3, "resumed": False, "commit": "abc+",
            "finished": True,
        }
    }  # fmt: skip


def test_seconds_of_an_interrupted_step_are_added_to(tmp_path, clock):
    record = Record(tmp_path / "r.json")
    record.begin(TRAIN)
    clock[0] += 10
    record.tick("train")  # then the sweep is killed
    again = Record(tmp_path / "r.json")
    again.begin(RESUME)
    clock[0] += 5
    again.end("train", finished=True)
    assert again.facts["train"]["seconds"] == 15 and again.facts["train"]["resumed"]
    assert again.facts["train"]["command"] == "gsa train --out 'a b' DATA_ROOT/x"
    again.begin(TRAIN)
    assert again.facts["train"]["seconds"] == 0


def test_a_record_knows_what_it_has(tmp_path, clock):
    record = Record(tmp_path / "r.json")
    assert not record.has(TRAIN) and not record.differs(TRAIN)
    record.begin(TRAIN)
    assert not record.has(TRAIN)
    record.end("train", finished=True)
    other = TRAIN._replace(named=("train",))
    assert record.has(TRAIN) and not record.has(other)
    assert record.differs(other) and not record.differs(TRAIN)


def test_a_step_of_which_nobody_saw_the_end_can_be_settled(tmp_path, clock):
    record = Record(tmp_path / "r.json")
    record.settle("train")
    assert not record.path.exists()
    record.begin(TRAIN)
    record.settle("train")
    assert Record(record.path).has(TRAIN)


def test_json_that_is_none_is_named(tmp_path):
    (tmp_path / "r.json").write_text("{")
    with pytest.raises(RunError, match="not JSON"):
        Record(tmp_path / "r.json")
    assert read_json(tmp_path / "none.json") is None


def test_the_commit_is_that_of_the_program_wherever_one_is(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found = module.commit()
    assert found is None or len(found.rstrip("+")) == 12


def test_without_git_there_is_no_commit(monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert module.commit() is None

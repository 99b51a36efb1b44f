"""The time that runs will take, and where the figure is from."""

from pathlib import Path

import pytest
from toy_sweep import QUICK, leave_run, toy_data, toy_spec

from mlx_gsa.evaluation.cost import count_flops
from mlx_gsa.experiments import estimate as module
from mlx_gsa.experiments.estimate import (
    STARTUP,
    TimeLeft,
    estimate_seconds,
    measured_rate,
    seconds_spent,
    training_cost,
)
from mlx_gsa.experiments.plan import evaluate_command, plan_cells, train_command
from mlx_gsa.experiments.record import Record


def never():
    raise AssertionError("nothing was to be measured")


@pytest.fixture
def cells(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    toy_data()
    variants = [
        {"name": "sparse", "settings": QUICK, "seeds": [0, 1, 2]},
        {"name": "longer", "settings": QUICK | {"epochs": 10}},
        {"name": "full", "settings": QUICK | {"attention": "full"}},
    ]
    return {cell.folder.name: cell for cell in plan_cells(toy_spec(variants=variants), Path("runs/toy"))}


def finish(cell, seconds):
    leave_run(cell.config(), cell.folder)
    record = Record(cell.beside(".json"))
    for command, share in ((train_command(cell), 0.75), (evaluate_command(cell), 0.25)):
        record.begin(command)
        record.facts[command.name] |= {"seconds": share * seconds, "finished": True}
    record._write()


def estimate(cells, *names, measure=never):
    return estimate_seconds(list(cells.values()), [cells[name] for name in names], measure)


def test_seconds_of_the_same_variant_come_first(cells):
    finish(cells["sparse-seed0"], 20)
    finish(cells["sparse-seed1"], 40)
    found = estimate(cells, "sparse-seed2")
    assert found.total() == 30 and set(found.basis.values()) == {"same"}
    assert found.sources() == ["1 from finished runs of the same variant"]


def test_other_runs_give_the_speed(cells):
    finish(cells["sparse-seed0"], 45)
    found = estimate(cells, "longer-seed0")
    assert found.seconds[cells["longer-seed0"]] == pytest.approx(STARTUP + 40 * 10)
    assert set(found.basis.values()) == {"others"}


def test_of_several_runs_the_one_nearest_in_size_gives_the_speed(cells):
    finish(cells["sparse-seed0"], 45)
    finish(cells["longer-seed0"], 5 + 40)
    found = estimate(cells, "full-seed0")
    nearest = min(("sparse-seed0", "longer-seed0"), key=lambda name: abs(
        training_cost(cells[name]) - training_cost(cells["full-seed0"])))  # fmt: skip
    expected = STARTUP + 40 * training_cost(cells["full-seed0"]) / training_cost(cells[nearest])
    assert found.total() == pytest.approx(expected)


def test_for_want_of_runs_the_speed_is_measured_once(cells):
    calls = []
    found = estimate(cells, "sparse-seed0", "full-seed0", measure=lambda: calls.append(1) or 1e9)
    expected = STARTUP + training_cost(cells["full-seed0"]) / 1e9
    assert found.seconds[cells["full-seed0"]] == pytest.approx(expected)
    assert calls == [1] and found.sources() == ["2 from operations counted, at the speed of a short measurement"]


def test_without_the_data_set_nothing_is_known(cells):
    Path("data/toy/manifest.json").unlink()
    found = estimate(cells, "sparse-seed0")
    assert found.total() == 0 and found.unknown() == 1 and "not prepared" in found.sources()[0]


def test_what_an_interrupted_run_has_done_is_taken_off(cells):
    finish(cells["sparse-seed0"], 45)
    whole = estimate(cells, "longer-seed0").total()
    leave_run(cells["longer-seed0"].config(), cells["longer-seed0"].folder, finished=False, epochs=4)
    assert estimate(cells, "longer-seed0").total() == pytest.approx(0.6 * whole)


def test_the_cost_is_three_forward_passes_per_record_and_epoch(cells):
    cell = cells["longer-seed0"]
    config = cell.config()
    expected = 3 * 48 * 10 * count_flops(config.model, 70, batch_size=16)["total"]
    assert training_cost(cell, lambda cell: [70] * 48) == pytest.approx(expected)


def test_time_without_a_record_is_that_of_the_epochs(cells):
    leave_run(cells["longer-seed0"].config(), cells["longer-seed0"].folder)
    assert seconds_spent(cells["longer-seed0"]) == 20
    assert seconds_spent(cells["full-seed0"]) is None


def test_a_speed_can_be_measured():
    assert measured_rate() > 1e6


@pytest.fixture
def clock(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    return now


def test_time_left_goes_down_and_follows_the_pace(clock):
    left = TimeLeft({"a": 10.0, "b": 20.0, "c": 40.0})
    assert left.seconds() == 70
    left.begin("a")
    clock[0] = 4
    left.begin("a")  # its next step
    assert left.seconds() == 66
    clock[0] = 20
    assert left.seconds() == 60, "a run that takes longer than expected has nothing left"
    assert left.end("a", done=True) and not left.end("z", done=True)
    assert left.seconds() == 120, "everything takes twice as long"
    left.end("b", done=False)
    assert left.seconds() == 80


def test_time_left_of_several_jobs_and_of_runs_that_nothing_is_known_of(clock):
    left = TimeLeft({"a": None, "b": 10.0}, jobs=2)
    assert left.seconds() is None
    left.begin("b")
    clock[0] = 30
    left.end("b", done=True)
    assert left.seconds() == 15

"""Sweeps of several ranks: who this one is, what is taken out of its environment, and what each of them runs."""

import json
import os
import sys
import time
from pathlib import Path

import pytest
from test_sweep_cli import RUNS, WAIT, assert_same, finish, make, numbers, reference, sweep, write_toml  # noqa: F401
from toy_sweep import FakeSteps, leave_run, toy_data, toy_spec

from mlx_gsa.data.locks import RunLock
from mlx_gsa.errors import GsaError
from mlx_gsa.experiments import process, runner
from mlx_gsa.experiments.plan import Command, plan_cells
from mlx_gsa.experiments.process import threads_of
from mlx_gsa.experiments.runner import SweepOptions, run_sweep
from mlx_gsa.experiments.seat import Seat, take_seat

OUT = Path("runs/toy")
SECOND = Seat(1, 2, 2)


def ring(folder, rank, *hosts):
    """The environment that `mlx.launch` gives to one rank of a ring."""
    path = Path(folder) / f"hosts{rank}.json"
    path.write_text(json.dumps([[f"{host}:{5000 + i}"] for i, host in enumerate(hosts)]))
    return {"PATH": "p", "MLX_RANK": str(rank), "MLX_HOSTFILE": str(path)}


@pytest.fixture
def steps(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(runner, "_PAUSE", 0)
    monkeypatch.setattr(runner, "Step", FakeSteps())
    return runner.Step


def trained(steps):
    return ["full" if "attention=full" in call else "sparse" for call in steps.commands("train")]


@pytest.mark.parametrize(
    "hosts, rank, seat",
    [
        (("127.0.0.1", "127.0.0.1"), 0, Seat(0, 2, 2)),
        (("127.0.0.1", "127.0.0.1"), 1, Seat(1, 2, 2)),
        (("10.0.0.1", "10.0.0.2", "10.0.0.1"), 2, Seat(2, 3, 2)),
        (("10.0.0.1", "10.0.0.2"), 1, Seat(1, 2, 1)),
    ],
)
def test_a_rank_of_a_ring_knows_its_place_and_leaves_the_ring(tmp_path, hosts, rank, seat):
    environ = ring(tmp_path, rank, *hosts)
    assert take_seat(environ) == seat and environ == {"PATH": "p"}
    assert take_seat(environ) == Seat()


def test_a_rank_over_thunderbolt_is_alone_on_its_machine(tmp_path):
    (tmp_path / "devices.json").write_text(json.dumps([[None, "rdma_en5"], ["rdma_en4", None]]))
    environ = {"MLX_RANK": "1", "MLX_IBV_DEVICES": str(tmp_path / "devices.json"), "MLX_JACCL_COORDINATOR": "a:1"}
    assert take_seat(environ) == Seat(1, 2, 1) and environ == {}


def test_mpi_names_rank_and_size():
    environ = {"OMPI_COMM_WORLD_RANK": "2", "OMPI_COMM_WORLD_SIZE": "3", "HOME": "h"}
    assert take_seat(environ) == Seat(2, 3, 1) and environ == {"HOME": "h"}


def test_a_list_of_hosts_that_is_none_is_said(tmp_path):
    (tmp_path / "h.json").write_text("[[")
    with pytest.raises(GsaError, match="not JSON"):
        take_seat({"MLX_RANK": "0", "MLX_HOSTFILE": str(tmp_path / "h.json")})


@pytest.mark.parametrize("size", [1, 2, 3])
def test_the_shares_of_the_ranks_are_all_runs_and_none_twice(size):
    cells = list(range(7))
    shares = [Seat(rank, size).share(cells) for rank in range(size)]
    assert sorted(cell for share in shares for cell in share) == cells
    assert max(map(len, shares)) - min(map(len, shares)) <= 1


def test_every_rank_runs_its_share_and_the_first_what_is_left(steps):
    toy_data()
    run_sweep(toy_spec(), OUT, SweepOptions(seat=SECOND))
    assert trained(steps) == ["full"] and not (OUT / "sweep.json").exists()
    assert steps.threads == threads_of(2)
    result = run_sweep(toy_spec(), OUT, SweepOptions(seat=Seat(0, 2, 2)))
    assert trained(steps) == ["full", "sparse"] and len(result.finished) == 2
    assert [cell["state"] for cell in json.loads((OUT / "sweep.json").read_text())["cells"]] == ["finished"] * 2


def test_only_what_is_unfinished_is_shared_out(steps):
    toy_data()
    run_sweep(toy_spec(), OUT, SweepOptions(only=("sparse",)))
    steps.calls.clear()
    run_sweep(toy_spec(), OUT, SweepOptions(seat=SECOND))
    assert steps.calls == []  # one run is left, and that is the first rank's
    run_sweep(toy_spec(), OUT, SweepOptions(seat=Seat(0, 2)))
    assert trained(steps) == ["full"]


def test_the_first_rank_waits_for_what_another_has_in_hand(steps):
    toy_data()
    cell, seen = plan_cells(toy_spec(), OUT)[1], []
    other = RunLock(cell.beside(".lock"))
    assert other.take()

    def observe(kind, about, **facts):
        if kind == "waiting":
            seen.append(about.name)
            leave_run(about.config(), about.folder)
            other.free()

    assert len(run_sweep(toy_spec(), OUT, SweepOptions(seat=Seat(0, 2)), observe).finished) == 2
    assert seen == ["toy/full-seed0"] and trained(steps) == ["sparse"]


def test_another_rank_leaves_to_the_first_what_somebody_has_in_hand(steps):
    toy_data()
    held = RunLock(plan_cells(toy_spec(), OUT)[1].beside(".lock"))
    assert held.take()
    result = run_sweep(toy_spec(), OUT, SweepOptions(seat=SECOND))
    assert steps.calls == [] and not result.finished and not result.failed
    held.free()


def test_what_failed_elsewhere_is_tried_once_more_by_the_first(steps):
    toy_data()
    steps.codes["attention=full"] = 1
    assert run_sweep(toy_spec(), OUT, SweepOptions(seat=SECOND)).failed
    result = run_sweep(toy_spec(), OUT, SweepOptions(seat=Seat(0, 2)))
    assert [cell.variant.name for cell in result.failed] == ["full"] and trained(steps) == ["full", "sparse", "full"]


def test_a_data_set_is_made_once_by_one_of_two_sweeps(steps):
    spec = toy_spec(data=[{"name": "toy", "prepare": ["table", "t.tsv"]}])
    making, ticks = RunLock(OUT / "data-toy.lock"), []
    assert making.take()

    def observe(kind, cell, **facts):
        if kind == "tick" and not ticks:
            ticks.append(list(steps.calls))
            toy_data()  # the other sweep is done
            making.free()

    assert len(run_sweep(spec, OUT, SweepOptions(), observe).finished) == 2
    assert ticks == [[]] and steps.commands("prepare") == []


def test_a_step_is_one_process_whatever_started_it(tmp_path, monkeypatch):
    code = "import os, sys; sys.exit(any(name.startswith('MLX_') for name in os.environ))"
    monkeypatch.setattr(process, "CHILD", [sys.executable, "-c", code])
    for name, value in ring(tmp_path, 0, "a", "b").items():
        monkeypatch.setenv(name, os.environ["PATH"] if name == "PATH" else value)
    step = process.Step(Command("train", (), ()), tmp_path / "log", 1)
    deadline = time.monotonic() + WAIT
    while step.poll() is None:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert step.poll() == 0


def test_only_the_first_rank_says_something(gsa, steps, monkeypatch):
    toy_data()
    path = write_toml()
    for rank in (1, 0):
        for name, value in ring(".", rank, "127.0.0.1", "127.0.0.1").items():
            monkeypatch.setenv(name, os.environ["PATH"] if name == "PATH" else value)
        done = gsa("sweep", path)
        assert done.exit_code == 0 and ("2 runs are finished" in done.stdout) is (rank == 0)
        assert "MLX_RANK" not in os.environ
    assert trained(steps) == ["full", "sparse"]


@pytest.mark.slow
def test_two_ranks_of_a_real_sweep_give_the_same_numbers_as_one(reference, tmp_path):  # noqa: F811
    make(tmp_path)
    both = [sweep(tmp_path, env=os.environ | ring(tmp_path, rank, *["127.0.0.1"] * 2) | {"PATH": os.environ["PATH"]})
            for rank in (0, 1)]  # fmt: skip
    first, second = [finish(each) for each in both]
    assert "2 runs are finished" in first and second == ""
    for name in RUNS:
        run = tmp_path / "runs/toy/toy" / name
        assert (tmp_path / f"runs/toy/toy/{name}.log").read_text().count("$ gsa train") == 1
        assert_same(numbers(run), numbers(reference / "runs/toy/toy" / name))

"""Processes that measure: what they answer, how they fail, and that they are kept apart."""

import subprocess
import sys

import pytest

from mlx_gsa.benchmark.worker import Worker
from mlx_gsa.errors import ResultsError


@pytest.fixture(scope="module")
def worker():
    """A process with MLX on one thread."""
    with Worker("mlx", 1) as each:
        yield each


SMALL = {"settings": {"sparsity": 0.1}, "length": 100, "batch": 2, "seconds": 0.01}


@pytest.mark.parametrize(("what", "more"), [
    ("forward", {}), ("forward", {"engine": True}), ("step", {}), ("attention", {}),
    ("stem", {"settings": {"stem_kernel": "conv"}}), ("forward", {"settings": {"architecture": "cnn"}}),
])  # fmt: skip
def test_sections(worker, what, more):
    found = worker.ask({"what": what, **SMALL, **more})
    low, high = (found[key] or found["seconds"] for key in ("low", "high"))  # None of a single call
    assert 0 < found["fastest"] <= low <= found["seconds"] <= high
    assert found["repeats"] >= 1
    assert found["flops"] > 0 and found["peak_bytes"] >= 0


def test_a_step_counts_three_forward_passes(worker):
    forward, step = (worker.ask({"what": what, **SMALL})["flops"] for what in ("forward", "step"))
    assert step == 3 * forward


def test_a_scan_scores_every_tile(worker):
    asked = {"what": "scan", **SMALL, "length": 1000, "tile": 200, "stride": 100}
    assert worker.ask(asked)["tiles"] == 9
    assert worker.ask(asked | {"engine": True})["bp"] == 1000


def test_steps_of_a_shard(worker):
    import time

    found = worker.ask({"what": "steps", **SMALL, "start": time.time()})
    assert found["steps"] >= 1 and found["seconds"] >= SMALL["seconds"]


def test_the_fast_path_agrees(worker):
    assert worker.ask({"what": "agreement", **SMALL})["output"] < 1e-5


def test_threads_reach_the_process(worker):
    report = worker.ask({"what": "report"})
    assert report["blas"].get("threads") in (1, None) and "path" not in report["blas"]


def test_a_request_that_fails_is_told_and_the_next_is_answered(worker):
    with pytest.raises(ResultsError, match=r"a measurement failed.*nonsense"):
        worker.ask({"what": "forward", **SMALL, "settings": {"nonsense": 1}})
    assert worker.alive and worker.ask({"what": "forward", **SMALL})["seconds"] > 0


def test_one_that_takes_too_long_is_ended():
    with Worker("mlx", 1) as slow:
        with pytest.raises(ResultsError, match=r"took too long.*at most 0 s"):
            slow.ask({"what": "forward", **SMALL}, seconds=0.01)
        assert not slow.alive


def test_a_process_that_cannot_start_says_why():
    with Worker("mlx", 1) as other:
        other._process.kill()
        with pytest.raises(ResultsError, match=r"a measurement failed.*killed by signal 9"):
            other.ask({"what": "report"})


def test_the_room_and_the_rival_load_no_mlx():
    code = "import sys, mlx_gsa.benchmark.worker, mlx_gsa.benchmark.measure, mlx_gsa.benchmark.contenders\n"
    code += "import mlx_gsa.benchmark.run, mlx_gsa.benchmark.summary\n"
    code += "print(sorted({name.split('.')[0] for name in sys.modules} & {'mlx', 'torch'}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stderr

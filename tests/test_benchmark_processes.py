"""Training in one process and in two."""

import pytest
from made_benchmark import made

from mlx_gsa.benchmark import processes as module
from mlx_gsa.benchmark.bars import judge
from mlx_gsa.benchmark.limits import limits_section
from mlx_gsa.errors import ResultsError


@pytest.fixture
def pretend(monkeypatch):
    """Workers that do ten steps a second alone, and nine each at once."""
    asked = []

    class Pretend:
        def __init__(self, kind, threads):
            self.told = None

        def __enter__(self):
            return self

        def __exit__(self, *error):
            pass

        def tell(self, request):
            asked.append(request)

        def hear(self, request):
            starts = [each["start"] for each in asked]
            together = starts.count(starts[-1])
            lanes = request["shards"]
            return {"steps": 9 if together > 1 else 10 * lanes, "seconds": 1.0}

    monkeypatch.setattr(module, "Worker", Pretend)
    return asked


def test_ratios_are_over_one_process_on_one_core(pretend, monkeypatch):
    monkeypatch.setattr(module, "_launched", lambda seconds: 17 * module.BATCH)
    found = module.measure_processes()
    assert found["one"] == [10 * 32] * 3 and found["two"] == [18 * 32] * 3
    assert (found["ratio"], found["lanes_ratio"], found["ranks_ratio"]) == (1.8, 2.0, 1.7)
    assert {request["shards"] for request in pretend} == {1, 2}
    assert {request.get("seed") for request in pretend} == {0, 1}


def test_where_ranks_cannot_be_started_it_is_said(pretend, monkeypatch):
    def fail(seconds):
        raise ResultsError("two ranks could not be started", found="no such backend")

    monkeypatch.setattr(module, "_launched", fail)
    found = module.measure_processes(quick=True)
    assert found["ranks"] is None and found["ranks_ratio"] is None and found["why"] == "no such backend"
    text = limits_section(made(processes=found))
    assert "could not be measured: no such backend" in text and "mlx.launch" not in text
    assert any("each on its own data" in bar.found for bar in judge(made(processes=found)))


@pytest.mark.slow
def test_two_ranks_in_earnest(monkeypatch):
    monkeypatch.setattr(module, "LENGTH", 100)
    monkeypatch.setattr(module, "BATCH", 4)
    assert module._launched(0.2) > 0

"""The run of a benchmark: resumed, refused, and once in earnest."""

import json

import pytest
from made_benchmark import cell, made

from mlx_gsa.benchmark import run as module
from mlx_gsa.benchmark.grid import Cell, Plan
from mlx_gsa.benchmark.run import Benchmark, load
from mlx_gsa.errors import ResultsError

PLAN = Plan(("forward",), lengths=(500, 1000), sparsities=(0.1,), threads=(1,), cap=5.0)
SECONDS = {"full": 1.0, "torch-dense": 0.2}


class FakeWorker:
    """Answers at once; keeps what it was asked."""

    asked, broken, alive = [], (), True

    def __init__(self, kind, threads=None, python=None):
        self.kind, self.threads = kind, threads

    def ask(self, request, seconds=0):
        self.asked.append((self.kind, self.threads, request))
        if request["what"] in self.broken:
            raise ResultsError("a measurement failed", found="out of memory")
        answers = {
            "report": {"blas": {"status": "loaded"}, "versions": {}, "machine": {}, "torch": "2.0"}, "bandwidth": {},
            "weights": {"path": "w.npz", "kept": 100, "reference_budget": 64.0}, "check": {"errors": {}},
            "agreement": {"output": 1e-7},
        }  # fmt: skip
        if request["what"] in answers:
            return answers[request["what"]]
        seconds = SECONDS.get((request["settings"] or {}).get("attention"), 0.01)
        return {key: value for key, value in cell("", "", request["length"], seconds, 1).items()
                if key in ("seconds", "low", "high", "repeats", "rss_bytes")}  # fmt: skip

    def close(self):
        pass


@pytest.fixture
def asked(monkeypatch):
    """Requests to workers that answer at once."""
    monkeypatch.setattr(module, "Worker", FakeWorker)
    monkeypatch.setattr(FakeWorker, "asked", [])
    monkeypatch.setattr(FakeWorker, "broken", ())
    return FakeWorker.asked


def sections(asked):
    return [request for _, _, request in asked if request["what"] == "forward"]


def test_every_cell_is_measured_once_and_a_second_call_measures_none(asked, tmp_path):
    found = Benchmark(PLAN, tmp_path, "torch-python").run("gsa benchmark")
    assert len(found["cells"]) == len(sections(asked)) == 14
    assert {c["status"] for c in found["cells"]} == {"measured"}
    assert found["manifest"]["format"] == "mlx_gsa.benchmark" and found["manifest"]["command"] == "gsa benchmark"
    again = Benchmark(PLAN, tmp_path, "torch-python").run("gsa benchmark")
    assert len(sections(asked)) == 14 and again["cells"] == found["cells"]


def test_a_killed_benchmark_goes_on(asked, tmp_path, monkeypatch):
    def killed(done, total, note):
        if done == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Benchmark(PLAN, tmp_path, "torch-python", killed).run("x")
    assert len(sections(asked)) == 5
    assert len(Benchmark(PLAN, tmp_path, "torch-python").run("x")["cells"]) == 14 and len(sections(asked)) == 14


def test_settings_reach_the_workers(asked, tmp_path):
    Benchmark(PLAN, tmp_path, "torch-python").run("x")
    by_kind = {kind: [r for k, _, r in asked if k == kind and r["what"] == "forward"] for kind in ("mlx", "torch")}
    assert {"sparsity": 0.1, "attention": "full"} in [request["settings"] for request in by_kind["mlx"]]
    assert [request["engine"] for request in by_kind["mlx"]].count(True) == 2
    assert {request["kept"] for request in by_kind["torch"]} == {50, 100, None}
    assert all(request["path"] == "w.npz" for request in by_kind["torch"])


def test_without_pytorch_its_rows_say_so(asked, tmp_path, monkeypatch):
    monkeypatch.setattr(module.importlib.util, "find_spec", lambda name: None)
    found = Benchmark(PLAN, tmp_path).run("x")
    rows = [c for c in found["cells"] if c["contender"].startswith("torch")]
    assert len(rows) == 4 and {c["why"] for c in rows} == {"PyTorch is not installed (extra bench)"}
    assert found["facts"]["torch"] == {"missing": "PyTorch is not installed (extra bench)"}
    assert all(kind == "mlx" for kind, _, _ in asked)


def test_what_fails_is_said_and_the_rest_goes_on(asked, tmp_path, monkeypatch):
    monkeypatch.setattr(FakeWorker, "broken", ("forward",))
    found = Benchmark(PLAN, tmp_path, "torch-python").run("x")
    assert {(c["status"], c["why"]) for c in found["cells"]} == {("failed", "out of memory")}


def test_dense_until_memory_says_no(asked, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "memory_available", lambda: 100e6)
    found = Benchmark(PLAN, tmp_path, "torch-python").run("x")
    full = {c["length"]: c for c in found["cells"] if c["contender"] == "full"}
    assert full[1000]["status"] == "does not fit" and full[1000]["needs"] > full[1000]["available"] == 100e6
    assert {c["status"] for c in found["cells"] if c["contender"] == "cnn"} == {"measured"}


def test_what_would_take_too_long_is_not_run(asked, tmp_path):
    plan = Plan(("forward",), lengths=(500, 4000), sparsities=(0.1,), threads=(1,), cap=5.0)
    found = Benchmark(plan, tmp_path, "torch-python").run("x")
    full = {c["length"]: c for c in found["cells"] if c["contender"] == "full"}
    assert full[500]["status"] == "measured" and full[4000]["status"] == "not run"
    assert full[4000]["would_take"] == pytest.approx(32, rel=0.05)  # 64 times the pairs, half the batch


def test_the_better_number_of_threads_is_used_elsewhere(asked, tmp_path):
    plan = Plan(("forward",), lengths=(500, 2000), sparsities=(0.1,), threads=(1, 2))
    bench = Benchmark(plan, tmp_path, "torch-python")
    for threads, seconds in ((1, 0.5), (2, 0.2)):
        key = Cell("forward", "fast", 2000, threads=threads).key
        bench.state.add(key, cell("forward", "fast", 2000, seconds, 32, threads=threads))
    assert bench._best_threads(Cell("forward", "fast", 500)) == 2
    assert bench._best_threads(Cell("forward", "full", 500)) == 1


def test_only_a_benchmark_is_read(tmp_path):
    path = tmp_path / "benchmark.json"
    with pytest.raises(ResultsError, match="no benchmark there"):
        load(path)
    for text in ("{", "{}", "[]"):
        path.write_text(text)
        with pytest.raises(ResultsError, match="not a benchmark"):
            load(path)
    path.write_text(json.dumps({"manifest": {"format": "mlx_gsa.benchmark", "format_version": 99}}))
    with pytest.raises(ResultsError, match="of this version"):
        load(path)
    path.write_text(json.dumps(made()))
    assert load(path)["plan"]["lengths"][0] == 500

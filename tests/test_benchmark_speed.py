"""Measurements of forward passes: each in a process of its own."""

import json

import pytest

from mlx_gsa.benchmark import speed
from mlx_gsa.errors import ResultsError


@pytest.fixture
def pretend(monkeypatch):
    """Measurements that take no time; returns what was asked for."""
    asked = []

    def measure(what):
        asked.append(what)
        if what["what"] == "report":
            return {"blas": {"status": "loaded"}, "memory_available": 4 * 4 * 8 * 1000**2}
        full = what["settings"].get("attention") == "full"
        seconds = what["length"] ** (2 if full else 1) * 1e-6
        return {"seconds": seconds, "peak_bytes": 100 * what["length"], "flops": what["length"], "attended": 1}

    monkeypatch.setattr(speed, "_in_process", measure)
    return asked


ASKED = {"batch_size": 32, "sparsity": 0.1, "repeats": 3, "lengths": [1000],
         "series": [{"name": "number", "label": "x", "lengths": [100, 200, 400], "batch_size": 4,
                     "settings": {"max_selected": 10}}]}  # fmt: skip


def test_rivals_get_the_same_batch_which_is_smaller_where_memory_is_short(pretend):
    lines = []
    found = speed.measure_speed(ASKED, lines.append)
    row = found["rows"][0]
    assert (row["batch_size"], row["batch_wanted"], row["speedup"]) == (8, 32, pytest.approx(1000))
    sparse, full = (each for each in pretend if each.get("length") == 1000)
    assert sparse["settings"] == {"sparsity": 0.1} and full["settings"] == {"sparsity": 0.1, "attention": "full"}
    assert sparse["batch_size"] == full["batch_size"] == 8 and found["headline"] is True
    assert found["series"][0]["time"]["value"] == pytest.approx(1) and len(lines) == 2
    assert [each["settings"]["max_selected"] for each in pretend if each.get("length") in (100, 200, 400)] == [10] * 3


def test_a_reference_blas_makes_no_headline(pretend, monkeypatch):
    inner = speed._in_process
    monkeypatch.setattr(speed, "_in_process", lambda what: inner(what) | {"blas": {"status": "absent"}})
    assert speed.measure_speed(ASKED | {"lengths": [], "series": []})["headline"] is False


def test_a_real_measurement_in_a_fresh_process():
    what = {"what": "passes", "length": 60, "batch_size": 2, "repeats": 1, "settings": {"sparsity": 0.1}}
    found = speed._in_process(what)
    assert found["attended"] == 6 and found["seconds"] > 0 and found["peak_bytes"] > 0 and found["flops"] > 0
    assert json.dumps(found)


def test_a_measurement_that_fails_says_why():
    with pytest.raises(ResultsError, match="a measurement failed"):
        speed._in_process({"what": "passes", "length": 60, "batch_size": 2, "repeats": 1, "settings": {"nonsense": 1}})

"""What of a benchmark is done survives a kill, and is not mixed with that of another program."""

import json

import pytest

from mlx_gsa.benchmark.state import State
from mlx_gsa.errors import ResultsError

IDENTITY = {"versions": {"mlx": "1"}, "commit": "abc"}


def test_results_are_there_again(tmp_path):
    path = tmp_path / "new" / "cells.jsonl"
    state = State(path, IDENTITY)
    assert "a" not in state and state.get("a") is None
    state.add("a", {"seconds": 1.5})
    state.spent(2.0)
    again = State(path, IDENTITY)
    assert again["a"] == {"seconds": 1.5} and again.seconds == 2.0
    again.spent(1.0)
    assert State(path, IDENTITY).seconds == 3.0


def test_a_line_cut_short_is_measured_again(tmp_path):
    path = tmp_path / "cells.jsonl"
    State(path, IDENTITY).add("a", {})
    whole = path.read_text()
    path.write_text(whole + '{"key": "b", "val')
    state = State(path, IDENTITY)
    assert "a" in state and "b" not in state and path.read_text() == whole
    state.add("b", {})
    assert [json.loads(line)["key"] for line in path.read_text().splitlines()] == ["identity", "a", "b"]


def test_even_the_first_line_may_be_cut_short(tmp_path):
    path = tmp_path / "cells.jsonl"
    path.write_text('{"key": "iden')
    State(path, IDENTITY).add("a", {})
    assert "a" in State(path, IDENTITY)


def test_another_program_is_refused(tmp_path):
    path = tmp_path / "cells.jsonl"
    State(path, IDENTITY).add("a", {})
    before = path.read_bytes()
    with pytest.raises(ResultsError, match=r"of another program or machine.*found commit"):
        State(path, IDENTITY | {"commit": "def"})
    assert path.read_bytes() == before


def test_once(tmp_path):
    state, calls = State(tmp_path / "cells.jsonl", IDENTITY), []
    for _ in range(2):
        assert state.once("a", lambda: calls.append(1) or {"x": 1}) == {"x": 1}
    assert calls == [1]

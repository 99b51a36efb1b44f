"""Timing: calls counted, quartiles, and when to stop."""

import pytest

from mlx_gsa.evaluation import timing
from mlx_gsa.evaluation.timing import summarise, time_forward


def test_quartiles_by_hand():
    found = summarise([5.0, 1.0, 2.0, 4.0, 3.0])
    assert (found.median, found.fastest, found.repeats, found.low, found.high) == (3, 1, 5, 2, 4)
    alone = summarise([2.0])
    assert (alone.median, alone.low, alone.high) == (2, None, None)


@pytest.fixture
def clock(monkeypatch):
    """Every call takes a second."""
    ticks = iter(range(10_000))
    monkeypatch.setattr(timing.time, "perf_counter", lambda: float(next(ticks)))


def test_calls_go_on_until_there_is_enough(clock):
    assert time_forward(lambda: None, repeats=3, warmup=0, enough_seconds=10).repeats == 10
    assert time_forward(lambda: None, repeats=3, warmup=0, enough_seconds=2).repeats == 3
    assert time_forward(lambda: None, repeats=3, warmup=0, max_seconds=5, enough_seconds=10).repeats == 5

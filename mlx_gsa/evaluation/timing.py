"""How long a call takes: warmed up, over several calls, with its spread; standard library only."""

import statistics
import time
from collections.abc import Callable
from typing import NamedTuple


class Timing(NamedTuple):
    """Seconds of one call, over several."""

    median: float
    fastest: float
    repeats: int
    low: float | None = None  # quartiles; None of a single call
    high: float | None = None


def time_forward(fn: Callable[[], object], repeats=5, warmup=1, max_seconds=30.0, enough_seconds=None) -> Timing:
    """Time a call that computes its result before it returns.

    Parameters
    ----------
    fn : callable
        Called without arguments. A lazy array library must be told to evaluate inside it.
    repeats, warmup : int
        Timed and untimed calls.
    max_seconds : float
        No further timed call begins after this long, though one always runs; a slow rival is not waited for.
    enough_seconds : float, optional
        Go on beyond `repeats` until the timed calls add up to this, so that a fast rival is timed as often as fits.

    Returns
    -------
    Timing
        In seconds.
    """
    for _ in range(warmup):
        fn()
    seconds, total = [], 0.0
    while not seconds or (total < max_seconds and (len(seconds) < repeats or total < (enough_seconds or 0.0))):
        start = time.perf_counter()
        fn()
        seconds.append(time.perf_counter() - start)
        total += seconds[-1]
    return summarise(seconds)


def summarise(seconds: list[float]) -> Timing:
    """Give the median, the fastest and the quartiles of the seconds of several calls."""
    low, high = (None, None)
    if len(seconds) > 1:
        low, _, high = statistics.quantiles(seconds, n=4, method="inclusive")
    return Timing(statistics.median(seconds), min(seconds), len(seconds), low, high)

"""How every rival is timed, whatever runs it: warm, several times, with memory and energy. No MLX, no PyTorch."""

from mlx_gsa.benchmark.probes import EnergyProbe, MemoryProbe
from mlx_gsa.evaluation.timing import time_forward

SLOW = 0.5  # seconds: a call that takes longer is warmed up once and repeated less


def timed(call, seconds: float, repeats: int = 3, first=None) -> dict:
    """Measure a call that computes its result before it returns.

    Parameters
    ----------
    call : callable
        Without arguments.
    seconds : float
        Timed calls go on until they add up to this; slow ones until three times as much.
    repeats : int
        At least so many calls, unless they are slow.
    first : callable, optional
        Called instead of the first, untimed call; it makes that call itself, and may look at what it needs.

    Returns
    -------
    dict
        ``seconds`` (median), ``low``, ``high`` (quartiles), ``fastest``, ``repeats``, ``rss_bytes`` (highest resident
        memory above that before, the first untimed call included), ``joules`` per call; None where not told.
    """
    with MemoryProbe() as memory:
        cold = time_forward(first or call, repeats=1, warmup=0).median  # caches, code and pages are cold
        warmup = 0 if cold > SLOW else 2
        with EnergyProbe() as energy:
            timing = time_forward(call, repeats, warmup, max_seconds=3 * seconds, enough_seconds=seconds)
    joules = None if energy.joules is None else energy.joules / (timing.repeats + warmup)
    return {
        "seconds": timing.median, "low": timing.low, "high": timing.high, "fastest": timing.fastest,
        "repeats": timing.repeats, "rss_bytes": memory.bytes, "joules": joules,
    }  # fmt: skip


def fastest_of(calls: dict, seconds: float) -> dict:
    """Measure the variant of a rival that is fastest here: its best configuration.

    Parameters
    ----------
    calls : dict of str to callable
    seconds : float
        As for `timed`.

    Returns
    -------
    dict
        As `timed`, and ``variant``, its name, and ``variants``: the fastest of a few calls of each.
    """
    tried = {name: time_forward(call, repeats=3, warmup=1, max_seconds=SLOW).fastest for name, call in calls.items()}
    best = min(tried, key=tried.get)
    return timed(calls[best], seconds) | {"variants": tried, "variant": best}

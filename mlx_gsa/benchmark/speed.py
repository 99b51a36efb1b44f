"""What a forward pass costs, sparse and full, over lengths, for `gsa reproduce`: each in a process of its own.

A rival that shares a process with another inherits its caches, its allocator and its libraries; see `cost` for what is
counted and how it is timed.
"""

import os

from mlx_gsa.benchmark.fits import exponent
from mlx_gsa.benchmark.worker import Worker

FORMAT, FORMAT_VERSION = "mlx_gsa.speed", 1
SCORE_COPIES = 4  # float32 copies of the B x L x L scores that full attention is reckoned to need at once


def measure_speed(asked, report=lambda line: None):
    """Time forward passes as configured: pairs of sparse and full, and series over lengths.

    Parameters
    ----------
    asked : dict
        ``batch_size``, ``sparsity``, ``repeats``; ``lengths`` (bp) at which sparse and full are compared; optionally
        ``series``, each with ``name``, ``lengths``, ``batch_size`` and ``settings`` of the model.
    report : callable
        Told of each measurement, one line.

    Returns
    -------
    dict
        ``rows``, one per length; ``series``; ``headline``, False where MLX used a reference BLAS, so that full
        attention was no fair rival; device, BLAS, versions, machine.
    """
    facts = _in_process({"what": "report"})
    head = {"format": FORMAT, "format_version": FORMAT_VERSION, "asked": asked, "load_before": os.getloadavg()[0]}
    found = {**head, **facts, "headline": facts["blas"]["status"] in ("loaded", "not needed"), "rows": [], "series": []}
    for length in asked.get("lengths", ()):
        found["rows"].append(_pair(length, asked, facts["memory_available"]))
        report(f"{length:,} bp: full / sparse {found['rows'][-1]['speedup']:.1f} x")
    for series in asked.get("series", ()):
        found["series"].append(_series(series, asked))
        report(f"{series['name']}: time grows with length to the {found['series'][-1]['time']['value']:.2f}")
    return found


def _pair(length, asked, memory):
    """Time both at the batch wanted, or at the largest half, quarter ... of it that full attention has memory for."""
    batch = asked["batch_size"]
    while batch > 1 and memory is not None and SCORE_COPIES * 4 * batch * length**2 > memory:
        batch //= 2
    shared = {"what": "passes", "length": length, "batch_size": batch, "repeats": asked["repeats"]}
    settings = {"sparsity": asked["sparsity"]}
    sparse = _in_process({**shared, "settings": settings})
    full = _in_process({**shared, "settings": settings | {"attention": "full"}})
    return {
        "length": length, "batch_size": batch, "batch_wanted": asked["batch_size"], "sparse": sparse, "full": full,
        "speedup": full["seconds"] / sparse["seconds"],
        "memory_ratio": full["peak_bytes"] / max(sparse["peak_bytes"], 1),
        "flops_ratio": full["flops"] / sparse["flops"],
    }  # fmt: skip


def _series(series, asked):
    """Measure one model over lengths, and fit how its time and its operations grow."""
    settings = {"sparsity": asked["sparsity"]} | series["settings"]
    shared = {"what": "passes", "batch_size": series["batch_size"], "repeats": asked["repeats"], "settings": settings}
    rows = [{"length": length, **_in_process({**shared, "length": length})} for length in series["lengths"]]
    lengths = [row["length"] for row in rows]
    fits = {name: exponent(lengths, [row[key] for row in rows]) for name, key in _FITTED.items()}
    return {**series, "rows": rows, **fits}


_LONGEST = 3600.0  # seconds of one measurement
_FITTED = {"time": "seconds", "flops": "flops", "memory": "peak_bytes"}


def _in_process(what):
    """Do one measurement in a fresh process."""
    with Worker("mlx") as worker:
        return worker.ask(what, seconds=_LONGEST)

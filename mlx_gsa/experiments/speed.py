"""What a forward pass costs, sparse and full, over lengths: each measurement in a process of its own.

A rival that shares a process with another inherits its caches, its allocator and its libraries; see `cost` for what is
counted and how it is timed.
"""

import json
import os
import subprocess
import sys
import tempfile

import numpy as np
from scipy.stats import linregress, t

from mlx_gsa.errors import ResultsError

FORMAT, FORMAT_VERSION = "mlx_gsa.speed", 1
SCORE_COPIES = 4  # float32 copies of the B x L x L scores that full attention is reckoned to need at once
LEVEL = 0.95
_CODE = "import json, sys; from mlx_gsa.experiments.speed import measure_one; measure_one(json.loads(sys.argv[1]))"


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
    shared = {"what": "forward", "length": length, "batch_size": batch, "repeats": asked["repeats"]}
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
    shared = {"what": "forward", "batch_size": series["batch_size"], "repeats": asked["repeats"], "settings": settings}
    rows = [{"length": length, **_in_process({**shared, "length": length})} for length in series["lengths"]]
    lengths = [row["length"] for row in rows]
    fits = {name: exponent(lengths, [row[key] for row in rows]) for name, key in _FITTED.items()}
    return {**series, "rows": rows, **fits}


_FITTED = {"time": "seconds", "flops": "flops", "memory": "peak_bytes"}


def exponent(lengths, values, level=LEVEL):
    """Fit b of value = a length^b, by least squares on logarithms.

    Parameters
    ----------
    lengths, values : sequence of float
        At least three, positive.
    level : float
        Of the interval, from Student's t on n - 2 degrees of freedom.

    Returns
    -------
    dict
        ``value``, ``low``, ``high``. 1 is linear growth, 2 quadratic.
    """
    fit = linregress(np.log(lengths), np.log(values))
    half = float(t.ppf((1 + level) / 2, len(lengths) - 2) * fit.stderr)
    return {"value": float(fit.slope), "low": float(fit.slope) - half, "high": float(fit.slope) + half}


def _in_process(what):
    """Do one measurement in a fresh process, away from any folder named mlx_gsa; its last line is its answer."""
    command = [sys.executable, "-c", _CODE, json.dumps(what)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(command, capture_output=True, text=True, cwd=folder, env=environment)
    if done.returncode:
        last = done.stderr.strip().rpartition("\n")[2]
        raise ResultsError("a measurement failed", where=json.dumps(what), found=last or f"exit {done.returncode}")
    return json.loads(done.stdout.splitlines()[-1])


def measure_one(what):
    """Measure one thing in this process and print it as one line of JSON: the answer to the parent process.

    Parameters
    ----------
    what : dict
        ``what`` = "report", or "forward" with ``length``, ``batch_size``, ``repeats`` and ``settings`` of the model.
    """
    sys.stdout.write(json.dumps(_report() if what["what"] == "report" else _forward(what)) + "\n")


def _report():
    from mlx_gsa.runtime import runtime_report

    found = runtime_report().to_dict()
    found["blas"].pop("path")  # a place on this machine
    return found


def _forward(what):
    from mlx_gsa.config import ModelConfig
    from mlx_gsa.evaluation.cost import count_flops, measure_forward

    config = ModelConfig(**what["settings"])
    found = measure_forward(config, what["length"], what["batch_size"], repeats=what["repeats"])
    flops = count_flops(config, what["length"], batch_size=what["batch_size"])
    return {
        "seconds": found.timing.median, "fastest": found.timing.fastest, "repeats": found.timing.repeats,
        "attended": found.attended, "peak_bytes": int(found.peak_bytes), "flops": flops["total"],
    }  # fmt: skip

"""A benchmark made of numbers, not measured: every rival at every length, by rules that are known."""

from mlx_gsa.benchmark.contenders import find
from mlx_gsa.benchmark.grid import LINEAR_LENGTHS, MEGABASE, Plan, batch_of
from mlx_gsa.benchmark.run import FORMAT, FORMAT_VERSION, MEASURED

LENGTHS = (500, 1000, 2000, 5000, 10_000)
SPEED = {"fast": 1e-7, "sparse": 4e-7, "torch-sparse": 2e-7, "window": 2e-6, "cnn": 3e-7}  # seconds per bp
DENSE = {"full": 2e-8, "torch-dense": 4e-9}  # seconds per bp squared
SECTIONS = ("forward", "step", "attention", "stem", "scan", "linear", "processes")


def cell(section, contender, length, seconds, batch, **more):
    """A measured cell; the quartiles lie a tenth to either side."""
    each = {"section": section, "contender": contender, "length": length, "sparsity": 0.1, "batch": batch,
            "threads": 1, "status": MEASURED, "seconds": seconds, "low": 0.9 * seconds, "high": 1.1 * seconds,
            "fastest": 0.9 * seconds, "repeats": 5, "rss_bytes": 1000 * length, "peak_bytes": 1000 * length,
            "joules": None, "flops": 1000.0 * length}  # fmt: skip
    return each | more


def _forward(section):
    for length in LENGTHS:
        for name in (*SPEED, *DENSE):
            if section == "step" and name == "fast":
                continue
            batch = batch_of(length, find(name))
            each = SPEED[name] * length if name in SPEED else DENSE[name] * length**2
            more = {"flops": 100.0 * length**2 * batch, "peak_bytes": 10 * length**2, "rss_bytes": 10 * length**2}
            yield cell(section, name, length, each * batch, batch, **(more if name in DENSE else {}))


def made(**changes):
    """A whole benchmark, as `Benchmark.run` gives it."""
    cells = [*_forward("forward"), *_forward("step")]
    for share, seconds in ((0.01, 1e-4), (1.0, 0.5)):
        cells.append(cell("forward", "sparse", 2000, seconds, 32, sparsity=share))
    cells += [cell("stem", name, n, 1e-8 * n * 32, 32) for n in (500, 1000) for name in ("lookup-stem", "torch-stem")]
    cells += [cell("linear", name, n, 1e-7 * n, 1) for n in (*LINEAR_LENGTHS, MEGABASE)
              for name in ("fast-capped", "sparse-capped")]  # fmt: skip
    cells += [cell("scan", "fast", 2_000_000, 0.25, stride, bp=2_000_000, tiles=10) for stride in (500, 2000)]
    plan = Plan(SECTIONS, LENGTHS, (0.01, 0.1, 1.0)).to_dict()
    machine = {"platform": "a platform", "cores": 2, "memory_total": 2**34}
    facts = {
        "device": "cpu (some)", "blas": {"status": "loaded", "name": "OpenBLAS", "version": "OpenBLAS 1"},
        "gemm_gflops": 200.0, "bandwidth": {"copy": 30.0, "triad": 40.0, "threads": 2}, "load_before": 0.1,
        "load_after": 1.0, "energy": "not told by this machine", "threads_tried": [1, 2], "torch": {"torch": "2.0"},
    }  # fmt: skip
    manifest = {"format": FORMAT, "format_version": FORMAT_VERSION, "command": "gsa benchmark", "commit": "abc",
                "created": "2026-01-02T03:04:05+00:00", "seconds": 600.0, "versions": {"mlx": "1"},
                "machine": machine}  # fmt: skip
    checks = {"torch-sparse": {"lookup": {"output": 1e-7, "gradient": 1e-6}}, "fast": {"host": {"output": 1e-7}}}
    processes = {"one": [100.0], "two": [180.0], "lanes": [170.0], "ranks": [165.0], "ratio": 1.8, "lanes_ratio": 1.7,
                 "ranks_ratio": 1.65, "why": None, "length": 2000, "batch": 32}  # fmt: skip
    return {"manifest": manifest, "plan": plan, "facts": facts, "checks": checks, "cells": cells,
            "processes": processes} | changes  # fmt: skip

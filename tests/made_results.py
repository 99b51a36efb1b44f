"""A scale's results, made by hand: what `gsa reproduce` gathers, as far as claims, page and figures read it."""

import json

MACHINE = {"platform": "Linux 6", "processor": "some CPU", "blas": "OpenBLAS 1.2.3", "cores": 2, "memory_total": 2**33}
VERSIONS = {"python": "3.11", "mlx": "9.9.9"}


def interval(value, half=0.01):
    """An interval around a value."""
    return {"value": value, "low": value - half, "high": value + half}


def write(path, value):
    """Write JSON, folders made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value))
    return path


def model(label, value, kind="run", kept=0.1):
    """One model of a comparison."""
    values = [{"seed": seed, "fold": None, "value": value} for seed in (0, 1)]
    run = {"kept_share": kept, "parameters": 6543, "flops": 5e5, "seconds_training": 12.0, "epochs": 4}
    run = run if kind == "run" else dict.fromkeys(run)
    return {"label": label, "kind": kind, "seeds": [0, 1], "folds": [], "values": values, "mean": interval(value),
            "all_metrics": {"pearson": interval(value), "r2": interval(value**2)}, **run}  # fmt: skip


def pair(first, second, difference, retention=None, half=0.01):
    """One comparison of two models."""
    return {"first": first, "second": second, "pairs": 100, "difference": interval(difference, half), "p": 0.02,
            "q": 0.04, "retention": retention and interval(retention), "p_inferior": {"0.95": 0.003, "0.9": 0.001},
            "verdict": "not inferior at 0.95", "delong": None, "nadeau_bengio": {"p": 0.07}}  # fmt: skip


def comparison(data="toy"):
    """A comparison of a sparse model with full attention and with k-mers."""
    models = {"sparse-10": model("10 % kept", 0.9), "sparse-5": model("5 % kept", 0.88, kept=0.05),
              "full": model("full attention", 0.91, kept=1.0),
              "k-mers": model("k-mers", 0.6, "simple")}  # fmt: skip
    pairs = [pair("sparse-10", "full", -0.01, 0.989), pair("sparse-5", "full", -0.03, 0.955, 0.005),
             pair("sparse-10", "k-mers", 0.3)]  # fmt: skip
    part = {"task": "regression", "metric": "pearson", "n_records": 321, "data_hash": "feed", "grouped": False,
            "models": models, "comparisons": pairs}  # fmt: skip
    return {"format": "mlx_gsa.comparison", "manifest": {"bootstrap": 1000}, "datasets": {data: part}}


def selection():
    """What the selector of a run found: two kinds, CAAT the harder one."""
    ranking = [
        {"cut": cut, "recall": interval(0.82), "recall_chance": 0.6, "precision": interval(0.3),
         "precision_chance": 0.04, "enrichment": interval(8)} for cut in ("kept", "top 1 %")
    ]  # fmt: skip
    kinds = [
        {"cut": cut, "kind": kind, "n": 50, "recall": interval(value), "recall_chance": chance}
        for cut in ("kept", "top 1 %") for kind, value, chance in (("TATA", 0.93, 0.61), ("CAAT", 0.71, 0.59))
    ]  # fmt: skip
    decoys = [
        {"cut": cut, "kind": kind, "functional": interval(0.9), "decoy": interval(0.4), "difference": interval(0.5)}
        for cut in ("kept", "top 1 %") for kind in ("TATA", "CAAT", "all")
    ]  # fmt: skip
    return {"near": 5, "n_sites": 100, "ranking": ranking, "kinds": kinds, "decoys": decoys}


def run(variant, seed=0, r=0.9, **more):
    """One gathered run."""
    evaluation = {"split": "test", "n": 321, "kept_share": 0.1, "level": 0.95, "selection": selection(),
                  "metrics": {"pearson": interval(r)}, "reachable": {"share": interval(0.96)}}  # fmt: skip
    return {"variant": variant, "label": f"label of {variant}", "seed": seed, "fold": None, "n_parameters": 6543,
            "best_epoch": 2, "finished_at": "2026-01-02", "config": {}, "evaluation": evaluation,
            "made_by": {"train": {"command": "gsa train", "commit": "abc123"}},
            "epochs": [{"epoch": i + 1, "val_metric": 0.5 + 0.1 * i, "seconds": 3.0} for i in range(3)],
            **more}  # fmt: skip


def speed(headline=True):
    """Two lengths, and two series of which one grows linearly."""
    one = {"seconds": 0.05, "peak_bytes": 10**8, "flops": 1e6, "fastest": 0.04, "repeats": 5, "attended": 200}
    rows = [
        {"length": length, "batch_size": 16, "batch_wanted": 32, "sparse": one, "speedup": 24.0, "memory_ratio": 10.0,
         "flops_ratio": 50.0, "full": one | {"seconds": 1.2, "peak_bytes": 10**9, "flops": 5e7}}
        for length in (2000, 5000)
    ]  # fmt: skip
    lengths = [500, 1000, 2000]
    series = [
        {"name": name, "label": name, "lengths": lengths, "batch_size": 8, "settings": {},
         "rows": [{"length": x, "seconds": 1e-6 * x**b, "flops": x**b, "peak_bytes": 1000 * x} for x in lengths],
         "time": interval(b), "flops": interval(b), "memory": interval(1.0)}
        for name, b in (("share", 1.6), ("number", 1.02))
    ]  # fmt: skip
    return {"format": "mlx_gsa.speed", "format_version": 1, "asked": {}, "headline": headline, "rows": rows,
            "series": series, "device": "cpu", "blas": {"name": "some BLAS"}, "gemm_gflops": 5.0,
            "versions": VERSIONS, "load_before": 0.1, "machine": MACHINE}  # fmt: skip


SCALE = {
    "name": "quick", "purpose": "A trial.", "sweeps": ["trial", "never"],
    "names": {"synthetic": "trial/toy", "sparse10": "sparse-10", "full": "full"},
    "figures": {"retention": {"where": ["trial/toy"]}, "ablation": {"where": ["trial/toy"], "reference": "full"},
                "pareto": {"where": ["trial/toy"], "kinds": {"sparse": ["sparse"], "full attention": ["full"]}},
                "planted": {"where": "trial/toy/sparse-10"},
                "learning": {"where": ["trial/toy"], "variants": ["sparse-10", "full"]}},
}  # fmt: skip


def make_results(folder, **scale):
    """Write a scale's results: one sweep that was run and one that was not; returns the folder."""
    facts = {"format": "mlx_gsa.results", "format_version": 1, "scale": SCALE | scale, "commit": "c0ffee",
             "command": "gsa reproduce --scale quick", "created": "2026-01-02T03:04:05+00:00", "seconds": 60.0,
             "missing": {"never": "no such file"}, "versions": VERSIONS, "machine": MACHINE}  # fmt: skip
    write(folder / "results.json", facts)
    cells = [{"data": "toy", "variant": variant, "label": "", "seed": 0, "fold": None, "state": state}
             for variant, state in (("sparse-10", "finished"), ("full", "new"))]  # fmt: skip
    spec = {"title": "A trial of toys", "purpose": "Why it is done.", "data": [{"name": "toy", "title": "Toys"}]}
    write(folder / "trial/sweep.json", {"format": "x", "name": "trial", "spec": spec, "cells": cells})
    write(folder / "trial/comparison.json", comparison())
    runs = [run("sparse-10", 0), run("sparse-10", 1, 0.91), run("full", 0, 0.91)]
    data = {"versions": VERSIONS, "machine": MACHINE, "data_hash": "feedbeef" * 8, "data": {}, "runs": runs}
    write(folder / "trial/toy.json", data)
    write(folder / "speed.json", speed())
    return folder

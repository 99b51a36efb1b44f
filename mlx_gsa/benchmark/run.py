"""Runs a benchmark: cell by cell, each result saved at once, so that one that was killed goes on."""

import datetime
import importlib.util
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from mlx_gsa.benchmark.contenders import MLX, TORCH, find
from mlx_gsa.benchmark.grid import KEPT, Cell, Plan, cells_of, guessed_seconds, needed_bytes, operations
from mlx_gsa.benchmark.probes import energy_source
from mlx_gsa.benchmark.processes import measure_processes
from mlx_gsa.benchmark.state import State
from mlx_gsa.benchmark.worker import Worker
from mlx_gsa.errors import ResultsError
from mlx_gsa.runtime import commit, machine, memory_available, versions

FORMAT, FORMAT_VERSION = "mlx_gsa.benchmark", 1
MEASURED, TOO_LARGE, TOO_SLOW, MISSING, FAILED = "measured", "does not fit", "not run", "not installed", "failed"
NO_TORCH = "PyTorch is not installed (extra bench)"
CHECK_LENGTH, CHECK_BATCH, TOLERANCE = 1000, 4, 1e-4
_SHARE = 0.9  # of the memory that is available


class Benchmark:
    """Measures what a plan asks for.

    Parameters
    ----------
    plan : Plan
    folder : Path
        Gets ``cells.jsonl`` as it goes on, from which a later call with the same versions goes on too.
    torch_python : str, optional
        Interpreter with PyTorch; this one, if it has it.
    report : callable, optional
        ``report(done, total, note)``.

    Raises
    ------
    ResultsError
        The folder holds measurements of other versions or of another commit.
    """

    def __init__(self, plan: Plan, folder: Path, torch_python: str | None = None, report: Callable | None = None):
        self.plan, self.report = plan, report or (lambda done, total, note: None)
        self.identity = {"versions": versions(), "machine": _lasting(machine()), "commit": commit()}
        self.state = State(Path(folder) / "cells.jsonl", self.identity)
        self.torch_python = torch_python or (sys.executable if importlib.util.find_spec("torch") else None)
        self._workers, self._weights = {}, {}

    def run(self, command: str) -> dict:
        """Measure what is not there yet.

        Parameters
        ----------
        command : str
            What repeats it.

        Returns
        -------
        dict
            ``manifest``, ``plan``, ``facts`` of the machine, ``checks`` of the rivals' outputs, ``cells``,
            ``processes``.
        """
        begun = time.monotonic()
        with tempfile.TemporaryDirectory() as scratch:
            self.scratch = Path(scratch)
            try:
                return self._run(command, begun)
            finally:
                for worker in self._workers.values():
                    worker.close()

    def _run(self, command, begun):
        cells = cells_of(self.plan)
        self.state.once("facts", self._facts)
        checks = self.state.once("checks", self._checks)
        for number, cell in enumerate(cells):
            self.report(number, len(cells), cell.key)
            if cell.key not in self.state:
                self.state.add(cell.key, self._measure(cell))
        if "processes" in self.plan.sections:
            self.report(len(cells), len(cells), "training in two processes")
            self.state.once("processes", lambda: measure_processes(self.plan.quick))
        self.report(len(cells), len(cells), "done")
        facts = self.state["facts"] | {"load_after": round(os.getloadavg()[0], 2)}
        self.state.spent(time.monotonic() - begun)
        return {
            "manifest": self._manifest(command), "plan": self.plan.to_dict(), "facts": facts, "checks": checks,
            "cells": [self.state[cell.key] for cell in cells], "processes": self.state.get("processes"),
        }  # fmt: skip

    def _manifest(self, command):
        return {
            "format": FORMAT, "format_version": FORMAT_VERSION, "command": command, "seed": 0, "data_hash": None,
            "data": "random sequences, always the same", "created": _now(), "seconds": round(self.state.seconds, 1),
            **self.identity,
        }  # fmt: skip

    def _facts(self):
        self.report(0, None, "the machine")
        load = round(os.getloadavg()[0], 2)
        worker = self._worker(MLX, None)
        facts = worker.ask({"what": "report"})
        facts |= {"load_before": load, "bandwidth": worker.ask({"what": "bandwidth", **self._sizes()})}
        facts |= {"energy": energy_source(), "threads_tried": list(self.plan.threads), "torch": self._torch_facts()}
        return {key: value for key, value in facts.items() if key not in ("versions", "machine")}

    def _sizes(self):
        return {"megabytes": 64} if self.plan.quick else {}

    def _torch_facts(self):
        if self.torch_python is None:
            return {"missing": NO_TORCH}
        try:
            return self._worker(TORCH, max(self.plan.threads)).ask({"what": "report"})
        except ResultsError as error:
            self.torch_python = None
            return {"missing": f"{NO_TORCH}: {error.found}"}

    def _checks(self):
        """Hold outputs and gradients of the rivals against the program's; they get its weights."""
        found, asked = {}, {"length": CHECK_LENGTH, "batch": CHECK_BATCH}
        for name in ("torch-sparse", "torch-dense"):
            weights = self._weights_of(name)
            if self.torch_python is not None:
                found[name] = self._worker(TORCH, 1).ask({"what": "check", **weights, **asked})["errors"]
        fast = self._worker(MLX, 1).ask({"what": "agreement", "settings": {"sparsity": KEPT}, **asked})
        return found | {"fast": {"host kernels": {"output": fast["output"]}}}

    def _weights_of(self, name):
        if name not in self._weights:
            request = {
                "what": "weights", "settings": {"sparsity": KEPT} | find(name).settings, "length": CHECK_LENGTH,
                "batch": CHECK_BATCH, "path": str(self.scratch / f"{name}.npz"),
            }  # fmt: skip
            answer = self._worker(MLX, 1).ask(request)
            kept = None if "attention" in find(name).settings else answer["kept"]
            self._weights[name] = answer | {"kept": kept}
        return self._weights[name]

    def _measure(self, cell: Cell):
        threads = cell.threads or self._best_threads(cell)
        facts = {"section": cell.section, "contender": cell.contender, "length": cell.length,
                 "sparsity": cell.sparsity, "batch": cell.batch, "threads": threads}  # fmt: skip
        refusal = self._refusal(cell)
        if refusal:
            return facts | refusal
        kind = cell.rival.runs_in
        try:
            found = self._worker(kind, threads).ask(self._request(cell), seconds=60 + 20 * self.plan.cap)
        except ResultsError as error:
            return facts | {"status": FAILED, "why": error.found or error.what}
        # The same sums in another program; the backward pass of a product is two products.
        counted = {"flops": operations(cell) * (3 if cell.section == "step" else 1)} if kind == TORCH else {}
        return facts | {"status": MEASURED} | counted | found

    def _refusal(self, cell):
        """Say why a cell cannot be measured, or None."""
        if cell.rival.runs_in == TORCH and self.torch_python is None:
            return {"status": MISSING, "why": NO_TORCH}
        needed, there = needed_bytes(cell), memory_available()
        if there is not None and needed > _SHARE * there:
            return {"status": TOO_LARGE, "needs": needed, "available": there}
        guess = guessed_seconds(cell, self._seconds())
        if guess is not None and guess > self.plan.cap and not cell.at_headline:
            return {"status": TOO_SLOW, "would_take": guess}
        return None

    def _request(self, cell):
        seconds = self.plan.headline_seconds if cell.at_headline else self.plan.seconds
        request = {"what": cell.section, "settings": cell.settings(), "length": cell.length, "batch": cell.batch,
                   "seconds": seconds, "engine": cell.rival.engine}  # fmt: skip
        if cell.section == "scan":
            return request | {"stride": cell.batch}
        if cell.rival.runs_in == TORCH:
            name = "torch-dense" if cell.contender == "torch-dense" else "torch-sparse"
            return request | self._kept(cell, name)
        return request

    def _kept(self, cell, name):
        from mlx_gsa.config import ModelConfig
        from mlx_gsa.evaluation.cost import kept_count

        weights = self._weights_of(name)
        kept = None if name == "torch-dense" else kept_count(ModelConfig(**cell.settings()), cell.length)
        return {"path": weights["path"], "kept": kept, "reference_budget": weights["reference_budget"]}

    def _seconds(self):
        cells = {cell: self.state.get(cell.key) for cell in cells_of(self.plan)}
        return {cell: found["seconds"] for cell, found in cells.items() if found and found["status"] == MEASURED}

    def _best_threads(self, cell):
        """Return the number of threads that was faster at the nearest length at which all were tried."""
        tried = [(abs(other.length - cell.length), seconds, other.threads)
                 for other, seconds in self._seconds().items()
                 if (other.section, other.contender) == (cell.section, cell.contender) and other.threads]  # fmt: skip
        return min(tried)[2] if tried else self.plan.threads[0]

    def _worker(self, kind, threads):
        key = (kind, threads)
        if key not in self._workers or not self._workers[key].alive:
            python = self.torch_python if kind == TORCH else None
            self._workers[key] = Worker(kind, threads, python)
        return self._workers[key]


def _lasting(facts):
    """Leave out what depends on the process that asked."""
    return {key: value for key, value in facts.items() if key not in ("blas_threads", "device")}


def _now():
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")


def load(path: Path) -> dict:
    """Read a benchmark that was saved.

    Raises
    ------
    ResultsError
        There is none, or it is something else.
    """
    try:
        found = json.loads(Path(path).read_text(encoding="utf-8"))
        kind = found["manifest"]["format"], found["manifest"]["format_version"]
    except FileNotFoundError:
        raise ResultsError("no benchmark there", where=str(path), mend="Run `gsa benchmark` first.") from None
    except (ValueError, KeyError, TypeError) as error:
        raise ResultsError("not a benchmark", where=str(path), found=str(error)) from None
    if kind != (FORMAT, FORMAT_VERSION):
        raise ResultsError("not a benchmark of this version", where=str(path), expected=FORMAT, found=str(kind))
    return found

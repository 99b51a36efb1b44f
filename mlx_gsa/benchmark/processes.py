"""Training in one process and in two: how much the second is worth."""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

from mlx_gsa.benchmark.worker import THREAD_VARIABLES, Worker
from mlx_gsa.errors import ResultsError

LENGTH, BATCH, SHARDS = 2000, 32, 2
ROUNDS, SECONDS, QUICK_SECONDS = 3, 3.0, 0.6
_AHEAD = 2.0  # seconds in which two processes get ready to begin at once
_LONGEST = 120.0
# The script of that name may lie in no folder that is searched; the package always knows it.
_LAUNCH = """import importlib.metadata as found
next(each for each in found.entry_points(group="console_scripts") if each.name == "mlx.launch").load()()"""


def measure_processes(quick: bool = False) -> dict:
    """Train by turns in one process on one core, in two that know nothing of each other, and in two ranks.

    Returns
    -------
    dict
        Records per second, one number a round: ``one``, ``lanes`` (one process, its shards on two streams), ``two``
        (two at once, added up), ``ranks`` (``mlx.launch -n 2``, each step shared, gradients exchanged; None with
        ``why`` where it cannot be run); ``ratio``, ``ranks_ratio`` and ``lanes_ratio``, medians over that of ``one``.
    """
    seconds, rounds = (QUICK_SECONDS, 1) if quick else (SECONDS, ROUNDS)
    found = {"one": [], "lanes": [], "two": [], "ranks": []}
    why = None
    with Worker("mlx", 1) as first, Worker("mlx", 1) as second:
        for _ in range(rounds):
            found["one"].append(_at_once([first], seconds, 1))
            found["lanes"].append(_at_once([first], seconds, SHARDS))
            found["two"].append(_at_once([first, second], seconds, 1))
            try:
                found["ranks"].append(_launched(seconds))
            except ResultsError as error:
                why = error.found
    medians = {name: statistics.median(speeds) for name, speeds in found.items() if speeds}
    ratios = {"ratio": "two", "ranks_ratio": "ranks", "lanes_ratio": "lanes"}
    ratios = {key: medians[name] / medians["one"] if name in medians else None for key, name in ratios.items()}
    return {**found, "ranks": found["ranks"] or None, "why": why, **ratios, "length": LENGTH, "batch": BATCH}


def _at_once(workers, seconds, shards):
    """Let workers train at once, each on records of its own; records per second of all together."""
    request = _request(seconds, shards) | {"what": "steps", "start": time.time() + _AHEAD}
    for number, worker in enumerate(workers):
        worker.tell(request | {"seed": number})
    answers = [worker.hear(request) for worker in workers]
    return sum(BATCH * answer["steps"] / answer["seconds"] for answer in answers)


def _launched(seconds):
    """Train two ranks under `mlx.launch`, which share every step; records per second."""
    work = [sys.executable, "-m", "mlx_gsa.benchmark.ranks_work", json.dumps(_request(seconds, SHARDS))]
    path = os.pathsep.join(path for path in sys.path if path)
    environment = {**os.environ, **dict.fromkeys(THREAD_VARIABLES, "1"), "PYTHONPATH": path}
    # mlx.launch asks a standard input that has ended again and again, which costs a core: it is given one that is open.
    reading, writing = os.pipe()
    with tempfile.TemporaryDirectory() as folder:
        try:
            done = subprocess.run([sys.executable, "-c", _LAUNCH, "-n", "2", *work], capture_output=True, text=True,
                                  timeout=_LONGEST, cwd=folder, env=environment, stdin=reading)  # fmt: skip
        except subprocess.TimeoutExpired:
            raise ResultsError("two ranks did not end", found=f"no end in {_LONGEST:.0f} s") from None
        finally:
            os.close(reading), os.close(writing)
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    if done.returncode or not lines:
        last = done.stderr.strip().rpartition("\n")[2]
        raise ResultsError("two ranks could not be started", found=last or f"exit {done.returncode}")
    answer = json.loads(lines[-1])
    return BATCH * answer["steps"] / answer["seconds"]


def _request(seconds, shards):
    return {"settings": {"sparsity": 0.1}, "length": LENGTH, "batch": BATCH, "shards": shards, "seconds": seconds}

"""Worker processes: they end with the process that started them, and leave Ctrl-C to it."""

import os
import signal
import subprocess
import sys
import time

import pytest

SCRIPT = """
import os, sys, time
from toys import random_tokens, scrambled
from mlx_gsa.inference.engine import Engine

if __name__ == "__main__":
    engine = Engine(scrambled(filter_width=8), n_threads=2)
    with engine.workers() as workers:
        engine.scan(random_tokens([500])[0], 100, 50, workers)
        print(*workers._pool._processes, flush=True)
        time.sleep(60)
"""


def alive(number):
    """Whether a process still runs; one that only waits to be buried does not."""
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return False
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(number)], capture_output=True, text=True).stdout
    return bool(state.strip()) and not state.startswith("Z")


@pytest.mark.slow
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_workers_end_with_their_parent(tmp_path, how):
    (tmp_path / "script.py").write_text(SCRIPT)
    environment = {**os.environ, "PYTHONPATH": os.path.dirname(__file__)}
    parent = subprocess.Popen(
        [sys.executable, "script.py"], cwd=tmp_path, env=environment, text=True, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, start_new_session=True,
    )  # fmt: skip
    workers = [int(word) for word in parent.stdout.readline().split()]
    assert len(workers) == 2 and all(map(alive, workers))
    if how == signal.SIGKILL:
        parent.kill()
    else:  # as a terminal does it: to all of them at once
        os.killpg(parent.pid, how)
    _, errors = parent.communicate(timeout=30)
    assert errors.count("KeyboardInterrupt") == (how == signal.SIGINT)
    deadline = time.monotonic() + 30
    while any(map(alive, workers)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(map(alive, workers))

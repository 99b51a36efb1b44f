"""Steps are processes that save when told to, and that do not outlive the sweep."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mlx_gsa.experiments import process
from mlx_gsa.experiments.plan import Command
from mlx_gsa.experiments.process import Step

WAIT = 30  # seconds that a loaded machine may take

# A `gsa` that says when it is ready and what reaches it: a module of that name, found before the installed one.
FAKE = """
import os, sys, time
from pathlib import Path
Path(sys.argv[1]).write_text(str(os.getpid()))
print("threads", os.environ["OPENBLAS_NUM_THREADS"], *sys.argv[2:], flush=True)
try:
    time.sleep({seconds})
except KeyboardInterrupt:
    Path(sys.argv[1] + ".saved").write_text("yes")
    sys.exit(130)
"""


@pytest.fixture
def fake_gsa(tmp_path, monkeypatch):
    """Let `child` run a script instead of `gsa`; returns how to set the seconds that it takes."""
    script = tmp_path / "fake.py"
    child = tmp_path / "child.py"
    real = Path(process.__file__).with_name("child.py").read_text()
    changed = real.replace('runpy.run_module("mlx_gsa", run_name="__main__")', f'runpy.run_path("{script}")')
    assert changed != real
    child.write_text(changed)
    monkeypatch.setattr(process, "CHILD", [sys.executable, str(child)])
    monkeypatch.delenv("OPENBLAS_NUM_THREADS", raising=False)
    return lambda seconds: script.write_text(FAKE.format(seconds=seconds))


def step(path, *arguments, threads=3, keep=()):
    command = Command("train", (str(path), *arguments), ())
    return Step(command, path.with_suffix(".log"), threads, keep)


def until(ready):
    deadline = time.monotonic() + WAIT
    while not ready():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def is_alive(pid):
    """Whether a process, which is not ours to wait for, is there and no zombie."""
    done = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True)
    return bool(done.stdout.strip()) and not done.stdout.strip().startswith("Z")


def written(path):
    return path.exists() and path.read_text()


def test_a_step_runs_to_its_end_and_writes_a_log(tmp_path, fake_gsa):
    fake_gsa(0)
    path = tmp_path / "one"
    running = step(path, "--x", "a b")
    until(lambda: running.poll() is not None)
    assert running.poll() == 0
    assert (tmp_path / "one.log").read_text() == f"$ gsa {path} --x 'a b'\nthreads 3 --x a b\n"


def test_threads_of_the_environment_hold(tmp_path, fake_gsa, monkeypatch):
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "7")
    fake_gsa(0)
    running = step(tmp_path / "one")
    until(lambda: running.poll() is not None)
    assert "threads 7" in (tmp_path / "one.log").read_text()


def test_a_step_of_a_rank_is_no_rank(tmp_path, fake_gsa, monkeypatch):
    monkeypatch.setenv("MLX_RANK", "1")
    monkeypatch.setenv("MLX_HOSTFILE", "hosts.json")
    Path(tmp_path / "fake.py").write_text("import os\nprint(sorted(n for n in os.environ if n.startswith('MLX_')))\n")
    running = step(tmp_path / "one")
    until(lambda: running.poll() is not None)
    assert (tmp_path / "one.log").read_text().endswith("\n[]\n")


def test_an_interrupted_step_saves(tmp_path, fake_gsa):
    fake_gsa(60)
    path = tmp_path / "one"
    running = step(path)
    until(lambda: written(path))
    running.interrupt()
    running.end()
    assert running.poll() == 130 and (tmp_path / "one.saved").exists()
    running.interrupt()  # of what has ended: nothing


def test_a_step_that_does_not_end_is_ended(tmp_path, fake_gsa, monkeypatch):
    fake_gsa(60)
    monkeypatch.setattr(process, "GRACE", 0.01)
    running = step(tmp_path / "one")
    until(lambda: written(tmp_path / "one"))
    running.end()
    assert running.poll() == -signal.SIGKILL


def test_a_step_saves_even_where_ctrl_c_was_ignored(tmp_path, fake_gsa):
    """As a shell has it for what it starts in the background."""
    fake_gsa(60)
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        running = step(tmp_path / "one")
    finally:
        signal.signal(signal.SIGINT, before)
    until(lambda: written(tmp_path / "one"))
    running.interrupt()
    running.end()
    assert running.poll() == 130


SWEEP = """
import sys, time
from pathlib import Path
from mlx_gsa.experiments import process
from mlx_gsa.experiments.plan import Command
from mlx_gsa.data.locks import RunLock
process.CHILD = [sys.executable, sys.argv[1]]
lock = RunLock(Path(sys.argv[2]) / "run.lock")
lock.take()
steps = [
    process.Step(Command("train", (f"{sys.argv[2]}/{name}",), ()), Path(sys.argv[2]) / f"{name}.log", 1, [lock.handle])
    for name in ("one", "two")
]
time.sleep(60)
"""


def test_no_step_outlives_a_sweep_that_is_killed_and_each_saves(tmp_path, fake_gsa):
    fake_gsa(60)
    sweep = subprocess.Popen([sys.executable, "-c", SWEEP, str(tmp_path / "child.py"), str(tmp_path)])
    until(lambda: written(tmp_path / "one") and written(tmp_path / "two"))
    children = [int((tmp_path / name).read_text()) for name in ("one", "two")]
    assert all(is_alive(pid) for pid in children)
    os.kill(sweep.pid, signal.SIGKILL)
    sweep.wait()
    until(lambda: not any(is_alive(pid) for pid in children))
    assert (tmp_path / "one.saved").exists() and (tmp_path / "two.saved").exists()

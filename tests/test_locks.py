"""Locks: one holder, gone with the last process that has them."""

import os
import subprocess
import sys
import time

from mlx_gsa.data.locks import RunLock


def test_a_lock_has_one_holder_and_says_who(tmp_path):
    one, other = RunLock(tmp_path / "a" / "run.lock"), RunLock(tmp_path / "a" / "run.lock")
    assert one.take() and one.take() and not other.take()
    assert other.holder() == str(os.getpid())
    one.free()
    one.free()
    assert other.take()
    other.free()


def test_a_stale_lock_is_taken_over(tmp_path):
    path = tmp_path / "run.lock"
    path.write_text("999999\n")
    lock = RunLock(path)
    assert lock.holder() == "999999" and lock.take() and lock.holder() == str(os.getpid())
    lock.free()


def test_nobody_is_named_where_there_is_no_lock(tmp_path):
    assert RunLock(tmp_path / "run.lock").holder() == "unknown"


def test_a_child_holds_the_lock_as_long_as_it_lives(tmp_path):
    lock = RunLock(tmp_path / "run.lock")
    lock.take()
    sleeper = [sys.executable, "-c", "import time; time.sleep(60)"]
    child = subprocess.Popen(sleeper, pass_fds=[lock.handle])
    stranger = subprocess.Popen(sleeper)
    lock.free()
    other = RunLock(lock.path)
    assert not other.take()
    child.kill()
    child.wait()
    deadline = time.monotonic() + 10
    while not other.take():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    other.free()
    stranger.kill()
    stranger.wait()

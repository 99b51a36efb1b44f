"""Freed memory is kept on Linux with glibc, once, unless it is turned off."""

import ctypes
import os
import platform
import subprocess
import sys

import pytest

from mlx_gsa import allocator

linux = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc is asked")
STATUS = "from mlx_gsa.allocator import keep_freed_memory; print(keep_freed_memory())"


class FakeLibrary:
    """A C library that writes down what it is asked."""

    def __init__(self, answer=1):
        self.asked, self.answer = {}, answer

    def mallopt(self, name, value):
        self.asked[name] = value
        return self.answer


@pytest.fixture
def fresh(monkeypatch):
    monkeypatch.setattr(allocator, "_state", [])
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.delenv(allocator.VARIABLE, raising=False)

    def use(library):
        monkeypatch.setattr(ctypes, "CDLL", lambda _: library)
        return library

    return use


def test_glibc_is_asked_once_for_one_heap_that_is_kept(fresh):
    library = fresh(FakeLibrary())
    assert allocator.keep_freed_memory()
    # M_ARENA_MAX, M_MMAP_MAX, M_TRIM_THRESHOLD, M_TOP_PAD
    assert library.asked == {-8: 1, -4: 0, -1: 2**30, -2: 2**26}
    library.asked.clear()
    assert allocator.keep_freed_memory() and not library.asked


def test_a_refusal_is_reported_after_all_has_been_asked(fresh):
    library = fresh(FakeLibrary(answer=0))
    assert not allocator.keep_freed_memory() and len(library.asked) == 4


def test_another_c_library_is_left_alone(fresh):
    fresh(object())
    assert not allocator.keep_freed_memory()


def test_another_system_is_left_alone(fresh, monkeypatch):
    library = fresh(FakeLibrary())
    monkeypatch.setattr(sys, "platform", "darwin")
    assert not allocator.keep_freed_memory() and not library.asked


@pytest.mark.parametrize("off", ["off", "OFF", "0", "no"])
def test_the_variable_turns_it_off(fresh, monkeypatch, off):
    library = fresh(FakeLibrary())
    monkeypatch.setenv(allocator.VARIABLE, off)
    assert not allocator.keep_freed_memory() and not library.asked


@linux
@pytest.mark.parametrize("variable, kept", [("", "True"), ("off", "False")])
def test_a_new_process_is_asked_the_real_library(variable, kept):
    environment = {**os.environ, "GSA_MALLOC": variable}
    done = subprocess.run([sys.executable, "-c", STATUS], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == kept

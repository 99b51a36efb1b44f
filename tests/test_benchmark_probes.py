"""What a process tells of itself: memory, energy, bandwidth."""

import platform

import numpy as np
import pytest

from mlx_gsa.benchmark import probes
from mlx_gsa.benchmark.measure import fastest_of, timed
from mlx_gsa.benchmark.probes import EnergyProbe, MemoryProbe, bandwidth, energy_source, read_energy

LINUX = pytest.mark.skipif(platform.system() != "Linux", reason="reads /proc")


@LINUX
def test_the_peak_is_seen_though_the_memory_was_freed():
    with MemoryProbe() as memory:
        np.ones(25_000_000, np.float32)
    assert memory.bytes is None or 90e6 < memory.bytes < 300e6


@LINUX
def test_what_was_there_before_does_not_count():
    held = np.ones(25_000_000, np.float32)
    with MemoryProbe() as memory:
        pass
    assert held[0] == 1 and (memory.bytes is None or memory.bytes < 50e6)


def test_without_a_mark_that_can_be_reset_nothing_is_told(monkeypatch, tmp_path):
    monkeypatch.setattr(probes, "CLEAR_REFS", tmp_path / "missing" / "clear_refs")
    with MemoryProbe() as memory:
        pass
    assert memory.bytes is None


def package(folder, name, energy, limit=1000):
    (folder / name).mkdir(exist_ok=True)
    (folder / name / "energy_uj").write_text(f"{energy}\n")
    (folder / name / "max_energy_range_uj").write_text(f"{limit}\n")


def test_energy_of_all_packages_and_not_of_their_parts(tmp_path):
    package(tmp_path, "intel-rapl:0", 5)
    package(tmp_path, "intel-rapl:1", 7)
    package(tmp_path, "intel-rapl:0:0", 99)
    assert read_energy(tmp_path) == {"intel-rapl:0": (5, 1000), "intel-rapl:1": (7, 1000)}
    (tmp_path / "intel-rapl:1/energy_uj").unlink()
    assert read_energy(tmp_path) is None and read_energy(tmp_path / "missing") is None


def test_a_counter_may_begin_anew(tmp_path, monkeypatch):
    package(tmp_path, "intel-rapl:0", 900)
    monkeypatch.setattr(probes, "read_energy", lambda: read_energy(tmp_path))
    assert energy_source() == "RAPL counters of the processor packages"
    with EnergyProbe() as energy:
        package(tmp_path, "intel-rapl:0", 100)
    assert energy.joules == pytest.approx(200e-6)
    monkeypatch.setattr(probes, "read_energy", lambda: None)
    with EnergyProbe() as energy:
        pass
    assert energy.joules is None and energy_source().startswith("not told by this machine")


def test_bandwidth():
    found = bandwidth(megabytes=1, repeats=1, threads=(1, 2))
    assert found["copy"] > 0 and found["triad"] > 0 and found["threads"] in (1, 2)


def test_the_triad_computes_what_it_says():
    one, other, target = np.ones(4, np.float32), np.full(4, 2, np.float32), np.zeros(4, np.float32)
    probes._triad(one, other, target)
    assert target.tolist() == [7] * 4


def test_a_call_is_warmed_up_and_its_first_call_may_be_looked_at():
    calls = []
    found = timed(lambda: calls.append("call"), 0.0, first=lambda: calls.append("first"))
    assert calls[0] == "first" and calls.count("first") == 1 and len(calls) == 1 + 2 + found["repeats"]
    assert set(found) == {"seconds", "low", "high", "fastest", "repeats", "rss_bytes", "joules"}


def test_the_fastest_form_is_taken():
    def slow():
        sum(range(200_000))

    found = fastest_of({"slow": slow, "fast": lambda: None}, 0.0)
    assert found["variant"] == "fast" and found["variants"]["slow"] > found["variants"]["fast"]

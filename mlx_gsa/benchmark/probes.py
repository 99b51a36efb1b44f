"""What a process can tell of itself and of the machine: its highest memory, energy, bandwidth. No MLX, no PyTorch."""

import ctypes
import gc
import platform
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from mlx_gsa.runtime import usable_cores

POWERCAP = Path("/sys/class/powercap")
STATUS, CLEAR_REFS = Path("/proc/self/status"), Path("/proc/self/clear_refs")
_PEAK_RESET = "5"  # proc(5): the high-water mark of the resident set is set to its present size


class MemoryProbe:
    """Highest resident memory of this process while it is open, less what it had at the start (bytes).

    Memory that earlier work has freed goes back to the system first, where glibc can do that; where the system keeps no
    mark that can be reset, `bytes` stays None.
    """

    bytes: int | None = None

    def __enter__(self):
        gc.collect()
        give_memory_back()
        self._can = _reset_peak()
        self._before = _status("VmRSS")
        return self

    def __exit__(self, *error):
        peak = _status("VmHWM") if self._can else None
        self.bytes = None if peak is None or self._before is None else max(0, peak - self._before)


class EnergyProbe:
    """Energy that the processor used while it is open (joules), by its own counters; None where they are not told."""

    joules: float | None = None

    def __enter__(self):
        self._before = read_energy()
        return self

    def __exit__(self, *error):
        after = read_energy()
        if self._before and after and self._before.keys() == after.keys():
            used = [(after[name][0] - start) % limit for name, (start, limit) in self._before.items()]
            self.joules = sum(used) / 1e6


def read_energy(folder: Path = POWERCAP) -> dict | None:
    """Read the counters of all processor packages: (microjoules, at which they begin anew) by name, or None.

    Parameters
    ----------
    folder : Path
        Of Linux' powercap interface; often only root may read it.
    """
    found = {}
    for package in sorted(folder.glob("intel-rapl:[0-9]*")) if folder.is_dir() else ():
        if package.name.count(":") > 1:
            continue  # a part of a package
        try:
            limit = int((package / "max_energy_range_uj").read_text())
            found[package.name] = (int((package / "energy_uj").read_text()), limit)
        except (OSError, ValueError):
            return None
    return found or None


def energy_source() -> str:
    """Say where energy is read, or why it is not."""
    if read_energy():
        return "RAPL counters of the processor packages"
    if platform.system() == "Darwin":
        return "not told by this machine (powermetrics answers to root only)"
    return "not told by this machine"


def bandwidth(megabytes: int = 256, repeats: int = 5, threads=None) -> dict:
    """Measure how fast memory is read and written: a copy of a large array, and a triad a + s x b.

    Parameters
    ----------
    megabytes : int
        Of each array, far more than any cache.
    repeats : int
        The fastest counts.
    threads : sequence of int, optional
        Numbers of threads tried; 1 and all cores without it.

    Returns
    -------
    dict
        ``copy`` and ``triad`` in 10^9 bytes per second (bytes read and written, as the program asks for them), and
        ``threads``, with which the larger was reached.
    """
    cores = usable_cores()
    size = megabytes * 2**20 // 4
    arrays = [np.full(size, value, np.float32) for value in (1, 2, 0)]
    found = {"copy": 0.0, "triad": 0.0, "threads": 1}
    for n in threads or sorted({1, cores}):
        for name, work, traffic in (("copy", _copy, 2), ("triad", _triad, 5)):
            speed = traffic * size * 4 / _fastest(work, arrays, n, repeats) / 1e9
            if speed > found[name]:
                found |= {name: speed, "threads": n}
    return found


def give_memory_back() -> None:
    """Ask glibc to return freed memory to the system; nothing elsewhere."""
    if platform.system() == "Linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim is not None:
            trim(0)


def _fastest(work, arrays, n_threads, repeats):
    parts = [np.array_split(array, n_threads) for array in arrays]
    seconds = []
    with ThreadPoolExecutor(n_threads) as pool:
        for _ in range(repeats):
            start = time.perf_counter()
            list(pool.map(work, *parts))
            seconds.append(time.perf_counter() - start)
    return min(seconds)


def _copy(source, _, target):
    np.copyto(target, source)


def _triad(one, other, target):
    """Two passes of NumPy: read, write; read, read, write."""
    np.multiply(other, np.float32(3), out=target)
    np.add(target, one, out=target)


def _reset_peak():
    try:
        CLEAR_REFS.write_text(_PEAK_RESET)
    except OSError:
        return False
    return True


def _status(name):
    try:
        lines = STATUS.read_text().splitlines()
    except OSError:
        return None
    found = next((line for line in lines if line.startswith(f"{name}:")), None)
    return int(found.split()[1]) * 1024 if found else None

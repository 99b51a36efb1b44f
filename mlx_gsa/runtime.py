"""The machine a result was made on: device, BLAS, memory, versions, and how to make it faster."""

import importlib.metadata
import os
import platform
import re
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from mlx_gsa import __version__
from mlx_gsa.allocator import keep_freed_memory
from mlx_gsa.errors import ConfigError
from mlx_gsa.openblas import BlasRecord, prepare_blas

__all__ = [
    "RuntimeReport",
    "commit",
    "gemm_speed",
    "machine",
    "memory_available",
    "prepare_blas",
    "prepare_mlx",
    "runtime_report",
    "versions",
]

_PACKAGES = ("mlx", "numpy", "scipy", "biopython", "lightmotif", "matplotlib", "pydantic", "scikit-learn")
_INSTALL = {
    "debian": "sudo apt-get install libopenblas0-pthread",
    "fedora": "sudo dnf install openblas",
    "arch": "sudo pacman -S openblas",
    "suse": "sudo zypper install libopenblas_pthreads0",
}


@dataclass(frozen=True)
class RuntimeReport:
    """What `gsa info` shows.

    Parameters
    ----------
    device : str
        ``"gpu"`` or ``"cpu"``, with the name that MLX gives it.
    blas : BlasRecord
        What was done about the BLAS.
    gemm_gflops : float
        Measured speed of a float32 matrix product on that device (10^9 operations per second).
    versions, machine : dict
        As `versions` and `machine` return them.
    memory_available : int or None
        Bytes that can be used now.
    advice : list of str
        What to do to make this machine faster; empty if nothing is known to help.
    """

    device: str
    blas: BlasRecord
    gemm_gflops: float
    versions: dict
    machine: dict
    memory_available: int | None
    advice: list

    def to_dict(self):
        """Return the report as plain values that JSON can hold."""
        return asdict(self)


def prepare_mlx():
    """Import MLX as this program wants it: memory kept, OpenBLAS loaded, then the device chosen.

    The environment variable ``GSA_DEVICE`` (``cpu`` or ``gpu``) chooses the device; without it MLX's
    own default holds, which is the GPU on Apple Silicon and the CPU elsewhere.

    Returns
    -------
    module
        ``mlx.core``.

    Raises
    ------
    ConfigError
        If ``GSA_DEVICE`` is neither ``cpu`` nor ``gpu``, or names a GPU that MLX cannot use here.
    """
    keep_freed_memory()
    prepare_blas()
    import mlx.core as mx

    choice = os.environ.get("GSA_DEVICE", "").strip().lower()
    if choice not in ("", "cpu", "gpu"):
        raise ConfigError("unknown device", where="GSA_DEVICE", expected="cpu or gpu", found=choice)
    if choice == "gpu" and not mx.is_available(mx.gpu):
        mend = "unset GSA_DEVICE to use the CPU"
        raise ConfigError("MLX has no GPU on this machine", where="GSA_DEVICE=gpu", mend=mend)
    if choice:
        mx.set_default_device(mx.cpu if choice == "cpu" else mx.gpu)
    return mx


def versions():
    """Collect the versions that a result depends on, without importing any of the packages.

    Returns
    -------
    dict of str to str
        ``python``, ``mlx_gsa`` and the packages that are installed.
    """
    found = {"python": platform.python_version(), "mlx_gsa": __version__}
    for name in _PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def commit() -> str | None:
    """Name the commit of this program's checkout, with "+" if tracked files differ from it; None if there is none."""
    git = ["git", "-C", str(Path(__file__).parent)]
    asked = (["ls-files", "--error-unmatch", "__init__.py"], ["rev-parse", "--short=12", "HEAD"],
             ["status", "--porcelain", "-uno"])  # fmt: skip
    try:
        found = [subprocess.run([*git, *each], capture_output=True, text=True, check=True).stdout for each in asked]
    except (OSError, subprocess.CalledProcessError):
        return None
    return found[1].strip() + ("+" if found[2].strip() else "")


def machine():
    """Describe this machine for a manifest; names no host, user or path.

    Returns
    -------
    dict
        ``platform``, ``processor``, ``cores`` (usable by this process), ``memory_total`` (bytes),
        ``blas``, ``blas_threads`` (sums are rounded in another order with another number), and ``device`` once MLX
        is imported (it is not imported for this).
    """
    blas = prepare_blas()
    facts = {
        "platform": f"{platform.system()} {platform.release()} {platform.machine()}",
        "processor": _processor(),
        "cores": usable_cores(),
        "memory_total": os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"),
        "blas": blas.version or blas.name,
        "blas_threads": blas.threads,
    }
    if "mlx.core" in sys.modules:
        facts["device"] = _device(sys.modules["mlx.core"])
    return facts


def runtime_report():
    """Describe the machine and measure a matrix product on it (about a second; imports MLX).

    Returns
    -------
    RuntimeReport
        What `gsa info` shows.
    """
    mx = prepare_mlx()
    blas = prepare_blas()
    return RuntimeReport(
        device=_device(mx),
        blas=blas,
        gemm_gflops=round(gemm_speed(), 1),
        versions=versions(),
        machine=machine(),
        memory_available=memory_available(),
        advice=_advice(blas, _device(mx)),
    )


def gemm_speed(size=1024, repeats=5):
    """Measure a square float32 matrix product in MLX on the default device.

    Parameters
    ----------
    size : int
        Rows and columns.
    repeats : int
        Products timed; the fastest counts.

    Returns
    -------
    float
        10^9 floating-point operations per second.
    """
    mx = prepare_mlx()
    matrix = mx.random.normal((size, size), key=mx.random.key(0))
    mx.eval(matrix @ matrix)
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        mx.eval(matrix @ matrix)
        seconds.append(time.perf_counter() - start)
    return 2 * size**3 / min(seconds) / 1e9


def _device(mx):
    kind = "gpu" if mx.default_device() == mx.Device(mx.gpu) else "cpu"
    name = mx.device_info().get("device_name", "") if hasattr(mx, "device_info") else ""
    return f"{kind} ({name})" if name else kind


def _processor():
    if platform.system() == "Darwin":
        return _output("sysctl", "-n", "machdep.cpu.brand_string") or platform.processor()
    try:
        text = Path("/proc/cpuinfo").read_text()
    except OSError:
        return platform.processor() or platform.machine()
    names = re.search(r"^model name\s*:\s*(.+)$", text, re.MULTILINE)
    return names[1].strip() if names else platform.processor() or platform.machine()


def usable_cores() -> int:
    """Count the cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def memory_available() -> int | None:
    """Return the bytes of memory that can be used now; None where the system does not say."""
    if platform.system() == "Darwin":
        return _parse_vm_stat(_output("vm_stat"))
    try:
        text = Path("/proc/meminfo").read_text()
    except OSError:
        return None
    kilobytes = re.search(r"^MemAvailable:\s+(\d+) kB$", text, re.MULTILINE)
    return int(kilobytes[1]) * 1024 if kilobytes else None


def _parse_vm_stat(text):
    """Bytes in pages that macOS's `vm_stat` calls free, inactive or speculative; None if unreadable."""
    size = re.search(r"page size of (\d+) bytes", text)
    pages = re.findall(r"^Pages (?:free|inactive|speculative):\s+(\d+)\.", text, re.MULTILINE)
    return int(size[1]) * sum(map(int, pages)) if size and pages else None


def _output(*command):
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=5).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return ""


def _advice(blas, device):
    advice = []
    if blas.status == "absent":
        advice.append(f"Install OpenBLAS, matrix products get many times faster: {_install_command()}")
    if blas.status == "off":
        advice.append("GSA_OPENBLAS=off keeps OpenBLAS out; unset it to use an installed one.")
    if blas.status == "too late":
        advice.append("Import mlx_gsa.model before mlx.core, so that OpenBLAS can be loaded first.")
    if platform.system() == "Darwin" and platform.machine() != "arm64":
        advice.append("This Python runs as x86_64; on Apple Silicon use an arm64 Python to reach the GPU.")
    elif platform.system() == "Darwin" and device.startswith("cpu"):
        advice.append("MLX runs on the CPU; unset GSA_DEVICE to use the GPU.")
    return advice


def _install_command():
    if os.environ.get("CONDA_PREFIX"):
        return 'conda install -c conda-forge "libopenblas=*=*pthreads*"'
    try:
        release = platform.freedesktop_os_release()
    except OSError:
        release = {}
    family = f"{release.get('ID', '')} {release.get('ID_LIKE', '')}".replace("ubuntu", "debian")
    known = (command for name, command in _INSTALL.items() if name in family)
    return next(known, "the package libopenblas0-pthread (Debian) or openblas (Fedora)")

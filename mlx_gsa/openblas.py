"""Give MLX a fast BLAS on Linux: load an installed OpenBLAS before MLX is imported.

The Linux wheel of MLX links a reference BLAS. The dynamic linker looks a symbol up in the global scope
first, so an OpenBLAS loaded there with ``RTLD_GLOBAL`` answers MLX's calls, with no other change.
"""

import ctypes
import ctypes.util
import os
import platform
import sys
from dataclasses import dataclass
from pathlib import Path

from mlx_gsa.errors import ConfigError

VARIABLE = "GSA_OPENBLAS"
# Debian's alternative first; Fedora names its pthread and OpenMP builds apart.
_NAMES = ("libopenblas.so.0", "libopenblasp.so.0", "libopenblaso.so.0", "libopenblas.so")
# The symbols that MLX calls; a 64-bit-integer or renamed build lacks them and must not be loaded.
_SYMBOLS = ("cblas_sgemm", "sgemm_", "openblas_get_config", "openblas_get_num_threads")


@dataclass(frozen=True)
class BlasRecord:
    """What was done about the BLAS of this process.

    Parameters
    ----------
    status : {"loaded", "off", "absent", "too late", "not needed"}
        Outcome: *off* by the environment variable, *too late* if MLX was imported first.
    name : str
        The BLAS that MLX uses.
    path : str, optional
        File of the loaded library.
    version : str, optional
        What the library says of itself, such as ``"OpenBLAS 0.3.21"``.
    build : str, optional
        Its whole build line: kernels, threading.
    threads : int, optional
        Threads that it uses.
    """

    status: str
    name: str
    path: str | None = None
    version: str | None = None
    build: str | None = None
    threads: int | None = None


_record = None


def prepare_blas():
    """Load an installed OpenBLAS for MLX; to be called before ``import mlx.core``.

    Does nothing on macOS (Accelerate is fast), where none is installed, or once MLX is imported. The
    environment variable ``GSA_OPENBLAS`` set to ``off`` turns it off, set to a path picks a library.

    Returns
    -------
    BlasRecord
        What was done, the same record on every call.

    Raises
    ------
    ConfigError
        If ``GSA_OPENBLAS`` names a file that is not an OpenBLAS with 32-bit integers.
    """
    global _record
    if _record is None:
        _record = _prepare(os.environ.get(VARIABLE, "").strip())
    return _record


def _prepare(choice):
    if platform.system() != "Linux":
        return BlasRecord("not needed", "Accelerate" if platform.system() == "Darwin" else "system")
    if choice.lower() in ("off", "0", "no"):
        return BlasRecord("off", "reference BLAS of the MLX wheel")
    if "mlx.core" in sys.modules:
        return BlasRecord("too late", "whatever MLX found when it was imported")
    library = _load_chosen(choice) if choice else _load_first()
    if library is None:
        return BlasRecord("absent", "reference BLAS of the MLX wheel")
    return _describe(library)


def _load_chosen(path):
    library = _load(path)
    if library is None:
        raise ConfigError(
            "cannot load the chosen BLAS",
            where=f"{VARIABLE}={path}",
            expected=f"an OpenBLAS library with {_SYMBOLS[0]}",
            mend=f"give the path of libopenblas.so.0, or {VARIABLE}=off",
        )
    return library


def _load_first():
    found = next((library for library in map(_load, _candidates()) if library is not None), None)
    # `find_library` starts other programs (about 50 ms), so it is asked only when no usual name answers.
    return found or _load(ctypes.util.find_library("openblas"))


def _candidates():
    """Paths inside this Python's own environment (conda) first, then names for the dynamic linker."""
    folders = dict.fromkeys((sys.prefix, sys.base_prefix, os.environ.get("CONDA_PREFIX") or sys.prefix))
    files = [Path(folder) / "lib" / name for folder in folders for name in _NAMES]
    return [str(file) for file in files if file.is_file()] + list(_NAMES)


def _load(path):
    if not path:
        return None
    try:
        library = ctypes.CDLL(path)  # local first: a build that does not fit must not reach the global scope
        if not all(hasattr(library, symbol) for symbol in _SYMBOLS):
            return None
        return ctypes.CDLL(path, mode=ctypes.RTLD_GLOBAL)
    except OSError:
        return None


def _describe(library):
    library.openblas_get_config.restype = ctypes.c_char_p
    build = library.openblas_get_config().decode()
    version = " ".join(build.split()[:2])
    path = _file_of(library) or library._name
    return BlasRecord("loaded", "OpenBLAS", path, version, build, library.openblas_get_num_threads())


class _DlInfo(ctypes.Structure):
    _fields_ = (
        ("file", ctypes.c_char_p),
        ("base", ctypes.c_void_p),
        ("symbol", ctypes.c_char_p),
        ("address", ctypes.c_void_p),
    )


def _file_of(library, symbol=_SYMBOLS[0]):
    """File that a symbol of a library (None: of the global scope) comes from, None if there is none."""
    try:
        function = getattr(library or ctypes.CDLL(None), symbol)
        dladdr = ctypes.CDLL(None).dladdr
    except AttributeError:
        return None
    info = _DlInfo()
    found = dladdr(ctypes.cast(function, ctypes.c_void_p), ctypes.byref(info))
    return str(Path(info.file.decode()).resolve()) if found and info.file else None


def global_blas():
    """Name the file that answers BLAS calls in the global scope of this process.

    Returns
    -------
    str or None
        Real path of the library that a later ``import mlx.core`` will use, None if MLX's own answers.
    """
    return _file_of(None)

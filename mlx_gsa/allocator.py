"""Keep freed memory for the next batch: on Linux, MLX's CPU arrays come from malloc and large ones go back at once.

Every array above 128 kB is then a new mapping whose pages the kernel must clear again: half the time of a training step
where this was measured. Letting glibc keep them in one heap changes no result.
"""

import ctypes
import os
import sys

VARIABLE = "GSA_MALLOC"
_TRIM_THRESHOLD, _TOP_PAD, _MMAP_MAX, _ARENA_MAX = -1, -2, -4, -8  # malloc.h of glibc
_KEPT_BYTES = 2**30
_state = []


def keep_freed_memory() -> bool:
    """Ask glibc to keep freed memory; once, before MLX allocates anything large.

    The environment variable ``GSA_MALLOC=off`` turns it off. Elsewhere than on Linux with glibc nothing is done.

    Returns
    -------
    bool
        Whether freed memory is kept.
    """
    if not _state:
        _state.append(_tune())
    return _state[0]


def _tune():
    if not sys.platform.startswith("linux") or os.environ.get(VARIABLE, "").lower() in ("off", "0", "no"):
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return False
    settings = ((_ARENA_MAX, 1), (_MMAP_MAX, 0), (_TRIM_THRESHOLD, _KEPT_BYTES), (_TOP_PAD, 64 * 2**20))
    accepted = [mallopt(name, value) for name, value in settings]  # every one is asked for, whatever the others say
    return all(accepted)

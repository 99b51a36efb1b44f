"""Memory that a thread uses again and again, so that it stays in its core's cache."""

import threading
from math import prod

import numpy as np


class Scratch(threading.local):
    """Named float32 arrays of one thread; what they held before is overwritten."""

    def __init__(self):
        self._arrays = {}

    def __call__(self, name: str, *shape: int) -> np.ndarray:
        """Return a contiguous array of this shape, its values undefined."""
        size = prod(shape)
        known = self._arrays.get(name)
        if known is None or known.size < size:
            known = self._arrays[name] = np.empty(size, np.float32)
        return known[:size].reshape(shape)

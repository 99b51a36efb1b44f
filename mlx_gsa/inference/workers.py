"""Processes that score tiles: on a CPU two threads of one interpreter wait for each other, two processes do not."""

import multiprocessing
import os
import signal
import threading
from collections import deque
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager

import numpy as np

_AHEAD = 4  # blocks handed out for each process: enough to keep it busy, few enough to hold


class Workers:
    """A pool of processes that each hold the model; a context manager.

    They start by importing the program anew, so a script that makes them needs ``if __name__ == "__main__"``.

    Parameters
    ----------
    forward : HostForward
        Its folded model is small and travels as it is.
    n_workers : int
    """

    def __init__(self, forward, n_workers: int):
        self.n_workers = n_workers
        held = (forward.kernels.folded, forward.config)
        spawn = multiprocessing.get_context("spawn")
        self._pool = ProcessPoolExecutor(n_workers, mp_context=spawn, initializer=_hold, initargs=held)
        with _deaf_to_ctrl_c():  # which reaches every process of a terminal, and is answered by the first
            for _ in range(n_workers):
                self._pool.submit(os.getpid)  # each call starts a process

    def __enter__(self) -> "Workers":
        """Return the pool."""
        return self

    def __exit__(self, *error) -> None:
        """End the processes, without waiting for work that was not begun."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def map(self, parts, tile: int, stride: int, relevance: bool = True):
        """Score blocks of tiles (`tiles.score_block`) and yield the results in the order given."""
        waiting = deque()
        for part in parts:
            waiting.append(self._pool.submit(_score, part, tile, stride, relevance))
            if len(waiting) >= _AHEAD * self.n_workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


@contextmanager
def _deaf_to_ctrl_c():
    """Let processes that are started meanwhile ignore Ctrl-C for good; only the main thread can arrange that."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    heard = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, heard)


_forward = None


def _hold(folded, config):
    global _forward
    from mlx_gsa.inference.host_forward import HostForward

    threading.Thread(target=_end_with_parent, daemon=True).start()
    _forward = HostForward(folded, config, n_threads=1)


def _end_with_parent():
    """End this process when the one that started it is gone: killed, that has no time to shut its pool down."""
    multiprocessing.parent_process().join()
    os._exit(1)


def _score(tokens: np.ndarray, tile: int, stride: int, relevance: bool):
    from mlx_gsa.inference.tiles import score_block

    return score_block(_forward, tokens, tile, stride, relevance)

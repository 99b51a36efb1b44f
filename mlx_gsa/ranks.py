"""The processes that work together under `mlx.launch`: who this one is, and what they tell each other.

Without `mlx.launch` there is one rank, and nothing here touches `mlx.distributed`.
"""

import os
import signal
import stat
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import nullcontext
from functools import lru_cache
from pathlib import Path

import numpy as np

from mlx_gsa.errors import RankError

TIMEOUT = "GSA_RANK_TIMEOUT"
_SECONDS = 60.0
_RANK, _HOSTS = "MLX_RANK", "MLX_HOSTFILE"
_OTHERS = ("MLX_WORLD_SIZE", "MLX_JACCL_COORDINATOR", "MLX_JACCL_RING", "MLX_IBV_DEVICES", "NCCL_HOST_IP", "NCCL_PORT")
_OF_MPI = ("OMPI_COMM_WORLD_SIZE", "PMI_SIZE")


class Ranks:
    """The processes of one job; this is the one of a single process.

    Attributes
    ----------
    rank : int
        Number of this process, from 0.
    size : int
        Number of processes.
    mend : str or None
        What the user can do when one of them stops, such as how to resume; part of the error.
    """

    def __init__(self, rank: int = 0, size: int = 1):
        self.rank, self.size, self.mend = rank, size, None

    @property
    def is_first(self) -> bool:
        """True for the one that saves and prints."""
        return self.rank == 0

    def gather(self, array, patient: bool = False):
        """Return the arrays of all ranks, in their order: (...) -> (size, ...), the same bits everywhere.

        Parameters
        ----------
        array : mx.array
            Of the same shape on all ranks.
        patient : bool
            Wait as long as it takes; otherwise a rank that is silent for ``GSA_RANK_TIMEOUT`` seconds (60) counts as
            stopped, and this process ends. One whose process has ended is noticed at once in either case.

        Raises
        ------
        RankError
            If a rank has stopped.
        """
        return array[None]

    def wait(self) -> None:
        """Return when every rank has called it, however long that takes."""

    def tell(self, data: bytes | None) -> bytes:
        """Return what the first rank has given; the others may give None."""
        return self.collect(data if self.is_first else b"")[0]

    def collect(self, data: bytes, patient: bool = False) -> list[bytes]:
        """Return what each rank has given, in their order; `patient` as in `gather`."""
        return [data]

    def agree(self, **facts) -> None:
        """Check that every rank was given the same.

        Parameters
        ----------
        **facts : str
            By name, such as ``data_hash``.

        Raises
        ------
        RankError
            On the ranks that differ from the first, naming what differs; on the others, that one differs.
        """


class _Group(Ranks):
    """The processes of `mlx.distributed`."""

    def __init__(self, group, seconds):
        super().__init__(group.rank(), group.size())
        self._group, self._watch, self._failed = group, _Watch(seconds, self._lost), False
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, self._ended)

    def wait(self):
        self.gather(_mx().zeros(1), patient=True)

    def gather(self, array, patient=False):
        mx = _mx()
        mx.eval(array)  # what this rank has to do itself is not waited for
        try:
            with nullcontext() if patient else self._watch:
                everyones = mx.distributed.all_gather(array[None], group=self._group, stream=mx.cpu)
                mx.eval(everyones)
        except RuntimeError as error:
            self._failed = True
            raise self._lost(str(error)) from None
        return everyones

    def collect(self, data, patient=False):
        mx = _mx()
        sizes = np.array(self.gather(mx.array(len(data), dtype=mx.int32), patient))
        padded = np.frombuffer(data.ljust(max(*sizes, 1), b"\0"), np.uint8)
        everyones = np.array(self.gather(mx.array(padded)))
        return [row[:size].tobytes() for row, size in zip(everyones, sizes, strict=True)]

    def agree(self, **facts):
        firsts = self.tell("\n".join(facts.values()).encode()).decode().split("\n")
        pairs = zip(facts.items(), firsts, strict=True)
        wrong = next(((name, mine, first) for (name, mine), first in pairs if mine != first), None)
        differ = np.array(self.gather(_mx().array([wrong is not None]))).ravel().nonzero()[0].tolist()
        if not differ:
            return
        mend = "Give every machine the same data set, settings and version of the program."
        what = "ranks do not fit each other"
        if wrong is None:
            raise RankError(what, where=f"rank {differ[0]}", found="another data set or configuration", mend=mend)
        name, mine, first = wrong
        raise RankError(what, where=f"{name} of rank {self.rank}", expected=first, found=mine, mend=mend)

    def _lost(self, found):
        """Make the error of a rank that does not answer: in a ring that is one of two neighbours."""
        beside = sorted({(self.rank - 1) % self.size, (self.rank + 1) % self.size})
        names = " or ".join(f"rank {number}" for number in beside)
        return RankError(f"{names} has stopped", where=f"seen by rank {self.rank}", found=found, mend=self.mend)

    def _ended(self, *_):
        """Answer `mlx.launch`, which ends all others when one rank has failed: once, then let the error be shown."""
        if not self._failed:
            self._failed = True
            raise RankError("a rank has stopped, and mlx.launch ended the others", mend=self.mend)


class _Watch:
    """Ends the process where ranks are waited for too long, such as a machine that is gone without a word."""

    def __init__(self, seconds, lost):
        self.seconds, self._lost, self._since = seconds, lost, None
        threading.Thread(target=self._look, daemon=True).start()

    def __enter__(self):
        self._since = time.monotonic()

    def __exit__(self, *_):
        self._since = None

    def _look(self):
        while True:
            time.sleep(min(1.0, self.seconds / 4))
            since = self._since
            if since is not None and time.monotonic() - since > self.seconds:
                break
        error = self._lost(f"no answer in {self.seconds:g} s ({TIMEOUT})")
        sys.stderr.write(f"Error: {error}\n")
        sys.stderr.flush()
        os._exit(1)  # the main thread is inside MLX and hears nothing


@lru_cache(maxsize=1)
def current() -> Ranks:
    """Find out which rank this process is; joins the others under `mlx.launch`.

    Raises
    ------
    RankError
        If the other ranks cannot be reached.
    """
    if not launched(os.environ):
        return Ranks()
    try:
        group = _mx().distributed.init(strict=True)
    except RuntimeError as error:
        mend = "See that every host of the hostfile answers and that its ports are free."
        raise RankError("the other ranks cannot be reached", found=str(error).strip(), mend=mend) from None
    _fill_stdin()
    return _Group(group, _timeout()) if group.size() > 1 else Ranks()


def _fill_stdin():
    """Keep `mlx.launch` from using a core: it asks without pause whether it could write to this process.

    A pipe can be written to as long as it is not full, so it is filled, which Linux lets its reader do. Nothing reads
    the standard input of a rank.
    """
    place = Path("/proc/self/fd/0")
    try:
        if not stat.S_ISFIFO(os.fstat(0).st_mode):
            return
        pipe = os.open(place, os.O_WRONLY | os.O_NONBLOCK)
    except OSError:
        return  # closed, or no Linux: then it costs what it costs
    try:
        while os.write(pipe, bytes(4096)):
            pass
    except BlockingIOError:
        pass  # full
    finally:
        os.close(pipe)


def launched(environ: Mapping) -> bool:
    """Say whether an environment is that of one of several processes of `mlx.launch`."""
    if any(int(environ.get(name) or 1) > 1 for name in _OF_MPI):
        return True
    if _RANK not in environ:
        return False
    hosts = environ.get(_HOSTS)
    return any(environ.get(name) for name in _OTHERS) or bool(hosts and Path(hosts).read_text().strip())


def alone(environ: Mapping) -> dict:
    """Copy an environment without what makes a process one of several: for a child that works on its own."""
    return {
        name: value
        for name, value in environ.items()
        if name not in (_RANK, _HOSTS, *_OTHERS) and not name.startswith(("OMPI_", "PMI_", "PMIX_"))
    }


def _timeout():
    text = os.environ.get(TIMEOUT, "").strip() or str(_SECONDS)
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not seconds > 0:
        raise RankError("not a number of seconds", where=TIMEOUT, expected="more than 0", found=text)
    return seconds


def _mx():
    from mlx_gsa.runtime import prepare_mlx

    return prepare_mlx()

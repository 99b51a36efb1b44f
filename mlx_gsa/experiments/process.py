"""One step of a sweep: a `gsa` command in a process of its own, its output in a log."""

import os
import signal
import subprocess
import sys
from pathlib import Path

from mlx_gsa.experiments.child import GRACE
from mlx_gsa.experiments.record import shown
from mlx_gsa.ranks import alone
from mlx_gsa.runtime import usable_cores

CHILD = [sys.executable, "-m", "mlx_gsa.experiments.child"]
THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS")


class Step:
    """A `gsa` command that is running.

    It is in a process group of its own: Ctrl-C at the terminal reaches the sweep only, which passes it on once.

    Parameters
    ----------
    command : Command
    log : Path
        Appended to.
    threads : int
        Of the BLAS, unless the environment says otherwise.
    keep : sequence of int
        File handles that the process holds as long as it lives, such as a lock's.
    """

    def __init__(self, command, log: Path, threads: int, keep=()):
        self.command, self.log = command, log
        reading, self._alive = os.pipe()
        arguments = [*CHILD, str(reading), *command.arguments]
        environment = {**dict.fromkeys(THREADS, str(threads)), **alone(os.environ), "COLUMNS": "120"}
        with open(log, "a", encoding="utf-8") as file:
            print_to(file, f"$ {shown(command.arguments)}")
            try:
                self._process = subprocess.Popen(
                    arguments, stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT, env=environment,
                    pass_fds=(reading, *keep), start_new_session=True,
                )  # fmt: skip
            finally:
                os.close(reading)

    def poll(self) -> int | None:
        """Return the exit code, or None while it is running."""
        code = self._process.poll()
        if code is not None:
            self._close()
        return code

    def interrupt(self) -> None:
        """Ask it to save and end, as Ctrl-C does."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)

    def end(self) -> None:
        """Wait until it has ended; make it if it takes too long."""
        try:
            self._process.wait(GRACE)
        except subprocess.TimeoutExpired:
            self.kill()
        self._close()

    def kill(self) -> None:
        """End it now."""
        self._process.kill()
        self._process.wait()
        self._close()

    def _close(self):
        if self._alive is not None:
            os.close(self._alive)
            self._alive = None


def print_to(file, line: str) -> None:
    """Write a line into a log, so that what the process writes comes after it."""
    file.write(f"{line}\n")
    file.flush()


def threads_of(jobs: int) -> int:
    """Count the threads that each of so many processes may use on this machine."""
    return max(1, usable_cores() // jobs)

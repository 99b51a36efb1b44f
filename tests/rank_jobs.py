"""Several ranks of a job on this machine, as `mlx.launch` would start them, but one can be stopped or killed."""

import json
import os
import socket
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path

WAIT = 120  # seconds that a loaded machine may take


class Job:
    """The processes of `python ARGUMENTS`, one a rank.

    Attributes
    ----------
    ranks : list of subprocess.Popen
    """

    def __init__(self, n_ranks, arguments, folder, **environment):
        hosts = Path(folder) / "hosts-of-the-job.json"
        hosts.write_text(json.dumps([[f"127.0.0.1:{port}"] for port in _free_ports(n_ranks)]))
        shared = {**os.environ, "MLX_HOSTFILE": str(hosts), "OPENBLAS_NUM_THREADS": "1", "COLUMNS": "200"} | environment
        self.ranks = [
            subprocess.Popen(
                [sys.executable, *map(str, arguments)], cwd=folder, env=shared | {"MLX_RANK": str(rank)}, text=True,
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            )
            for rank in range(n_ranks)
        ]  # fmt: skip

    def end(self, *without):
        """Wait for all ranks but some, and return (stdout, stderr, code) of each."""
        try:
            waited = [rank for number, rank in enumerate(self.ranks) if number not in without]
            return [(*rank.communicate(timeout=WAIT), rank.returncode) for rank in waited]
        finally:
            for rank in self.ranks:
                rank.kill()
                rank.wait()


def gsa_job(n_ranks, arguments, folder, **environment):
    """Start `gsa ARGUMENTS` on several ranks."""
    return Job(n_ranks, ["-m", "mlx_gsa", *arguments], folder, **environment)


def wait_for(path, n_lines):
    """Wait until a file has so many lines."""
    until = time.monotonic() + WAIT
    while not (path.is_file() and path.read_text().count("\n") >= n_lines):
        assert time.monotonic() < until, f"{path} did not come"
        time.sleep(0.05)


def _free_ports(count):
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]

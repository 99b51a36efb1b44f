"""A rival in a process of its own: asked one thing at a time, a line of JSON each way."""

import json
import os
import select
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import mlx_gsa
from mlx_gsa.errors import ResultsError

THREAD_VARIABLES = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
MODULES = {"mlx": "mlx_gsa.benchmark.mlx_work", "torch": "mlx_gsa.benchmark.torch_work"}
PACKAGE_PARENT = Path(mlx_gsa.__file__).resolve().parent.parent
# The parent's folder comes last: a Python with packages of its own keeps them, and finds only this program there.
_CODE = """import sys
sys.path.append(sys.argv[1])
from mlx_gsa.benchmark.worker import serve
serve(sys.argv[2])"""


class Worker:
    """A process that measures.

    Parameters
    ----------
    kind : {"mlx", "torch"}
        What it loads: a PyTorch process never loads MLX, nor an OpenBLAS for it.
    threads : int, optional
        Of the BLAS and OpenMP; without it, as this process' environment says.
    python : str, optional
        Interpreter; this one's without it.
    """

    def __init__(self, kind: str, threads: int | None = None, python: str | None = None):
        self.kind, self.threads = kind, threads
        environment = dict(os.environ)
        if threads is not None:
            environment |= dict.fromkeys(THREAD_VARIABLES, str(threads))
        own = python in (None, sys.executable)
        environment["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if path) if own else ""
        self._folder = tempfile.TemporaryDirectory()
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 (lives as long as the process)
        self._process = subprocess.Popen(
            [python or sys.executable, "-c", _CODE, str(PACKAGE_PARENT), MODULES[kind]],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._errors, cwd=self._folder.name, env=environment,
        )  # fmt: skip

    def tell(self, request: dict) -> None:
        """Send a request; `hear` waits for the answer."""
        try:
            self._process.stdin.write(json.dumps(request).encode() + b"\n")
            self._process.stdin.flush()
        except OSError:
            raise self._failure(request) from None

    def hear(self, request: dict, seconds: float = 600.0) -> dict:
        """Wait for the answer to a request.

        Raises
        ------
        ResultsError
            The process failed, was killed, or took longer than `seconds`; it is gone then.
        """
        line, stdout, until = b"", self._process.stdout, time.monotonic() + seconds
        while not line.endswith(b"\n"):
            ready, _, _ = select.select([stdout], [], [], max(0.0, until - time.monotonic()))
            if not ready:
                self.close()
                raise ResultsError(
                    "a measurement took too long", where=json.dumps(request), expected=f"at most {seconds:.0f} s"
                )
            part = os.read(stdout.fileno(), 1 << 16)
            if not part:
                raise self._failure(request)
            line += part
        answer = json.loads(line)
        if "error" in answer:
            raise ResultsError("a measurement failed", where=json.dumps(request), found=answer["error"])
        return answer

    def ask(self, request: dict, seconds: float = 600.0) -> dict:
        """Send a request and wait for its answer; raises as `hear`."""
        self.tell(request)
        return self.hear(request, seconds)

    @property
    def alive(self) -> bool:
        """Whether the process can still be asked."""
        return self._process.poll() is None

    def close(self) -> None:
        """End the process, whatever it is doing."""
        if self.alive:
            self._process.kill()
        self._process.wait()
        with suppress(BrokenPipeError):  # what was not read when it was killed
            self._process.stdin.close()
        self._process.stdout.close()
        self._errors.close()
        self._folder.cleanup()

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.close()

    def _failure(self, request):
        code = self._process.wait()
        self._errors.seek(0)
        last = self._errors.read().decode(errors="replace").strip().rpartition("\n")[2]
        killed = f"killed by signal {-code}" if code < 0 else f"exit {code}"
        return ResultsError("a measurement failed", where=json.dumps(request), found=last or killed)


def serve(module: str) -> None:
    """Answer requests on standard input until it ends: the loop of the process, run by `Worker`.

    Parameters
    ----------
    module : str
        With ``handle(request: dict) -> dict``; what it raises is answered as ``{"error": text}``.
    """
    import importlib

    # What libraries print must not come between the answers.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    handle = importlib.import_module(module).handle
    for line in sys.stdin:
        try:
            answer = handle(json.loads(line))
        except Exception as error:
            answer = {"error": f"{type(error).__name__}: {error}"}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()

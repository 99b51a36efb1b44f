"""`gsa` in a process of its own that does not outlive the sweep: python -m mlx_gsa.experiments.child HANDLE ARGUMENTS.

HANDLE is the reading end of a pipe whose writing end only the sweep holds. When that closes, the sweep is dead, even if
it was killed without a chance to say so; this process then interrupts itself, as Ctrl-C would, and `gsa train` saves.
"""

import os
import runpy
import signal
import sys
import threading
import time

GRACE = 60.0  # seconds to save before the end


def main():
    """Watch the sweep and be `gsa` meanwhile."""
    handle = int(sys.argv[1])
    # A shell that starts a sweep in the background has Ctrl-C ignored, and that is inherited.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    threading.Thread(target=_watch, args=(handle,), daemon=True).start()
    sys.argv = ["gsa", *sys.argv[2:]]
    runpy.run_module("mlx_gsa", run_name="__main__")


def _watch(handle):
    while os.read(handle, 1):
        pass  # nothing is ever written; an empty answer is the end of the sweep
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(GRACE)
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    main()

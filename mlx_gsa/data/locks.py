"""Who works on a run: a lock beside its folder that ends with the last process that holds it, however that ends."""

import fcntl
import os
from pathlib import Path


class RunLock:
    """A lock file with the number of the process that holds it.

    The kernel lets go of it when its holders are dead, so a stale one needs no clearing up. A child process that is
    given `handle` holds it too: a run whose sweep was killed stays locked until its training has saved and ended.

    Parameters
    ----------
    path : Path
        The file; made if missing, and left there.
    """

    def __init__(self, path: Path):
        self.path, self.handle = Path(path), None

    def take(self) -> bool:
        """Take the lock if nobody has it; says whether it is held now."""
        if self.handle is not None:
            return True
        self.path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(handle)
            return False
        os.truncate(handle, 0)
        os.pwrite(handle, f"{os.getpid()}\n".encode(), 0)
        self.handle = handle
        return True

    def free(self) -> None:
        """Let go of the lock."""
        if self.handle is not None:
            os.close(self.handle)
            self.handle = None

    def holder(self) -> str:
        """Name the process that has, or last had, the lock."""
        try:
            return self.path.read_text().strip() or "unknown"
        except OSError:
            return "unknown"

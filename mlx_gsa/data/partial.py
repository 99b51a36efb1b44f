"""Sequences that a killed run has finished already, kept beside its output so that the next run goes on from there."""

import fcntl
import json
import os
import shutil
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np

KEY, TOKENS, ROWS = "key.txt", "tokens.u8", "rows.i64"
AT_ONCE = 1000  # sequences that a kill may cost


class Partial:
    """A journal of what was made, in the order in which it is made; what is there already is not made again.

    Parameters
    ----------
    folder : Path or None
        None: nothing is kept.

    Attributes
    ----------
    found : int
        Number of sequences that an earlier run left.
    """

    def __init__(self, folder):
        self.folder, self.found, self._next = folder, 0, 0
        self._rows, self._files = [], None
        if folder is not None:
            self._open()

    def tokens(self, make):
        """Return the next sequence: the one that is there, or the one that `make` returns.

        Parameters
        ----------
        make : callable
            Returns tokens, shape (L,), uint8, and a number to keep with them.

        Returns
        -------
        tokens : np.ndarray, shape (L,), uint8
        number : int
        """
        place, self._next = self._next, self._next + 1
        if place < self.found:
            first, last = self._offsets[place : place + 2]
            return np.array(self._saved[first:last]), int(self._numbers[place])
        tokens, number = make()
        self.keep(tokens, number)
        return tokens, number

    def skip(self, batch):
        """Return the next `batch` sequences if all of them are there, else none.

        Returns
        -------
        list of np.ndarray
        """
        if self._next + batch > self.found:
            self.found = min(self.found, self._next)  # what is left of an unfinished batch is made again
            return []
        return [self.tokens(None)[0] for _ in range(batch)]

    def keep(self, tokens, number=0):
        """Add a sequence, which may be empty, to what is there."""
        if self.folder is None:
            return
        if self._files is None:
            self._files = self._cut()
        self._files[0].write(tokens.tobytes())
        self._rows += [len(tokens), number]
        if len(self._rows) >= 2 * AT_ONCE:
            self.flush()

    def remember(self, name, make):
        """Return what `make` returned in this run or an earlier one; anything JSON can hold."""
        path = None if self.folder is None else self.folder / f"{name}.json"
        if path is not None and path.exists():
            return json.loads(path.read_text(encoding="utf-8"))
        value = make()
        if path is not None:
            path.with_suffix(".tmp").write_text(json.dumps(value), encoding="utf-8")
            path.with_suffix(".tmp").replace(path)
        return value

    def flush(self):
        """Hand what was added to the disk: tokens first, so that a row always has its tokens."""
        if self._files is not None and self._rows:
            self._files[0].flush()
            self._files[1].write(np.array(self._rows, dtype=np.int64).tobytes())
            self._files[1].flush()
            self._rows = []

    def close(self):
        """Write what was added, and close the files."""
        self.flush()
        for file in self._files or ():
            file.close()

    def _open(self):
        """Read how much is there; of a row or a sequence that is cut short, nothing."""
        rows, size = self.folder / ROWS, 0
        raw = rows.read_bytes() if rows.exists() else b""
        table = np.frombuffer(raw[: len(raw) // 16 * 16], dtype=np.int64).reshape(-1, 2)
        if len(table):
            size = (self.folder / TOKENS).stat().st_size
            self._saved = np.memmap(self.folder / TOKENS, dtype=np.uint8, mode="r") if size else np.zeros(0, np.uint8)
        self._offsets = np.concatenate([[0], np.cumsum(table[:, 0])])
        self._numbers = table[:, 1]
        self.found = int(np.searchsorted(self._offsets, size, side="right")) - 1 if len(table) else 0

    def _cut(self):
        """Open the files for adding, behind what is whole."""
        files = [open(self.folder / name, "ab", buffering=1 << 20) for name in (TOKENS, ROWS)]  # noqa: SIM115
        for file, size in zip(files, (int(self._offsets[self.found]), 16 * self.found), strict=True):
            file.truncate(size)
        return files


@contextmanager
def partial_folder(out, key):
    """Yield the journal of an output in the making; it disappears on success and on an error, and stays on a kill.

    Parameters
    ----------
    out : str or Path
        The folder to make; the journal is ``.NAME.partial`` beside it.
    key : str
        Names everything that the sequences depend on; a journal of another key is thrown away.

    Yields
    ------
    Partial
        One that keeps nothing if another process is making the same output.
    """
    target = Path(out).expanduser().resolve()
    folder = target.parent / f".{target.name}.partial"
    made = [parent for parent in folder.parents if not parent.exists()]
    lock = None
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = _locked(folder)
    except OSError:  # whoever writes the output says why
        lock = None
    partial = Partial(_of_key(folder, key) if lock is not None else None)
    try:
        yield partial
        _remove(folder if lock is not None else None, ())
    except Exception:
        _remove(folder if lock is not None else None, made)
        raise
    finally:
        if folder.exists():
            partial.close()
        if lock is not None:
            os.close(lock)


def _locked(folder):
    """Return a handle that holds the folder's lock until this process ends, or None if another one holds it."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(handle)
        return None
    return handle


def _of_key(folder, key):
    """Return the folder, emptied unless it is of this key."""
    path = folder / KEY
    if not path.exists() or path.read_text(encoding="utf-8") != key:
        for old in folder.iterdir():
            old.unlink()
        path.write_text(key, encoding="utf-8")
    return folder


def _remove(folder, made):
    """Remove the journal, and the parents made for it as far as they are empty."""
    if folder is not None:
        shutil.rmtree(folder, ignore_errors=True)
    for parent in made:
        with suppress(OSError):
            parent.rmdir()

"""Files and folders that appear whole or not at all: written beside, then renamed."""

import ctypes
import fcntl
import json
import os
import shutil
import sys
import tempfile
from contextlib import contextmanager, suppress
from pathlib import Path

from mlx_gsa.errors import DatasetError

AT_FDCWD, RENAME_EXCHANGE = -100, 2  # linux/fs.h; the same flag value is RENAME_SWAP on macOS


def atomic_write_bytes(path, data):
    """Write a file so that a reader, or a crash, sees the old content or the new and nothing between.

    Parameters
    ----------
    path : str or Path
    data : bytes
    """
    path = Path(path)
    handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.tmp-", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o666 & ~_umask())  # mkstemp makes files that only their owner can read
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


@contextmanager
def atomic_file(path, overwrite=False, error=DatasetError):
    """Yield the path of an empty file beside `path` that takes its name if, and only if, the body succeeds.

    Parameters
    ----------
    path : str or Path
        Missing parents are made.
    overwrite : bool
        Whether an existing file may be replaced.
    error : type
        The `GsaError` to raise.

    Yields
    ------
    Path
        The file to write.

    Raises
    ------
    error
        `path` is a folder, exists and may not be replaced, or the disk cannot be written.
    """
    path, made, temporary = Path(path).expanduser().resolve(), [], None
    if path.is_dir() or (path.exists() and not overwrite):
        mend = "Name a file in it." if path.is_dir() else "Choose another --out, or allow it with --overwrite."
        found = "a folder" if path.is_dir() else "a file"
        raise error("will not overwrite what is there", where=str(path), found=found, mend=mend)
    try:
        made = _make_parents(path)
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.tmp-", dir=path.parent)
        os.close(handle)
        temporary = Path(name)
        yield temporary
        _sync_file(temporary)
        os.chmod(temporary, 0o666 & ~_umask())
        os.replace(temporary, path)
    except BaseException as problem:
        if temporary is not None:
            temporary.unlink(missing_ok=True)
        _undo(None, made)
        if isinstance(problem, OSError):
            mend = "Check free space and permissions, or choose another file."
            raise error("cannot write the file", where=str(path), found=str(problem), mend=mend) from problem
        raise


def atomic_write_text(path, text):
    """Write a UTF-8 text file as `atomic_write_bytes` does."""
    atomic_write_bytes(path, text.encode("utf-8"))


@contextmanager
def atomic_folder(path, *, kind, known=None, error=DatasetError):
    """Yield an empty folder beside `path` that takes its name if, and only if, the body succeeds.

    A folder left by a killed process is removed by the next call; one in use by a living process is locked
    and left alone.

    Parameters
    ----------
    path : str or Path
        The folder to make. If it exists it is replaced only when its `manifest.json` names `kind`.
    kind : str
        The manifest's `format`, such as ``mlx_gsa.dataset``.
    known : collection of str, optional
        File names that may be thrown away with an older output besides the `parts` its manifest lists;
        any other file in it stops the replacement. None: everything in it may be replaced.
    error : type
        The `GsaError` to raise.

    Yields
    ------
    Path
        The folder to write into.

    Raises
    ------
    error
        `path` is a file or a folder of something else, or the disk cannot be written.
    """
    target = Path(path).expanduser().resolve()
    made, folder, lock = [], None, None
    try:
        check_replaceable(target, kind=kind, known=known, error=error)
        made = _make_parents(target)
        _clean(target)
        folder, lock = _locked_sibling(target)
        yield folder
        _sync(folder)
        check_replaceable(target, kind=kind, known=known, error=error)
        _swap(folder, target)
    except OSError as problem:
        _undo(folder, made)
        raise error(
            "cannot write the folder",
            where=str(target),
            found=str(problem),
            mend="Check free space and permissions, or choose another folder.",
        ) from problem
    except BaseException:
        _undo(folder, made)
        raise
    finally:
        if lock is not None:
            os.close(lock)


def check_replaceable(target, *, kind, known=None, error=DatasetError):
    """Raise unless `target` is free, empty, or an older output of the same kind.

    Parameters
    ----------
    target : Path
    kind, known, error
        As in `atomic_folder`.

    Raises
    ------
    error
        Replacing `target` would destroy something that is not an older output.
    """
    if not target.exists():
        return
    names = {p.name for p in target.iterdir() if not _is_harmless(p.name)} if target.is_dir() else None
    if names == set():
        return
    manifest = _manifest(target)
    if names is None or manifest.get("format") != kind:
        found = "a file" if names is None else f"other files, such as {sorted(names)[0]}"
        raise error(
            "will not overwrite what is there",
            where=str(target),
            found=found,
            expected=f"a new folder or an older {kind}",
            mend="Choose another --out.",
        )
    foreign = names - {"manifest.json", *manifest.get("parts", ()), *(known or ())}
    if known is not None and foreign:
        raise error(
            "will not overwrite files that are not part of the output",
            where=str(target),
            found=", ".join(sorted(foreign)[:5]),
            mend="Move them away, or choose another --out.",
        )


def _is_harmless(name):
    """Say whether a file is the Finder's, or what a killed `atomic_write_bytes` left."""
    return name == ".DS_Store" or (name.startswith(".") and ".tmp-" in name)


def _manifest(folder):
    """Return the folder's manifest, or an empty one if it has none that can be read."""
    with suppress(OSError, ValueError):
        content = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        return content if isinstance(content, dict) else {}
    return {}


def _make_parents(target):
    """Make the missing parents of `target`; return them, innermost first."""
    missing = [p for p in target.parents if not p.exists()]
    target.parent.mkdir(parents=True, exist_ok=True)
    return missing


def _undo(folder, made):
    """Remove the unfinished folder and the parents made for it, as far as they are empty."""
    if folder is not None:
        shutil.rmtree(folder, ignore_errors=True)
    for parent in made:
        with suppress(OSError):
            parent.rmdir()


def _locked_sibling(target):
    """Make a folder beside `target` and hold a lock on it, which ends with this process however it ends."""
    while True:
        folder = Path(tempfile.mkdtemp(prefix=f".{target.name}.tmp-", dir=target.parent))
        lock = os.open(folder, os.O_RDONLY)
        fcntl.flock(lock, fcntl.LOCK_EX)
        if folder.exists():  # else another process took it for a stale one before it was locked
            os.chmod(folder, 0o777 & ~_umask())
            return folder, lock
        os.close(lock)


def _clean(target):
    """Put back an output whose replacement was cut short, and remove what dead processes left."""
    for old in sorted(target.parent.glob(f".{target.name}.old-*")):
        if not target.exists():
            os.rename(old, target)
        else:
            shutil.rmtree(old, ignore_errors=True)
    for stale in target.parent.glob(f".{target.name}.tmp-*"):
        if stale.is_dir() and _is_unlocked(stale):
            shutil.rmtree(stale, ignore_errors=True)


def _is_unlocked(folder):
    """Say whether no living process holds the folder's lock."""
    try:
        handle = os.open(folder, os.O_RDONLY)
    except OSError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    except OSError:
        return False
    finally:
        os.close(handle)


def _swap(folder, target):
    """Give `folder` the name `target`; an older `target` is never missing from the disk meanwhile."""
    if not target.exists():
        os.rename(folder, target)
        return
    if _exchange(folder, target):
        shutil.rmtree(folder, ignore_errors=True)
        return
    old = Path(tempfile.mkdtemp(prefix=f".{target.name}.old-", dir=target.parent))
    os.rename(target, old)  # an empty folder may be replaced by rename
    os.rename(folder, target)
    shutil.rmtree(old, ignore_errors=True)


def _exchange(one, other):
    """Exchange two names in one step where the system can; return whether it did."""
    first, second = os.fsencode(one), os.fsencode(other)
    try:
        libc = ctypes.CDLL(None, use_errno=True)
        if sys.platform == "darwin":
            return libc.renamex_np(first, second, RENAME_EXCHANGE) == 0
        return libc.renameat2(AT_FDCWD, first, AT_FDCWD, second, RENAME_EXCHANGE) == 0
    except (OSError, AttributeError):
        return False


def _sync(folder):
    """Ask the disk to hold every file of the folder before its name changes."""
    for path in folder.rglob("*"):
        if path.is_file():
            _sync_file(path)


def _sync_file(path):
    """Ask the disk to hold a file."""
    with path.open("rb") as file:
        os.fsync(file.fileno())


def _umask():
    """Return the process's umask, which can only be read by setting it."""
    mask = os.umask(0o022)
    os.umask(mask)
    return mask

"""Open text files as biologists have them: plain, gzip whatever the name says, or standard input."""

import difflib
import gzip
import io
import sys
import zlib
from contextlib import contextmanager
from pathlib import Path

from mlx_gsa.errors import SequenceError

GZIP = b"\x1f\x8b"
# First bytes of files that people pick by mistake, with what they should do instead.
BINARY_KINDS = (
    (b"PK\x03\x04", "a zip archive or spreadsheet", "Unpack it, or export the sheet as tab-separated text."),
    (b"BZh", "a bzip2 file", "Unpack it with bunzip2 first."),
    (b"\xfd7zXZ", "an xz file", "Unpack it with xz -d first."),
    (b"\x28\xb5\x2f\xfd", "a zstd file", "Unpack it with zstd -d first."),
    (b"BAM\x01", "a BAM file", "Export sequences with `samtools fasta` first."),
    (b"\x43\x27\x41\x1a", "a 2bit genome", "Export sequences with `twoBitToFa` first."),
    (b"\x26\xfc\x8f\x88", "a bigWig file", "Convert it with `bigWigToBedGraph`, or give called peaks."),
    (b"\xeb\xf2\x89\x87", "a bigBed file", "Convert it with `bigBedToBed` first."),
    (b"%PDF", "a PDF", "Give a plain or gzip text file."),
)


@contextmanager
def open_lines(path, *, error=SequenceError, progress=None):
    """Open a text file, plain or gzip, as an iterator over its lines.

    Parameters
    ----------
    path : str or Path
        ``-`` is standard input. Gzip is known by its content, not by its name.
    error : type
        The `GsaError` to raise.
    progress : callable, optional
        Called as ``progress(bytes_read, bytes_in_file)``, now and then, with compressed bytes;
        not for standard input.

    Yields
    ------
    iterator of str
        Lines, with any kind of line end turned into ``\\n``.

    Raises
    ------
    error
        The file is missing, unreadable, empty or binary, or its gzip stream is cut short or damaged.
    """
    name = "standard input" if str(path) == "-" else str(path)
    raw = _open_bytes(path, error)
    with raw if name == str(path) else _left_open(raw):
        text = _as_text(raw, name, error)
        size = Path(path).stat().st_size if progress and name == str(path) else 0
        try:
            yield _lines(text, raw, name, error, progress if size else None, size)
        finally:
            text.detach()  # else its end of life would close standard input


@contextmanager
def _left_open(stream):
    """Stand in for ``with stream`` where the stream is not ours to close."""
    try:
        yield stream
    finally:
        if stream is not sys.stdin.buffer:
            stream.detach()


def _open_bytes(path, error):
    """Open the bytes of a file or of standard input, so that `peek` works."""
    if str(path) == "-":
        stream = sys.stdin.buffer
        return stream if hasattr(stream, "peek") else io.BufferedReader(stream)
    path = Path(path)
    try:
        return open(path, "rb", buffering=1 << 16)
    except OSError as problem:
        found = "no such file" if isinstance(problem, FileNotFoundError) else problem.strerror
        raise error("cannot read the file", where=str(path), found=found, mend=_mend_missing(path)) from problem


def _mend_missing(path):
    """Suggest the file of the nearest name beside a missing one."""
    names = [p.name for p in path.parent.iterdir()] if path.parent.is_dir() and not path.exists() else []
    near = difflib.get_close_matches(path.name, names, n=1)
    return f"Did you mean {path.parent / near[0]}?" if near else "Check the path and that you may read it."


def _as_text(raw, name, error):
    """Unpack gzip and decode; raise if the content is binary."""
    packed = raw.peek(2)[:2] == GZIP
    data = io.BufferedReader(gzip.GzipFile(fileobj=raw)) if packed else raw
    with _gzip_errors(name, error):
        head = data.peek(4096)[:4096]
    _refuse_binary(head, name, error)
    return io.TextIOWrapper(data, encoding="utf-8-sig", errors="surrogateescape")


def _refuse_binary(head, name, error):
    """Raise if the first bytes are not those of a text file."""
    for magic, kind, mend in BINARY_KINDS:
        if head.startswith(magic):
            raise error("not a text file", where=name, expected="plain or gzip text", found=kind, mend=mend)
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise error(
            "not a plain text file",
            where=name,
            expected="ASCII or UTF-8",
            found="UTF-16",
            mend="Save it again as UTF-8.",
        )
    if b"\0" in head:
        raise error(
            "not a text file",
            where=name,
            expected="plain or gzip text",
            found="binary data",
            mend="Give a plain or gzip text file.",
        )


@contextmanager
def _gzip_errors(name, error):
    """Turn what a damaged gzip stream raises into one clear error."""
    try:
        yield
    except EOFError as problem:
        raise error(
            "the gzip file is cut short",
            where=name,
            expected="a complete gzip stream",
            found="its end in the middle of the data",
            mend="Copy or download it again.",
        ) from problem
    except (zlib.error, gzip.BadGzipFile) as problem:
        raise error(
            "the gzip file is damaged", where=name, found=str(problem), mend="Copy or download it again."
        ) from problem
    except OSError as problem:
        raise error("cannot read the file", where=name, found=problem.strerror or str(problem)) from problem


def _lines(text, raw, name, error, progress, size):
    """Yield lines; report the position in the file every 4,096 lines; raise at the end of an empty file."""
    blank = True
    with _gzip_errors(name, error):
        for number, line in enumerate(text, 1):
            if progress and number % 4096 == 0:
                progress(min(raw.tell(), size), size)
            blank = blank and line.isspace()
            yield line
    if blank:
        raise error(
            "the file is empty",
            where=name,
            expected="at least one line of text",
            mend="Check that whatever wrote it has finished without an error.",
        )
    if progress:
        progress(size, size)

"""The bytes of a download: gone on from where they broke off, tried again after a pause, never waited for endlessly."""

import fcntl
import json
import os
import shutil
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

CHUNK = 1 << 16
TRY_AGAIN = (408, 425, 429, 500, 502, 503, 504)
LONGEST_WAIT = 60.0  # seconds, whatever a server asks for
PARTIAL, CANNOT_RESUME = 206, 416


class Unfinished(Exception):
    """A transfer that did not bring the whole file; trying again later may help."""


class Gone(Exception):
    """The server says that it will not give the file.

    Parameters
    ----------
    text : str
    status : int
        HTTP status.
    """

    def __init__(self, text, status):
        super().__init__(text)
        self.status = status
        self.mend = "The file may have moved: check the address in a browser."


@dataclass(frozen=True)
class Transfer:
    """How patient to be.

    Attributes
    ----------
    timeout : float
        Seconds without a byte before a connection counts as stalled.
    tries : int
    wait : float
        Seconds before the second try; doubled before each further one.
    sleep : callable
    """

    timeout: float = 30.0
    tries: int = 4
    wait: float = 1.0
    sleep: object = time.sleep

    def get(self, url, part, *, resumable=False, progress=None):
        """Bring the whole of `url` into the file `part`.

        Parameters
        ----------
        url : str
            ``http``, ``https``, or a file of this machine as ``file://`` or an absolute path.
        part : Path
            Gone on from if the server confirms by its ETag or date that the file is still the same.
        resumable : bool
            Go on also where the server gives neither, as a checksum will tell.
        progress : callable, optional

        Raises
        ------
        Gone, Unfinished
        """
        scheme = urlsplit(url).scheme
        with _held(part):
            if scheme in ("http", "https"):
                self._with_patience(url, part, resumable, progress)
            elif scheme == "file" or Path(url).is_absolute():
                _copy(unquote(urlsplit(url).path) if scheme == "file" else url, part)
            else:
                raise Gone(f"cannot fetch {scheme or 'this'} addresses, only http, https and files", None)

    def _with_patience(self, url, part, resumable, progress):
        """Try several times."""
        for number in range(self.tries):
            try:
                return self._once(url, part, resumable, progress)
            except Unfinished as problem:
                if number + 1 == self.tries:
                    times = f" ({self.tries} tries)" if self.tries > 1 else ""
                    raise Unfinished(f"{problem}{times}") from problem
                self.sleep(min(getattr(problem, "after", None) or self.wait * 2**number, LONGEST_WAIT))

    def _once(self, url, part, resumable, progress):
        """Ask once, for the rest if there is a beginning."""
        import requests
        import urllib3

        headers, offset = _request_headers(part, url, resumable)
        try:
            with requests.get(url, headers=headers, stream=True, timeout=self.timeout) as response:
                offset = self._check_status(response, part, offset)
                _note(part, url, response)
                _write(response, part, offset, progress)
        except (requests.Timeout, urllib3.exceptions.TimeoutError) as problem:
            raise Unfinished(f"no answer for {self.timeout:g} s") from problem
        except (requests.RequestException, urllib3.exceptions.HTTPError) as problem:
            raise Unfinished(_short(problem)) from problem

    def _check_status(self, response, part, offset):
        """Return the byte that the answer begins with; raise if it is no file."""
        status, start = response.status_code, response.headers.get("Content-Range", "").removeprefix("bytes ")
        if status == PARTIAL and start.startswith(f"{offset}-"):
            return offset
        if status in (PARTIAL, CANNOT_RESUME):
            os.truncate(part, 0)
            raise Unfinished("the server could not go on where it broke off")
        if status in TRY_AGAIN:
            problem = Unfinished(f"HTTP {status} {response.reason}")
            after = response.headers.get("Retry-After", "")
            problem.after = float(after) if after.isdecimal() else None
            raise problem
        if status >= 400:
            raise Gone(f"HTTP {status} {response.reason}", status)
        return 0

    @staticmethod
    def forget(part):
        """Remove the beginning of a file, and what was noted about it."""
        for path in (part, _notes(part)):
            Path(path).unlink(missing_ok=True)


def _request_headers(part, url, resumable):
    """Return the headers to ask with, and the number of bytes already there that may be kept."""
    headers = {"Accept-Encoding": "identity", "User-Agent": "mlx_gsa"}
    offset = part.stat().st_size if part.exists() else 0
    try:
        note = json.loads(_notes(part).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        note = {}
    if not offset or note.get("url") != url or not (note.get("validator") or resumable):
        return headers, 0
    headers["Range"] = f"bytes={offset}-"
    if note.get("validator"):
        headers["If-Range"] = note["validator"]
    return headers, offset


def _note(part, url, response):
    """Write down by what the server knows this state of the file; a weak ETag is no promise of equal bytes."""
    tag = response.headers.get("ETag", "")
    validator = tag if tag and not tag.startswith("W/") else response.headers.get("Last-Modified")
    _notes(part).write_text(json.dumps({"url": url, "validator": validator}), encoding="utf-8")


def _notes(part):
    return part.with_name(part.name + ".json")


def _write(response, part, offset, progress):
    """Write the body from `offset` on; raise if it is shorter than announced."""
    length = response.headers.get("Content-Length", "")
    total = offset + int(length) if length.isdecimal() else None
    with open(part, "r+b") as file:
        file.truncate(offset)
        file.seek(offset)
        # read1 gives what has come, so that a stall loses nothing; older urllib3 waits for a whole chunk.
        read = getattr(response.raw, "read1", response.raw.read)
        while chunk := read(CHUNK, decode_content=False):
            file.write(chunk)
            if progress:
                progress(file.tell(), total)
        done = file.tell()
        file.flush()
        os.fsync(file.fileno())
    if total is not None and done < total:
        raise Unfinished(f"the connection ended after {done:,} of {total:,} bytes")


def _copy(path, part):
    """Copy a file of this machine."""
    try:
        shutil.copyfile(path, part)
    except FileNotFoundError as problem:
        raise Gone("no such file", None) from problem


@contextmanager
def _held(part):
    """Hold a lock on the unfinished file, so that two processes do not write it at once."""
    handle = os.open(part, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as problem:
        os.close(handle)
        raise Unfinished("another process is downloading it at this moment") from problem
    try:
        yield
    except BaseException:
        if not os.fstat(handle).st_size:
            part.unlink(missing_ok=True)
        raise
    finally:
        os.close(handle)


def _short(problem):
    """Return the reason of a failed connection without the layers it passed through."""
    text = str(problem)
    for words, plain in (
        ("Name or service not known", "the name of the server is not known: no network?"),
        ("nodename nor servname", "the name of the server is not known: no network?"),
        ("Temporary failure in name resolution", "the name of the server is not known: no network?"),
        ("Connection refused", "connection refused"),
        ("Network is unreachable", "no network"),
        ("CERTIFICATE_VERIFY_FAILED", "the certificate of the server is not trusted"),
    ):
        if words in text:
            return plain
    return f"the connection broke: {text[:200]}"

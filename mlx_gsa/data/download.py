"""Fetch one file of the web into a cache: resumed, retried, checked, or a clear word on what to put where."""

import gzip
import hashlib
import os
import tomllib
import zlib
from dataclasses import dataclass
from pathlib import Path

from mlx_gsa.cache import cache_folder
from mlx_gsa.data.transfer import Gone, Transfer, Unfinished
from mlx_gsa.errors import ConfigError, DownloadError

MIRRORS = "GSA_MIRRORS"  # environment variable
HTML = (b"<!doctype html", b"<html", b"<head")
GZIP, BLOCK = b"\x1f\x8b", 1 << 20


@dataclass(frozen=True)
class RemoteFile:
    """A file of the web, as far as it is known before it is fetched.

    Attributes
    ----------
    url : str
    name : str
        Path below the cache folder, with forward slashes.
    checksum : str, optional
        ``md5:...`` or ``sha256:...``, as published.
    size : int, optional
        Bytes, as published.
    """

    url: str
    name: str
    checksum: str | None = None
    size: int | None = None


def fetch(remote, *, folder=None, offline=False, refresh=False, mirrors=None, transfer=None, progress=None):
    """Return the path of a file of the web, fetching it if the cache does not have it whole.

    A file appears under its name whole and checked, or not at all. What came of a broken transfer stays beside it,
    ends in ``.part``, and is gone on from by the next call if the server can say that the file is still the same.

    Parameters
    ----------
    remote : RemoteFile
    folder : str or Path, optional
        Default: `cache_folder`.
    offline : bool
        Do not touch the network.
    refresh : bool
        Fetch it again even if it is there, as for the answer to a search; what is there stays if that fails.
    mirrors : dict of str to str, optional
        See `read_mirrors`, which is the default.
    transfer : Transfer, optional
        Time-outs and retries.
    progress : callable, optional
        Called as ``progress(bytes_here, bytes_in_all)``; the second is None where the server does not say.

    Returns
    -------
    Path

    Raises
    ------
    DownloadError
        The file cannot be had, is not what was expected, or is not in the cache while offline.
    ConfigError
        The mirrors cannot be read.
    """
    path = Path(folder or cache_folder()) / remote.name
    if path.is_file() and not (refresh and not offline):
        problem = _problem(path, remote)
        if problem is None:
            return path
        if offline:
            raise _offline(remote, path, f"a file there, but {problem}")
    if offline:
        raise _offline(remote, path, "no such file")
    urls = places(remote.url, read_mirrors() if mirrors is None else mirrors)
    failures = []
    for url in urls:
        try:
            return _retrieve(url, remote, path, transfer or Transfer(), progress)
        except (Gone, Unfinished, OSError) as problem:
            failures.append((url, problem))
    raise _failed(remote, path, failures)


def _retrieve(url, remote, path, transfer, progress):
    """Fetch a file through pooch, which moves it to its name once this module has checked it."""
    import pooch

    pooch.get_logger().setLevel("WARNING")
    part = path.with_name(path.name + ".part")

    def download(url, output, _):
        transfer.get(url, part, resumable=remote.checksum is not None, progress=progress)
        problem = _problem(part, remote)
        if problem:
            transfer.forget(part)
            raise Unfinished(problem)
        os.replace(part, output)
        transfer.forget(part)

    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(path.name + ".new")  # pooch would keep an older file of the same name
    fresh.unlink(missing_ok=True)
    pooch.retrieve(url, None, fname=fresh.name, path=fresh.parent, downloader=download)
    os.chmod(fresh, 0o644)
    os.replace(fresh, path)
    return path


def _problem(path, remote):
    """Return what is wrong with a file, or None."""
    size = path.stat().st_size
    if not size:
        return "it is empty"
    with open(path, "rb") as file:
        head = file.read(512)
    if head.lstrip(b"\xef\xbb\xbf \t\r\n").lower().startswith(HTML):
        return "it is a web page (HTML) instead of the data"
    if remote.size is not None and size != remote.size:
        return f"it has {size:,} bytes instead of {remote.size:,}"
    if remote.checksum:
        kind, _, expected = remote.checksum.partition(":")
        found = file_hash(path, kind)
        if found != expected.lower():
            return f"its {kind} is {found} instead of {expected}"
    return _gzip_problem(path) if remote.name.endswith(".gz") else None


def _gzip_problem(path):
    """Return what is wrong with a file that should be gzip, or None."""
    try:
        with gzip.open(path) as file:
            while file.read(BLOCK):
                pass
    except EOFError:
        return "its gzip stream is cut short"
    except (gzip.BadGzipFile, zlib.error) as problem:
        return f"it is no whole gzip file ({problem})"
    return None


def file_hash(path, kind="sha256"):
    """Return the hexadecimal ``md5`` or ``sha256`` of a file.

    Raises
    ------
    DownloadError
        The kind of checksum is not known.
    """
    if kind not in ("md5", "sha256"):
        raise DownloadError("unknown kind of checksum", expected="md5 or sha256", found=repr(kind))
    with open(path, "rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.new(kind, usedforsecurity=False)).hexdigest()


def places(url, mirrors):
    """Return the addresses to try, in order: that of the mirror with the longest fitting prefix, then the file's own.

    Parameters
    ----------
    url : str
    mirrors : dict of str to str

    Returns
    -------
    list of str
    """
    fitting = sorted((prefix for prefix in mirrors if url.startswith(prefix)), key=len, reverse=True)
    return [mirrors[fitting[0]] + url[len(fitting[0]) :], url] if fitting else [url]


def read_mirrors(text=None):
    """Read which addresses to try first.

    Parameters
    ----------
    text : str, optional
        Default: ``$GSA_MIRRORS``. Either ``PREFIX=REPLACEMENT``, several separated by ``;``, or the path of a TOML
        file with a table ``[mirrors]`` of such pairs. A replacement may be a folder of this machine.

    Returns
    -------
    dict of str to str

    Raises
    ------
    ConfigError
        It is neither.
    """
    text = os.environ.get(MIRRORS, "") if text is None else text
    if not text.strip():
        return {}
    if text.strip().endswith(".toml"):
        return _mirrors_file(Path(text.strip()).expanduser())
    pairs = [pair.strip().partition("=") for pair in text.split(";") if pair.strip()]
    if not all(prefix and replacement for prefix, _, replacement in pairs):
        raise ConfigError("cannot read the mirrors", where=MIRRORS, expected="PREFIX=REPLACEMENT;...", found=text)
    return {prefix.strip(): replacement.strip() for prefix, _, replacement in pairs}


def _mirrors_file(path):
    """Read the table ``[mirrors]`` of a TOML file."""
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8")).get("mirrors")
    except (OSError, ValueError) as problem:
        raise ConfigError("cannot read the mirrors", where=f"{MIRRORS}={path}", found=str(problem)) from problem
    if not isinstance(table, dict) or not all(isinstance(value, str) for value in table.values()):
        raise ConfigError("no mirrors", where=str(path), expected="a table [mirrors] of prefix = replacement")
    return table


def _offline(remote, path, found):
    """Make the error that says which file to put where."""
    size = f", {remote.size:,} bytes" if remote.size else ""
    check = f", {remote.checksum}" if remote.checksum else ""
    return DownloadError(
        "a file of the web is needed, and --offline was given",
        where=str(path),
        found=found,
        mend=f"Put {remote.url} ({Path(remote.name).name}{size}{check}) there as {path}, or leave out --offline.",
    )


def _failed(remote, path, failures):
    """Make the error of a file that no address gave."""
    problem = failures[-1][1]
    error = DownloadError(
        "cannot download the file",
        where=", ".join(url for url, _ in failures),
        found="; ".join(str(each) for _, each in failures),
        mend=getattr(problem, "mend", None) or f"Try again later, or put the file at {path} yourself.",
    )
    error.status = getattr(problem, "status", None)
    return error

"""What a scan has done so far, in a folder that outlives a kill: its settings, and one file for each finished chunk."""

import io
import json
import shutil
import zipfile
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from mlx_gsa.data.atomic import atomic_write_bytes, atomic_write_text
from mlx_gsa.data.locks import RunLock
from mlx_gsa.errors import GenomeError
from mlx_gsa.genomes.scan_chunk import ChunkScores

FORMAT, STATE_FORMAT, FORMAT_VERSION = "mlx_gsa.scan", "mlx_gsa.scan_state", 1
MANIFEST, CHUNKS, STATE = "scan.json", "chunks", "state.json"


class ScanState:
    """The folder of a scan that is under way: ``OUT/chunks`` with ``state.json`` and ``00000.npz``, ....

    Every rank of a scan over several processes works in the same folder, so that has to lie on a disk that all share.

    Parameters
    ----------
    out : Path
        Folder of the scan.
    identity : dict
        What may not change between a kill and the command that goes on: settings, model, genome.
    n_chunks : int
    rank : int
        Of this process.
    """

    def __init__(self, out: Path, identity: dict, n_chunks: int, rank: int = 0):
        self.out, self.folder = Path(out), Path(out) / CHUNKS
        self.identity, self.n_chunks = identity, n_chunks
        self._lock = RunLock(self.folder / f"rank-{rank}.lock")

    def open(self, overwrite: bool = False) -> bool:
        """Begin, or go on where an earlier process was killed; nothing of an older scan goes before there is a new one.

        Parameters
        ----------
        overwrite : bool
            Take a folder that holds another scan, or the same one, finished.

        Returns
        -------
        bool
            True if the very same scan is finished: there is nothing to do.

        Raises
        ------
        GenomeError
            The folder holds something else, a scan with other settings, or one that another process works on; or it
            cannot be written.
        """
        state, made = self._read(self.folder / STATE, STATE_FORMAT), self._read(self.out / MANIFEST, FORMAT)
        self._check_folder(state or made)
        if made == self.identity and not overwrite:
            shutil.rmtree(self.folder, ignore_errors=True)  # a kill may have left it
            return True
        other = next((found for found in (state, made) if found and found != self.identity), None)
        if other and not overwrite:
            raise _mismatch(self.out, other, self.identity)
        with self._writing():
            self.folder.mkdir(parents=True, exist_ok=True)
        self._take()
        if state != self.identity:
            for path in self._files():
                path.unlink()
        text = json.dumps({"format": STATE_FORMAT, "format_version": FORMAT_VERSION, "identity": self.identity})
        atomic_write_text(self.folder / STATE, text + "\n")
        return False

    def join(self) -> None:
        """Take this rank's place in the folder that the first rank has opened.

        Raises
        ------
        GenomeError
            Another process has it, or this rank sees another disk than the first.
        """
        if self._read(self.folder / STATE, STATE_FORMAT) != self.identity:
            raise GenomeError(
                "this rank does not see the scan that the first one began", where=str(self.folder),
                mend="Give an --out that lies on a disk which all machines share, under the same path.",
            )  # fmt: skip
        self._take()

    def _take(self):
        if not self._lock.take():
            mend = f"Wait for process {self._lock.holder()}, or choose another --out."
            raise GenomeError("another process scans into this folder", where=str(self.out), mend=mend)

    def done(self) -> set[int]:
        """Return the numbers of the chunks that are finished."""
        return {int(path.stem) for path in self._files()}

    def missing(self) -> list[int]:
        """Return the numbers of the chunks that are not, in order."""
        return sorted(set(range(self.n_chunks)) - self.done())

    def save(self, number: int, scores: ChunkScores) -> None:
        """Keep a finished chunk: written beside, then renamed.

        Raises
        ------
        GenomeError
            The disk cannot be written.
        """
        held = io.BytesIO()
        np.savez(held, **scores._asdict())
        with self._writing():
            atomic_write_bytes(self._path(number), held.getbuffer())

    def load(self, number: int, relevance: bool = False) -> ChunkScores:
        """Read a finished chunk, without its relevance unless that is asked for.

        Raises
        ------
        GenomeError
            Its file is damaged.
        """
        try:
            with np.load(self._path(number)) as arrays:
                names = [name for name in ChunkScores._fields if relevance or name != "relevance"]
                return ChunkScores(**{"relevance": None} | {name: arrays[name] for name in names})
        except (OSError, ValueError, KeyError, zipfile.BadZipFile) as problem:
            raise GenomeError(
                "a chunk of the scan cannot be read", where=str(self._path(number)), found=str(problem),
                mend="Remove that file and run the same command again: it alone is scored again.",
            ) from problem  # fmt: skip

    def close(self) -> None:
        """Let go of the folder; what is done stays."""
        self._lock.free()

    def finish(self) -> None:
        """Remove the chunks of a scan whose results are written."""
        self.close()
        shutil.rmtree(self.folder)

    @contextmanager
    def _writing(self):
        """Turn what a full or forbidden disk raises into one clear error."""
        try:
            yield
        except OSError as problem:
            raise GenomeError(
                "cannot write the scan", where=str(self.folder), found=problem.strerror or str(problem),
                mend="Check free space and permissions; the same command goes on from what is done.",
            ) from problem  # fmt: skip

    def _path(self, number):
        return self.folder / f"{number:06d}.npz"

    def _files(self):
        return [path for path in self.folder.glob("*.npz") if path.stem.isdecimal()]

    def _check_folder(self, ours):
        """Refuse a file, and a folder of something else."""
        if self.out.exists() and not self.out.is_dir():
            raise GenomeError("the output is a file", where=str(self.out), expected="a folder")
        names = [path.name for path in self.out.iterdir()] if self.out.is_dir() and not ours else []
        foreign = sorted(name for name in names if not name.startswith(".") and name != CHUNKS)
        if foreign:
            raise GenomeError(
                "the folder holds something else than a scan", where=str(self.out), found=", ".join(foreign[:5]),
                mend="Choose another --out.",
            )  # fmt: skip

    @staticmethod
    def _read(path, kind):
        """Return the identity in a JSON file, None where there is none or it is not of this program."""
        try:
            content = dict(json.loads(path.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return None
        return content.get("identity") if content.get("format") == kind else None


def _mismatch(out, earlier, now):
    """Build the error that names the first setting in which two scans differ."""
    old, new = _flat(earlier), _flat(now)
    name = next(name for name in {**old, **new} if old.get(name) != new.get(name))
    return GenomeError(
        "a scan with other settings is in this folder", where=str(out), expected=f"{name} = {old.get(name)}",
        found=str(new.get(name)), mend="Choose another --out, or --overwrite to throw the other scan away.",
    )  # fmt: skip


def _flat(tree, before=""):
    """Turn nested settings into one level of ``a.b`` names."""
    flat = {}
    for name, value in tree.items():
        flat |= _flat(value, f"{before}{name}.") if isinstance(value, dict) else {f"{before}{name}": value}
    return flat

"""What of a benchmark is done: one line of JSON per result, appended as it is made."""

import json
import os
from pathlib import Path

from mlx_gsa.errors import ResultsError

_IDENTITY, _SPENT = "identity", "spent"


class State:
    """Results by key, on disk.

    Parameters
    ----------
    path : Path
        Made with its folder; a last line that a kill cut short is left out, and measured again.
    identity : dict
        What all results of the file have in common, such as versions.

    Raises
    ------
    ResultsError
        The file is of another identity.
    """

    def __init__(self, path: Path, identity: dict):
        self.path, self.results, self.seconds = path, {}, 0.0
        path.parent.mkdir(parents=True, exist_ok=True)
        lines = path.read_text(encoding="utf-8").split("\n") if path.is_file() else []
        whole = lines[:-1]  # a line that was written whole ends with a line break
        for line in whole:
            self._take(json.loads(line))
        if not whole:
            path.write_text("", encoding="utf-8")
            self.add(_IDENTITY, identity)
        elif lines[-1]:
            path.write_text("".join(f"{line}\n" for line in whole), encoding="utf-8")
        differs = [key for key, value in identity.items() if self.results[_IDENTITY].get(key) != value]
        if differs:
            raise ResultsError(
                "the measurements there are of another program or machine", where=str(path), found=", ".join(differs),
                mend="Choose another --out, or remove that file to measure anew.",
            )  # fmt: skip

    def __contains__(self, key: str) -> bool:
        return key in self.results

    def __getitem__(self, key: str) -> dict:
        return self.results[key]

    def get(self, key: str) -> dict | None:
        """Return a result, or None."""
        return self.results.get(key)

    def add(self, key: str, value: dict) -> None:
        """Keep a result; it is on disk when this returns."""
        line = {"key": key, "value": value}
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
            file.flush()
            os.fsync(file.fileno())
        self._take(line)

    def once(self, key: str, make) -> dict:
        """Return a result, made by ``make()`` if it is not there."""
        if key not in self:
            self.add(key, make())
        return self[key]

    def spent(self, seconds: float) -> None:
        """Count seconds of work, beside those of earlier calls."""
        self.add(_SPENT, seconds)

    def _take(self, line):
        if line["key"] == _SPENT:
            self.seconds += line["value"]
        else:
            self.results[line["key"]] = line["value"]

"""What made a run: beside each run folder, the commands, their seconds and the commit they ran at."""

import json
import shlex
import time
from pathlib import Path

from mlx_gsa.data.atomic import atomic_write_text
from mlx_gsa.errors import RunError
from mlx_gsa.runtime import commit

__all__ = ["Record", "commit", "read_json", "shown"]

_SAVE_EVERY = 5.0  # seconds; what a killed sweep may lose of the time that it counted


class Record:
    """VARIANT-seedS[-foldF].json: of each step the command, seconds, commit, and whether it was finished.

    Parameters
    ----------
    path : Path
        The JSON file; made when the first step begins.
    """

    def __init__(self, path: Path):
        self.path = Path(path)
        self.facts = read_json(self.path) or {}
        self._begun = self._saved = self._earlier = 0.0

    def begin(self, command) -> None:
        """Write down that a `Command` starts now; seconds of an interrupted one are added to."""
        resumed = "--resume" in command.arguments
        self._earlier = self.facts.get(command.name, {}).get("seconds", 0.0) if resumed else 0.0
        self._begun = self._saved = time.monotonic()
        self.facts[command.name] = {
            "command": shown(command.named),
            "seconds": self._earlier,
            "resumed": resumed,
            "commit": commit(),
            "finished": False,
        }
        self._write()

    def tick(self, name: str) -> None:
        """Count the seconds of the step that is running, and write them down now and then."""
        if time.monotonic() - self._saved > _SAVE_EVERY:
            self._count(name)

    def end(self, name: str, finished: bool) -> None:
        """Write down that a step has ended."""
        self.facts[name]["finished"] = finished
        self._count(name)

    def settle(self, name: str) -> None:
        """Write down that a step is finished, of which a sweep that was killed could not see the end."""
        if name in self.facts and not self.facts[name].get("finished"):
            self.facts[name]["finished"] = True
            self._write()

    def has(self, command) -> bool:
        """Say whether this very command has been finished."""
        found = self.facts.get(command.name, {})
        return bool(found.get("finished")) and found["command"] == shown(command.named)

    def differs(self, command) -> bool:
        """Say whether what is written down here was done by another command."""
        return command.name in self.facts and self.facts[command.name]["command"] != shown(command.named)

    def forget(self) -> None:
        """Begin anew: an older run is about to be replaced."""
        self.facts = {}

    def _count(self, name):
        self._saved = time.monotonic()
        self.facts[name]["seconds"] = round(self._earlier + self._saved - self._begun, 1)
        self._write()

    def _write(self):
        atomic_write_text(self.path, json.dumps(self.facts, indent=1) + "\n")


def shown(arguments) -> str:
    """Write a `gsa` command as one would type it."""
    return shlex.join(["gsa", *arguments])


def read_json(path) -> dict | None:
    """Read a JSON file; None where there is none.

    Raises
    ------
    RunError
        If it is no JSON.
    """
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise RunError("not JSON", where=str(path), found=str(error), mend="Remove it to begin anew.") from None

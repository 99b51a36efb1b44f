"""What an audit found: a verdict per check, with the numbers it rests on, and how it is written."""

import json
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from mlx_gsa.data.atomic import atomic_write_text
from mlx_gsa.evaluation.jsonable import jsonable

FORMAT, FORMAT_VERSION = "mlx_gsa.audit", 1
PASS, FAIL, NOT_TESTED = "pass", "fail", "not tested"
LEVEL = 0.95


@dataclass(frozen=True)
class Check:
    """One question that a result could fail, and its answer.

    Attributes
    ----------
    name, question : str
    verdict : {"pass", "fail", "not tested"}
    why : str
        In words, with the numbers that decided.
    numbers : dict
        What was measured; intervals by name, and the thresholds used.
    """

    name: str
    question: str
    verdict: str
    why: str
    numbers: dict = field(default_factory=dict)


@dataclass(frozen=True)
class Audit:
    """All checks of one run, with the manifest that says how to repeat them."""

    checks: list[Check]
    manifest: dict

    @property
    def failed(self) -> list[str]:
        """Name the checks that failed."""
        return [check.name for check in self.checks if check.verdict == FAIL]

    def to_dict(self) -> dict:
        """Give everything as what JSON can hold; nan becomes None."""
        return jsonable({"manifest": self.manifest, "checks": [vars(check) for check in self.checks]})

    def save(self, folder) -> Path:
        """Write audit.json, whole or not at all; the folder is made if missing."""
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / "audit.json"
        atomic_write_text(path, json.dumps(self.to_dict(), indent=1, allow_nan=False) + "\n")
        return path


def between(interval, form="{:.3f}") -> str:
    """Write an interval: value (low to high)."""
    value, low, high = (form.format(part) for part in interval)
    return f"{value} ({low} to {high})"


def units(dataset, rows):
    """Return the groups of these records, to be resampled whole; None where each stands for itself."""
    groups = np.asarray(dataset.records.group)[rows]
    n_groups = len(set(groups.tolist()))
    return groups if 1 < n_groups < len(groups) else None

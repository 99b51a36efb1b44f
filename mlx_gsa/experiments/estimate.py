"""How long the runs of a sweep will take: from runs that are finished, else from a count of operations."""

import math
import statistics
import time
from dataclasses import dataclass, field
from pathlib import Path

from mlx_gsa.data.dataset import Dataset
from mlx_gsa.errors import GsaError
from mlx_gsa.evaluation.cost import count_flops, measure_forward
from mlx_gsa.evaluation.training_cost import training_flops
from mlx_gsa.experiments import state as states
from mlx_gsa.experiments.plan import Cell
from mlx_gsa.experiments.record import Record
from mlx_gsa.training.metrics_log import read_metrics

STARTUP = 5.0  # seconds of a process before its first step, and of an evaluation after it
SAME, OTHERS, MEASURED, UNKNOWN = "same", "others", "measured", "unknown"
WORDS = {
    SAME: "from finished runs of the same variant",
    OTHERS: "from operations counted, at the speed of the finished run nearest in size",
    MEASURED: "from operations counted, at the speed of a short measurement",
    UNKNOWN: "unknown: the data set is not prepared yet, or has no such fold",
}


@dataclass
class Estimate:
    """Seconds expected of each run that is still to be done.

    Attributes
    ----------
    seconds : dict of Cell to float or None
        None where nothing is known.
    basis : dict of Cell to str
        Where the figure is from: "same", "others", "measured" or "unknown".
    """

    seconds: dict = field(default_factory=dict)
    basis: dict = field(default_factory=dict)

    def total(self) -> float:
        """Add up what is known, in seconds of one process."""
        return sum(value for value in self.seconds.values() if value is not None)

    def unknown(self) -> int:
        """Count the runs about which nothing is known."""
        return sum(value is None for value in self.seconds.values())

    def sources(self) -> list[str]:
        """Say in words where the figures are from, and of how many runs each."""
        values = list(self.basis.values())
        return [f"{values.count(name)} {words}" for name, words in WORDS.items() if name in values]


def estimate_seconds(cells: list[Cell], todo: list[Cell], measure=None) -> Estimate:
    """Estimate the time of runs that are still to be done.

    Parameters
    ----------
    cells : list of Cell
        All of the experiment; finished ones among them are what is learned from.
    todo : list of Cell
    measure : callable, optional
        Returns operations per second of a training, for want of finished runs; by default a forward pass is timed.

    Returns
    -------
    Estimate
    """
    known = {cell: spent for cell in cells if (spent := seconds_spent(cell))}
    data, found, rate = _Lengths(), Estimate(), None
    costs = {cell: cost for cell in known if (cost := training_cost(cell, data))}
    for cell in todo:
        same = [known[each] for each in known if _alike(each, cell)]
        cost = None if same else training_cost(cell, data)
        if same:
            seconds, basis = statistics.mean(same), SAME
        elif cost is None:
            seconds, basis = None, UNKNOWN
        elif costs:
            seconds, basis = _scaled(cost, costs, known), OTHERS
        else:
            rate = rate or (measure or measured_rate)()
            seconds, basis = STARTUP + cost / rate, MEASURED
        found.seconds[cell] = seconds and seconds * _share_left(cell)
        found.basis[cell] = basis
    return found


def _scaled(cost, costs, known):
    """Scale the seconds of the finished run of nearest cost: small and large models do not run at one speed."""
    nearest = min(costs, key=lambda each: abs(math.log(costs[each] / cost)))
    fixed = min(STARTUP, known[nearest] / 2)
    return fixed + (known[nearest] - fixed) * cost / costs[nearest]


class TimeLeft:
    """Seconds until the end of a sweep: what was expected, at the pace that runs have had since.

    Parameters
    ----------
    expected : dict of Cell to float or None
        Of each run that is to be done; None where nothing is known.
    jobs : int
        Runs at a time.
    """

    def __init__(self, expected: dict, jobs: int = 1):
        self.left, self.jobs = dict(expected), jobs
        self._begun, self._expected, self._spent = {}, [], []

    def begin(self, cell) -> None:
        """Take notice that a run has begun, or goes on with its next step."""
        self._begun.setdefault(cell, time.monotonic())

    def end(self, cell, done: bool) -> bool:
        """Take notice of the end of a run; says whether it was one to be done."""
        if cell not in self.left:
            return False
        expected, begun = self.left.pop(cell), self._begun.pop(cell, None)
        if done and begun is not None:
            self._expected.append(expected)
            self._spent.append(time.monotonic() - begun)
        return True

    def seconds(self) -> float | None:
        """Estimate what is left; None as long as nothing is known of some run."""
        both = [(was, spent) for was, spent in zip(self._expected, self._spent, strict=True) if was]
        pace = sum(spent for _, spent in both) / sum(was for was, _ in both) if both else 1.0
        mean = statistics.mean(self._spent) if self._spent else None
        each = {cell: mean if value is None else value * pace for cell, value in self.left.items()}
        if None in each.values():
            return None
        now = time.monotonic()
        return sum(max(0.0, value - now + self._begun.get(cell, now)) for cell, value in each.items()) / self.jobs


def seconds_spent(cell: Cell) -> float | None:
    """Add up the seconds of a finished run, all its steps but the making of data; None if it is not finished."""
    if states.run_state(cell) != states.FINISHED:
        return None
    facts = Record(cell.beside(".json")).facts
    spent = sum(each["seconds"] for name, each in facts.items() if not name.startswith("prepare"))
    return spent or sum(row["seconds"] for row in read_metrics(cell.folder)) or None


def training_cost(cell: Cell, lengths=None) -> float | None:
    """Count the operations of a training: forward and backward, records and epochs; None without the data set.

    Parameters
    ----------
    cell : Cell
    lengths : callable, optional
        Gives the lengths of the training records of a cell in bp, or None.

    Returns
    -------
    float or None
    """
    found = (lengths or _Lengths())(cell)
    if found is None:
        return None
    config = cell.config()
    return training_flops(config.model, found, config.training.epochs, config.training.batch_size)


def measured_rate() -> float:
    """Time a forward pass of the default model on random sequences; operations per second."""
    from mlx_gsa.config import ModelConfig

    config, length, batch_size = ModelConfig(), 500, 32
    found = measure_forward(config, length, batch_size, repeats=3)
    return count_flops(config, length, batch_size=batch_size)["total"] * batch_size / found.timing.median


class _Lengths:
    """Sorted lengths of the training records of a cell, read once per data set and fold."""

    def __init__(self):
        self._known = {}

    def __call__(self, cell):
        key = (cell.data.path, cell.fold)
        if key not in self._known:
            self._known[key] = self._read(cell)
        return self._known[key]

    def _read(self, cell):
        if not states.is_prepared(cell.data.path):
            return None
        try:
            dataset = Dataset.open(Path(cell.data.path), verify=False).with_fold(cell.fold)
        except GsaError:
            return None  # no such fold, or damaged: its training will say so, and others need not wait for that
        return sorted(dataset.lengths[dataset.indices("train")].tolist())


def _alike(one, other):
    return (one.data.name, one.variant.name) == (other.data.name, other.variant.name)


def _share_left(cell):
    """Share of the epochs of an interrupted run that are to be done; 1 of a new one."""
    if states.run_state(cell) == states.INTERRUPTED:
        return 1 - min(len(read_metrics(cell.folder)) / cell.config().training.epochs, 1)
    return 1.0

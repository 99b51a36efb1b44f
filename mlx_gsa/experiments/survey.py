"""What a sweep would do, without doing it: the runs wanted, how far each is, and how long the rest will take."""

from dataclasses import dataclass
from pathlib import Path

from mlx_gsa.experiments import state as states
from mlx_gsa.experiments.estimate import Estimate, estimate_seconds
from mlx_gsa.experiments.plan import choose, missing_files, plan_cells, step_commands
from mlx_gsa.experiments.spec import SweepSpec

MISSING = "skipped"


@dataclass(frozen=True)
class Survey:
    """The runs that are wanted and how far each is.

    Attributes
    ----------
    cells : list of Cell
        In the order in which they are run.
    states : dict of Cell to str
        As `state.cell_state`; "steps" where only further steps are left; "skipped: " and which file is not there.
    estimate : Estimate
        Of what is still to be done.
    """

    cells: list
    states: dict
    estimate: Estimate

    def todo(self) -> list:
        """Return the runs with something left to do."""
        return [cell for cell in self.cells if _left(self.states[cell])]


def survey(spec: SweepSpec, out: Path, options, measure=None) -> Survey:
    """Look at the folder of a sweep; nothing is changed.

    Parameters
    ----------
    spec : SweepSpec
    out : Path
    options : SweepOptions
    measure : callable, optional
        As for `estimate_seconds`.

    Returns
    -------
    Survey

    Raises
    ------
    ConfigError
        If a restriction fits no run, or a cell's configuration is not valid.
    """
    cells = plan_cells(spec, out)
    wanted = choose(cells, options.only, options.data, options.folds, options.seeds)
    found = {cell: _state(spec, cell, options) for cell in wanted}
    to_train = [cell for cell in wanted if _left(found[cell]) and found[cell] not in (states.TRAINED, "steps")]
    return Survey(wanted, found, estimate_seconds(cells, to_train, measure))


def _state(spec, cell, options):
    cell.config()
    step_commands(spec, cell, options.data_root)
    state = states.cell_state(cell)
    if state == states.FINISHED and states.steps_left(spec, cell, options.data_root):
        return "steps"
    absent = missing_files(cell.data, options.data_root)
    unmade = not states.is_prepared(cell.data.path)
    if unmade and (absent or not cell.data.prepare):
        return f"{MISSING}: {absent[0] if absent else cell.data.path} is not there"
    return state


def _left(state):
    return state != states.FINISHED and not state.startswith(MISSING)

"""What is finished of a sweep, taken as it is: nothing is run."""

from pathlib import Path

from mlx_gsa.experiments.plan import choose, plan_cells
from mlx_gsa.experiments.report import write_report
from mlx_gsa.experiments.runner import SweepOptions, SweepResult
from mlx_gsa.experiments.spec import SweepSpec
from mlx_gsa.experiments.state import FINISHED, cell_state, steps_left


def take_finished(spec: SweepSpec, out: Path, options: SweepOptions | None = None) -> SweepResult:
    """Look at which runs of a sweep are finished, and bring sweep.json up to date.

    Parameters
    ----------
    spec, out, options
        As for `run_sweep`.

    Returns
    -------
    SweepResult
        Every other run that is wanted is among the skipped ones, and why says how many they are.
    """
    options = options or SweepOptions()
    cells, result = plan_cells(spec, out), SweepResult()
    wanted = choose(cells, options.only, options.data, options.folds, options.seeds)
    whole = [c for c in wanted if cell_state(c) == FINISHED and not steps_left(spec, c, options.data_root)]
    result.finished += whole
    why = f"{len(wanted) - len(whole)} of {len(wanted)} runs are not finished"
    result.skipped |= {cell: why for cell in wanted if cell not in whole}
    Path(out).mkdir(parents=True, exist_ok=True)
    write_report(spec, cells, Path(out), result)
    return result

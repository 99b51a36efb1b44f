"""How the ranks of a sweep share its runs, and what came of them all."""

import json

from mlx_gsa.experiments import state as states
from mlx_gsa.ranks import Ranks


def share(ranks: Ranks, spec, cells: list, data_root: str) -> list:
    """Return the cells that a rank takes: every n-th unfinished one; what is finished is looked through by the first.

    Parameters
    ----------
    ranks : Ranks
    spec : SweepSpec
    cells : list of Cell
        All that are wanted, the same on every rank.
    data_root : str
    """
    if ranks.size == 1:
        return list(cells)
    ranks.mend = "The same command goes on."
    open_ones = json.dumps([i for i, cell in enumerate(cells) if _unfinished(spec, cell, data_root)])
    todo = json.loads(ranks.tell(open_ones.encode()))
    mine = set(todo[ranks.rank :: ranks.size])
    if ranks.is_first:
        mine |= set(range(len(cells))) - set(todo)
    return [cell for number, cell in enumerate(cells) if number in mine]


def outcome(ranks: Ranks, cells: list, result) -> tuple[list, dict, dict]:
    """Wait for all ranks, and return the cells finished, and those skipped and failed with the reasons, of them all."""
    numbers = {cell: number for number, cell in enumerate(cells)}
    finished = [numbers[cell] for cell in result.finished]
    reasons = [{numbers[cell]: why for cell, why in part.items()} for part in (result.skipped, result.failed)]
    everyones = [json.loads(each) for each in ranks.collect(json.dumps([finished, *reasons]).encode(), patient=True)]
    done = sorted(number for each in everyones for number in each[0])
    skipped, failed = (
        {cells[int(number)]: why for each in everyones for number, why in each[part].items()} for part in (1, 2)
    )
    return [cells[number] for number in done], skipped, failed


def _unfinished(spec, cell, data_root):
    return states.cell_state(cell) != states.FINISHED or bool(states.steps_left(spec, cell, data_root))

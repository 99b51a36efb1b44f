"""The runs that repeat a run: the same variant with other seeds, or on other folds."""

import re
from pathlib import Path

from mlx_gsa.errors import RunError
from mlx_gsa.inference.predictor import Predictor
from mlx_gsa.training.run import find_run

MOST = 9
_REPEAT = re.compile(r"(-seed\d+)?(-fold\d+)?$")


def sibling_runs(run) -> list[Path]:
    """Find the finished runs beside a run in a sweep, VARIANT-seedS-foldF, that have its variant; nine at most.

    Parameters
    ----------
    run : RunInfo

    Returns
    -------
    list of Path
        Empty where the run's name says neither seed nor fold.
    """
    path = Path(run.path).resolve()
    variant = _REPEAT.sub("", path.name)
    if run.shipped or variant == path.name:
        return []
    beside = sorted(folder for folder in path.parent.iterdir() if folder.is_dir() and folder != path)
    return [folder for folder in beside if _REPEAT.sub("", folder.name) == variant and _usable(folder)][:MOST]


def load_others(predictor, paths) -> dict[str, Predictor]:
    """Load the models of other runs, by the names of their folders.

    Raises
    ------
    RunError
        A run has no model, or one for another task or with other outputs.
    """
    others = {}
    for path in paths:
        other = Predictor.from_folder(find_run(path).model_folder)
        mine, its = ((p.task, p.classes, p.outputs) for p in (predictor, other))
        if mine != its:
            raise RunError(
                "the other run has another task", where=str(path), expected=str(mine), found=str(its),
                mend="Give runs of the same variant on the same data with --other-run.",
            )  # fmt: skip
        others[Path(path).name] = other
    return others


def _usable(folder):
    try:
        find_run(folder)
    except RunError:
        return False  # not a run, or one without a model yet
    return True

"""The state of a training in one file, from which it goes on to the very same numbers."""

from pathlib import Path
from typing import NamedTuple

import mlx.core as mx
from mlx.utils import tree_flatten, tree_unflatten

from mlx_gsa.errors import RunError
from mlx_gsa.model.weights import load_arrays, save_arrays

CHECKPOINT = Path("last") / "checkpoint.safetensors"
_FORMAT, _VERSION = "mlx_gsa.checkpoint", 2  # 2: the optimizer's state is one vector per organ


class Checkpoint(NamedTuple):
    """Everything a training needs to go on.

    Batches, augmentation and random controls are functions of (seed, epoch, step), so no random state is needed.
    """

    model: dict  # parameter tree
    optimizer: dict  # optimizer state tree
    progress: dict  # epoch, step and what was summed so far; JSON
    average: dict  # parameter tree of the averaged weights; empty without


def save_checkpoint(folder: Path, checkpoint: Checkpoint) -> None:
    """Write a checkpoint into a run folder; a kill at any moment leaves the older one or this one whole."""
    path = folder / CHECKPOINT
    path.parent.mkdir(parents=True, exist_ok=True)
    trees = {"model": checkpoint.model, "optimizer": checkpoint.optimizer, "average": checkpoint.average}
    arrays = dict(tree_flatten(trees))
    save_arrays(path, arrays, {"format": _FORMAT, "format_version": _VERSION, "progress": checkpoint.progress})


def load_checkpoint(folder: Path) -> Checkpoint:
    """Read the checkpoint of a run folder.

    Raises
    ------
    RunError
        If there is none or it is damaged or foreign.
    """
    path = folder / CHECKPOINT
    if not path.is_file():
        mend = "The run was stopped before its first checkpoint: start it again."
        raise RunError("nothing to resume", where=str(path), mend=mend)
    arrays, header = load_arrays(path)
    if header.get("format") != _FORMAT or header.get("format_version") != _VERSION:
        found, expected = f"{header.get('format')} {header.get('format_version')}", f"{_FORMAT} {_VERSION}"
        raise RunError("not a checkpoint of this program's version", where=str(path), expected=expected, found=found)
    trees = tree_unflatten(list(arrays.items()))
    mx.eval(trees)
    return Checkpoint(trees["model"], trees["optimizer"], header["progress"], trees.get("average", {}))

"""Trainings that an audit makes, kept on disk: whole or not at all, and used again only for the same question."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import mlx.core as mx
from mlx.utils import tree_flatten, tree_unflatten

from mlx_gsa.audit.revealed import Judge, RevealedPredictor
from mlx_gsa.config import ModelConfig, RunConfig
from mlx_gsa.data.atomic import atomic_folder
from mlx_gsa.errors import RunError
from mlx_gsa.model.labels import LabelScale
from mlx_gsa.model.weights import load_arrays, save_arrays

FORMAT, _MANIFEST, _JUDGE = "mlx_gsa.audit_training", "manifest.json", "judge.safetensors"


def cached(folder: Path, key: dict, make: Callable[[Path], None]) -> bool:
    """Make something in a folder unless the folder holds the same already.

    Parameters
    ----------
    folder : Path
    key : dict
        All that the result depends on, as JSON can hold it; the same key means the same result.
    make : callable
        ``make(folder)`` fills an empty folder, which takes its name only when it is whole.

    Returns
    -------
    bool
        Whether it was there already.

    Raises
    ------
    RunError
        The folder holds something else.
    """
    key = json.loads(json.dumps(key))
    if _key_of(folder) == key:
        return True
    with atomic_folder(folder, kind=FORMAT, error=RunError) as fresh:
        make(fresh)
        (fresh / _MANIFEST).write_text(json.dumps({"format": FORMAT, "key": key}, indent=1) + "\n")
    return False


def training_key(config: RunConfig, dataset, **more) -> dict:
    """Say what a training depends on: its configuration, whatever folder the data are in, the data, and more."""
    settings = config.model_dump(exclude_none=True, mode="json")
    settings["data"].pop("path", None)
    return {"config": settings, "data_hash": dataset.data_hash, "fold": dataset.fold, **more}


def file_digest(path: Path) -> str:
    """Return the SHA-256 of a file."""
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


def save_judge(folder: Path, judge: Judge) -> None:
    """Write a judge's weights and what is needed to use them."""
    header = {
        "config": judge.model.config.model_dump(), "task": judge.task,
        "scale": {"mean": judge.scale.mean, "deviation": judge.scale.deviation},
    }  # fmt: skip
    save_arrays(folder / _JUDGE, dict(tree_flatten(judge.model.parameters())), header)


def load_judge(folder: Path) -> Judge:
    """Read a judge that `save_judge` wrote."""
    arrays, header = load_arrays(folder / _JUDGE)
    model = RevealedPredictor(ModelConfig.model_validate(header["config"]))
    model.update(tree_unflatten(list(arrays.items())))
    mx.eval(model.parameters())
    model.eval()
    return Judge(model, header["task"], LabelScale(**header["scale"]))


def _key_of(folder):
    """Return the key under which a folder was made; None if there is no such folder, or it cannot be read."""
    try:
        found = json.loads((folder / _MANIFEST).read_text())
    except (OSError, ValueError):
        return None  # made anew; `atomic_folder` refuses to replace what is not its own
    return found.get("key") if isinstance(found, dict) else None

"""A model on disk: one safetensors file whose header holds everything needed to use it, never a pickle."""

import json
import os
from pathlib import Path
from typing import NamedTuple

import mlx.core as mx
import mlx.nn as nn
from mlx.utils import tree_flatten, tree_unflatten
from pydantic import ValidationError

from mlx_gsa.config import ModelConfig
from mlx_gsa.errors import RunError
from mlx_gsa.model.build import build_model
from mlx_gsa.model.labels import LabelScale

MODEL_FILE = "model.safetensors"
_FORMAT, _VERSION = "mlx_gsa.model", 1
_KEY = "mlx_gsa"


class ModelBundle(NamedTuple):
    """A model with what its outputs mean."""

    model: nn.Module  # of `build_model`
    task: str
    classes: list[str] | None
    scale: LabelScale
    outputs: list[str] | None = None  # names of several labels


def save_model(folder: Path, bundle: ModelBundle) -> Path:
    """Write `model.safetensors` (weights and header) and a readable copy of the header, `model.json`.

    Parameters
    ----------
    folder : Path
        Created if missing; an older model in it stays whole until the new one is.
    bundle : ModelBundle

    Returns
    -------
    Path
        The weights file; it alone is enough to load the model.
    """
    folder.mkdir(parents=True, exist_ok=True)
    header = model_header(bundle)
    path = save_arrays(folder / MODEL_FILE, dict(tree_flatten(bundle.model.parameters())), header)
    beside = folder / ".model.json.tmp"
    beside.write_text(json.dumps(header, indent=1) + "\n")
    os.replace(beside, folder / "model.json")
    return path


def load_model(folder: Path) -> ModelBundle:
    """Read a model that `save_model` wrote.

    Raises
    ------
    RunError
        If the file is missing, damaged, of another kind, or its weights do not fit its configuration.
    """
    arrays, header = load_arrays(Path(folder) / MODEL_FILE)
    where = str(Path(folder) / MODEL_FILE)
    if header.get("format") != _FORMAT or header.get("format_version") != _VERSION:
        found = f"{header.get('format')} version {header.get('format_version')}"
        expected = f"{_FORMAT} version {_VERSION}"
        raise RunError("not a model of this program", where=where, expected=expected, found=found)
    return restore_model(arrays, header, where)


def model_header(bundle: ModelBundle) -> dict:
    """Describe a model so that `restore_model` can build it again."""
    return {
        "format": _FORMAT,
        "format_version": _VERSION,
        "config": bundle.model.config.model_dump(),
        "task": bundle.task,
        "classes": bundle.classes,
        "scale": {"mean": bundle.scale.mean, "deviation": bundle.scale.deviation},
        "outputs": bundle.outputs,
        "n_parameters": bundle.model.n_parameters(),
    }


def restore_model(arrays: dict, header: dict, where: str) -> ModelBundle:
    """Build the model that a header describes and lay the arrays in it; every mismatch is reported at once."""
    try:
        model = build_model(ModelConfig.model_validate(header["config"]))
        task, classes, scale = header["task"], header["classes"], LabelScale(**header["scale"])
    except (KeyError, TypeError, ValidationError) as error:
        raise RunError("model header cannot be used", where=where, found=str(error)) from None
    expected = {name: value.shape for name, value in tree_flatten(model.parameters())}
    found = {name: value.shape for name, value in arrays.items()}
    wrong = sorted(n for n in expected.keys() | found.keys() if expected.get(n) != found.get(n))
    if wrong:
        raise RunError("weights do not fit the configuration", where=where, found=", ".join(wrong))
    model.update(tree_unflatten(list(arrays.items())))
    return ModelBundle(model, task, classes, scale, header.get("outputs"))


def save_arrays(path: Path, arrays: dict, header: dict) -> Path:
    """Write arrays and a JSON header as one safetensors file: beside, synced, then renamed."""
    beside = path.with_name(f".{path.stem}.tmp.safetensors")
    mx.save_safetensors(str(beside), arrays, {_KEY: json.dumps(header)})
    with open(beside, "rb") as file:
        os.fsync(file.fileno())
    os.replace(beside, path)
    return path


def load_arrays(path: Path) -> tuple[dict, dict]:
    """Read arrays and header of a file that `save_arrays` wrote.

    Raises
    ------
    RunError
        If the file is missing, damaged or of another program.
    """
    if not path.is_file():
        raise RunError("model file not found", where=str(path), mend="Give the folder of a run made by `gsa train`.")
    try:
        arrays, metadata = mx.load(str(path), format="safetensors", return_metadata=True)
        mx.eval(arrays)
        return arrays, dict(json.loads(metadata[_KEY]))
    except (RuntimeError, ValueError, TypeError, KeyError) as error:
        raise RunError("model file is damaged or foreign", where=str(path), found=str(error)) from None

"""The one number that a genome is scored with: which output of a model, or which class, and in what unit."""

from typing import NamedTuple

import numpy as np

from mlx_gsa.errors import RunError
from mlx_gsa.model.labels import LabelScale, probabilities


class Strength(NamedTuple):
    """How raw outputs become the strength of a tile; make one with `choose_strength`.

    Attributes
    ----------
    task : str
    scale : LabelScale
    column : int
        Output, or class of several, that counts.
    inverted : bool
        Whether it is the probability of class 0 of two.
    meaning : str
        What the number is, for a reader.
    """

    task: str
    scale: LabelScale
    column: int
    inverted: bool
    meaning: str

    @property
    def is_probability(self) -> bool:
        """Whether the strength lies between 0 and 1."""
        return self.task != "regression"

    def of(self, raw: np.ndarray) -> np.ndarray:
        """Turn raw outputs (T, n_outputs) into strengths (T,) float32: label units, or a probability."""
        values = probabilities(self.task, raw, self.scale)[:, self.column]
        return (1 - values if self.inverted else values).astype(np.float32)


def choose_strength(model, output: str | None = None, class_name: str | None = None) -> Strength:
    """Choose what a genome is scored with.

    Parameters
    ----------
    model : Predictor
        Or whatever has ``task``, ``classes``, ``scale`` and ``outputs``.
    output : str, optional
        Name, or number from 0, of one of several outputs; the first without it.
    class_name : str, optional
        Name, or number from 0, of a class. Of two classes it is the second without it; of more it has to be named.

    Returns
    -------
    Strength

    Raises
    ------
    RunError
        The model has no such output or class, or has several classes and none is named.
    """
    task, classes = model.task, list(model.classes or ())
    if class_name is not None and task == "regression":
        raise RunError("the model has no classes", expected="no --class: it predicts a number", found=class_name)
    if task == "multiclass":
        if output is not None:
            raise RunError("the model has a single output", expected="--class", found=f"--output {output}")
        column = _class_number(classes, class_name)
        return Strength(task, model.scale, column, False, f"probability of {classes[column]}")
    column = _output_number(list(model.outputs or ()), output)
    name = f"{model.outputs[column]}, " if model.outputs else ""
    if task == "regression":
        return Strength(task, model.scale, column, False, f"{name}in units of the label")
    number = 1 if class_name is None else _class_number(classes or ["0", "1"], class_name)
    return Strength(task, model.scale, column, number == 0, f"{name}probability of {(classes or ['0', '1'])[number]}")


def _output_number(outputs, name):
    if name is None:
        return 0
    return _number(outputs, name, "output", "none: the model has a single output")


def _class_number(classes, name):
    if name is None:
        raise RunError("the model knows several classes", expected=f"--class with one of {', '.join(classes)}")
    return _number(classes, name, "class")


def _number(names, name, what, otherwise=None):
    """Find a name, or a number from 0 that is not the name of another."""
    if name in names:
        return names.index(name)
    if name.isdecimal() and int(name) < len(names):
        return int(name)
    raise RunError(f"the model has no such {what}", expected=", ".join(names) or otherwise, found=name)

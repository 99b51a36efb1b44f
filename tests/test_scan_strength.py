"""Which number a genome is scored with."""

from types import SimpleNamespace

import numpy as np
import pytest

from mlx_gsa.errors import RunError
from mlx_gsa.genomes.scan_strength import choose_strength
from mlx_gsa.model.labels import LabelScale

RAW = np.array([[0.0, 2.0, -1.0], [3.0, 0.5, 0.0]], dtype=np.float32)


def model(task, classes=None, outputs=None, scale=None):
    return SimpleNamespace(task=task, classes=classes, outputs=outputs, scale=scale or LabelScale())


def test_a_regression_is_in_units_of_the_label():
    strength = choose_strength(model("regression", scale=LabelScale(10.0, 2.0)))
    assert strength.of(RAW[:, :1]).tolist() == [10.0, 16.0]
    assert not strength.is_probability and strength.meaning == "in units of the label"


def test_one_of_several_outputs_is_chosen_by_name():
    several = model("regression", outputs=["leaf", "root"], scale=LabelScale((0.0, 1.0), (1.0, 10.0)))
    assert choose_strength(several).of(RAW[:, :2]).tolist() == [0.0, 3.0]
    for name in ("root", "1"):
        assert choose_strength(several, name).of(RAW[:, :2]).tolist() == [21.0, 6.0]
    with pytest.raises(RunError, match="no such output: expected leaf, root, found stem"):
        choose_strength(several, "stem")
    with pytest.raises(RunError, match="expected none: the model has a single output, found root"):
        choose_strength(model("regression"), "root")


def test_of_two_classes_it_is_the_second_or_the_one_named():
    two = model("binary", ["off", "on"])
    on, off = (choose_strength(two, class_name=name) for name in ("on", "off"))
    np.testing.assert_allclose(choose_strength(two).of(RAW[:, :1]), 1 / (1 + np.exp(-RAW[:, 0])))
    np.testing.assert_allclose(on.of(RAW[:, :1]) + off.of(RAW[:, :1]), 1.0)
    assert off.meaning == "probability of off" and on.of(RAW[:, :1]).dtype == np.float32
    assert choose_strength(model("binary"), class_name="0").inverted


def test_of_several_classes_one_has_to_be_named():
    three = model("multiclass", ["a", "b", "c"])
    with pytest.raises(RunError, match="several classes: expected --class with one of a, b, c"):
        choose_strength(three)
    expected = np.exp(RAW[:, 1]) / np.exp(RAW).sum(1)
    for name in ("b", "1"):
        np.testing.assert_allclose(choose_strength(three, class_name=name).of(RAW), expected, rtol=1e-6)
    with pytest.raises(RunError, match="no such class: expected a, b, c, found 3"):
        choose_strength(three, class_name="3")


def test_what_does_not_apply_is_refused():
    with pytest.raises(RunError, match="the model has no classes"):
        choose_strength(model("regression"), class_name="on")
    with pytest.raises(RunError, match="a single output: expected --class"):
        choose_strength(model("multiclass", ["a", "b", "c"]), output="x")

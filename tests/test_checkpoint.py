"""Checkpoints: the whole state of a training, whole on disk at every moment."""

import os

import mlx.core as mx
import numpy as np
import pytest
from mlx.utils import tree_flatten, tree_map
from toys import scrambled

from mlx_gsa.config import TrainingConfig
from mlx_gsa.errors import RunError
from mlx_gsa.model.labels import LabelScale
from mlx_gsa.model.weights import ModelBundle, save_model
from mlx_gsa.training.checkpoint import CHECKPOINT, Checkpoint, load_checkpoint, save_checkpoint
from mlx_gsa.training.optimizer import build_optimizer

PROGRESS = {"epoch": 2, "step": 0, "sums": [0.1 + 0.2, 1e-300, 5.0], "norms": {"stem": 1 / 3}, "best": None}


def state(n_steps=3, progress=PROGRESS):
    model = scrambled()
    optimizer = build_optimizer(TrainingConfig(), model.trainable_parameters(), 100)
    for _ in range(n_steps):
        optimizer.update(model, tree_map(mx.sin, model.trainable_parameters()))
    return Checkpoint(model.parameters(), optimizer.state, progress, {})


def test_everything_comes_back_bit_for_bit_and_of_the_same_type(tmp_path):
    before = state()
    save_checkpoint(tmp_path, before)
    after = load_checkpoint(tmp_path)
    assert after.progress == PROGRESS
    for one, other in ((before.model, after.model), (before.optimizer, after.optimizer)):
        one, other = dict(tree_flatten(one)), dict(tree_flatten(other))
        assert one.keys() == other.keys()
        for name, value in one.items():
            assert value.dtype == other[name].dtype and np.array_equal(value, other[name]), name
    assert [group["step"].item() for group in after.optimizer["states"]] == [3, 3]


def test_a_loaded_optimizer_goes_on_as_if_nothing_had_been(tmp_path):
    save_checkpoint(tmp_path, state(3))
    loaded, model = load_checkpoint(tmp_path), scrambled()
    model.update(loaded.model)
    optimizer = build_optimizer(TrainingConfig(), model.trainable_parameters(), 100)
    optimizer.init(model.trainable_parameters())
    optimizer.state = loaded.optimizer
    for _ in range(2):
        optimizer.update(model, tree_map(mx.sin, model.trainable_parameters()))
    for (name, value), (_, other) in zip(
        tree_flatten(model.parameters()), tree_flatten(state(5).model), strict=True
    ):
        assert np.array_equal(value, other), name


def test_the_newer_replaces_the_older(tmp_path):
    save_checkpoint(tmp_path, state(1))
    save_checkpoint(tmp_path, state(2, {"epoch": 9}))
    assert load_checkpoint(tmp_path).progress == {"epoch": 9}
    assert [p.name for p in (tmp_path / CHECKPOINT).parent.iterdir()] == [CHECKPOINT.name]


@pytest.mark.parametrize("name", ["replace", "fsync"])
def test_the_older_stays_whole_if_the_newer_cannot_be_written(tmp_path, monkeypatch, name):
    save_checkpoint(tmp_path, state(1))

    def full(*_):
        raise OSError("No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, name, full)
        with pytest.raises(OSError, match="No space left"):
            save_checkpoint(tmp_path, state(2, {"epoch": 9}))
    assert load_checkpoint(tmp_path).progress == PROGRESS


def problem(folder):
    with pytest.raises(RunError) as caught:
        load_checkpoint(folder)
    return caught.value


def test_no_checkpoint_is_nothing_to_resume(tmp_path):
    error = problem(tmp_path)
    assert (error.what, error.where) == ("nothing to resume", str(tmp_path / CHECKPOINT))


def test_a_damaged_checkpoint_is_refused(tmp_path):
    save_checkpoint(tmp_path, state())
    path = tmp_path / CHECKPOINT
    path.write_bytes(path.read_bytes()[:-100])
    assert problem(tmp_path).what == "model file is damaged or foreign"


def test_a_model_is_no_checkpoint(tmp_path):
    path = save_model(tmp_path, ModelBundle(scrambled(), "regression", None, LabelScale()))
    (tmp_path / CHECKPOINT).parent.mkdir()
    path.rename(tmp_path / CHECKPOINT)
    error = problem(tmp_path)
    assert (error.what, error.found) == ("not a checkpoint of this program's version", "mlx_gsa.model 1")

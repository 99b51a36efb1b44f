"""Trainings kept on disk: used again for the same question only, never half there."""

import json

import mlx.core as mx
import numpy as np
import pytest
from toys import random_tokens, toy_config, toy_dataset

from mlx_gsa.audit.revealed import Judge, RevealedPredictor
from mlx_gsa.audit.work import cached, file_digest, load_judge, save_judge, training_key
from mlx_gsa.config import ModelConfig
from mlx_gsa.errors import RunError
from mlx_gsa.model.labels import LabelScale


def _maker(text):
    def make(folder):
        (folder / "made.txt").write_text(text)

    return make


def test_the_same_key_is_made_once_and_another_replaces_it(tmp_path):
    folder = tmp_path / "work" / "one"
    assert not cached(folder, {"a": (1, 2)}, _maker("first"))
    assert cached(folder, {"a": [1, 2]}, _maker("second"))
    assert (folder / "made.txt").read_text() == "first"
    assert not cached(folder, {"a": [1, 3]}, _maker("third"))
    assert (folder / "made.txt").read_text() == "third"


def test_a_failure_leaves_what_was_there(tmp_path):
    folder = tmp_path / "one"
    cached(folder, {"a": 1}, _maker("first"))

    def fail(fresh):
        (fresh / "made.txt").write_text("half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cached(folder, {"a": 2}, fail)
    assert (folder / "made.txt").read_text() == "first"
    assert [path.name for path in tmp_path.iterdir()] == ["one"]


def test_a_folder_of_something_else_is_left_alone(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(RunError, match="will not overwrite"):
        cached(tmp_path, {"a": 1}, _maker("first"))
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_the_key_knows_configuration_data_and_fold_but_not_the_path(tmp_path):
    dataset = toy_dataset(tmp_path / "data", n=20)
    config = toy_config(dataset.path)
    key = training_key(config, dataset, bases=3)
    assert key == training_key(toy_config("elsewhere"), dataset, bases=3)
    assert key != training_key(toy_config(dataset.path, training__seed=1), dataset, bases=3)
    assert key["data_hash"] == dataset.data_hash and key["bases"] == 3 and key["fold"] is None
    assert json.loads(json.dumps(key))["config"]["model"]["filter_width"] == 12


def test_a_judge_is_read_back_whole(tmp_path):
    mx.random.seed(1)
    model = RevealedPredictor(ModelConfig(n_channels=4, context=(20,)))
    judge = Judge(model, "regression", LabelScale(2.0, 3.0))
    save_judge(tmp_path, judge)
    sequences = random_tokens([70, 40])
    masks = [np.ones(70, bool), np.ones(40, bool)]
    np.testing.assert_array_equal(load_judge(tmp_path).predict(sequences, masks), judge.predict(sequences, masks))


def test_a_digest_is_that_of_the_bytes(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(b"")
    assert file_digest(path).startswith("e3b0c44298fc1c14")

"""Averaged weights: the mean by hand, off by default, and what is judged, saved and resumed."""

import mlx.core as mx
import numpy as np
import pytest
from mlx.utils import tree_flatten, tree_map
from toys import scrambled, toy_config, toy_dataset

from mlx_gsa.model.weights import load_model
from mlx_gsa.training.averaging import WeightAverage
from mlx_gsa.training.loop import BEST, Trainer
from mlx_gsa.training.run import resume_run, start_run
from mlx_gsa.training.setup import new_bundle


def set_all(model, value):
    model.update(tree_map(lambda x: mx.full(x.shape, value), model.trainable_parameters()))
    return model


def first(weights):
    return tree_flatten(weights)[0][1].reshape(-1)[0].item()


def test_the_average_by_hand():
    model = set_all(scrambled(), 1.0)
    average = WeightAverage(model, span=3)
    seen = []
    for step, value in enumerate([4.0, 7.0, 10.0]):
        average.update(set_all(model, value), step)
        seen.append(first(average.weights))
    assert seen == pytest.approx([2.5, 4.0, 6.0])  # (1 + 4) / 2, then a third of the way, and again
    assert first(average.model(model).trainable_parameters()) == pytest.approx(6.0)
    assert first(model.trainable_parameters()) == 10.0  # the trained model itself goes on from where it was


def test_without_a_span_there_is_none():
    model = scrambled()
    average = WeightAverage(model, span=0.0)
    average.update(model, 0)
    assert average.weights == {} and average.model(model) is model


def same(one, other):
    one, other = dict(tree_flatten(one)), dict(tree_flatten(other))
    return all(np.array_equal(one[name], other[name]) for name in one)


def test_the_averaged_weights_are_saved_and_are_not_the_trained_ones(tmp_path):
    dataset = toy_dataset(tmp_path / "data")
    config = toy_config(dataset.path, training__average=1.0)
    trainer = Trainer(new_bundle(config, dataset)[0], config, dataset, tmp_path / "run")
    trainer.run()
    saved = load_model(tmp_path / "run" / BEST).model.trainable_parameters()
    assert not same(saved, trainer.bundle.model.trainable_parameters())
    if trainer.progress["best"]["epoch"] == config.training.epochs:
        assert same(saved, trainer.average.weights)


def test_a_resumed_training_goes_on_with_its_average(tmp_path):
    dataset = toy_dataset(tmp_path / "data")
    config = toy_config(dataset.path, training__average=0.5, training__dropout=0.2, training__epochs=3)
    stopped, _ = start_run(config, tmp_path / "run")
    stopped._epoch()
    resumed = resume_run(tmp_path / "run")
    assert same(stopped.average.weights, resumed.average.weights)
    resumed.run()
    assert not same(stopped.average.weights, resumed.average.weights)

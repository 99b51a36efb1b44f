"""The linear start: the ridge regression by the book, and a model that says what the regression says."""

import mlx.core as mx
import numpy as np
import pytest
from toys import forward, scrambled, toy_config, toy_dataset

from mlx_gsa.training.setup import new_bundle
from mlx_gsa.training.warm_start import pooled_features, ridge


def test_ridge_minimises_its_own_objective():
    rng = np.random.default_rng(0)
    inputs, targets = rng.normal(3, 2, (50, 4)), rng.normal(size=(50, 2))
    weights, bias = ridge(inputs, targets, strength=0.3)
    deviation = inputs.std(axis=0)

    def cost(weights, bias):
        error = inputs @ weights + bias - targets
        return np.square(error).sum() + 0.3 * 50 * np.square(weights * deviation[:, None]).sum()

    best = cost(weights.astype(float), bias.astype(float))
    for _ in range(50):
        assert cost(weights + 1e-2 * rng.normal(size=weights.shape), bias) > best
        assert cost(weights, bias + 1e-2 * rng.normal(size=bias.shape)) > best


def test_without_strength_ridge_is_least_squares():
    rng = np.random.default_rng(0)
    inputs = rng.normal(size=(30, 3)) * [1, 10, 0.1]
    targets = inputs @ np.array([[2.0], [-1.0], [5.0]]) + 4
    weights, bias = ridge(inputs, targets, strength=0.0)
    np.testing.assert_allclose(weights[:, 0], [2, -1, 5], rtol=1e-4)
    np.testing.assert_allclose(bias, [4], rtol=1e-4)


def test_a_feature_that_never_fires_gets_no_weight():
    inputs = np.stack([np.random.default_rng(0).normal(size=40), np.zeros(40)], axis=1)
    weights, _ = ridge(inputs, inputs[:, :1])
    assert weights[1, 0] == 0 and weights[0, 0] == pytest.approx(1 / 1.01, rel=1e-3)


def test_pooling_does_not_depend_on_the_batch(tmp_path):
    dataset, model = toy_dataset(tmp_path / "data", n=40), scrambled(filter_width=12)
    together = pooled_features(model, dataset, np.arange(40))
    assert together.shape == (40, 16) and together.std(axis=0).max() > 0
    for row in (0, 17, 39):
        np.testing.assert_allclose(together[row], pooled_features(model, dataset, np.array([row]))[0], rtol=1e-4)


@pytest.mark.parametrize("task", ["regression", "binary", "multiclass"])
def test_the_readout_starts_with_the_planted_motif(tmp_path, task):
    dataset = toy_dataset(tmp_path / "data", n=400, task=task)
    bundle, found = new_bundle(toy_config(dataset.path), dataset)
    assert found
    rows = dataset.indices("train")
    _, output = forward(bundle.model, [dataset.sequence(int(i)) for i in rows], padded=128)
    local = np.array(output.local)
    signal = local[:, 1] - local[:, 0] if task == "multiclass" else local[:, 0]
    assert np.corrcoef(signal, dataset.records.label[rows])[0, 1] > 0.6
    if task == "multiclass":
        assert (local[:, 2] < local[:, :2].max(axis=1)).all()  # the class that never occurs


@pytest.mark.parametrize("attention", ["full", "softmax"])
def test_the_approximator_starts_as_the_readout(tmp_path, attention):
    dataset = toy_dataset(tmp_path / "data", n=100)
    config = toy_config(dataset.path, model__attention=attention, model__sparsity=1.0)
    model = new_bundle(config, dataset)[0].model
    # Two hidden units carry the regression; the others start small but random: silence them.
    last = np.array(model.approximator.output.weight)
    assert (np.abs(last[:, 2:]) < 0.1).all()
    last[:, 2:] = 0
    model.approximator.output.weight = mx.array(last)
    _, output = forward(model, [dataset.sequence(i) for i in range(20)])
    np.testing.assert_allclose(output.prediction, output.local, atol=1e-4)
    assert np.array(output.local).std() > 0.1


def test_a_feature_that_hardly_varies_gets_no_weight_to_speak_of():
    rng = np.random.default_rng(0)
    inputs = np.stack([rng.normal(size=500), 1e-5 * rng.normal(size=500)], axis=1)
    weights, _ = ridge(inputs, inputs[:, :1] + 1e4 * inputs[:, 1:])
    assert abs(weights[1, 0]) < 1

"""Mixed precision: the products over pairs in bfloat16, everything that decides what is kept in float32."""

import mlx.core as mx
import numpy as np
import pytest
from mlx.utils import tree_flatten
from toys import forward, random_tokens, scrambled, toy_config, toy_dataset

from mlx_gsa.config import ModelConfig, load_config
from mlx_gsa.errors import ConfigError
from mlx_gsa.inference.engine import Engine
from mlx_gsa.model.attention import SelectedAttention
from mlx_gsa.training.metrics_log import read_metrics
from mlx_gsa.training.run import start_run

KINDS = [{}, {"neighbours": 4}, {"attention": "full"}, {"attention": "window", "window": 8}]


def pair(**settings):
    """The same weights in both precisions."""
    return scrambled(2, **settings), scrambled(2, precision="mixed", **settings)


@pytest.mark.parametrize("settings", KINDS)
def test_predictions_differ_little_and_the_kept_positions_not_at_all(settings):
    sequences = random_tokens([150, 200, 90], seed=1)
    (_, exact), (_, mixed) = (forward(model, sequences) for model in pair(**settings))
    for name in ("relevance", "kept", "gates", "local"):
        np.testing.assert_array_equal(getattr(mixed, name), getattr(exact, name))
    assert mixed.prediction.dtype == mx.float32
    difference = np.abs(np.array(mixed.prediction) - np.array(exact.prediction)).max()
    assert 0 < difference < 0.02 * max(1, np.abs(np.array(exact.prediction)).max())


@pytest.mark.parametrize("settings", KINDS)
def test_gradients_point_the_same_way(settings):
    sequences, found = random_tokens([150, 200, 90], seed=1), []
    for model in pair(**settings):

        def loss(parameters, model=model):
            model.update(parameters)
            return forward(model, sequences)[1].prediction.sum()

        gradient = mx.grad(loss)(model.trainable_parameters())
        found.append(np.concatenate([np.array(value).ravel() for _, value in tree_flatten(gradient)]))
    exact, mixed = found
    assert mixed.dtype == np.float32
    assert exact @ mixed > 0.999 * np.linalg.norm(exact) * np.linalg.norm(mixed)


def test_a_toy_is_learned_as_well(tmp_path):
    toy_dataset(tmp_path / "data", n=100)
    losses = {}
    for precision in ("float32", "mixed"):
        settings = {"model__precision": precision, "training__epochs": 2, "training__warmup": 0}
        trainer, _ = start_run(toy_config(tmp_path / "data", **settings), tmp_path / precision)
        trainer.run()
        losses[precision] = [row["train_loss"] for row in read_metrics(tmp_path / precision)]
    assert losses["mixed"] != losses["float32"]
    np.testing.assert_allclose(losses["mixed"], losses["float32"], rtol=0.05)


def test_the_option_reaches_the_attention_and_the_fast_path_leaves_it_to_the_model():
    assert SelectedAttention().precision == ModelConfig().precision == "float32"
    model = scrambled(precision="mixed")
    assert model.attention.precision == "mixed" and Engine(model).backend == "mlx"
    assert all(value.dtype == mx.float32 for _, value in tree_flatten(model.parameters()))


@pytest.mark.parametrize("other", [{"model.attention": "mlp"}, {"model.architecture": "cnn"}])
def test_what_has_no_pairs_in_softmax_has_no_mixed_precision(other):
    with pytest.raises(ConfigError, match="settings do not fit") as error:
        load_config(None, {"model.precision": "mixed", **other})
    assert "softmax attention" in error.value.found

"""Where a step's time goes: every part is there, and the training does not notice."""

import mlx.core as mx
import numpy as np
import pytest
from mlx.utils import tree_flatten
from toys import toy_config, toy_dataset

from mlx_gsa.training.profile import Part, StepProfile, advise, profile_training
from mlx_gsa.training.run import start_run

ORGANS = ["stem", "selector", "selection", "gather", "projections", "attention", "approximator", "pool"]


@pytest.fixture
def data(tmp_path):
    toy_dataset(tmp_path / "data", n=60)
    return tmp_path / "data"


def trained(data, folder, profiled, **settings):
    trainer, _ = start_run(toy_config(data, training__initial_filters="random", **settings), folder)
    profile = profile_training(trainer, n_batches=2) if profiled else None
    trainer.run()
    return dict(tree_flatten(trainer.bundle.model.parameters())), profile


def test_a_profiled_training_has_the_numbers_of_any_other(data, tmp_path):
    settings = {"model__attention": "random", "training__dropout": 0.2}
    with_it, profile = trained(data, tmp_path / "a", True, **settings)
    without, _ = trained(data, tmp_path / "b", False, **settings)
    for name, value in without.items():
        np.testing.assert_array_equal(value, with_it[name])
    assert [part.name for part in profile.parts] == ["batch", *ORGANS, "clipping", "optimizer"]
    assert [part.name for part in profile.per_epoch] == ["validation", "checkpoint"]


@pytest.mark.parametrize("settings, organs", [
    ({"model__attention": "mlp"}, [name for name in ORGANS if name != "approximator"]),
    ({"model__attention": "full"}, ORGANS),
    ({"model__architecture": "cnn"}, ["model"]),
])  # fmt: skip
def test_every_kind_of_model_has_its_parts(settings, organs, data, tmp_path):
    trainer, _ = start_run(toy_config(data, training__initial_filters="random", **settings), tmp_path / "run")
    before = [mx.array(key) for key in mx.random.state]
    profile = profile_training(trainer, n_batches=1)
    assert [part.name for part in profile.parts][1:-2] == organs
    assert all(part.forward > 0 for part in profile.parts if part.name != "attention")
    assert profile.step > 0 and profile.peak_memory > 0 and profile.peak_resident > 10**7
    assert profile.batch[0] == 16 and profile.batch[2] <= profile.batch[1]
    np.testing.assert_array_equal(before[0], mx.random.state[0])


def made(**times):
    return StepProfile([Part(*item) for item in times.items()], 10.0, [Part("validation", 1.0)], 10, (1, 1, 1), 1, 1)


def test_advice_names_what_is_large():
    assert advise(made(batch=1.0, selector=20.0)) == []
    assert [text.split()[0] for text in advise(made(stem=6.0, attention=7.0, selector=3.0))] == ["Attention", "The"]
    assert "batch_size" in advise(made(optimizer=5.0, selector=5.0))[0]
    slow = made(selector=1.0)._replace(per_epoch=[Part("validation", 100.0)])
    assert "validation records" in advise(slow)[0]

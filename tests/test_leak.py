"""The audit's first question: a selector that tells the label by its choice of positions is caught."""

import pytest
from cheater import cheating
from toys import toy_config, toy_dataset

from mlx_gsa.audit.leak import CARRIED, label_leak
from mlx_gsa.evaluation.prediction import auroc
from mlx_gsa.model.predictor import Predictor
from mlx_gsa.training.loop import Trainer
from mlx_gsa.training.setup import new_bundle


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A toy data set of two classes, its configuration, and a model that learned it honestly."""
    folder = tmp_path_factory.mktemp("toy")
    dataset = toy_dataset(folder / "data", n=1000, task="binary")
    config = toy_config(dataset.path, training__epochs=4, model__n_channels=8)
    bundle, _ = new_bundle(config, dataset)
    Trainer(bundle, config, dataset, folder).run()
    return dataset, config, Predictor(bundle)


@pytest.fixture(scope="module")
def checks(trained):
    """The honest model and the cheater before the same judge's bench."""
    dataset, config, honest = trained
    return {
        name: label_leak(model, dataset, config, bases=600_000, bootstrap=300)
        for name, model in (("honest", honest), ("cheater", cheating(honest, dataset)))
    }


def test_the_cheater_predicts_as_well_as_the_honest_model(trained):
    dataset, _, honest = trained
    rows = dataset.indices("test")
    scores = [
        auroc(dataset.labels[rows], [p.raw[0] for p in model.predict([dataset.sequence(int(i)) for i in rows])])
        for model in (honest, cheating(honest, dataset))
    ]
    assert min(scores) > 0.85


def test_the_honest_model_passes(checks):
    check = checks["honest"]
    assert check.verdict == "pass", check.why
    assert check.numbers["carried"].low >= CARRIED
    assert check.numbers["selection"].low > check.numbers["random"].high


def test_the_cheater_is_caught(checks):
    check = checks["cheater"]
    assert check.verdict == "fail", check.why
    assert check.numbers["carried"].high < CARRIED
    assert check.numbers["model"].value > 0.5 > check.numbers["selection"].value + 0.2
    assert check.numbers["places_alone"] > 0.5 > checks["honest"].numbers["places_alone"] + 0.2

"""The audit's first question: a selector that tells the label by its choice of positions is caught."""

import math

import pytest
from cheater import ParityOrganism, SmugglingOrganism, cheating
from toys import scrambled, toy_config, toy_dataset

from mlx_gsa.audit.leak import CARRIED, _judged, label_leak
from mlx_gsa.evaluation.bootstrap import Interval
from mlx_gsa.evaluation.prediction import auroc
from mlx_gsa.inference.predictor import Predictor
from mlx_gsa.model.weights import ModelBundle
from mlx_gsa.training.loop import Trainer
from mlx_gsa.training.setup import new_bundle

CHEATERS = {"ends": SmugglingOrganism, "parity": ParityOrganism}


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
    """The honest model and the cheaters, each before a judge of its own."""
    dataset, config, honest = trained
    models = {"honest": honest} | {name: cheating(honest, dataset, kind) for name, kind in CHEATERS.items()}
    options = {"bases": 250_000, "bootstrap": 300}
    return {name: label_leak(model, dataset, config, **options) for name, model in models.items()}


@pytest.mark.parametrize("kind", CHEATERS.values())
def test_a_cheater_predicts_nearly_as_well_as_the_honest_model(trained, kind):
    dataset, _, honest = trained
    rows = dataset.indices("test")
    sequences = [dataset.sequence(int(i)) for i in rows]
    scores = [
        auroc(dataset.labels[rows], [found.raw[0] for found in model.predict(sequences)])
        for model in (honest, cheating(honest, dataset, kind))
    ]
    assert min(scores) > 0.85


def test_the_honest_model_passes(checks):
    check = checks["honest"]
    assert check.verdict == "pass", check.why
    assert check.numbers["carried"].low >= CARRIED
    assert check.numbers["selection"].low > check.numbers["random"].high


@pytest.mark.parametrize("name", CHEATERS)
def test_a_cheater_is_caught(checks, name):
    check = checks[name]
    assert check.verdict == "fail", check.why
    assert check.numbers["carried"].high < CARRIED
    assert check.numbers["model"].value > 0.5 > check.numbers["selection"].value + 0.2


def test_places_alone_tell_the_label_of_cheaters_only(checks):
    told = {name: check.numbers["places_alone"] for name, check in checks.items()}
    assert min(told[name] for name in CHEATERS) > 0.5 > told["honest"] + 0.2


def test_the_share_of_letters_in_windows_is_stated(checks):
    shares = checks["honest"].numbers["bases_in_windows"]
    assert shares["everything"] == 1.0 and 0 < shares["selection"] < 1 and 0 < shares["random"] < 1


def _numbers(model, selection, random, everything, carried):
    names, room = ("model", "selection", "random", "everything", "room", "carried"), min(model, everything) - random
    return dict(zip(names, map(_interval, (model, selection, random, everything, room, carried)), strict=True))


def _interval(value):
    return Interval(*value) if isinstance(value, tuple) else Interval(value, value - 0.05, value + 0.05)


@pytest.mark.parametrize(
    "values, verdict, words",
    [
        ((0.9, 0.8, 0.1, 0.85, 0.95), "pass", "The letters carry it"),
        ((0.9, 0.1, 0.1, 0.85, 0.0), "fail", "do not carry it"),
        ((0.9, 0.5, 0.1, 0.85, (0.5, 0.3, 0.7)), "not tested", "Too few records"),
        ((0.02, 0.0, 0.0, 0.0, 0.0), "not tested", "nothing that could be leaked"),
        ((0.9, 0.2, 0.1, 0.3, 0.5), "not tested", "too weak to judge"),
        ((0.44, 0.40, 0.35, 0.34, (math.nan, math.nan, math.nan)), "not tested", "about as much as all do"),
        ((0.44, 0.40, 0.35, 0.36, (5.0, 2.0, 9.0)), "not tested", "about as much as all do"),
        ((0.9, 0.85, 0.84, 0.86, (0.5, -3.0, 4.0)), "pass", "Random positions tell as much"),
    ],
)
def test_the_rule(values, verdict, words):
    found, why = _judged(_numbers(*values))
    assert found == verdict and words in why


def test_a_model_that_keeps_everything_is_not_tested(trained):
    dataset, config, honest = trained
    model = scrambled(attention="full", n_channels=4)
    check = label_leak(Predictor(ModelBundle(model, "binary", None, honest.scale)), dataset, config)
    assert check.verdict == "not tested" and "Every position attends" in check.why

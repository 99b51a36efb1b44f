"""Relevance must be learned: models with random weights as the measure."""

import pytest
from toys import scrambled, toy_dataset

from mlx_gsa.audit.random_weights import LITTLE, random_weights
from mlx_gsa.inference.predictor import Predictor
from mlx_gsa.model.labels import LabelScale
from mlx_gsa.model.weights import ModelBundle


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    return toy_dataset(tmp_path_factory.mktemp("toy") / "data", n=200, lengths=(150, 200))


def _predictor(seed=0, **settings):
    return Predictor(ModelBundle(scrambled(seed, n_channels=4, **settings), "regression", None, LabelScale()))


def test_another_model_looks_elsewhere(dataset):
    check = random_weights(_predictor(), dataset, bootstrap=100)
    assert check.verdict == "pass", check.why
    assert abs(check.numbers["correlation"].value) < LITTLE
    assert len(check.numbers["by_model"]) == 5


def test_a_model_that_is_as_it_began_fails(dataset, monkeypatch):
    predictor = _predictor()
    monkeypatch.setattr("mlx_gsa.audit.random_weights.untrained_selectors", lambda *_: [predictor] * 5)
    check = random_weights(predictor, dataset, bootstrap=100)
    assert check.verdict == "fail" and check.numbers["correlation"].value == pytest.approx(1.0)


def test_full_attention_is_not_tested(dataset):
    assert random_weights(_predictor(attention="full"), dataset).verdict == "not tested"

"""Deletion and insertion: a model whose relevance is what it reads passes, one whose relevance is noise fails."""

import numpy as np
import pytest
from toys import toy_config, toy_dataset

from mlx_gsa.audit.faithfulness import FRACTIONS, faithfulness
from mlx_gsa.inference.predictor import Predictor
from mlx_gsa.training.loop import Trainer
from mlx_gsa.training.setup import new_bundle


class Blind(Predictor):
    """A model that gives out noise as its relevance."""

    def predict(self, sequences, batch_size=32, attention=False):
        """Yield predictions with relevance drawn anew."""
        rng = np.random.default_rng(1)
        for found in super().predict(sequences, batch_size, attention):
            yield found._replace(relevance=rng.random(len(found.relevance)))


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("toy")
    dataset = toy_dataset(folder / "data", n=300, lengths=(80, 80))
    config = toy_config(dataset.path, training__epochs=3, model__n_channels=4)
    bundle, _ = new_bundle(config, dataset)
    Trainer(bundle, config, dataset, folder).run()
    return dataset, bundle


def _check(dataset, predictor, **options):
    return faithfulness(predictor, dataset, bases=500_000, bootstrap=200, **options)


def test_a_model_that_looks_where_it_says_passes(trained):
    dataset, bundle = trained
    seen = []
    check = _check(dataset, Predictor(bundle), progress=lambda *row: seen.append(row))
    assert check.verdict == "pass", check.why
    numbers = check.numbers
    assert numbers["rank_correlation"]["relevance"].low > 0.2
    assert numbers["deletion_area"]["mutagenesis"].value < numbers["deletion_area"]["moved"].value
    areas = [numbers["deletion_area"][name].value for name in ("random", "relevance")]
    np.testing.assert_allclose(numbers["beside"]["random"]["deletion_gain"].value, areas[0] - areas[1])
    assert set(numbers["beside"]) == {"random", "GC"} and "Not judged" in check.why
    assert seen[-1][:2] == (numbers["records"], numbers["records"])
    for way, ends in (("deletion", (1, 0)), ("insertion", (0, 1))):
        for curve in numbers[way].values():
            assert len(curve) == len(FRACTIONS)
            np.testing.assert_allclose(curve[[0, -1]], ends)


def test_noise_for_relevance_fails(trained):
    dataset, bundle = trained
    check = _check(dataset, Blind(bundle))
    assert check.verdict == "fail", check.why
    assert abs(check.numbers["rank_correlation"]["relevance"].value) < 0.1


def test_a_model_that_predicts_a_constant_is_not_tested(trained):
    dataset, bundle = trained
    model = type(bundle.model)(bundle.model.config)
    for part in ("weight", "bias"):
        model.approximator.output[part] = 0 * model.approximator.output[part]
    check = _check(dataset, Predictor(bundle._replace(model=model)))
    assert check.verdict == "not tested" and "same of the sequences" in check.why


def test_the_same_seed_gives_the_same_numbers(trained):
    dataset, bundle = trained
    first, second = (_check(dataset, Predictor(bundle), seed=3).numbers for _ in range(2))
    assert first["insertion_area"] == second["insertion_area"]
    assert first["rank_correlation"] == second["rank_correlation"]

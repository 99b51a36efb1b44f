"""Shuffled labels: a view that hides the test labels, and a pipeline that finds nothing in it."""

import numpy as np
import pytest
from toys import random_tokens, toy_config, toy_dataset, write_toy

from mlx_gsa.audit.enriched import Enriched
from mlx_gsa.audit.shuffled import mean_of, shuffled_labels, with_shuffled_labels
from mlx_gsa.data.dataset import Dataset
from mlx_gsa.evaluation.bootstrap import Interval
from mlx_gsa.inference.predictor import Predictor
from mlx_gsa.training.loop import BEST, Trainer
from mlx_gsa.training.setup import new_bundle


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("toy")
    dataset = toy_dataset(folder / "data", n=600, lengths=(50, 50), task="binary")
    config = toy_config(dataset.path, model__n_channels=4, model__filter_width=8)
    bundle, _ = new_bundle(config, dataset)
    Trainer(bundle, config, dataset, folder).run()
    return dataset, config, Predictor(bundle)


def test_labels_are_permuted_within_their_split_and_test_labels_are_hidden(tmp_path):
    dataset = write_toy(tmp_path / "data", random_tokens([30] * 200), np.arange(200.0))
    view = with_shuffled_labels(dataset, 0)
    for split in ("train", "val"):
        rows = dataset.indices(split)
        assert (view.labels[rows] != dataset.labels[rows]).mean() > 0.5
        np.testing.assert_array_equal(np.sort(view.labels[rows]), np.sort(dataset.labels[rows]))
    test = dataset.indices("test")
    assert set(view.labels[test]) <= set(dataset.labels[dataset.indices("train")])
    assert len(set(view.labels[test])) == 1
    np.testing.assert_array_equal(view.records.split, dataset.records.split)
    np.testing.assert_array_equal(Dataset.open(dataset.path).labels, dataset.labels)


def test_the_seed_decides_the_permutation(trained):
    dataset = trained[0]
    one, same, other = (with_shuffled_labels(dataset, seed).labels for seed in ([0, 0], [0, 0], [0, 1]))
    assert (one == same).all() and (one != other).any()


def test_an_honest_pipeline_finds_nothing(trained, tmp_path):
    dataset, config, predictor = trained
    check = shuffled_labels(predictor, dataset, config, tmp_path, shuffles=3, bootstrap=100)
    assert check.verdict == "pass", check.why
    assert check.numbers["run"].value > 0.9 and check.numbers["shuffled"].low < 0.5
    assert len(check.numbers["each"]) == 3 and check.numbers["motifs"]["count"] is None
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"shuffled-labels-{i}" for i in range(3)]


def test_a_pipeline_that_sees_the_real_labels_fails(trained, tmp_path, monkeypatch):
    dataset, config, predictor = trained
    monkeypatch.setattr("mlx_gsa.audit.shuffled.with_shuffled_labels", lambda dataset, seed: dataset)
    check = shuffled_labels(predictor, dataset, config, tmp_path, shuffles=1, bootstrap=100)
    assert check.verdict == "fail" and check.numbers["shuffled"].low > 0.5


def test_an_enriched_motif_fails(trained, tmp_path):
    dataset, config, predictor = trained
    asked = []

    def enriched(model):
        asked.append(model)
        return Enriched("1 motif.", 1, 10, ("MA0001",))

    check = shuffled_labels(predictor, dataset, config, tmp_path, shuffles=1, bootstrap=100, enriched=enriched)
    assert check.verdict == "fail" and "1 motif." in check.why and len(asked) == 1
    assert (tmp_path / "shuffled-labels-0" / BEST).is_dir()


def test_a_mean_has_the_interval_of_student():
    found = mean_of([Interval(value, 0, 1) for value in (0.4, 0.5, 0.6)])
    half = 4.302653 * 0.1 / np.sqrt(3)
    np.testing.assert_allclose(found, (0.5, 0.5 - half, 0.5 + half), rtol=1e-6)
    assert mean_of([Interval(0.4, 0.3, 0.5)]) == Interval(0.4, 0.3, 0.5)

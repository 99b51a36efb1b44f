"""A model before its first step: fitted to the training split, its budget on the way to the final one."""

import mlx.core as mx
import numpy as np
import pytest
from toys import planted, random_tokens, toy_config, toy_dataset, write_toy

from mlx_gsa.config import ModelConfig
from mlx_gsa.data.dataset import Records, write_dataset
from mlx_gsa.errors import DatasetError, RunError
from mlx_gsa.model import memory
from mlx_gsa.model.organism import SparseOrganism
from mlx_gsa.model.stem import lookup_filters
from mlx_gsa.training.discovery import DiscoveredFilter, _Positions
from mlx_gsa.training.setup import QUIET, composition, fitted_config, new_bundle, sparsity_at, start_filters

CNNS = ("cnn", "cnn-large")


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    return toy_dataset(tmp_path_factory.mktemp("setup") / "data")


def test_the_reference_budget_is_the_median_number_kept(tmp_path):
    lengths = [100, 200, 300] + [7] * 17  # of these twenty, sixteen are for training
    dataset = write_toy(tmp_path / "data", random_tokens(lengths), np.zeros(20))
    rows = np.arange(3)
    assert fitted_config(ModelConfig(sparsity=0.1), dataset, rows).reference_budget == 20
    assert fitted_config(ModelConfig(sparsity=0.1, max_selected=12), dataset, rows).reference_budget == 12
    for attention in ("full", "window"):
        assert fitted_config(ModelConfig(attention=attention), dataset, rows).reference_budget == 200


def test_a_batch_for_which_there_is_no_memory_is_refused_before_anything_is_done(dataset, monkeypatch):
    monkeypatch.setattr(memory, "memory_total", lambda: 10_000)
    with pytest.raises(RunError, match=r"too little memory.*16 x 120 bp.*\n.*model.neighbours=128"):
        new_bundle(toy_config(dataset.path), dataset)


@pytest.mark.parametrize("task, n_outputs", [("regression", 1), ("binary", 1), ("multiclass", 3)])
def test_the_task_decides_the_number_of_outputs(tmp_path, task, n_outputs):
    dataset = toy_dataset(tmp_path / "data", n=40, task=task)
    bundle, _ = new_bundle(toy_config(dataset.path), dataset)
    assert bundle.model.config.n_outputs == n_outputs and bundle.task == task
    assert bundle.classes == dataset.classes
    assert bundle.scale.deviation == (1.0 if task != "regression" else bundle.scale.deviation) != 0


def test_the_composition_is_counted_by_hand(tmp_path):
    sequences = [np.array([0, 0, 0, 1, 4, 4], np.uint8), np.array([3, 2, 2, 4], np.uint8)]
    dataset = write_toy(tmp_path / "data", sequences, np.zeros(2))
    counts = np.array([3, 1, 2, 1]) + 1
    np.testing.assert_allclose(composition(dataset, [0, 1], "forward"), counts / 11)
    np.testing.assert_allclose(composition(dataset, [0, 1], "both"), (counts + counts[::-1]) / 22)


@pytest.mark.parametrize("embeddings", ["learned", "one-hot", "random"])
@pytest.mark.parametrize("strands", ["both", "forward"])
def test_a_started_filter_responds_as_its_template_does(dataset, strands, embeddings):
    template = np.random.default_rng(0).normal(size=(11, 4))
    model = SparseOrganism(ModelConfig(n_channels=6, filter_width=11, strands=strands, embeddings=embeddings))
    sequences = random_tokens([80, 50])
    positions = _Positions(sequences, 11, 4)
    model.stem.composition = mx.array(positions.composition.astype(np.float32))
    start_filters(model, [DiscoveredFilter("ACGTA", 9.0, template, threshold=3.5, gain=2.0)])
    bank, bias = model.stem.filter_bank(model.embeddings.table())
    assert bias.tolist() == [-7.0] + [-QUIET] * 5
    for tokens, first in zip(sequences, positions.first, strict=True):
        found = np.max([np.array(s)[0, :, 0] for s in lookup_filters(mx.array(tokens[None]), bank)], axis=0)
        expected = 2 * positions.responses(template, strands)[first : first + len(tokens)]
        np.testing.assert_allclose(found, expected, atol=1e-3)


def test_random_filters_are_not_looked_for(dataset, monkeypatch):
    from mlx_gsa.training import setup

    monkeypatch.setattr(setup, "discover_filters", lambda *_, **__: pytest.fail("looked for filters"))
    for settings in ({"training__initial_filters": "random"}, {"model__stem": False}):
        assert new_bundle(toy_config(dataset.path, **settings), dataset)[1] == []
    assert new_bundle(toy_config(dataset.path), dataset, discover=False)[1] == []


@pytest.mark.parametrize("seed", [0, 1])
def test_the_same_seed_gives_the_same_start(dataset, seed):
    config = toy_config(dataset.path, training__seed=seed)
    (first, _), (second, _) = new_bundle(config, dataset), new_bundle(config, dataset)
    other, _ = new_bundle(toy_config(dataset.path, training__seed=seed + 1), dataset)
    assert np.array_equal(first.model.stem.weight, second.model.stem.weight)
    assert not np.array_equal(first.model.attention.key_projection.weight, other.model.attention.key_projection.weight)


def test_data_without_training_records_are_refused(tmp_path):
    sequences, labels = planted(4)
    records = Records.build(np.array(list("abcd"), object), labels, np.array(["val"] * 4))
    dataset = write_dataset(tmp_path / "d", sequences, records, task="regression", source={"type": "toy"}, seed=0)
    with pytest.raises(DatasetError, match="no training record"):
        new_bundle(toy_config(dataset.path), dataset)


def budgets(**settings):
    config = toy_config(".", **settings)
    return [sparsity_at(epoch, config) for epoch in range(config.training.epochs)]


def test_the_budget_shrinks_geometrically_and_then_stays():
    found = budgets(
        training__epochs=8, training__anneal=0.5, training__start_sparsity=0.4, model__sparsity=0.025,
    )  # fmt: skip
    assert found == pytest.approx([0.4, 0.2, 0.1, 0.05, 0.025, 0.025, 0.025, 0.025])


def test_a_budget_may_also_grow_or_stay():
    grown = budgets(training__epochs=4, training__anneal=0.5, training__start_sparsity=0.1, model__sparsity=0.4)
    np.testing.assert_allclose(grown, [0.1, 0.2, 0.4, 0.4])
    assert budgets(training__epochs=3, training__start_sparsity=0.5, model__sparsity=0.5) == [0.5] * 3


@pytest.mark.parametrize("epochs", range(1, 12))
@pytest.mark.parametrize("anneal", [0.0, 0.5, 0.95, 1.0])
def test_the_last_epoch_is_always_at_the_final_budget(epochs, anneal):
    assert budgets(training__epochs=epochs, training__anneal=anneal)[-1] == 0.1


def test_the_size_of_a_cnn_is_written_into_its_configuration(dataset):
    small, large = (new_bundle(toy_config(dataset.path, model__architecture=a), dataset)[0].model for a in CNNS)
    assert small.config.cnn_filters == small.second.weight.shape[0] and large.config.cnn_filters is None
    given = toy_config(dataset.path, model__architecture="cnn", model__cnn_filters=3)
    assert new_bundle(given, dataset)[0].model.second.weight.shape[0] == 3


@pytest.mark.parametrize("architecture", ["cnn", "cnn-large"])
def test_a_rival_needs_no_filters_from_kmers(dataset, monkeypatch, architecture):
    from mlx_gsa.training import setup

    monkeypatch.setattr(setup, "discover_filters", lambda *_, **__: pytest.fail("looked for filters"))
    bundle, found = new_bundle(toy_config(dataset.path, model__architecture=architecture), dataset)
    assert found == [] and bundle.model.stem.composition.tolist() != [0.25] * 4


def test_a_rival_has_no_budget_that_moves(dataset):
    config = toy_config(dataset.path, model__architecture="cnn", model__sparsity=0.01, training__epochs=4)
    assert [sparsity_at(epoch, config) for epoch in range(4)] == [0.01] * 4

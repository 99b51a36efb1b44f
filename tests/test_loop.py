"""The loop: it learns, keeps the best, stops in time, writes down every epoch, and fails clearly."""

import copy

import mlx.core as mx
import numpy as np
import pytest
from mlx.utils import tree_flatten
from toys import toy_config, toy_dataset

from mlx_gsa.errors import RunError
from mlx_gsa.model.weights import load_model
from mlx_gsa.training import loop
from mlx_gsa.training.checkpoint import load_checkpoint
from mlx_gsa.training.loop import Trainer
from mlx_gsa.training.metrics_log import read_metrics
from mlx_gsa.training.setup import new_bundle, sparsity_at


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    return toy_dataset(tmp_path_factory.mktemp("loop") / "data", n=60, lengths=(60, 90))


def make(dataset, folder, observe=None, **settings):
    config = toy_config(dataset.path, **settings)
    bundle, _ = new_bundle(config, dataset)
    folder.mkdir(exist_ok=True)
    return Trainer(bundle, config, dataset, folder, observe)


def scripted(monkeypatch, metrics):
    """Let validation report these values of its metric, one an epoch, and a loss that only rises."""
    following = enumerate(metrics, 1)
    monkeypatch.setattr(loop, "validate", lambda *_: (*next(following), {}))


def weights(model):
    return {name: np.array(value) for name, value in tree_flatten(model.parameters())}


def same(one, other):
    return one.keys() == other.keys() and all(np.array_equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize("task", ["regression", "binary", "multiclass"])
def test_the_loss_goes_down(tmp_path, task):
    dataset = toy_dataset(tmp_path / "data", n=150, lengths=(60, 80), task=task)
    trainer = make(dataset, tmp_path / "run", training__epochs=6, training__initial_filters="random")
    trainer.run()
    rows = read_metrics(tmp_path / "run")
    assert rows[-1]["train_loss"] < 0.8 * rows[0]["train_loss"]
    assert rows[0]["metric_name"] == {"regression": "r", "binary": "AUROC", "multiclass": "accuracy"}[task]


@pytest.mark.parametrize("attention", ["mlp", "full", "window", "random"])
def test_every_attention_trains(dataset, tmp_path, attention):
    trainer = make(dataset, tmp_path / "run", training__epochs=1, model__attention=attention)
    before = weights(trainer.bundle.model)
    trainer.run()
    after = weights(trainer.bundle.model)
    unchanged = {name for name in before if np.array_equal(before[name], after[name])}
    assert unchanged == {"stem.composition", "embeddings.n_offset"}  # there is no N in these data


def test_the_best_epoch_is_kept_whatever_comes_after(dataset, tmp_path, monkeypatch):
    scripted(monkeypatch, [0.1, 0.9, 0.5])
    seen = []
    trainer = make(
        dataset, tmp_path / "run", lambda row: row["kind"] == "epoch" and seen.append(weights(trainer.bundle.model)),
        training__epochs=3, training__anneal=0,
    )  # fmt: skip
    result = trainer.run()
    assert (result["best"]["epoch"], result["best"]["val_metric"], result["stopped_early"]) == (2, 0.9, False)
    assert same(weights(load_model(tmp_path / "run" / "best").model), seen[1])
    assert not same(seen[1], seen[2])


def test_training_stops_after_epochs_without_improvement(dataset, tmp_path, monkeypatch):
    scripted(monkeypatch, [0.5, 0.4, 0.8, 0.8, 0.2, 0.9])
    result = make(dataset, tmp_path / "run", training__epochs=6, training__anneal=0, training__patience=2).run()
    assert (result["epochs"], result["stopped_early"], result["best"]["epoch"]) == (5, True, 3)
    assert len(read_metrics(tmp_path / "run")) == 5


def test_without_patience_training_goes_to_the_end(dataset, tmp_path, monkeypatch):
    scripted(monkeypatch, [0.9, 0.8, 0.7, 0.6])
    result = make(dataset, tmp_path / "run", training__epochs=4, training__anneal=0).run()
    assert (result["epochs"], result["stopped_early"]) == (4, False)


def test_an_epoch_at_a_looser_budget_is_neither_the_best_nor_held_against_patience(dataset, tmp_path, monkeypatch):
    scripted(monkeypatch, [0.9, 0.8, 0.1, 0.2])
    result = make(
        dataset, tmp_path / "run",
        training__epochs=4, training__anneal=0.5, training__start_sparsity=0.4, training__patience=1,
    ).run()  # fmt: skip
    rows = read_metrics(tmp_path / "run")
    assert [row["sparsity"] for row in rows] == pytest.approx([0.4, 0.2, 0.1, 0.1])
    assert (result["epochs"], result["best"]["epoch"]) == (4, 4)


@pytest.mark.parametrize("anneal", [0.0, 1.0])
def test_there_is_always_a_best_model(dataset, tmp_path, anneal):
    result = make(dataset, tmp_path / "run", training__epochs=2, training__anneal=anneal).run()
    assert result["best"] and load_model(tmp_path / "run" / "best").task == "regression"


def test_every_epoch_has_a_row(dataset, tmp_path):
    seen = []
    trainer = make(dataset, tmp_path / "run", lambda row: seen.append(copy.deepcopy(row)), training__epochs=2)
    trainer.run()
    rows = read_metrics(tmp_path / "run")
    assert [row["epoch"] for row in rows] == [1, 2]
    for epoch, row in enumerate(rows):
        assert row["sparsity"] == sparsity_at(epoch, trainer.config)
        assert row["embedding_rate"] == pytest.approx(5 * row["learning_rate"], rel=1e-5)
        assert row["grad_norm"].keys() == {"total", *trainer.bundle.model.trainable_parameters()}
        assert all(np.isfinite([row["train_loss"], row["train_local_loss"], row["val_loss"], row["val_metric"]]))
        assert row["seconds"] >= 0 and row["records_per_second"] > 0
    steps = [row for row in seen if row["kind"] == "step"]
    assert len(steps) == 2 * trainer.steps_per_epoch
    assert sum(row["records"] for row in steps) == 2 * len(trainer.rows["train"])
    assert steps[-1]["train_loss"] == pytest.approx(rows[-1]["train_loss"])


def test_the_rate_warms_up_and_then_falls(dataset, tmp_path):
    trainer = make(dataset, tmp_path / "run", training__epochs=4, training__warmup=1, training__final_rate=0.1)
    trainer.run()
    rates = [row["learning_rate"] for row in read_metrics(tmp_path / "run")]
    base = trainer.config.training.learning_rate
    assert rates[0] == pytest.approx(base, rel=1e-3)  # the last step of the warm-up
    assert rates[0] > rates[1] > rates[2] > rates[3] > 0.1 * base


@pytest.mark.parametrize("seed", [0, 1])
def test_the_same_seed_gives_the_same_weights(dataset, tmp_path, seed):
    models = []
    for name, each in (("one", seed), ("two", seed), ("three", seed + 1)):
        trainer = make(dataset, tmp_path / name, training__seed=each, training__augment_shift=4)
        trainer.run()
        models.append(weights(trainer.bundle.model))
    assert same(models[0], models[1]) and not same(models[0], models[2])


def test_without_validation_records_the_last_epoch_is_kept(tmp_path):
    dataset = toy_dataset(tmp_path / "data", n=8)
    result = make(dataset, tmp_path / "run").run()
    assert result["best"]["epoch"] == 2 and "val_loss" not in result["best"]
    assert (tmp_path / "run" / "best").is_dir()


def test_a_training_that_diverges_says_so_and_keeps_the_last_good_checkpoint(dataset, tmp_path):
    def spoil(row):
        if row["kind"] == "epoch":
            trainer.labels[:] = np.inf

    trainer = make(dataset, tmp_path / "run", spoil)
    with pytest.raises(RunError) as caught:
        trainer.run()
    assert (caught.value.what, caught.value.where) == ("training diverged", "epoch 2")
    assert "training.learning_rate" in caught.value.mend
    checkpoint = load_checkpoint(tmp_path / "run")
    assert (checkpoint.progress["epoch"], checkpoint.progress["step"]) == (1, 0)
    assert all(np.isfinite(np.array(value)).all() for _, value in tree_flatten(checkpoint.model))


def test_a_checkpoint_of_another_model_is_refused(dataset, tmp_path):
    make(dataset, tmp_path / "run").run()
    with pytest.raises(RunError, match="checkpoint does not fit the configuration"):
        make(dataset, tmp_path / "run", model__selector_hidden=9).resume()


def test_validation_leaves_the_model_as_it_is(dataset, tmp_path, monkeypatch):
    seen = {}

    def remember(predictor, *_):
        seen["sparsity"], seen["same"] = predictor.config.sparsity, same(weights(predictor.model), weights(model))
        mx.random.normal((3,))  # whoever draws here must not change the training
        return 1.0, 0.0, {}

    monkeypatch.setattr(loop, "validate", remember)
    trainer = make(dataset, tmp_path / "run", training__epochs=1)
    model = trainer.bundle.model
    trainer.run()
    assert seen == {"sparsity": sparsity_at(0, trainer.config), "same": True}

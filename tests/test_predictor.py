"""The predictor: order, memory, and that a batch is only a way to be faster."""

import json

import numpy as np
import pytest
from toys import forward, random_tokens, scrambled

from mlx_gsa.errors import RunError
from mlx_gsa.inference import predictor as module
from mlx_gsa.inference.predictor import Predictor
from mlx_gsa.model.labels import LabelScale
from mlx_gsa.model.weights import ModelBundle, save_model

SETTLED = ("softmax", "mlp", "full", "window")


def make(task="regression", classes=None, scale=None, **settings):
    model = scrambled(n_outputs=len(classes) if task == "multiclass" else 1, window=9, n_global=3, **settings)
    return Predictor(ModelBundle(model, task, classes, scale or LabelScale()))


def assert_same(first, second):
    for name, one, other in zip(first._fields, first, second, strict=True):
        if one is None:
            assert other is None
        else:
            np.testing.assert_allclose(one, other, atol=1e-5, rtol=1e-5, err_msg=name)


def test_results_come_in_the_order_given():
    sequences = random_tokens([90, 5, 300, 17, 64, 300, 1, 33, 120, 41])
    found = list(make().predict(sequences, batch_size=2))
    assert [len(p.relevance) for p in found] == [len(s) for s in sequences]
    assert [len(p.kept) for p in found] == [-(-len(s) // 10) for s in sequences]


@pytest.mark.parametrize("attention", SETTLED)
def test_the_size_of_a_batch_changes_nothing(attention):
    predictor, sequences = make(attention=attention), random_tokens([60, 17, 90, 64, 61, 8, 33])
    one_by_one = list(predictor.predict(sequences, batch_size=1, attention=True))
    for batch_size in (3, 32):
        for first, second in zip(one_by_one, predictor.predict(sequences, batch_size, attention=True), strict=True):
            assert_same(first, second)


def test_a_prediction_is_the_forward_pass():
    predictor = make(scale=LabelScale(10.0, 2.0))
    tokens = random_tokens([57])[0]
    (found,) = predictor.predict([tokens], attention=True)
    batch, output = forward(predictor.model, [tokens])
    np.testing.assert_allclose(found.raw, output.prediction[0], atol=1e-5)
    np.testing.assert_allclose(found.prediction, 10 + 2 * found.raw, rtol=1e-5)
    np.testing.assert_array_equal(found.kept, output.kept[0])
    np.testing.assert_allclose(found.weights, predictor.model.attention_map(batch, output)[0], atol=1e-5)
    np.testing.assert_allclose(found.contribution.sum(axis=0) + np.array(predictor.model.bias), found.raw, atol=1e-5)


def test_sequences_are_read_ahead_by_at_most_eight_batches():
    taken = []

    def endless():
        while True:
            taken.append(1)
            yield random_tokens([20], seed=len(taken))[0]

    found = make().predict(endless(), batch_size=2)
    for number in range(1, 40):
        next(found)
        assert number <= len(taken) <= number + 16
    assert not list(make().predict([]))


@pytest.mark.parametrize("task, classes", [("binary", ["off", "on"]), ("multiclass", ["a", "b", "c"])])
def test_probabilities_of_a_classification(task, classes):
    for found in make(task, classes).predict(random_tokens([40, 50])):
        if task == "binary":
            np.testing.assert_allclose(found.prediction, 1 / (1 + np.exp(-found.raw)), rtol=1e-5)
        else:
            assert found.prediction.shape == (3,) and found.prediction.sum() == pytest.approx(1)
            assert found.contribution.shape == (len(found.kept), 3)


@pytest.mark.parametrize("attention", SETTLED)
def test_a_map_has_a_row_for_every_kept_position(attention):
    predictor, sequences = make(attention=attention), random_tokens([70, 33, 1])
    for tokens, found in zip(sequences, predictor.predict(sequences, attention=True), strict=True):
        kept = len(tokens) if attention in ("full", "window") else -(-len(tokens) // 10)
        assert found.weights.shape == (kept, kept) and found.gates.shape == (kept,)
        np.testing.assert_allclose(found.weights.sum(axis=1), 1, rtol=1e-4)
    assert next(predictor.predict(sequences)).weights is None


def test_a_map_too_large_is_refused(monkeypatch):
    monkeypatch.setattr(module, "_MAX_PAIRS", 100)
    sequences = random_tokens([96])
    assert next(make().predict(sequences, attention=True)).weights.shape == (10, 10)
    assert next(make(attention="full").predict(sequences)).weights is None
    with pytest.raises(RunError, match=r"attention map too large: expected at most 100 pairs, found 96 bp"):
        next(make(attention="full").predict(sequences, attention=True))


@pytest.mark.parametrize("sparsity", [0.02, 0.5, 1.0])
def test_the_same_weights_can_keep_another_share(sparsity):
    predictor, tokens = make(), random_tokens([100])[0]
    (found,) = predictor.with_sparsity(sparsity).predict([tokens])
    (before,) = predictor.predict([tokens])
    assert len(found.kept) == round(100 * sparsity) and len(before.kept) == 10
    np.testing.assert_allclose(found.relevance, before.relevance, atol=1e-6)
    assert predictor.config.sparsity == 0.1


def test_a_folder_is_all_it_takes(tmp_path):
    predictor, sequences = make("multiclass", ["a", "b", "c"]), random_tokens([64, 20])
    save_model(tmp_path, ModelBundle(predictor.model, predictor.task, predictor.classes, predictor.scale))
    other = Predictor.from_folder(str(tmp_path))
    assert (other.task, other.classes, other.config) == ("multiclass", ["a", "b", "c"], predictor.config)
    assert other.n_parameters == json.loads((tmp_path / "model.json").read_text())["n_parameters"]
    for first, second in zip(predictor.predict(sequences), other.predict(sequences), strict=True):
        assert_same(first, second)


def test_long_records_go_few_at_a_time(monkeypatch):
    predictor, shapes = make(), []
    run = predictor.engine.run
    monkeypatch.setattr(module, "_MOST_BASES", 3_000)
    monkeypatch.setattr(predictor.engine, "run", lambda *batch: (shapes.append(batch[0].shape), run(*batch))[1])
    found = list(predictor.predict(random_tokens([1000] * 5 + [9000]), batch_size=32))
    assert [len(one.relevance) for one in found] == [1000] * 5 + [9000]
    assert max(rows for rows, length in shapes if length < 2000) <= 3
    assert all(rows * length <= 10_000 for rows, length in shapes)


def test_a_map_among_neighbours_is_square_and_zero_beyond_them():
    predictor, tokens = make(neighbours=3), random_tokens([120])[0]
    (found,) = predictor.predict([tokens], attention=True)
    apart = np.abs(np.arange(12)[:, None] - np.arange(12))
    assert found.weights.shape == (12, 12) and not found.weights[apart > 3].any()
    np.testing.assert_allclose(found.weights.sum(axis=1), 1, rtol=1e-5)


def test_what_can_be_mapped_is_told_beforehand(monkeypatch):
    monkeypatch.setattr(module, "_MAX_PAIRS", 100)
    assert [make(attention=kind).can_map(96) for kind in ("softmax", "full")] == [True, False]
    assert not make(neighbours=2).can_map(160)


@pytest.mark.parametrize("attention, ahead", [(False, 4), (True, 2)])
def test_long_sequences_and_large_maps_are_read_ahead_by_few(attention, ahead, monkeypatch):
    monkeypatch.setattr(module, "_MOST_BASES", 50)  # of 100 bp: four make eight batches of 50
    monkeypatch.setattr(module, "_MAX_PAIRS", 400)  # of 100 pairs: with the bases, two make it full
    read = []
    stream = make().predict((read.append(1) or tokens for tokens in random_tokens([100] * 9)), attention=attention)
    next(stream)
    assert len(read) == ahead
    assert len(list(stream)) == 8

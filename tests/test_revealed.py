"""The judge: it sees what is shown and nothing else."""

import mlx.core as mx
import numpy as np
import pytest
from toys import random_tokens, toy_config, toy_dataset

from mlx_gsa.audit.masks import MaskSource, marked
from mlx_gsa.audit.revealed import Judge, RevealedPredictor, new_judge, train_judge
from mlx_gsa.config import ModelConfig
from mlx_gsa.dna.alphabet import N
from mlx_gsa.evaluation.prediction import auroc
from mlx_gsa.model.labels import LabelScale


@pytest.fixture(scope="module")
def judge():
    """A judge with random weights and a head that says something."""
    mx.random.seed(0)
    model = RevealedPredictor(ModelConfig(n_channels=4, filter_width=7))
    model.last.weight = mx.random.normal(model.last.weight.shape)
    model.stem.threshold = mx.zeros_like(model.stem.threshold)
    return Judge(model, "regression", LabelScale())


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    return toy_dataset(tmp_path_factory.mktemp("toy") / "data", n=300, task="binary")


def test_hiding_the_letters_outside_the_windows_of_what_is_shown_changes_nothing(judge):
    tokens = random_tokens([60])[0]
    mask = marked(60, [10, 40])
    hidden = np.full_like(tokens, N)
    for position in (10, 40):
        hidden[position - 3 : position + 4] = tokens[position - 3 : position + 4]
    shown, elsewhere = judge.predict([tokens, hidden], [mask, mask])
    np.testing.assert_allclose(shown, elsewhere, rtol=1e-5)
    hidden[12] = (hidden[12] + 1) % 4
    assert abs(judge.predict([hidden], [mask])[0] - shown) > 1e-5


def test_predictions_do_not_depend_on_batches_or_order(judge):
    sequences = random_tokens([30, 75, 50])
    masks = [np.arange(len(s)) % 3 == 0 for s in sequences]
    together = judge.predict(sequences, masks)
    alone = np.concatenate([judge.predict([s], [m]) for s, m in zip(sequences, masks, strict=True)])
    np.testing.assert_allclose(together, alone, rtol=1e-5)


def test_a_new_judge_starts_from_the_warm_readout(dataset):
    judge = new_judge(toy_config(dataset.path, model__n_channels=4), dataset)
    tokens = dataset.sequence(0)
    rows = mx.array(np.array(tokens)[None])
    lengths = mx.array([len(tokens)])
    features = judge.model.features(rows)
    local = judge.model.readout(judge.model.pool(features, judge.model.selector(features), lengths))
    shown = judge.model.from_shown(rows, lengths, mx.ones(rows.shape, mx.bool_))
    np.testing.assert_allclose(np.array(shown), np.array(local), rtol=1e-4)


def test_a_judge_learns_and_the_same_seed_gives_the_same_judge(dataset):
    config = toy_config(dataset.path, model__n_channels=4)
    rows = dataset.indices("val")
    sequences, everything = zip(*[(dataset.sequence(i), np.ones(dataset.lengths[i], bool)) for i in rows], strict=True)
    masks = MaskSource(0.1, dataset.lengths[rows], [np.arange(9)] * len(rows))
    first, second = (train_judge(config, dataset, masks, bases=60_000).predict(sequences, everything) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    assert auroc(dataset.labels[rows], first[:, 0]) > 0.9


def test_training_reads_no_more_records_than_it_can_afford(dataset):
    steps = []
    config = toy_config(dataset.path, model__n_channels=4)
    masks = MaskSource(0.1, np.array([80]), [np.arange(8)])
    train_judge(config, dataset, masks, bases=2_000, progress=lambda *row: steps.append(row))
    assert steps[-1][:2] == (len(steps), len(steps)) and len(steps) <= 8

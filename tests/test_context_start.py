"""The start of the context: leave-one-out by leaving one out, shares by hand, and a table that says what k-mers say."""

import mlx.core as mx
import numpy as np
import pytest
from toys import forward, random_tokens, toy_config, write_toy

from mlx_gsa.dna.alphabet import N
from mlx_gsa.model.context import KmerContext
from mlx_gsa.training.context_start import kmer_shares, leave_one_out_ridge
from mlx_gsa.training.setup import new_bundle


def centred(values):
    return values - values.mean(axis=0)


def test_the_penalty_is_the_one_of_the_least_error_when_each_is_left_out():
    rng = np.random.default_rng(0)
    inputs = centred(rng.normal(size=(30, 8)))
    targets = centred(inputs[:, :1] + rng.normal(size=(30, 1)))
    penalties = (0.01, 0.3, 10.0)

    def fit(rows, penalty):
        x, y = inputs[rows], targets[rows]
        x_mean, y_mean = x.mean(axis=0), y.mean(axis=0)
        gram = (x - x_mean).T @ (x - x_mean) + penalty * 30 * np.eye(8)
        weights = np.linalg.solve(gram, (x - x_mean).T @ (y - y_mean))
        return weights, lambda new: (new - x_mean) @ weights + y_mean

    def error(penalty):
        left = [np.delete(np.arange(30), i) for i in range(30)]
        return np.mean([np.square(fit(rows, penalty)[1](inputs[i]) - targets[i]) for i, rows in enumerate(left)])

    weights, chosen = leave_one_out_ridge(inputs, targets, penalties)
    assert chosen == min(penalties, key=error)
    np.testing.assert_allclose(weights, fit(np.arange(30), chosen)[0], rtol=1e-6)


def test_the_shares_by_hand():
    context = KmerContext((8,), 2, 1, "both")
    shares = kmer_shares([np.array([0, 0, 3, 3], np.uint8), np.array([0, N, 1], np.uint8)], context, "both")
    assert shares.shape == (2, 10)
    assert sorted(shares[0][shares[0] > 0]) == pytest.approx([1 / 3, 2 / 3])  # AA and TT are one class, AT another
    assert not shares[1].any()


@pytest.mark.parametrize("channels", [None, 6])
def test_a_model_starts_with_what_composition_says(tmp_path, channels):
    rng = np.random.default_rng(0)
    gc = rng.uniform(0.2, 0.8, 300)
    sequences = [rng.choice(4, 80, p=[(1 - g) / 2, g / 2, g / 2, (1 - g) / 2]).astype(np.uint8) for g in gc]
    dataset = write_toy(tmp_path / "data", sequences, gc)
    config = toy_config(
        dataset.path, model__context=(20,), model__context_kmer=3, model__attention_channels=channels,
        model__n_channels=4,
    )  # fmt: skip
    model = new_bundle(config, dataset)[0].model
    rows = dataset.indices("test")
    _, output = forward(model, [dataset.sequence(int(i)) for i in rows])
    assert np.corrcoef(np.array(output.local)[:, 0], dataset.records.label[rows])[0, 1] > 0.75
    assert np.corrcoef(np.array(output.prediction)[:, 0], dataset.records.label[rows])[0, 1] > 0.75


def test_the_start_depends_on_the_training_records_alone(tmp_path):
    sequences, labels = random_tokens([60] * 50), np.random.default_rng(1).normal(size=50)
    other = labels + (np.arange(50) % 10 >= 8)  # of validation and test
    tables = []
    for name, values in (("one", labels), ("two", other)):
        dataset = write_toy(tmp_path / name, sequences, values)
        config = toy_config(dataset.path, model__context=(20,), model__context_kmer=3)
        tables.append(new_bundle(config, dataset)[0].model.context.table)
    assert mx.array_equal(*tables)

"""One step: weights of records, both objectives, and that an update goes downhill."""

import mlx.core as mx
import numpy as np
import pytest
from mlx.utils import tree_flatten, tree_map
from toys import random_tokens, scrambled

from mlx_gsa.config import ModelConfig, TrainingConfig
from mlx_gsa.data.batches import pad_rows
from mlx_gsa.model.build import build_model
from mlx_gsa.ranks import Ranks
from mlx_gsa.training.losses import task_loss
from mlx_gsa.training.optimizer import build_optimizer
from mlx_gsa.training.step import build_step


def batch(weights=(1, 1, 1, 1), seed=0):
    tokens, lengths = pad_rows(random_tokens([64, 50, 40, 33], seed), 64)
    counts, labels = np.array([7, 5, 4, 4], np.int32), np.array([1.0, -1.0, 0.5, 2.0], np.float32)
    arrays = (tokens, lengths, counts, labels, np.array(weights, np.float32))
    return [*map(mx.array, arrays), mx.random.key(0)]


def make(**settings):
    model, config = scrambled(), TrainingConfig(**{"epochs": 1, "warmup": 0} | settings)
    optimizer = build_optimizer(config, model.trainable_parameters(), 100)
    optimizer.init(model.trainable_parameters())
    return model, build_step(model, optimizer, "regression", config, 7)


def test_both_losses_are_means_over_the_records_that_count():
    model, step = make()
    inputs = batch((1, 1, 1, 0))
    output = model(*inputs[:3], 7)
    raws = output.prediction, output.local
    expected = [np.array(task_loss("regression", raw, inputs[3]))[:3].mean() for raw in raws]
    main, local, *_ = step(*inputs)
    assert [main.item(), local.item()] == pytest.approx(expected, rel=1e-5)


def test_a_rival_without_a_selector_has_one_objective():
    model = build_model(ModelConfig(architecture="cnn"))
    optimizer = build_optimizer(TrainingConfig(epochs=1), model.trainable_parameters(), 100)
    step = build_step(model, optimizer, "regression", TrainingConfig(epochs=1, local_weight=100.0), 7)
    inputs = batch()
    expected = np.array(task_loss("regression", model(*inputs[:3], 7).prediction, inputs[3])).mean()
    main, local, *_ = step(*inputs)
    assert main.item() == pytest.approx(expected, rel=1e-5) and local.item() == 0


def test_rows_of_weight_0_change_nothing():
    results = []
    for seed in (0, 1):
        model, step = make()
        inputs = batch((1, 1, 1, 0))
        inputs[0] = mx.concatenate([inputs[0][:3], mx.array(random_tokens([64], seed=seed + 5)[0])[None]])
        main, *_ = step(*inputs)
        results.append((main.item(), np.array(model.stem.weight)))
    assert results[0][0] == pytest.approx(results[1][0], rel=1e-6)
    np.testing.assert_allclose(results[0][1], results[1][1], atol=1e-6)


def test_steps_go_downhill():
    _, step = make(learning_rate=1e-3)
    losses = [sum(x.item() for x in step(*batch())[:2]) for _ in range(30)]
    assert losses[-1] < 0.7 * losses[0]


def test_only_what_is_learned_changes():
    model, step = make()
    before = tree_map(np.array, model.parameters())
    step(*batch())
    changed = {
        name for (name, one), (_, other) in zip(tree_flatten(before), tree_flatten(model.parameters()), strict=True)
        if not np.array_equal(one, other)
    }  # fmt: skip
    assert "stem.composition" not in changed
    assert changed == {name for name, _ in tree_flatten(model.trainable_parameters())}


def test_without_weight_the_selectors_own_objective_teaches_nothing():
    model, step = make(local_weight=0, weight_decay=0)
    before = np.array(model.readout.weight)
    *_, norms = step(*batch())
    assert norms["readout"].item() == 0 and np.array_equal(before, model.readout.weight)
    assert set(norms) == set(model.trainable_parameters())


def test_the_norm_is_that_of_the_organs():
    _, step = make()
    _, _, total, norms = step(*batch())
    assert total.item() == pytest.approx(np.sqrt(sum(v.item() ** 2 for v in norms.values())), rel=1e-5)


@pytest.mark.parametrize("shards", [2, 3, 4])
def test_shards_add_up_to_the_whole_batch(shards):
    results = []
    for count in (1, shards):
        _, step = make(shards=count)
        main, local, norm, norms = step(*batch((1, 1, 0.5, 0)))
        results.append([main.item(), local.item(), norm.item(), *(norms[name].item() for name in sorted(norms))])
    np.testing.assert_allclose(*results, rtol=1e-4)


def test_the_step_of_a_rank_is_that_of_one_process_bit_for_bit():
    """Each of two ranks computes one shard; what the other would have sent is put in its place."""
    sent = []

    class Two(Ranks):
        def gather(self, array, patient=False):
            sent.append(array)
            return mx.stack(sent[-2:]) if self.rank else mx.stack([array, array])

    whole, step = make(weight_decay=0, dropout=0.2)
    step(*batch())
    for rank in (0, 1):
        model, config = scrambled(), TrainingConfig(epochs=1, warmup=0, weight_decay=0, dropout=0.2)
        optimizer = build_optimizer(config, model.trainable_parameters(), 100)
        optimizer.init(model.trainable_parameters())
        build_step(model, optimizer, "regression", config, 7, Two(rank, 2))(*batch())
    pairs = zip(tree_flatten(whole.parameters()), tree_flatten(model.parameters()), strict=True)
    assert [name for (name, one), (_, other) in pairs if not np.array_equal(one, other)] == []


def test_the_dropout_is_a_function_of_the_key():
    losses = []
    for seed in (0, 0, 1):
        _, step = make(dropout=0.5)
        losses.append(step(*batch()[:-1], mx.random.key(seed))[0].item())
    assert losses[0] == losses[1] != losses[2]

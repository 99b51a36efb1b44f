"""The optimizer: embeddings learn five times as fast at every step, long gradients are cut."""

import mlx.core as mx
import mlx.optimizers as optim
import numpy as np
import pytest
from mlx.utils import tree_flatten, tree_map
from toys import scrambled

from mlx_gsa.config import TrainingConfig
from mlx_gsa.errors import ConfigError
from mlx_gsa.training.optimizer import JoinedOptimizer, build_optimizer, clip_by_norm, warmup_cosine


def rates(optimizer):
    return [float(group.learning_rate) for group in optimizer.optimizers]


@pytest.mark.parametrize("dtype", [mx.int32, mx.uint64])  # the optimizer counts in unsigned integers
def test_the_schedule_by_hand(dtype):
    schedule = warmup_cosine(2.0, 4, 12, 0.1)
    found = [float(schedule(mx.array(step, dtype=dtype))) for step in (0, 1, 3, 4, 8, 12, 20)]
    # Warm-up in quarters; half way down the cosine at step 8; a tenth at the end and ever after.
    assert found == pytest.approx([0.5, 1.0, 2.0, 2.0, 2 * (0.1 + 0.45), 0.2, 0.2], rel=1e-5)


def test_no_warm_up_starts_at_the_full_rate():
    assert float(warmup_cosine(2.0, 0, 10, 0.0)(mx.array(0))) == 2.0


@pytest.mark.parametrize("factor", [5.0, 1.0])
def test_embeddings_learn_at_a_multiple_of_the_base_rate_at_every_step(factor):
    model = scrambled()
    config = TrainingConfig(epochs=3, warmup=1, embedding_rate=factor, learning_rate=1e-3)
    optimizer = build_optimizer(config, model.trainable_parameters(), total_steps=12)
    base = warmup_cosine(1e-3, 4, 12, config.final_rate)
    gradients = tree_map(mx.ones_like, model.trainable_parameters())
    for step in range(12):
        optimizer.update(model, gradients)
        expected = float(base(mx.array(step)))
        assert rates(optimizer) == pytest.approx([factor * expected, expected], rel=1e-5)


def test_the_default_factor_is_the_specified_one():
    assert TrainingConfig().embedding_rate == 5.0


def test_the_first_step_moves_each_parameter_by_its_own_rate():
    model = scrambled()
    before = tree_map(np.array, model.trainable_parameters())
    config = TrainingConfig(epochs=1, warmup=0, weight_decay=0, learning_rate=1e-3)
    optimizer = build_optimizer(config, model.trainable_parameters(), 100)
    optimizer.update(model, tree_map(mx.ones_like, model.trainable_parameters()))
    moved = tree_map(lambda a, b: np.abs(a - np.array(b)).mean(), before, model.trainable_parameters())
    # With its bias corrected, Adam's first step is the rate itself.
    assert moved["embeddings"]["bases"] == pytest.approx(5e-3, rel=1e-3)
    assert moved["stem"]["weight"] == pytest.approx(1e-3, rel=1e-3)
    assert moved["bias"] == pytest.approx(1e-3, rel=1e-3)


def test_the_default_rate_is_not_that_of_another_group():
    model = scrambled()
    optimizer = build_optimizer(TrainingConfig(), model.trainable_parameters(), 100)
    optimizer.init(model.trainable_parameters())
    first, second = (set(group.state) - {"step", "learning_rate"} for group in optimizer.optimizers)
    assert first == {"embeddings"} and second == set(model.trainable_parameters()) - {"embeddings"}


def test_a_group_without_a_parameter_is_refused():
    with pytest.raises(ConfigError, match=r"optimizer group without a parameter \(embeddings\): found stem\.weight"):
        build_optimizer(TrainingConfig(), {"stem": {"weight": mx.zeros((2,))}}, 10)


@pytest.mark.parametrize("kind", ["one-hot", "random"])
def test_frozen_embeddings_leave_their_group_empty_and_stay(kind):
    model = scrambled(embeddings=kind)
    before = np.array(model.embeddings.table())
    optimizer = build_optimizer(TrainingConfig(epochs=1, warmup=0), model.trainable_parameters(), 100)
    optimizer.update(model, tree_map(mx.ones_like, model.trainable_parameters()))
    np.testing.assert_array_equal(model.embeddings.table(), before)
    assert rates(optimizer) == pytest.approx([5 * 3e-3, 3e-3])


GRADIENTS = {"stem": {"weight": mx.array([3.0, 0.0]), "gain": mx.array([4.0])}, "bias": mx.array([12.0])}


def test_norms_are_reported_before_clipping_for_each_organ():
    _, total, by_organ = clip_by_norm(GRADIENTS, 1.0)
    assert total.item() == 13
    assert {name: value.item() for name, value in by_organ.items()} == {"stem": 5, "bias": 12}


@pytest.mark.parametrize("limit, scale", [(1.3, 0.1), (13.0, 1.0), (100.0, 1.0)])
def test_only_gradients_longer_than_the_limit_are_cut(limit, scale):
    clipped, *_ = clip_by_norm(GRADIENTS, limit)
    np.testing.assert_allclose(clipped["stem"]["weight"], [3 * scale, 0], rtol=1e-5)
    np.testing.assert_allclose(clipped["bias"], [12 * scale], rtol=1e-5)


def test_no_gradient_at_all_is_no_division_by_zero():
    clipped, total, _ = clip_by_norm(tree_map(mx.zeros_like, GRADIENTS), 1.0)
    assert total.item() == 0 and clipped["bias"].item() == 0


def test_joined_organs_learn_the_same_numbers_as_single_parameters():
    models, config = [scrambled(4), scrambled(4)], TrainingConfig(epochs=2, warmup=1)
    joined = build_optimizer(config, models[0].trainable_parameters(), 20)
    assert isinstance(joined, JoinedOptimizer)
    plain = optim.MultiOptimizer(
        build_optimizer(config, models[0].trainable_parameters(), 20).optimizers, [lambda name, _: "embeddings" in name]
    )
    for seed in range(5):
        mx.random.seed(seed)
        gradients = tree_map(lambda x: mx.random.normal(x.shape), models[0].trainable_parameters())
        for optimizer, model in zip((joined, plain), models, strict=True):
            optimizer.update(model, gradients)
    for (name, one), (_, other) in zip(*(tree_flatten(model.parameters()) for model in models), strict=True):
        np.testing.assert_array_equal(one, other, err_msg=name)

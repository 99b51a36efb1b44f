"""What a training will cost, told before it begins and without changing it."""

import numpy as np
import pytest
from toys import toy_config, toy_dataset

from mlx_gsa.cli.cost import cost_line
from mlx_gsa.evaluation import training_cost as module
from mlx_gsa.evaluation.cost import count_flops
from mlx_gsa.evaluation.training_cost import measured_rate, training_cost, training_flops
from mlx_gsa.training.run import start_run


@pytest.fixture
def trainer(tmp_path):
    """A trainer before its first step: two epochs of five batches of 60-120 bp."""
    toy_dataset(tmp_path / "data")
    return start_run(toy_config(tmp_path / "data"), tmp_path / "run")[0]


def test_operations_by_hand(trainer):
    config = trainer.bundle.model.config
    plan = trainer._plan(0)
    each = {padded: count_flops(config, padded, batch_size=16)["total"] for padded, _ in plan}
    steps = sum(3 * 16 * each[padded] for padded, _ in plan)
    val = sum(count_flops(config, int(n), batch_size=16)["total"]
              for n in trainer.dataset.lengths[trainer.rows["val"]])  # fmt: skip
    cost = training_cost(trainer, calibrate=False)
    assert (cost.steps, cost.epochs, cost.seconds) == (len(plan), 2, None)
    assert cost.flops_step == pytest.approx(steps / len(plan)) and cost.flops == pytest.approx(2 * (steps + val))
    assert cost.flops_epoch == pytest.approx(steps + val) and cost.memory_bytes > 0


def test_a_changing_budget_is_counted(tmp_path):
    toy_dataset(tmp_path / "data")
    config = toy_config(tmp_path / "data", training__start_sparsity=0.8, training__epochs=4)
    falling = training_cost(start_run(config, tmp_path / "a")[0], calibrate=False)
    config = toy_config(tmp_path / "data", training__epochs=4)
    assert falling.flops > training_cost(start_run(config, tmp_path / "b")[0], calibrate=False).flops


def test_a_tiny_training_is_not_timed(trainer, monkeypatch):
    monkeypatch.setattr(module, "measured_rate", lambda trainer: pytest.fail("was timed"))
    assert training_cost(trainer).seconds is None


def test_time_is_operations_over_the_measured_rate(trainer, monkeypatch):
    monkeypatch.setattr(module, "TINY", 0)
    monkeypatch.setattr(module, "measured_rate", lambda trainer: 1e6)
    cost = training_cost(trainer)
    assert cost.seconds == pytest.approx(cost.flops / 1e6)


def test_a_slow_model_is_tried_on_fewer_rows(trainer, monkeypatch):
    asked = []
    inner = module._trial_step
    monkeypatch.setattr(module, "_trial_step", lambda t, padded, rows: asked.append(rows) or inner(t, padded, rows))
    assert measured_rate(trainer, seconds=0.0) > 0
    monkeypatch.setattr(module, "_TRIAL", 1.0)
    assert measured_rate(trainer, seconds=0.0) > 0
    assert asked == [16, 1]


def test_the_training_has_the_same_numbers_with_and_without_calibration(tmp_path):
    toy_dataset(tmp_path / "data")
    config = toy_config(tmp_path / "data", training__dropout=0.2)
    weights = []
    for name in ("timed", "plain"):
        trainer = start_run(config, tmp_path / name)[0]
        if name == "timed":
            measured_rate(trainer, seconds=0.0)
        trainer.run()
        weights.append(np.array(trainer.bundle.model.stem.weight))
    assert np.array_equal(*weights)


def test_of_many_lengths_a_sample_is_counted():
    from mlx_gsa.config import ModelConfig

    config = ModelConfig()
    one = count_flops(config, 500)["total"]
    assert training_flops(config, [500] * 100, epochs=2) == pytest.approx(3 * 200 * one)


def test_one_line(trainer):
    line = cost_line(trainer)
    assert "MFLOP a step" in line and "an epoch of" in line and "of memory at most" in line and " s," not in line

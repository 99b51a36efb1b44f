"""Few shapes: what is compiled stays bounded however long the training and however many lengths there are."""

import mlx.core as mx
import numpy as np
import pytest
from toys import forward, planted, random_tokens, scrambled, toy_config, write_toy

from mlx_gsa.config import load_config
from mlx_gsa.model.selector import widest_budget
from mlx_gsa.training import loop, widths
from mlx_gsa.training.run import start_run
from mlx_gsa.training.setup import sparsity_at
from mlx_gsa.training.widths import MOST_WIDTHS, step_width

ANNEALED = {"training__start_sparsity": 0.5, "model__sparsity": 0.05, "training__anneal": 1.0, "training__epochs": 8}


@pytest.fixture
def built(monkeypatch):
    """Every step that is built, with the shapes that it is called with; it learns nothing."""
    steps = []

    def build_step(model, optimizer, task, config, widest, *_, **__):
        shapes = set()
        steps.append((widest, shapes))

        def run(*arrays):
            shapes.add(tuple(value.shape for value in arrays))
            return mx.array(0.0), mx.array(0.0), mx.array(0.0), {}

        return run

    monkeypatch.setattr(loop, "build_step", build_step)
    monkeypatch.setattr(widths, "compiles", lambda: True)
    return steps


def test_compiled_shapes_are_bounded_by_buckets_and_widths(built, tmp_path):
    sequences, counts = planted(120, lengths=(40, 400))
    write_toy(tmp_path / "data", sequences, counts.astype(float))
    config = toy_config(tmp_path / "data", training__initial_filters="random", **ANNEALED)
    trainer, _ = start_run(config, tmp_path / "run")
    trainer.run()
    buckets = [int(padded) for padded in trainer.buckets]
    sparsities = [sparsity_at(epoch, config) for epoch in range(8)]
    exact = {(padded, widest_budget(padded, share)) for padded in buckets for share in sparsities}
    bound = len(buckets) * MOST_WIDTHS
    assert len(buckets) == 8 and len(exact) > 1.5 * bound  # else there is nothing to bound
    assert len(buckets) < len(built) <= bound
    assert all(len(shapes) == 1 for _, shapes in built)  # a step is compiled for one shape alone
    assert len({(widest, *shapes) for widest, shapes in built}) == len(built)  # and a shape only once


@pytest.mark.parametrize("first, final", [(0.5, 0.05), (0.05, 0.5), (0.1, 0.1), (1.0, 0.001)])
def test_a_width_holds_the_budget_and_the_last_is_exact(first, final, monkeypatch):
    monkeypatch.setattr(widths, "compiles", lambda: True)
    config = load_config(None, {"training.start_sparsity": first, "model.sparsity": final, "training.epochs": 50})
    found = set()
    for epoch in range(50):
        share = sparsity_at(epoch, config)
        found.add(step_width(2000, share, config))
        assert step_width(2000, share, config) >= widest_budget(2000, share)
    assert len(found) <= MOST_WIDTHS
    assert step_width(2000, final, config) == widest_budget(2000, final)


def test_without_compilation_the_width_is_exact():
    config = load_config(None, {"training.start_sparsity": 0.5, "model.max_selected": 300})
    assert [step_width(2000, share, config) for share in (0.1, 0.1234, 0.4)] == [200, 247, 300]


def test_places_beyond_the_budget_change_nothing():
    model, sequences = scrambled(3), random_tokens([90, 120])
    _, narrow = forward(model, sequences)
    tokens, lengths = np.full((2, 120), 5, np.uint8), mx.array([90, 120])
    for row, sequence in zip(tokens, sequences, strict=True):
        row[: len(sequence)] = sequence
    wide = model(mx.array(tokens), lengths, mx.array([9, 12]), 40)
    assert narrow.kept.shape[1] == 12 and wide.kept.shape[1] == 40
    np.testing.assert_allclose(wide.prediction, narrow.prediction, atol=1e-5)

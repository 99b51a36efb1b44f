"""Tiles over a long sequence: each as if it stood alone, with workers or without."""

import mlx.core as mx
import numpy as np
import pytest
from toys import random_tokens, scrambled

from mlx_gsa.dna.alphabet import N
from mlx_gsa.inference import tiles
from mlx_gsa.inference.engine import Engine

KINDS = (
    {}, {"strands": "forward"}, {"filter_width": 1}, {"filter_width": 8}, {"stem": False}, {"n_outputs": 2},
    {"max_selected": 7}, {"anchor": "end"}, {"context": (20,)}, {"attention": "mlp"},
)  # fmt: skip


def chromosome(length=1500, seed=0):
    tokens = random_tokens([length], seed)[0]
    tokens[400:430] = N
    return tokens


def one_by_one(model, tokens, tile, stride):
    """Each tile cut out and given to the model alone."""
    engine, starts = Engine(model, backend="mlx"), range(0, len(tokens) - tile + 1, stride)
    outputs = [engine.run(tokens[None, start : start + tile], [tile]) for start in starts]
    return list(starts), np.concatenate([o.prediction for o in outputs]), [o.relevance[0] for o in outputs]


@pytest.mark.parametrize("kind", KINDS, ids=str)
@pytest.mark.parametrize(("tile", "stride"), [(200, 50), (200, 200), (130, 70)])
def test_a_tile_is_scored_as_if_it_stood_alone(kind, tile, stride):
    model, tokens = scrambled(seed=7, **kind), chromosome()
    if "anchor" in kind:
        model.profile.weight = mx.random.normal(model.profile.weight.shape)
    found = Engine(model).scan(tokens, tile, stride)
    starts, raw, relevance = one_by_one(model, tokens, tile, stride)
    np.testing.assert_array_equal(found.starts, starts)
    np.testing.assert_allclose(found.raw, raw, atol=1e-5, rtol=1e-5)
    sums, cover = np.zeros(len(tokens)), np.zeros(len(tokens))
    for start, row in zip(starts, relevance, strict=True):
        sums[start : start + tile] += row
        cover[start : start + tile] += 1
    mean, seen = sums / np.maximum(cover, 1), cover > 0
    np.testing.assert_allclose(found.relevance[seen], mean[seen], atol=1e-4, rtol=1e-4)
    assert np.isnan(found.relevance[cover == 0]).all()


def test_features_of_a_base_are_computed_once(monkeypatch):
    seen = []
    model, tokens = scrambled(seed=7), chromosome(4000)
    engine = Engine(model)
    whole = type(engine._forward.kernels).filters

    def counted(kernels, tokens):
        seen.append(tokens.size)
        return whole(kernels, tokens)

    monkeypatch.setattr(type(engine._forward.kernels), "filters", counted)
    found = engine.scan(tokens, 1000, 100)
    assert len(found.starts) == 31 and sum(seen) < 1.6 * len(tokens)  # ten tiles cover a base


def test_workers_change_no_number(monkeypatch):
    monkeypatch.setattr(tiles, "TILES", 5)  # several blocks
    model, tokens = scrambled(seed=7), chromosome(5000)
    alone = Engine(model, n_threads=1).scan(tokens, 300, 100)
    engine = Engine(model, n_threads=2)
    with engine.workers() as workers:
        shared = [engine.scan(tokens, 300, 100, workers) for _ in range(2)]
    for one in shared:
        for first, second in zip(alone, one, strict=True):
            np.testing.assert_array_equal(first, second)


def test_one_thread_needs_no_workers():
    assert Engine(scrambled(), n_threads=1).workers() is None


def test_relevance_can_be_left_out():
    model, tokens = scrambled(seed=7), chromosome()
    found = Engine(model).scan(tokens, 200, 50, relevance=False)
    assert found.relevance is None
    np.testing.assert_array_equal(found.raw, Engine(model).scan(tokens, 200, 50).raw)

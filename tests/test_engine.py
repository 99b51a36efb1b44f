"""The fast path: the numbers of the training path, over models, lengths, N and PAD."""

import mlx.core as mx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from toys import forward, random_tokens, scrambled

from mlx_gsa.data.batches import pad_rows
from mlx_gsa.dna.alphabet import N
from mlx_gsa.errors import ConfigError
from mlx_gsa.inference import host
from mlx_gsa.inference.engine import Engine
from mlx_gsa.model.organism import OrganismOutput

KINDS = (
    {}, {"strands": "forward"}, {"stem": False}, {"distance": False}, {"n_outputs": 3}, {"max_selected": 9},
    {"sparsity": 1.0}, {"filter_width": 1}, {"filter_width": 7}, {"anchor": "end"}, {"anchor": "centre"},
    {"anchor": "start", "context": (10, 60)}, {"context": (30,), "strands": "forward"}, {"gate": False},
    {"neighbours": 5}, {"neighbours": 3, "sparsity": 0.4}, {"neighbours": 400},
    {"n_channels": 6, "attention_channels": 4}, {"embeddings": "one-hot"},
)  # fmt: skip
RIVALS = ("mlp", "full", "window", "random", "first")


def awkward(lengths, seed):
    """Sequences of these lengths with runs of N, and one that is nothing else."""
    rows = random_tokens(lengths, seed)
    rng = np.random.default_rng(seed)
    for row in rows[1:]:
        start = rng.integers(0, len(row))
        row[start : start + rng.integers(0, 40)] = N
    rows[-1][:] = N
    return rows


def assert_equal_outputs(found, expected):
    """Compare all that the fast path says, position by position."""
    np.testing.assert_allclose(found.relevance, expected.relevance, atol=1e-5, rtol=1e-5)
    np.testing.assert_array_equal(found.mask, expected.mask)
    np.testing.assert_array_equal(found.kept, expected.kept)
    np.testing.assert_allclose(found.gates, expected.gates, atol=1e-5)
    np.testing.assert_allclose(found.contribution, expected.contribution, atol=1e-5, rtol=1e-5)
    np.testing.assert_allclose(found.prediction, expected.prediction, atol=1e-5, rtol=1e-5)


def same_rows(found, expected):
    """Find the rows that keep the same positions; others differ only where relevance does not, but for rounding."""
    same = []
    for row, (mine, theirs) in enumerate(zip(found.kept, np.array(expected.kept), strict=True)):
        swapped = np.setxor1d(mine[found.mask[row]], theirs[np.array(expected.mask)[row]])
        same.append(not len(swapped))
        if len(swapped):
            near = found.relevance[row, swapped]
            assert np.ptp(near) <= 1e-5 * max(1, np.abs(near).max())
    return np.array(same)


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_the_folded_model_says_what_the_training_path_says(kind):
    model, rows = scrambled(seed=3, **kind), awkward([200, 130, 64, 21, 3, 1, 90], seed=1)
    if "anchor" in kind:
        model.profile.weight = mx.random.normal(model.profile.weight.shape)
    tokens, lengths = pad_rows(rows, 200)
    engine = Engine(model)
    assert engine.backend == "host"
    assert_equal_outputs(engine.run(tokens, lengths), forward(model, rows, 200)[1])


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 10_000), sparsity=st.floats(0.01, 1.0), width=st.integers(1, 24),
    lengths=st.lists(st.integers(1, 300), min_size=2, max_size=6),
)  # fmt: skip
def test_any_model_on_any_lengths(seed, sparsity, width, lengths):
    model, rows = scrambled(seed=seed, sparsity=sparsity, filter_width=width), awkward(lengths, seed)
    padded = max(lengths)
    found, expected = Engine(model, n_threads=1).run(*pad_rows(rows, padded)), forward(model, rows, padded)[1]
    alike = same_rows(found, expected)
    parts = [[None if x is None else np.array(x)[alike] for x in output] for output in (found, expected)]
    assert_equal_outputs(*(OrganismOutput(*part) for part in parts))


@pytest.mark.parametrize("neighbours", [None, 4])
def test_scores_too_large_for_an_exponential_are_safe(neighbours):
    model, rows = scrambled(seed=5, neighbours=neighbours), random_tokens([150, 90])
    for projection in (model.attention.query_projection, model.attention.key_projection):
        projection.weight = projection.weight * 60
    found = Engine(model).run(*pad_rows(rows, 150))
    assert np.isfinite(found.prediction).all()
    np.testing.assert_allclose(found.prediction, forward(model, rows, 150)[1].prediction, atol=1e-5, rtol=1e-5)


def test_the_model_path_gives_the_same_numbers_and_makes_its_filter_bank_once(monkeypatch):
    model, rows = scrambled(seed=2), awkward([120, 80, 40], seed=2)
    engine = Engine(model, backend="mlx")
    monkeypatch.setattr(type(model.stem), "filter_bank", lambda *_: pytest.fail("made again"))
    found = engine.run(*pad_rows(rows, 120))
    monkeypatch.undo()
    assert found.local is None
    assert_equal_outputs(found, forward(model, rows, 120)[1])
    assert_equal_outputs(found, Engine(model, backend="host").run(*pad_rows(rows, 120)))


@pytest.mark.parametrize("attention", RIVALS)
def test_what_cannot_be_folded_runs_as_it_is(attention):
    model, rows = scrambled(attention=attention, window=9, n_global=3), random_tokens([60, 44])
    engine = Engine(model)
    assert engine.backend == "mlx" and engine.workers() is None
    np.testing.assert_allclose(
        engine.predict(*pad_rows(rows, 60)), forward(model, rows, 60)[1].prediction, atol=1e-5, rtol=1e-5
    )
    with pytest.raises(ConfigError, match="no folded form"):
        Engine(model, backend="host")


def test_the_number_of_threads_changes_nothing():
    model = scrambled(seed=4)
    tokens, lengths = pad_rows(random_tokens([3000] * 7 + [1200] * 4), 3000)
    one, three = (Engine(model, n_threads=n).run(tokens, lengths) for n in (1, 3))
    for first, second in zip(one, three, strict=True):
        if first is not None:
            np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize("kind", [{"max_selected": 200}, {"neighbours": 16, "context": (512,)}], ids=str)
def test_a_long_sequence_has_the_same_numbers(kind):
    model, tokens = scrambled(seed=1, **kind), random_tokens([150_000])
    found, expected = Engine(model).run(*pad_rows(tokens, 150_000)), forward(model, tokens)[1]
    np.testing.assert_array_equal(found.kept, expected.kept)
    np.testing.assert_allclose(found.contribution, expected.contribution, atol=2e-5, rtol=2e-5)
    np.testing.assert_allclose(found.prediction, expected.prediction, rtol=1e-4)


@pytest.mark.metal
def test_on_a_gpu_the_model_path_is_chosen_and_agrees_with_the_host():
    model, rows = scrambled(seed=6), awkward([200, 130, 64], seed=6)
    engine = Engine(model)
    assert engine.backend == "mlx"
    host = Engine(model, backend="host").run(*pad_rows(rows, 200))
    np.testing.assert_allclose(engine.predict(*pad_rows(rows, 200)), host.prediction, atol=1e-4, rtol=1e-4)


def test_beyond_the_table_of_places_waves_are_computed(monkeypatch):
    model, rows = scrambled(seed=8), random_tokens([190, 170])
    expected = Engine(model).predict(*pad_rows(rows, 190))
    monkeypatch.setattr(host, "_TABLE", 20)
    np.testing.assert_allclose(Engine(model).predict(*pad_rows(rows, 190)), expected, atol=1e-6)

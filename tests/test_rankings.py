"""Orders of bases, and mutagenesis against a model that is a table."""

from types import SimpleNamespace

import mlx.core as mx
import numpy as np
import pytest
from fake_predictor import predict_one
from toys import forward, random_tokens, scrambled

from mlx_gsa.audit.rankings import (
    mutagenesis,
    over_windows,
    ranked,
    rankings_of,
    raw_outputs,
    reading_window,
    unselective,
)
from mlx_gsa.config import ModelConfig
from mlx_gsa.dna.alphabet import encode


class Additive:
    """A model whose output is 2 for every A at position 1, and 1 for every base that is no T at position 3."""

    config = ModelConfig()

    def __call__(self, tokens, lengths, counts, widest):
        """Return an output with a prediction."""
        value = 2.0 * (tokens[:, 1] == 0) + 1.0 * (tokens[:, 3] != 3)
        return SimpleNamespace(prediction=mx.stack([value, -value], axis=1))


def test_mutagenesis_is_the_mean_change_over_three_substitutions():
    effects = mutagenesis(Additive(), encode("CACGA")[0])
    np.testing.assert_allclose(effects, [0, 2, 0, 1 / 3, 0], atol=1e-6)
    np.testing.assert_allclose(mutagenesis(Additive(), encode("CACGA")[0], output=1), effects)


def test_unknown_bases_have_no_effect():
    np.testing.assert_array_equal(mutagenesis(Additive(), encode("NNNNN")[0]), 0)
    assert mutagenesis(Additive(), encode("CNCGA")[0])[1] == 0


def test_raw_outputs_are_those_of_the_model():
    model, sequences = scrambled(n_channels=4), random_tokens([50] * 5)
    np.testing.assert_allclose(
        raw_outputs(model, sequences), np.array(forward(model, sequences)[1].prediction), rtol=1e-4
    )


@pytest.mark.parametrize("width, edges", [(20, (9, 10)), (7, (3, 3)), (1, (0, 0))])
def test_what_a_position_reads(width, edges):
    assert reading_window(ModelConfig(filter_width=width)) == edges


def test_without_a_stem_a_position_reads_its_own_base():
    assert reading_window(ModelConfig(stem=False)) == (0, 0)


def test_a_position_gives_to_the_bases_it_reads():
    spread = over_windows(np.eye(1, 30, 15)[0], ModelConfig(filter_width=4))
    np.testing.assert_array_equal(np.flatnonzero(spread), [14, 15, 16, 17])
    np.testing.assert_allclose(spread.sum(), 1)


def test_rankings_put_the_site_first():
    tokens = encode("C" * 40 + "TATAAA" + "C" * 40)[0]
    rng = np.random.default_rng(0)
    rankings = rankings_of(tokens, predict_one(tokens), np.zeros(86), ModelConfig(filter_width=5), 0, rng)
    assert rankings["relevance at its position"].argmax() == 42
    assert abs(rankings["relevance"].argmax() - 42) <= 2
    assert abs(rankings["contribution"].argmax() - 42) <= 2
    assert rankings["GC"].sum() == 80
    np.testing.assert_allclose(np.sort(rankings["moved"]), np.sort(rankings["relevance"]))


def test_ties_are_in_random_order_and_the_rest_by_score():
    rng, scores = np.random.default_rng(0), [0, 0, 5, 0, 7]
    orders = {tuple(ranked(scores, rng).tolist()) for _ in range(40)}
    assert {order[:2] for order in orders} == {(4, 2)} and len(orders) == 6


@pytest.mark.parametrize("attention, words", [("full", "Every position"), ("random", "not chosen"), ("softmax", None)])
def test_models_without_a_selection_are_told(attention, words):
    model = scrambled(attention=attention, n_channels=4)
    reason = unselective(SimpleNamespace(model=model, config=model.config))
    assert reason is None if words is None else words in reason

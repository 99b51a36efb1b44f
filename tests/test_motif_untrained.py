"""Selectors that have learned nothing."""

import numpy as np
import pytest
from toys import random_tokens, scrambled

from mlx_gsa.errors import RunError
from mlx_gsa.inference.predictor import Predictor
from mlx_gsa.model.labels import LabelScale
from mlx_gsa.model.weights import ModelBundle
from mlx_gsa.motifs.untrained import UntrainedSelector, untrained_selectors


def predictor(**settings):
    return Predictor(ModelBundle(scrambled(**settings), "regression", None, LabelScale(0.0, 1.0)))


def test_it_selects_what_the_whole_untrained_model_would():
    trained = predictor(n_channels=8)
    selector = UntrainedSelector(trained, 5)
    whole = Predictor(ModelBundle(selector.model, "regression", None, LabelScale(0.0, 1.0)))
    sequences = random_tokens([60, 90, 75, 40])
    for one, other in zip(selector.predict(sequences, 3), whole.predict(sequences), strict=True):
        assert one.relevance == pytest.approx(other.relevance, abs=1e-5)
        lowest = np.sort(other.relevance)[-len(other.kept)]
        assert len(one.kept) == len(other.kept) and one.relevance[one.kept].min() == pytest.approx(lowest, abs=1e-5)


def test_seeds_differ_and_repeat_and_the_trained_weights_are_not_used():
    trained, sequences = predictor(n_channels=8), random_tokens([200])
    first, second = ([next(s.predict(sequences)).relevance for s in untrained_selectors(trained, 3, 1)] for _ in "ab")
    assert all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))
    assert not np.allclose(first[0], first[1])
    other = predictor(n_channels=8, seed=9)
    other.model.stem.composition = trained.model.stem.composition
    assert np.array_equal(first[0], next(untrained_selectors(other, 3, 1)[0].predict(sequences)).relevance)
    assert not np.array_equal(first[0], next(untrained_selectors(trained, 3, 2)[0].predict(sequences)).relevance)


def test_full_attention_keeps_all():
    selector = UntrainedSelector(predictor(n_channels=8, attention="full"), 0)
    assert len(next(selector.predict(random_tokens([70]))).kept) == 70


def test_a_model_that_does_not_choose_is_an_error():
    for attention in ("first", "random"):
        with pytest.raises(RunError, match=f'does not choose positions: found attention = "{attention}"'):
            untrained_selectors(predictor(n_channels=8, attention=attention), 3)

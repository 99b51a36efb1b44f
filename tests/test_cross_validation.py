"""Means over folds: by hand, paired, and with the groups kept together."""

import numpy as np
import pytest

from mlx_gsa.errors import GsaError
from mlx_gsa.evaluation.cross_validation import (
    Fold,
    mean_difference_over_folds,
    mean_over_folds,
    retention_over_folds,
)
from mlx_gsa.evaluation.prediction import accuracy, auroc

LABELS = np.array([0, 0, 1, 1])
GOOD, BAD = np.array([0.1, 0.2, 0.8, 0.9]), np.array([0.9, 0.2, 0.1, 0.8])


def fold(**predictions):
    return Fold(LABELS, predictions)


def random_folds(n_folds=3, n=60):
    rng = np.random.default_rng(1)
    folds = []
    for _ in range(n_folds):
        labels = np.arange(n) % 2
        folds.append(Fold(labels, {"a": labels + rng.normal(size=n), "b": labels + 3 * rng.normal(size=n)}))
    return folds


def test_the_mean_is_that_of_the_folds():
    folds = [fold(it=GOOD), fold(it=BAD)]
    assert auroc(LABELS, GOOD) == 1 and auroc(LABELS, BAD) == 0.25
    assert mean_over_folds(auroc, folds, "it", n=0).value == pytest.approx(0.625)


def test_a_model_does_not_differ_from_itself_on_any_resample():
    found = mean_difference_over_folds(auroc, random_folds(), "a", "a", n=50)
    assert tuple(found) == (0, 0, 0)
    assert tuple(retention_over_folds(auroc, random_folds(), "b", "b", n=50)) == (1, 1, 1)


def test_difference_and_retention_are_those_of_the_means():
    folds = random_folds()
    means = [np.mean([auroc(f.labels, f.predictions[name]) for f in folds]) for name in "ab"]
    assert mean_difference_over_folds(auroc, folds, "a", "b", n=0).value == pytest.approx(means[0] - means[1])
    assert retention_over_folds(auroc, folds, "b", "a", n=0).value == pytest.approx(means[1] / means[0])


def test_more_folds_give_a_narrower_interval_around_the_value():
    wide, narrow = (mean_over_folds(auroc, random_folds(k), "b", n=400) for k in (1, 8))
    assert wide.low < wide.value < wide.high and narrow.low < narrow.value < narrow.high
    assert narrow.high - narrow.low < 0.7 * (wide.high - wide.low)


def test_groups_are_resampled_whole():
    right = np.repeat([1.0, 0.0], 10)  # the first group is all right, the second all wrong
    one = Fold(np.ones(20), {"it": right}, np.repeat(["x", "y"], 10))
    found = mean_over_folds(accuracy, [one], "it", n=400)
    assert (found.low, found.high) == (0, 1)
    assert mean_over_folds(accuracy, [one._replace(groups=None)], "it", n=400).low > 0.2


def test_the_same_seed_gives_the_same_interval_another_seed_another():
    folds = random_folds()
    found = [mean_over_folds(auroc, folds, "b", n=50, seed=seed) for seed in (0, 0, 1)]
    assert found[0] == found[1] != found[2]


def test_no_fold_is_an_error():
    with pytest.raises(GsaError, match="No fold"):
        mean_over_folds(auroc, [], "it")

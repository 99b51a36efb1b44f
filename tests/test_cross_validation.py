"""Means over folds and seeds: by hand, paired, and with the groups kept together."""

import numpy as np
import pytest

from mlx_gsa.errors import GsaError
from mlx_gsa.evaluation.cross_validation import (
    Fold,
    mean_difference_over_folds,
    mean_over_folds,
    p_at_most,
    p_of_zero,
    retention_over_folds,
    score_fold,
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


def test_seeds_are_averaged_within_a_fold():
    seeds = fold(it=[GOOD, BAD], one=GOOD)
    found = score_fold({"auroc": auroc}, seeds, ["it", "one"], n=30)
    assert found["it"]["auroc"].seeds == [1, 0.25] and found["it"]["auroc"].value == 0.625
    assert mean_over_folds(auroc, [seeds], "it", n=0).value == 0.625
    assert retention_over_folds(auroc, [seeds], "it", "one", n=0).value == 0.625


def test_every_run_of_a_fold_sees_the_same_resamples_and_every_fold_its_own():
    one = random_folds(1)[0]
    found = [score_fold({"it": auroc}, one._replace(number=k), "ab", n=40) for k in (0, 0, 1)]
    draws = [each["a"]["it"].draws for each in found]
    assert (draws[0] == draws[1]).all() and (draws[0] != draws[2]).any()
    alone = score_fold({"it": auroc}, one._replace(number=0), "a", n=40)
    assert (alone["a"]["it"].draws == draws[0]).all()


def test_a_fold_on_which_two_models_were_run_gets_the_same_resamples_whatever_the_others():
    folds = [f._replace(number=i) for i, f in enumerate(random_folds(3))]
    last = score_fold({"it": auroc}, folds[2], "a", n=20)["a"]["it"]
    assert mean_over_folds(auroc, folds[2:], "a", n=20) == last.interval()


def test_p_of_zero_by_hand():
    draws = np.array([-1.0, 1, 2, 3, np.nan])
    assert p_of_zero(draws) == pytest.approx(2 * (1 + 1) / (1 + 4))
    assert p_of_zero(np.zeros(9)) == 1
    assert p_of_zero(np.arange(1.0, 100)) == pytest.approx(2 / 100)
    assert np.isnan(p_of_zero(np.array([np.nan])))


def test_p_at_most_by_hand():
    draws = np.array([0.94, 0.95, 0.96, 0.97, np.nan])
    assert p_at_most(draws, 0.95) == pytest.approx((1 + 3) / (1 + 5))  # what is not defined counts against


def test_the_share_above_chance_is_smaller_than_the_plain_share():
    found = score_fold({"it": auroc}, fold(it=BAD, one=GOOD), ["it", "one"], n=0)
    scored = [found[name]["it"] for name in ("it", "one")]
    assert scored[0].over(scored[1]).value == 0.25
    assert scored[0].over(scored[1], chance=0.5).value == pytest.approx(-0.5)
    assert np.isnan(scored[1].over(scored[0], chance=0.5).value)  # the other one is not above chance

"""DeLong's test against the definition pair by pair, with groups, over folds, and by simulation."""

import numpy as np
import pytest
from scipy.stats import norm

from mlx_gsa.errors import GsaError
from mlx_gsa.evaluation.bootstrap import paired_difference_intervals
from mlx_gsa.evaluation.delong import delong, delong_over_folds, placements
from mlx_gsa.evaluation.prediction import auroc


def by_definition(labels, first, second):
    """DeLong, DeLong & Clarke-Pearson 1988, equations 4 to 6, pair by pair."""
    tables = []
    for scores in (first, second):
        x, y = scores[labels == 1], scores[labels == 0]
        tables.append((x[:, None] > y) + 0.5 * (x[:, None] == y))
    areas = [table.mean() for table in tables]
    m, n = tables[0].shape
    s10 = np.cov([table.mean(axis=1) for table in tables])
    s01 = np.cov([table.mean(axis=0) for table in tables])
    contrast = np.array([1, -1])
    variance = contrast @ (s10 / m + s01 / n) @ contrast
    z = (areas[0] - areas[1]) / np.sqrt(variance)
    return *areas, np.sqrt(variance), z, 2 * norm.sf(abs(z))


def sample(n=80, seed=0, ties=False):
    rng = np.random.default_rng(seed)
    labels = (rng.random(n) < 0.4).astype(float)
    shared = labels + rng.normal(size=n)
    scores = shared + 0.5 * rng.normal(size=n), shared + rng.normal(size=n)
    return labels, *(np.round(each) if ties else each for each in scores)


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("seed", range(4))
def test_is_the_definition(seed, ties):
    labels, first, second = sample(seed=seed, ties=ties)
    found = delong(labels, first, second)
    expected = by_definition(labels, first, second)
    assert (found.first, found.second, found.standard_error, found.z, found.p) == pytest.approx(expected)
    assert found.first == pytest.approx(auroc(labels, first))
    assert found.difference == found.first - found.second
    assert found.high - found.low == pytest.approx(2 * 1.959964 * found.standard_error)


def test_placements_by_hand():
    found = placements([1, 1, 0, 0, 0], [3.0, 1.0, 0.0, 1.0, 2.0])
    assert found.positives == pytest.approx([1, 0.5])  # above 3 of 3; above one, level with one
    assert found.negatives == pytest.approx([1, 0.75, 0.5])


def test_single_records_as_groups_change_nothing():
    labels, first, second = sample()
    assert delong(labels, first, second, np.arange(80)) == pytest.approx(delong(labels, first, second))


def test_copies_of_a_record_count_once_if_grouped():
    labels, first, second = sample()
    twice = [np.repeat(part, 2) for part in (labels, first, second)]
    one, careless, careful = delong(labels, first, second), delong(*twice), delong(*twice, np.repeat(np.arange(80), 2))
    assert careful == pytest.approx(one)
    assert careless.standard_error < 0.75 * one.standard_error


def test_groups_agree_with_the_bootstrap_of_groups():
    rng = np.random.default_rng(3)
    groups = np.repeat(np.arange(120), 3)
    effect = [rng.normal(size=120)[groups] for _ in range(2)]  # a group is ranked well or badly as a whole
    labels = (rng.random(360) < 0.5).astype(float)
    first, second = (labels + each + 0.5 * rng.normal(size=360) for each in effect)
    found = delong(labels, first, second, groups)
    drawn = paired_difference_intervals({"a": auroc}, labels, first, second, 2000, groups=groups)["a"]
    assert found.high - found.low == pytest.approx(drawn.high - drawn.low, rel=0.1)


def test_seeds_are_averaged_and_the_same_seed_twice_is_one():
    labels, first, second = sample()
    assert delong(labels, [first, first], second) == pytest.approx(delong(labels, first, second))
    both = delong(labels, [first, second], second)
    assert both.difference == pytest.approx(delong(labels, first, second).difference / 2)


def test_folds_are_averaged_and_more_folds_are_surer():
    labels, first, second = sample()
    one, four = delong(labels, first, second), delong_over_folds([(labels, first, second, None)] * 4)
    assert four.difference == pytest.approx(one.difference)
    assert four.standard_error == pytest.approx(one.standard_error / 2)


def test_the_same_model_has_no_p():
    labels, first, _ = sample()
    found = delong(labels, first, first)
    assert found.difference == 0 and np.isnan(found.z) and np.isnan(found.p)


def test_equal_models_are_called_different_about_as_often_as_said():
    rng = np.random.default_rng(4)
    p_values = []
    for _ in range(300):
        labels = (rng.random(100) < 0.5).astype(float)
        p_values.append(delong(labels, labels + rng.normal(size=100), labels + rng.normal(size=100)).p)
    assert 0.02 < np.mean(np.array(p_values) < 0.05) < 0.09


def test_what_cannot_be_tested_is_refused():
    with pytest.raises(GsaError, match=r"two independent records of each class.*1 and 3"):
        delong([1, 0, 0, 0], np.arange(4.0), np.arange(4.0))
    with pytest.raises(GsaError, match="do not line up"):
        delong([1, 0, 0, 1], np.arange(3.0), np.arange(4.0))
    with pytest.raises(GsaError, match="neither 0 nor 1"):
        delong([1, 0, 2, 1], np.arange(4.0), np.arange(4.0))
    with pytest.raises(GsaError, match="Groups do not line up"):
        delong([1, 0, 0, 1], np.arange(4.0), np.arange(4.0), ["a"])

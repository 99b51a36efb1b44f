"""Bootstrap: deterministic, equal to a plain loop, covering what it should."""

import numpy as np
import pytest

from mlx_gsa.errors import GsaError
from mlx_gsa.evaluation import bootstrap
from mlx_gsa.evaluation.bootstrap import (
    bootstrap_interval,
    bootstrap_intervals,
    paired_ratio_interval,
    resampling_weights,
    sums_intervals,
)
from mlx_gsa.evaluation.prediction import auroc, pearson


@pytest.fixture
def noisy():
    rng = np.random.default_rng(0)
    labels = rng.normal(size=150)
    return labels, labels + rng.normal(size=150)


@pytest.mark.parametrize("seed", [0, 7])
def test_equals_a_plain_loop(noisy, seed):
    labels, predictions = noisy
    drawn = np.concatenate(list(resampling_weights(150, 200, seed))).astype(int)
    plain = [
        pearson(labels[pick], predictions[pick]) for pick in (np.repeat(np.arange(150), row) for row in drawn)
    ]
    found = bootstrap_interval(pearson, labels, predictions, n=200, seed=seed)
    assert found == pytest.approx((pearson(labels, predictions), *np.quantile(plain, [0.025, 0.975])))


def test_a_metric_without_weights_gives_the_same(noisy):
    plain = bootstrap_interval(lambda y, p: float(np.corrcoef(y, p)[0, 1]), *noisy, n=50)
    assert plain == pytest.approx(bootstrap_interval(pearson, *noisy, n=50))


def test_seed_decides(noisy):
    assert bootstrap_interval(pearson, *noisy, n=50, seed=1) == bootstrap_interval(
        pearson, *noisy, n=50, seed=1
    )
    assert bootstrap_interval(pearson, *noisy, n=50, seed=1) != bootstrap_interval(
        pearson, *noisy, n=50, seed=0
    )


def test_width_is_near_theory(noisy):
    found = bootstrap_interval(pearson, *noisy)
    z = np.arctanh(found.value) + np.array([-1.96, 1.96]) / np.sqrt(150 - 3)
    assert (found.low, found.high) == pytest.approx(np.tanh(z), abs=0.03)


def test_level_reaches_the_quantiles(noisy):
    narrow, wide = (bootstrap_interval(pearson, *noisy, level=level) for level in (0.5, 0.99))
    assert wide.low < narrow.low < narrow.high < wide.high
    with pytest.raises(GsaError, match="expected between 0 and 1, found 95"):
        bootstrap_interval(pearson, *noisy, n=5, level=95)


def test_weights_count_records_and_memory_is_bounded(monkeypatch):
    monkeypatch.setattr(bootstrap, "CHUNK_VALUES", 100)
    chunks = list(resampling_weights(30, 10, 0))
    assert [len(chunk) for chunk in chunks] == [3, 3, 3, 1]
    assert (np.concatenate(chunks).sum(1) == 30).all()


def test_groups_are_drawn_whole():
    groups = np.array(["chr1", "chr2", "chr1", "chr3"])
    weights = np.concatenate(list(resampling_weights(4, 50, 0, groups)))
    assert (weights[:, 0] == weights[:, 2]).all()
    assert (weights[:, [0, 1, 3]].sum(1) == 3).all()


def test_copies_within_groups_do_not_narrow_the_interval(noisy):
    labels, predictions = (np.repeat(part, 10) for part in noisy)
    groups = np.repeat(np.arange(150), 10)
    single = bootstrap_interval(pearson, *noisy)
    grouped = bootstrap_interval(pearson, labels, predictions, groups=groups)
    naive = bootstrap_interval(pearson, labels, predictions)
    assert (grouped.low, grouped.high) == pytest.approx((single.low, single.high))
    assert naive.high - naive.low < 0.5 * (grouped.high - grouped.low)


@pytest.mark.parametrize("groups", [["a", "a"], ["a", "b", "c"]])
def test_groups_that_cannot_be_drawn(groups):
    with pytest.raises(GsaError, match="Groups cannot be resampled"):
        list(resampling_weights(2, 5, 0, groups))


def test_undefined_metric_has_no_bounds_and_rare_ones_are_left_out():
    constant = bootstrap_interval(auroc, [1, 1, 1], [0.1, 0.2, 0.3], n=20)
    assert np.isnan(constant).all()
    few = bootstrap_interval(auroc, [1, 0, 0, 0, 0], [0.9, 0.1, 0.2, 0.3, 0.4], n=200)
    assert few == (1, 1, 1)


def test_no_resamples_gives_the_value_alone(noisy):
    found = bootstrap_interval(pearson, *noisy, n=0)
    assert found.value == pearson(*noisy)
    assert np.isnan([found.low, found.high]).all()


def test_metrics_share_their_resamples(noisy):
    found = bootstrap_intervals({"a": pearson, "b": pearson}, *noisy, n=30)
    assert found["a"] == found["b"]


def test_paired_ratio_of_equal_models_is_exactly_one(noisy):
    assert paired_ratio_interval(pearson, noisy[0], noisy[1], 3 * noisy[1] + 1, n=100) == pytest.approx(
        (1, 1, 1)
    )


def test_pairing_narrows_the_ratio(noisy):
    labels, full = noisy
    sparse = full + 0.1 * np.random.default_rng(1).normal(size=150)
    ratio = paired_ratio_interval(pearson, labels, sparse, full)
    alone = bootstrap_interval(pearson, labels, sparse)
    assert ratio.value == pytest.approx(pearson(labels, sparse) / pearson(labels, full))
    assert ratio.high - ratio.low < 0.5 * (alone.high - alone.low) / alone.value


def test_ratio_to_a_useless_model_is_undefined(noisy):
    assert np.isnan(paired_ratio_interval(pearson, noisy[0], noisy[1], -noisy[1], n=10)).all()


def test_sums_intervals_of_a_rate():
    columns = np.array([[1, 2], [0, 2], [2, 2], [1, 2]])
    found = sums_intervals(columns, lambda sums: sums[..., :1] / sums[..., 1:], n=500)
    assert found[0].value == 0.5
    assert 0 <= found[0].low < 0.5 < found[0].high <= 1

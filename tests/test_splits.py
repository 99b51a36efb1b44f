"""Splits: sizes, strata, whole groups, the same for the same seed, and clear refusals."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlx_gsa.data.splits import assign_splits
from mlx_gsa.errors import SplitError


def sizes(split):
    return [int((split == name).sum()) for name in ("train", "val", "test")]


def values(n, seed=0):
    return np.random.default_rng(seed).normal(size=n)


def test_sizes_are_exact_without_groups():
    assert sizes(assign_splits(1000, values(1000), "regression")) == [800, 100, 100]
    assert sizes(assign_splits(10, values(10), "regression")) == [8, 1, 1]
    assert sizes(assign_splits(3, values(3), "regression")) == [1, 1, 1]


def test_classes_have_the_same_share_in_each_split():
    labels = (np.arange(1000) % 4 == 0).astype(float)
    split = assign_splits(1000, labels, "binary", seed=0)
    for name, wanted in (("train", 200), ("val", 25), ("test", 25)):
        assert abs(labels[split == name].sum() - wanted) <= 1


def test_values_have_the_same_distribution_in_each_split():
    labels = values(1000)
    split = assign_splits(1000, labels, "regression", seed=3)
    for name in ("val", "test"):
        parts = np.quantile(labels[split == name], [0.1, 0.5, 0.9])
        assert np.allclose(parts, np.quantile(labels, [0.1, 0.5, 0.9]), atol=0.1)


@pytest.mark.parametrize("groups", [None, np.repeat(np.arange(50), 4), np.arange(200) // 10])
def test_same_seed_same_split_and_another_seed_another(groups):
    labels = values(200)
    one, two, other = (assign_splits(200, labels, "regression", groups, seed=s) for s in (0, 0, 1))
    assert np.array_equal(one, two) and not np.array_equal(one, other)


@settings(max_examples=60)
@given(st.lists(st.integers(0, 8), min_size=12, max_size=150), st.integers(0, 3))
def test_a_group_is_never_torn(groups, seed):
    groups = np.array([f"g{g}" for g in groups])
    if len(set(groups)) < 3:
        return
    split = assign_splits(len(groups), values(len(groups)), "regression", groups, seed=seed)
    assert all(len(set(split[groups == g])) == 1 for g in set(groups))
    assert min(sizes(split)) > 0


def test_chromosomes_come_near_the_fractions_and_balance_the_label():
    rng = np.random.default_rng(0)
    share = 1 / np.arange(3, 26)
    chrom = rng.choice([f"chr{i}" for i in range(1, 24)], 4000, p=share / share.sum())
    labels = (rng.random(4000) < 0.3).astype(float)
    split = assign_splits(4000, labels, "binary", chrom, seed=0)
    assert np.allclose(np.array(sizes(split)) / 4000, [0.8, 0.1, 0.1], atol=0.02)
    assert all(abs(labels[split == name].mean() - 0.3) < 0.04 for name in ("train", "val", "test"))


def test_one_large_group_among_single_records_goes_to_training():
    groups = np.array(["big"] * 300 + [f"r{i}" for i in range(700)])
    split = assign_splits(1000, values(1000), "regression", groups, seed=0)
    assert set(split[:300]) == {"train"} and sizes(split) == [800, 100, 100]


def test_a_fraction_may_be_zero():
    assert sizes(assign_splits(10, values(10), "regression", fractions=(0.5, 0.5, 0))) == [5, 5, 0]


@pytest.mark.parametrize(
    ("options", "what"),
    [
        ({"n": 2}, "too few records to split"),
        ({"groups": ["a"] * 5 + ["b"] * 5}, "too few groups to split"),
        ({"fractions": (0.5, 0.1, 0.1)}, "bad split fractions"),
        ({"fractions": (0, 0.5, 0.5)}, "bad split fractions"),
        ({"task": "binary", "labels": [1.0] + [0.0] * 9}, "a split lacks a class"),
        ({"task": "multiclass", "groups": list("aaaaaaaabc"), "labels": [0] * 8 + [1, 2]}, "a split lacks a class"),
    ],
)
def test_refusals(options, what):
    n = options.pop("n", 10)
    given = {"labels": values(n), "task": "regression", **options}
    with pytest.raises(SplitError) as caught:
        assign_splits(n, **given)
    assert caught.value.what == what


def test_few_equal_groups_still_fill_every_split():
    split = assign_splits(200, values(200), "regression", np.arange(200) // 40)
    assert sizes(split) == [120, 40, 40]

"""Splits and folds as a plan says: given chromosomes, clusters of similar records, folds, and a run's fold."""

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from toys import random_tokens

from mlx_gsa.data.dataset import Dataset, Records, write_dataset
from mlx_gsa.data.folds import Facts, assign, choose
from mlx_gsa.data.split_plan import SplitPlan
from mlx_gsa.data.splits import assign_folds
from mlx_gsa.errors import SplitError


def facts(n, *, chrom=None, start=None, groups=None, kin=None, length=50):
    start = np.full(n, -1) if start is None else np.asarray(start)
    return Facts(
        labels=np.random.default_rng(0).normal(size=n),
        chrom=np.array(chrom or ["."] * n, dtype=object),
        start=start,
        end=np.where(start < 0, -1, start + length),
        kin=np.array(kin or [f"r{i}" for i in range(n)], dtype=object),
        groups=groups or [None] * n,
    )


def file_of(sequences):
    offsets = np.concatenate([[0], np.cumsum([len(one) for one in sequences])]).astype(np.int64)
    return SimpleNamespace(tokens=np.concatenate(sequences), offsets=offsets)


def assigned(plan, given, sequences=None, stated=None):
    sequences = random_tokens([50] * len(given.labels)) if sequences is None else sequences
    return assign(plan, "regression", given, file_of(sequences), stated)


def sizes(split):
    return [int((split == name).sum()) for name in ("train", "val", "test")]


CHROMS = [f"chr{i % 8 + 1}" for i in range(80)]


def test_given_chromosomes_are_the_splits():
    made = assigned(SplitPlan(val_chroms=("chr8",), test_chroms=("chr1", "2")), facts(80, chrom=CHROMS))
    chrom = np.array(CHROMS)
    assert set(chrom[made.split == "val"]) == {"chr8"} and set(chrom[made.split == "test"]) == {"chr1", "chr2"}
    assert made.notes == {"split_by": "chromosome"}


def test_a_split_that_is_not_given_gets_other_whole_chromosomes():
    made = assigned(SplitPlan("chromosome", test_chroms=("chr1",)), facts(80, chrom=CHROMS))
    chrom = np.array(CHROMS)
    val = set(chrom[made.split == "val"])
    assert len(val) == 1 and not val & {"chr1"} and not val & set(chrom[made.split == "train"])


@pytest.mark.parametrize(
    ("plan", "options", "what"),
    [
        ({"test_chroms": ("chrX",)}, {"chrom": CHROMS}, "a chromosome given is not in the data"),
        ({"test_chroms": ("chr1",)}, {}, "no chromosomes to split by"),
        ({"by": "group"}, {"chrom": CHROMS}, "no groups to split by"),
        ({"test_chroms": tuple(set(CHROMS))}, {"chrom": CHROMS}, "no chromosome is left to train on"),
        ({"by": "chromosome", "folds": 9}, {"chrom": CHROMS}, "too few groups to split"),
    ],
)
def test_refusals(plan, options, what):
    with pytest.raises(SplitError) as caught:
        assigned(SplitPlan(**plan), facts(80, **options))
    assert caught.value.what == what


@pytest.mark.parametrize(
    ("plan", "what"),
    [
        ({"folds": 1}, "too few folds"),
        ({"val_chroms": ("chr1",), "test_chroms": ("chr1",)}, "a chromosome is given for two splits"),
        ({"by": "random", "test_chroms": ("chr1",)}, "chromosomes are given, but the split is by random"),
        ({"threshold": 1.5}, "bad similarity threshold"),
    ],
)
def test_plans_that_contradict_themselves(plan, what):
    with pytest.raises(SplitError) as caught:
        SplitPlan(**plan)
    assert caught.value.what == what


def test_auto_takes_groups_then_chromosomes_then_similarity_and_never_chance():
    chrom, none = np.array(CHROMS, object), np.array(["."] * 80, object)
    assert choose(SplitPlan(), chrom, True) == "group"
    assert choose(SplitPlan(), chrom, False) == "chromosome"
    assert choose(SplitPlan(folds=9), chrom, False) == "similarity"  # eight chromosomes do not make nine folds
    assert choose(SplitPlan(), none, False) == "similarity"
    assert choose(SplitPlan("random"), chrom, True) == "random"


def families(n, seed=0):
    """Each record three times: itself, with a few bases changed, and as its reverse complement."""
    rng, sequences = np.random.default_rng(seed), []
    for tokens in random_tokens([80] * n, seed):
        changed = tokens.copy()
        changed[rng.integers(0, 80, 8)] = rng.integers(0, 4, 8)
        sequences += [tokens, changed, (3 - tokens[::-1]).astype(np.uint8)]
    return sequences


def test_similar_records_overlaps_groups_and_copies_never_cross():
    sequences = families(40)
    start = np.where(np.arange(120) % 3 == 0, 1000 * (np.arange(120) // 6), -1)  # two families overlap
    groups = [f"g{i // 12}" if i % 12 in (0, 11) else None for i in range(120)]
    given = facts(120, chrom=["chr1"] * 120, start=start, groups=groups)
    made = assigned(SplitPlan("similarity", folds=4), given, sequences)
    for name, rows in (("family", np.arange(120) // 3), ("overlap", np.arange(120) // 6)):
        for number in set(rows.tolist()):
            assert len(set(made.split[rows == number])) == len(set(made.fold[rows == number])) == 1, name
    for group in set(filter(None, groups)):
        assert len(set(made.split[[g == group for g in groups]])) == 1
    assert set(made.notes) == {"split_by", "fold_by", "similarity"} and min(sizes(made.split)) > 0


def test_random_splits_keep_copies_together():
    kin = [f"r{i // 2}" for i in range(60)]
    made = assigned(SplitPlan("random", folds=3), facts(60, kin=kin))
    assert all(made.split[i] == made.split[i + 1] and made.fold[i] == made.fold[i + 1] for i in range(0, 60, 2))
    assert made.notes == {"split_by": "random", "fold_by": "random"}


def test_stated_splits_stay_and_folds_are_made_beside_them():
    stated = ["test" if i % 5 == 0 else "train" for i in range(80)]
    made = assigned(SplitPlan(folds=4), facts(80, chrom=CHROMS), stated=stated)
    assert ((made.split == "test") == (np.array(stated) == "test")).all() and "val" in made.split
    assert made.notes == {"split_by": "the table", "fold_by": "chromosome"}
    with pytest.raises(SplitError, match="splits are stated"):
        assigned(SplitPlan(test_chroms=("chr1",)), facts(80, chrom=CHROMS), stated=stated)


def test_records_too_alike_are_refused_with_the_way_out():
    (parent,) = random_tokens([80])
    with pytest.raises(SplitError) as caught:
        assigned(SplitPlan(), facts(30), [parent.copy() for _ in range(30)])
    assert "too alike" in caught.value.what and "--similarity-threshold" in caught.value.mend
    assert "1 clusters, the largest with 100%" in caught.value.found


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 20), min_size=30, max_size=150), st.integers(2, 6), st.integers(0, 3))
def test_folds_are_whole_groups_all_filled_and_the_same_for_the_same_seed(groups, folds, seed):
    groups, n = np.array([f"g{g}" for g in groups]), len(groups)
    if len(set(groups)) < folds:
        return
    labels = np.random.default_rng(1).normal(size=n)
    fold = assign_folds(n, labels, "regression", groups, folds, seed)
    assert set(fold.tolist()) == set(range(folds))
    assert all(len(set(fold[groups == g])) == 1 for g in set(groups))
    assert np.array_equal(fold, assign_folds(n, labels, "regression", groups, folds, seed))


def test_folds_of_single_records_are_equal_and_stratified():
    labels = (np.arange(1000) % 4 == 0).astype(float)
    fold = assign_folds(1000, labels, "binary", None, 5)
    assert np.bincount(fold).tolist() == [200] * 5
    assert all(abs(labels[fold == i].sum() - 50) <= 1 for i in range(5))


@pytest.fixture
def folded(tmp_path):
    n = 100
    groups = np.array([f"g{i // 4}" for i in range(n)], object)
    labels = np.random.default_rng(0).normal(size=n).astype(np.float32)
    records = Records.build(
        [f"r{i}" for i in range(n)], labels, np.array(["train"] * 80 + ["val"] * 10 + ["test"] * 10), group=groups,
        extra={"fold": assign_folds(n, labels, "regression", groups, 5)},
    )  # fmt: skip
    source = {"kind": "test", "split_by": "group", "fold_by": "group"}
    return write_dataset(
        tmp_path / "d", random_tokens([60] * n), records, task="regression", source=source, seed=0
    )


def test_a_fold_tests_and_whole_groups_of_the_rest_validate(folded):
    for fold in range(5):
        one, again = folded.with_fold(fold), Dataset.open(folded.path).with_fold(fold)
        assert np.array_equal(one.indices("test"), np.flatnonzero(folded.records.extra["fold"] == fold))
        assert 0.05 < len(one.indices("val")) / 100 < 0.2 and one.fold == fold
        assert all(len(set(one.records.split[one.records.group == g])) == 1 for g in set(one.records.group))
        assert np.array_equal(one.records.split, again.records.split) and one.data_hash == folded.data_hash
    assert folded.fold is None and folded.with_fold(None) is folded and len(folded.indices("test")) == 10


def test_folds_that_are_not_there(folded, tmp_path):
    with pytest.raises(SplitError, match=r"no such fold: expected 0 to 4, found 5"):
        folded.with_fold(5)
    records = Records.build(["a", "b"], [0.0, 1.0], ["train", "test"])
    plain = write_dataset(
        tmp_path / "p", random_tokens([60] * 2), records, task="regression", source={}, seed=0
    )
    with pytest.raises(SplitError, match="the data set has no folds"):
        plain.with_fold(0)

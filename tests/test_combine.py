"""Merging data sets: what stays, what is filled, what is refused."""

import numpy as np
import pytest

from mlx_gsa.data.collect import SplitPlan
from mlx_gsa.data.combine import NO_FOLDS, NO_SITES, RENAMED, merge_datasets, set_names
from mlx_gsa.data.dataset import Dataset, Records, Sites, write_dataset
from mlx_gsa.dna.alphabet import reverse_complement
from mlx_gsa.errors import DatasetError

SPLIT = ["train"] * 4 + ["val", "test"]


def tokens(n, length=30, seed=0):
    return list(np.random.default_rng(seed).integers(0, 4, (n, length)).astype(np.uint8))


def make(folder, sequences=None, *, seed=0, task="binary", classes=("off", "on"), split=None, prefix="r", **options):
    """Six records of 30 bp, labels 0 and 1 in turn."""
    sequences = tokens(6, seed=seed) if sequences is None else sequences
    n = len(sequences)
    records = Records.build(
        [f"{prefix}{i}" for i in range(n)], np.arange(n) % 2, split or SPLIT[:n],
        group=options.pop("group", None), extra=options.pop("extra", {}),
    )  # fmt: skip
    classes = list(classes) if classes else None
    source = {"kind": "test", "split_by": "group"}
    return write_dataset(folder, sequences, records, task=task, classes=classes, source=source, seed=seed, **options)


def columns(dataset, *names):
    table = dataset.records.columns()
    return [table[name].tolist() for name in names]


def test_records_follow_one_another_and_keep_their_splits(tmp_path):
    a, b = make(tmp_path / "a", prefix="x"), make(tmp_path / "b", seed=1, prefix="y")
    merged = merge_datasets([a, b], tmp_path / "m")
    ids, split, origin = columns(merged, "id", "split", "set")
    assert ids == [f"x{i}" for i in range(6)] + [f"y{i}" for i in range(6)]
    assert split == SPLIT * 2 and origin == ["a"] * 6 + ["b"] * 6
    assert merged.tokens.tolist() == [*a.tokens.tolist(), *b.tokens.tolist()]
    assert (merged.task, merged.classes) == ("binary", ["off", "on"])
    assert [s["data_hash"] for s in merged.manifest.source["sets"]] == [a.data_hash, b.data_hash]
    assert merged.manifest.source["split_by"] == "group" and merged.manifest.seed is None


def test_ids_in_several_sets_get_the_name_of_theirs(tmp_path):
    a = make(tmp_path / "a", group=["r0", "r0", "g", "g", "r4", "r5"])
    b = make(tmp_path / "b", tokens(2, seed=1), prefix="r")
    merged = merge_datasets([a, b], tmp_path / "m")
    ids, group = columns(merged, "id", "group")
    assert ids == ["a|r0", "a|r1", "r2", "r3", "r4", "r5", "b|r0", "b|r1"]
    # a group named after a record follows it, any other name is shared
    assert group == ["a|r0", "a|r0", "g", "g", "r4", "r5", "b|r0", "b|r1"]
    assert merged.manifest.normalised == {RENAMED: 4}


def test_a_new_id_that_is_taken_is_made_unique(tmp_path):
    a = write_dataset(
        tmp_path / "a", tokens(2), Records.build(["x", "b|x"], [0, 1], ["train", "val"]), task="regression",
        source={}, seed=0,
    )  # fmt: skip
    b = write_dataset(
        tmp_path / "b", tokens(1, seed=1), Records.build(["x"], [1], ["test"]), task="regression", source={}, seed=0
    )
    assert columns(merge_datasets([a, b], tmp_path / "m"), "id")[0] == ["a|x", "b|x", "b|x'"]


def test_folders_of_one_name_are_told_apart(tmp_path):
    paths = [tmp_path / "one" / "set", tmp_path / "two" / "set"]
    assert set_names([make(paths[0]), make(paths[1])]) == ["set", "set_2"]


def test_columns_are_united_and_filled(tmp_path):
    a = make(tmp_path / "a", prefix="x", extra={"cell": ["K562"] * 6, "age": np.arange(6), "z": np.ones(6)})
    b = make(tmp_path / "b", seed=1, prefix="y", extra={"kind": ["flank"] * 6, "z": ["many"] * 6})
    merged = merge_datasets([a, b], tmp_path / "m")
    cell, kind, age, z = columns(merged, "cell", "kind", "age", "z")
    assert cell == ["K562"] * 6 + [""] * 6
    assert kind == ["negative", "positive"] * 3 + ["flank"] * 6
    assert age[:6] == list(range(6)) and np.isnan(age[6:]).all()
    assert z == ["1.0"] * 6 + ["many"] * 6


def test_folds_stay_only_if_every_set_has_them(tmp_path):
    folds = {"fold": np.arange(6) % 3}
    a, b = make(tmp_path / "a", extra=folds), make(tmp_path / "b", seed=1, prefix="y", extra=folds)
    c = make(tmp_path / "c", seed=2, prefix="z")
    both = merge_datasets([a, b], tmp_path / "m")
    assert both.records.extra["fold"].dtype.kind == "i" and columns(both, "fold")[0] == [0, 1, 2] * 4
    mixed = merge_datasets([a, c], tmp_path / "n")
    assert "fold" not in mixed.records.extra and mixed.manifest.normalised == {NO_FOLDS: 6}


def test_copies_in_one_split_are_counted(tmp_path):
    a = make(tmp_path / "a", prefix="x")
    copies = [reverse_complement(a.sequence(1)), *tokens(1, seed=5)]
    b = make(tmp_path / "b", copies, prefix="y", split=["train", "test"])
    merged = merge_datasets([a, b], tmp_path / "m")
    assert merged.manifest.duplicates == {
        "same sequence as an earlier record": 1, "the same, but with another label": 1,
    }  # fmt: skip


def test_copies_across_splits_are_refused_or_dropped(tmp_path):
    a = make(tmp_path / "a", prefix="x")
    b = make(tmp_path / "b", [a.sequence(0), *tokens(1, seed=5)], prefix="y", split=["test", "train"])
    with pytest.raises(DatasetError) as caught:
        merge_datasets([a, b], tmp_path / "m")
    assert "1 such records, the first x0 (a, train) and y0 (b, test)" in caught.value.found
    assert "--drop-copies" in caught.value.mend and not (tmp_path / "m").exists()
    merged = merge_datasets([a, b], tmp_path / "m", drop_copies=True)
    assert columns(merged, "id")[0] == [*(f"x{i}" for i in range(6)), "y1"]
    assert merged.sequence(6).tolist() == b.sequence(1).tolist()
    assert merged.manifest.dropped == {"copy of a sequence of an earlier set": 1}


def test_a_dropped_copy_renames_nothing(tmp_path):
    a = make(tmp_path / "a")
    b = make(tmp_path / "b", [a.sequence(0), a.sequence(1), *tokens(1, seed=5)])  # r0, r1 again, and another r2
    merged = merge_datasets([a, b], tmp_path / "m", drop_copies=True)
    assert columns(merged, "id")[0] == ["r0", "r1", "a|r2", "r3", "r4", "r5", "b|r2"]


def sites(record, start):
    return Sites(
        record, start, np.array(start) + 5, ["+"] * len(record), ["TATA"] * len(record), ["functional"] * len(record)
    )


def test_sites_are_kept_where_all_know_theirs(tmp_path):
    a = make(tmp_path / "a", sites=sites([0, 5], [3, 4]))
    b = make(tmp_path / "b", [a.sequence(0), *tokens(2, seed=2)], prefix="y", sites=sites([0, 1, 2], [6, 7, 8]))
    merged = merge_datasets([a, b], tmp_path / "m", drop_copies=True)
    assert merged.sites.record.tolist() == [0, 5, 6, 7] and merged.sites.start.tolist() == [3, 4, 7, 8]
    without = merge_datasets([a, make(tmp_path / "c", seed=3, prefix="z")], tmp_path / "n")
    assert without.sites is None and without.manifest.normalised == {NO_SITES: 2}


def test_new_splits_keep_copies_and_groups_together(tmp_path):
    a = make(tmp_path / "a", tokens(20), prefix="x", split=["train"] * 20, group=[f"g{i // 2}" for i in range(20)])
    b = make(tmp_path / "b", [a.sequence(0), *tokens(19, seed=1)], prefix="y", split=["test"] * 20)
    merged = merge_datasets([a, b], tmp_path / "m", plan=SplitPlan("group", seed=3))
    split, group = columns(merged, "split", "group")
    assert set(split) == {"train", "val", "test"}
    by_group = {name: {s for s, g in zip(split, group, strict=True) if g == name} for name in set(group)}
    assert all(len(places) == 1 for places in by_group.values())
    assert merged.manifest.source["split_by"] == "group" and merged.manifest.seed == 3
    assert merged.manifest.duplicates["same sequence as an earlier record"] == 1


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"task": "regression", "classes": None}, "different tasks.*expected binary, found regression"),
        ({"classes": ("on", "off")}, "different classes.*expected off, on, found on, off"),
    ],
)
def test_sets_that_do_not_fit(tmp_path, changes, message):
    a, b = make(tmp_path / "a"), make(tmp_path / "b", seed=1, **changes)
    with pytest.raises(DatasetError, match=message):
        merge_datasets([a, b], tmp_path / "m")
    with pytest.raises(DatasetError, match="two data sets or more"):
        merge_datasets([a], tmp_path / "m")
    assert not (tmp_path / "m").exists()


def test_counts_of_the_sources_are_carried_on(tmp_path):
    a = make(tmp_path / "a", dropped={"empty sequence": 2})
    b = make(tmp_path / "b", seed=1, prefix="y", dropped={"empty sequence": 1}, normalised={"U read as T": 4})
    merged = merge_datasets([a, b], tmp_path / "m")
    assert merged.manifest.dropped == {"empty sequence": 3} and merged.manifest.normalised == {"U read as T": 4}


def test_three_sets_of_lengths_from_80_bp_to_10_kb(tmp_path):
    lengths = [80, 10_000, 2_000]
    parts = [make(tmp_path / f"p{i}", tokens(6, n, seed=i), prefix=f"p{i}_") for i, n in enumerate(lengths)]
    merged = merge_datasets(parts, tmp_path / "m")
    assert merged.lengths.tolist() == [n for n in lengths for _ in range(6)]
    again = Dataset.open(tmp_path / "m")
    assert again.sequence(11).tolist() == parts[1].sequence(5).tolist()


def test_several_labels_and_weights(tmp_path):
    facts = {"task": "regression", "source": {}, "seed": 0, "outputs": ["liver", "brain"]}
    parts = []
    for name in "ab":
        extra = {"label:brain": np.array([np.nan, 2, 3], np.float32)}
        extra |= {"weight": np.array([0.5, 1, 1.5])} if name == "a" else {}
        records = Records.build([f"{name}{i}" for i in range(3)], [1, np.nan, 3], ["train", "val", "test"], extra=extra)
        parts.append(write_dataset(tmp_path / name, tokens(3, seed=ord(name)), records, **facts))
    merged = merge_datasets(parts, tmp_path / "m")
    assert merged.outputs == ["liver", "brain"]
    assert np.isnan(merged.labels).tolist() == [[False, True], [True, False], [False, False]] * 2
    assert columns(merged, "weight")[0] == [0.5, 1, 1.5, 1, 1, 1]
    other = write_dataset(tmp_path / "c", tokens(3), Records.build(list("xyz"), [1, 2, 3], ["train"] * 3),
                          task="regression", source={}, seed=0)  # fmt: skip
    with pytest.raises(DatasetError, match=r"different outputs.*expected liver, brain, found none"):
        merge_datasets([parts[0], other], tmp_path / "n")

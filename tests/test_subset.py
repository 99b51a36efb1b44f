"""Part of a data set: who stays, what they keep, what is counted."""

import numpy as np
import pytest

from mlx_gsa.data.dataset import Records, Sites, write_dataset
from mlx_gsa.data.gc_match import gc_contents, matched_rows
from mlx_gsa.data.subset import Choice, choose, read_ids, subset_dataset
from mlx_gsa.errors import DatasetError


@pytest.fixture
def dataset(tmp_path):
    """Forty records of 20-59 bp, GC above a half where the label is 1."""
    rng = np.random.default_rng(0)
    label = np.arange(40) % 2
    sequences = [
        rng.choice(4, 20 + i, p=[0.2, 0.3, 0.3, 0.2] if label[i] else [0.3, 0.2, 0.2, 0.3]).astype(np.uint8)
        for i in range(40)
    ]
    split = np.array(["train"] * 24 + ["val"] * 8 + ["test"] * 8)
    extra = {"cell": np.array(["K562", "GM"] * 20, object)[::-1], "fold": np.arange(40) % 4, "dose": np.arange(40) / 8}
    records = Records.build(
        [f"r{i}" for i in range(40)],
        label,
        split,
        chrom=np.array([f"chr{i % 3}" for i in range(40)], object),
        extra=extra,
    )
    sites = Sites([0, 30, 30, 39], [1, 2, 9, 4], [5, 6, 12, 9], ["+"] * 4, ["TATA"] * 4, ["functional"] * 4)
    return write_dataset(
        tmp_path / "data", sequences, records, task="binary", classes=["off", "on"], source={"kind": "test"}, seed=5,
        sites=sites, dropped={"empty sequence": 3},
    )  # fmt: skip


def test_everything_of_a_record_stays(dataset, tmp_path):
    part = subset_dataset(dataset, tmp_path / "out", Choice(split="test", where=("cell=GM",)))
    rows = [i for i in range(32, 40) if dataset.records.extra["cell"][i] == "GM"]
    assert part.records.id.tolist() == [f"r{i}" for i in rows]
    for name, column in dataset.records.columns().items():
        assert part.records.columns()[name].tolist() == column[rows].tolist(), name
    assert all(part.sequence(k).tolist() == dataset.sequence(i).tolist() for k, i in enumerate(rows))
    assert part.manifest.dropped == {"empty sequence": 3, "left out by cell=GM": 20, "not in test": 16}
    assert part.manifest.source["of"]["data_hash"] == dataset.data_hash
    assert part.manifest.source["choice"] == {"where": ["cell=GM"], "split": "test", "seed": 0}
    assert part.manifest.seed == 5
    assert (part.task, part.classes) == ("binary", ["off", "on"])


def test_sites_are_numbered_anew(dataset, tmp_path):
    part = subset_dataset(dataset, tmp_path / "out", Choice(ids=("r30", "r5")))
    assert part.records.id.tolist() == ["r5", "r30"]  # in the order of the data set
    assert part.sites.record.tolist() == [1, 1] and part.sites.start.tolist() == [2, 9]


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        (Choice(where=("label=on",)), range(1, 40, 2)),
        (Choice(where=("label=0",)), range(0, 40, 2)),
        (Choice(where=("fold=1,3",)), range(1, 40, 2)),
        (Choice(where=("dose=0.25,1",)), [2, 8]),
        (Choice(where=("chrom=chr0", "split=val")), range(24, 32, 3)),
        (Choice(min_length=58), [38, 39]),
        (Choice(max_length=21), [0, 1]),
        (Choice(n=100), range(40)),
    ],
)
def test_conditions(dataset, choice, expected):
    assert choose(dataset, choice).tolist() == list(expected)


def test_drawn_records_are_spread_over_splits_and_labels(dataset):
    rows = choose(dataset, Choice(n=10))
    assert len(set(rows.tolist())) == 10 and (np.diff(rows) > 0).all()
    split, label = dataset.records.split[rows], dataset.records.label[rows]
    assert [(split == name).sum() for name in ("train", "val", "test")] == [6, 2, 2]
    assert [label[split == name].sum() for name in ("train", "val", "test")] == [3, 1, 1]
    assert choose(dataset, Choice(n=10)).tolist() == rows.tolist()
    assert choose(dataset, Choice(n=10, seed=1)).tolist() != rows.tolist()


def test_classes_get_the_same_gc_in_every_split(dataset):
    rows = choose(dataset, Choice(gc_matched=True))
    gc, label = gc_contents(dataset, rows), dataset.records.label[rows]
    assert 0 < len(rows) < 40
    for split in ("train", "val", "test"):
        inside = dataset.records.split[rows] == split
        bins = np.floor(gc / 0.025 + 1e-9)
        assert sorted(bins[inside & (label == 0)]) == sorted(bins[inside & (label == 1)])


def test_matching_keeps_as_many_as_the_smaller_class_has():
    values = np.array([0.01, 0.02, 0.02, 0.3, 0.3, 0.9, np.nan, np.nan])
    classes = np.array([0, 1, 1, 1, 0, 0, 0, 1])
    rows = matched_rows(values, classes, width=0.1)
    assert {0, 3, 4} < set(rows.tolist()) and len(rows) == 4 and {1, 2} & set(rows.tolist())
    assert len(matched_rows(values, np.zeros(8))) == 0
    assert len({tuple(matched_rows(values, classes, 0.1, seed)) for seed in range(20)}) == 2


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        (Choice(where=("cel=GM",)), "no column 'cel'.*\n?.*Did you mean 'cell'"),
        (Choice(where=("cell=Gm",)), "filter value does not occur.*\n?.*Did you mean 'GM'"),
        (Choice(where=("cell",)), "cannot read a filter"),
        (Choice(where=("label=2",)), "does not occur"),
        (Choice(split="dev"), "unknown split"),
        (Choice(ids=("r1", "q1")), "no such record.*found q1"),
        (Choice(min_length=100), "no record is left.*40 shorter than 100 bp"),
    ],
)
def test_what_cannot_be_taken(dataset, tmp_path, choice, message):
    with pytest.raises(DatasetError, match=message):
        subset_dataset(dataset, tmp_path / "out", choice)
    assert not (tmp_path / "out").exists()


def test_ids_from_a_file(tmp_path):
    path = tmp_path / "ids.txt"
    path.write_text("r3\n\n r4 \tsecond column\n")
    assert read_ids(path) == ("r3", "r4")
    path.write_text("\n")
    with pytest.raises(DatasetError, match="no id in the file"):
        read_ids(path)
    with pytest.raises(DatasetError, match="cannot read the ids"):
        read_ids(tmp_path / "none.txt")


def test_copies_are_counted_among_what_is_left(tmp_path):
    one, other = np.zeros(30, np.uint8), np.ones(30, np.uint8)
    records = Records.build(list("abcd"), [0, 1, 2, 3], ["train", "val", "test", "test"])
    whole = write_dataset(tmp_path / "w", [one, one, other, one], records, task="regression", source={}, seed=0)
    part = subset_dataset(whole, tmp_path / "p", Choice(ids=("a", "c", "d")))
    assert part.manifest.duplicates["same sequence as an earlier record"] == 1
    with pytest.raises(DatasetError, match="needs classes"):
        choose(whole, Choice(gc_matched=True))

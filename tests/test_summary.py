"""The summary of a data set: classes and kinds, and what the command line says of them."""

import numpy as np
import pytest

from mlx_gsa.data.dataset import Records, write_dataset
from mlx_gsa.data.summary import summarise
from mlx_gsa.dna.alphabet import encode


def dataset(tmp_path, rows, task="binary", classes=("negative", "positive"), kinds=None):
    """Write records of (text, label, split)."""
    texts, labels, splits = zip(*rows, strict=True)
    extra = {"kind": list(kinds)} if kinds else None
    records = Records.build([f"r{i}" for i in range(len(rows))], labels, splits, extra=extra)
    tokens = (encode(text)[0] for text in texts)
    return write_dataset(
        tmp_path / "d", tokens, records, task=task, source={}, seed=0, classes=classes and list(classes)
    )


KINDS = [("GGGG", 1, "train"), ("GGCA", 1, "test"), ("AAAAAA", 0, "train"), ("ATAT", 0, "test"), ("GGGGG", 0, "val")]


def test_kinds_of_negatives(tmp_path):
    names = ("positive", "positive", "flank", "flank", "negative")
    summary = summarise(dataset(tmp_path, KINDS, kinds=names))
    assert [group.name for group in summary.groups] == ["positive", "flank", "negative"]
    flank = summary.groups[1]
    assert flank.counts == {"train": 1, "val": 0, "test": 1}
    assert flank.lengths.tolist() == [6, 4] and flank.gc.tolist() == [0, 0]
    assert [(s.name, s.records, s.gc, s.length) for s in summary.shortcuts] == [
        ("flank", 2, 1.0, 0.75),
        ("negative", 1, 0.75, 1.0),
        ("negatives", 3, pytest.approx(4.5 / 6), pytest.approx(5 / 6)),
    ]


def test_classes_without_kinds(tmp_path):
    summary = summarise(dataset(tmp_path, KINDS, classes=("off", "on")))
    assert [(group.name, len(group.gc)) for group in summary.groups] == [("on", 2), ("off", 3)]
    assert [s.name for s in summary.shortcuts] == ["off"]


def test_binary_without_names(tmp_path):
    assert [g.name for g in summarise(dataset(tmp_path, KINDS, classes=None)).groups] == ["positive", "negative"]


def test_regression(tmp_path):
    rows = [("GGGG", 3.0, "train"), ("GGAA", 2.0, "val"), ("AAAA", 1.0, "test"), ("NNNN", 9.0, "test")]
    summary = summarise(dataset(tmp_path, rows, "regression", None))
    assert summary.groups == [] and summary.shortcuts[0].gc == pytest.approx(1)
    assert np.isnan(summary.shortcuts[0].length)


def test_three_classes(tmp_path):
    rows = [("GGGG", 2, "train"), ("GGAA", 0, "val"), ("AAAA", 1, "test")]
    summary = summarise(dataset(tmp_path, rows, "multiclass", ("x", "y", "z")))
    assert [group.name for group in summary.groups] == [s.name for s in summary.shortcuts] == ["x", "y", "z"]


def test_the_summary_leaves_the_data_alone(tmp_path):
    made = dataset(tmp_path, KINDS)
    before = {path.name: path.read_bytes() for path in made.path.iterdir()}
    summarise(made)
    assert {path.name: path.read_bytes() for path in made.path.iterdir()} == before

"""`gsa data`: what is shown, and that options reach their places."""

import json

import numpy as np
import pytest

from mlx_gsa.data.dataset import Dataset, Records, write_dataset


def make(folder, seed=0, prefix="r", n=20, length=60):
    rng = np.random.default_rng(seed)
    label = np.arange(n) % 2
    extra = {"kind": np.where(label == 1, "positive", "flank").astype(object), "fold": np.arange(n) % 2}
    records = Records.build(
        [f"{prefix}{i}" for i in range(n)], label, np.array((["train"] * 3 + ["val", "test"]) * n)[:n],
        chrom=np.array(["chr1"] * n, object), start=np.arange(n) * 100, end=np.arange(n) * 100 + length, extra=extra,
    )  # fmt: skip
    sequences = rng.integers(0, 4, (n, length)).astype(np.uint8)
    return write_dataset(
        folder, sequences, records, task="binary", classes=["off", "on"], source={"kind": "test", "split_by": "group"},
        seed=3, dropped={"empty sequence": 7},
    )  # fmt: skip


@pytest.fixture
def data(tmp_path):
    return make(tmp_path / "data").path


def test_a_folder_alone_is_shown(gsa, data):
    found = gsa("data", data)
    assert found.exit_code == 0, found.output
    for text in (
        "binary",
        "off, on",
        "20, 1,200 bp",
        "Kinds",
        "flank",
        "Folds",
        "empty sequence",
        "chr1:0-60",
        "r0",
        "group",
    ):
        assert text in found.output, text
    assert gsa("data", "show", data).output == found.output


def test_json_has_everything(gsa, data):
    found = json.loads(gsa("data", data, "--json", "--first", "1").stdout)
    assert (found["records"], found["seed"], found["dropped"]) == (20, 3, {"empty sequence": 7})
    assert found["kinds"]["flank"] == {"train": 6, "val": 2, "test": 2} and list(found["folds"]) == ["0", "1"]
    assert [s["split"] for s in found["splits"]] == ["train", "val", "test", "all"]
    assert found["splits"][-1]["classes"] == {"off": 10, "on": 10}
    assert found["lengths"]["median"] == 60 and found["data_hash"] == Dataset.open(data).data_hash
    assert len(found["first"]) == 1 and found["first"][0]["sequence"].endswith("...")


def test_json_before_the_folder(gsa, data):
    assert json.loads(gsa("data", "--json", data).stdout)["records"] == 20


def test_the_leakage_report_is_shown(gsa, data, tmp_path):
    assert "Leakage: clean" in gsa("data", data).output
    same = np.random.default_rng(0).integers(0, 4, (1, 200)).astype(np.uint8).repeat(4, axis=0)
    records = Records.build(list("abcd"), [0, 1, 0, 1], ["train", "train", "val", "test"])
    write_dataset(tmp_path / "leaky", same, records, task="binary", source={}, seed=0)
    found = gsa("data", tmp_path / "leaky")
    report = json.loads(gsa("data", tmp_path / "leaky", "--json").stdout)["leakage"]
    assert report["verdict"] != "clean" and f"Leakage: {report['verdict']}" in found.output
    assert report["reasons"][0] in found.output


def test_what_is_no_data_set(gsa, tmp_path):
    found = gsa("data", tmp_path / "nothing")
    assert found.exit_code == 1 and "no data set folder" in found.output


def test_help_lists_the_sub_commands(gsa):
    found = gsa("data", "--help")
    assert found.exit_code == 0
    assert all(name in found.output for name in ("show", "merge", "subset", "export"))


def test_merge(gsa, data, tmp_path):
    make(tmp_path / "other", seed=1)
    found = gsa("data", "merge", data, tmp_path / "other", "--out", "both")
    assert found.exit_code == 0, found.output
    assert len(Dataset.open("both")) == 40 and "ids in several sets" in found.output
    assert gsa("data", "merge", data, "--out", "x").exit_code == 2
    again = gsa("data", "merge", data, tmp_path / "other", "--out", "new", "--split", "random", "--seed", 4)
    assert again.exit_code == 0, again.output
    folded = gsa("data", "merge", data, tmp_path / "other", "--out", "folded", "--folds", 3)
    assert folded.exit_code == 0, folded.output
    assert set(Dataset.open("folded").records.extra["fold"]) == {0, 1, 2}
    assert Dataset.open("new").manifest.source["split_by"] == "random" and Dataset.open("new").manifest.seed == 4


def test_merge_of_copies(gsa, data, tmp_path):
    same = make(tmp_path / "same", prefix="q")
    assert gsa("data", "merge", data, same.path, "--out", "x", "--drop-copies").exit_code == 0
    assert len(Dataset.open("x")) == 20


def test_subset(gsa, data, tmp_path):
    (tmp_path / "ids.txt").write_text("\n".join(f"r{i}" for i in range(12)))
    found = gsa(
        "data", "subset", data, "--out", "part", "--where", "kind=flank", "--where", "fold=0", "--split", "train",
        "--min-length", 50, "--max-length", 70, "--ids", "ids.txt", "--n", 2, "--seed", 1,
    )  # fmt: skip
    assert found.exit_code == 0, found.output
    part = Dataset.open("part")
    assert len(part) == 2 and set(part.records.extra["kind"]) == {"flank"} and set(part.records.split) == {"train"}
    assert "left out by kind=flank" in found.output
    assert gsa("data", "subset", data, "--out", "gc", "--gc-matched").exit_code == 0


@pytest.mark.parametrize("name", ["a.fa", "a.fasta.gz", "a.tsv", "a.parquet", "a.npz"])
def test_export_knows_the_format_by_the_ending(gsa, data, name, tmp_path):
    if name.endswith("parquet"):
        pytest.importorskip("pyarrow")
    found = gsa("data", "export", data, "--out", name, "--split", "val")
    assert found.exit_code == 0, found.output
    assert "4 records written" in found.output and (tmp_path / name).stat().st_size > 100
    assert gsa("data", "export", data, "--out", name).exit_code == 1
    assert gsa("data", "export", data, "--out", name, "--overwrite").exit_code == 0


def test_export_asks_what_an_unknown_ending_is(gsa, data):
    found = gsa("data", "export", data, "--out", "a.xyz")
    assert found.exit_code == 2 and "--format" in found.output
    assert gsa("data", "export", data, "--out", "a.xyz", "--format", "tsv").exit_code == 0

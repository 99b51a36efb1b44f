"""A data set as one file, and back."""

import gzip
import sys

import numpy as np
import pytest

from mlx_gsa.data.dataset import Records, write_dataset
from mlx_gsa.data.export import export_dataset
from mlx_gsa.data.table import dataset_from_table
from mlx_gsa.dna.alphabet import decode
from mlx_gsa.dna.coordinates import Region, parse_region
from mlx_gsa.dna.fasta import read_fasta
from mlx_gsa.errors import DatasetError, GsaError


def make(folder, task="regression", classes=None, lengths=(80, 10_000, 300, 150, 90, 1000)):
    rng = np.random.default_rng(1)
    n = len(lengths)
    sequences = [rng.integers(0, 5 if i == 2 else 4, length).astype(np.uint8) for i, length in enumerate(lengths)]
    sequences[2][1:][sequences[2][1:] == 4] = 0
    start = np.array([100, 5, -1, -1, 7, 8])
    records = Records.build(
        id=["a", "b c", "d", "e|x", "f", "g"],
        label=rng.normal(size=n) if task == "regression" else np.arange(n) % len(classes),
        split=["train", "train", "train", "val", "test", "test"],
        chrom=np.array(["chr1", "chr2", ".", "chrX", "chr1", "chr2"], object),
        start=start, end=np.where(start >= 0, start + lengths, -1), strand=["+", "-", ".", ".", ".", "-"],
        group=["g1", "g1", "d", "e", "f", "g"],
        extra={"cell": ["K562", "", "GM", "GM", "GM", "x\ty"], "dose": [0.5, np.nan, 1, 2, 3, 4], "fold": np.arange(n)},
    )  # fmt: skip
    return write_dataset(folder, sequences, records, task=task, classes=classes, source={}, seed=0)


@pytest.fixture
def dataset(tmp_path):
    return make(tmp_path / "data")


def test_fasta_headers_are_read_back_by_explain(dataset, tmp_path):
    path = tmp_path / "new/out.fa"
    assert export_dataset(dataset, path, "fasta") == 6
    found = list(read_fasta(path, 100_000))
    assert [r.id for r in found] == ["a", "b_c", "d", "e|x", "f", "g"]
    assert all(r.tokens.tolist() == dataset.sequence(i).tolist() for i, r in enumerate(found))
    regions = [parse_region(r.description, len(r.tokens)) for r in found]
    assert regions[0] == Region("chr1", 100, 180, "+") and regions[1] == Region("chr2", 5, 10_005, "-")
    assert regions[2:4] == [None, None] and regions[4] == Region("chr1", 7, 97, ".")
    label = str(dataset.records.label[0])
    assert found[0].description == f"a chr1:100-180(+) label={label} split=train"


def test_fasta_of_one_split_names_the_class(tmp_path):
    dataset = make(tmp_path / "data", "binary", ["not active", "active"])
    path = tmp_path / "out.fa.gz"
    assert export_dataset(dataset, path, "fasta", split="test") == 2
    with gzip.open(path, "rt") as file:
        headers = [line.strip() for line in file if line[0] == ">"]
    assert headers == [">f chr1:7-97 label=0 class=not_active split=test",
                       ">g chr2:8-1008(-) label=1 class=active split=test"]  # fmt: skip


@pytest.mark.parametrize(("task", "classes"), [
    ("regression", None), ("binary", ["off", "on"]), ("multiclass", ["alpha", "beta", "gamma"]),
])  # fmt: skip
@pytest.mark.parametrize("name", ["out.tsv", "out.tsv.gz"])
def test_a_table_reads_back_to_the_same(tmp_path, task, classes, name):
    dataset = make(tmp_path / "data", task, classes)
    export_dataset(dataset, tmp_path / name, "tsv")
    again = dataset_from_table(tmp_path / name, tmp_path / "again", task=task)
    assert again.tokens.tolist() == dataset.tokens.tolist() and again.offsets.tolist() == dataset.offsets.tolist()
    for column in ("id", "label", "split", "chrom", "start", "end", "strand", "group"):
        assert getattr(again.records, column).tolist() == getattr(dataset.records, column).tolist(), column
    assert not again.manifest.dropped and not again.manifest.normalised
    assert again.classes == (classes if task == "multiclass" else ["0", "1"] if task == "binary" else None)


def test_a_table_holds_the_further_columns(dataset, tmp_path):
    export_dataset(dataset, tmp_path / "out.tsv", "tsv", split="train")
    header, *rows = [line.split("\t") for line in (tmp_path / "out.tsv").read_text().splitlines()]
    assert header == [
        "id",
        "sequence",
        "label",
        "split",
        "chrom",
        "start",
        "end",
        "strand",
        "group",
        "cell",
        "dose",
        "fold",
    ]
    assert [row[-3:] for row in rows] == [["K562", "0.5", "0"], ["", "", "1"], ["GM", "1.0", "2"]]
    assert rows[2][4:8] == ["", "", "", ""]


def test_parquet(dataset, tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    export_dataset(dataset, tmp_path / "out.parquet", "parquet")
    table = parquet.read_table(tmp_path / "out.parquet")
    assert table.column_names[:3] == ["id", "sequence", "label"]
    rows = table.to_pylist()
    assert [row["sequence"] for row in rows] == [decode(dataset.sequence(i)) for i in range(6)]
    assert [row["label"] for row in rows] == dataset.records.label.tolist()
    assert [row["start"] for row in rows] == [100, 5, None, None, 7, 8]
    assert rows[2]["chrom"] is None and rows[1]["dose"] is None and rows[5]["cell"] == "x y"  # the break became a space
    assert table.schema.metadata[b"mlx_gsa.task"] == b"regression"


def test_parquet_without_pyarrow(dataset, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(GsaError, match=r"mlx_gsa\[parquet\]"):
        export_dataset(dataset, tmp_path / "out.parquet", "parquet")
    assert not (tmp_path / "out.parquet").exists()


def test_npz_needs_no_pickle(tmp_path):
    dataset = make(tmp_path / "data", "binary", ["off", "on"])
    export_dataset(dataset, tmp_path / "out.npz", "npz", split="test")
    with np.load(tmp_path / "out.npz", allow_pickle=False) as found:
        assert found["offsets"].tolist() == [0, 90, 1090]
        assert found["tokens"].tolist() == [*dataset.sequence(4).tolist(), *dataset.sequence(5).tolist()]
        assert found["id"].tolist() == ["f", "g"] and found["label"].tolist() == [0, 1]
        assert found["fold"].tolist() == [4, 5] and found["classes"].tolist() == ["off", "on"]
        assert found["task"] == "binary"


@pytest.mark.parametrize("form", ["fasta", "tsv", "npz"])
def test_the_same_data_give_the_same_file(dataset, tmp_path, form):
    for name in ("one.gz", "two.gz"):
        export_dataset(dataset, tmp_path / name, form)
    if form != "npz":  # a zip holds times
        assert (tmp_path / "one.gz").read_bytes() == (tmp_path / "two.gz").read_bytes()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["data", "one.gz", "two.gz"]


def test_an_existing_file_is_replaced_only_if_asked(dataset, tmp_path):
    path = tmp_path / "out.tsv"
    path.write_text("years of work")
    with pytest.raises(DatasetError, match="will not overwrite"):
        export_dataset(dataset, path, "tsv")
    assert path.read_text() == "years of work"
    export_dataset(dataset, path, "tsv", overwrite=True)
    assert path.read_text().startswith("id\t")
    with pytest.raises(DatasetError, match="found a folder"):
        export_dataset(dataset, tmp_path / "data", "tsv", overwrite=True)


def test_what_cannot_be_written(dataset, tmp_path, monkeypatch):
    with pytest.raises(GsaError, match="unknown format"):
        export_dataset(dataset, tmp_path / "x", "xlsx")
    with pytest.raises(DatasetError, match="unknown split"):
        export_dataset(dataset, tmp_path / "x", "tsv", split="dev")

    def fails(*_):
        yield "half"
        raise OSError("disk full")

    monkeypatch.setattr("mlx_gsa.data.export._table_lines", fails)
    with pytest.raises(DatasetError, match=r"cannot write the file .*disk full"):
        export_dataset(dataset, tmp_path / "sub/x.tsv", "tsv")
    assert [p.name for p in tmp_path.iterdir()] == ["data"]

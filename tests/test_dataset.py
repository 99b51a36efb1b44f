"""The on-disk data set: round trips, laziness, and folders that are refused."""

import json
import shutil

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from mlx_gsa.data.dataset import Dataset, Records, Sites, write_dataset
from mlx_gsa.data.manifest import FORMAT_VERSION
from mlx_gsa.data.summary import summarise
from mlx_gsa.dna.alphabet import encode
from mlx_gsa.errors import DatasetError

SEQUENCES = ["ACGT", "GGGCCN", "T", "AAAAAAAA"]


def tokens(texts=SEQUENCES):
    return [encode(text)[0] for text in texts]


def records(n=4, **columns):
    split = ["train", "train", "val", "test"] * n
    known = {"id": [f"r{i}" for i in range(n)], "label": np.arange(n) / 10, "split": split[:n], **columns}
    return Records.build(**known)


def sites():
    return Sites([3, 0, 3], [4, 1, 0], [6, 3, 2], ["-", "+", "+"], ["GC", "TATA", "SRF"], ["functional"] * 3)


def write(path, sequences=None, table=None, **options):
    given = {"task": "regression", "source": {"kind": "test"}, "seed": 0, **options}
    return write_dataset(path, tokens() if sequences is None else sequences, table or records(), **given)


@pytest.fixture
def dataset(tmp_path):
    return write(tmp_path / "set", sites=sites(), dropped={"too short": 2, "none": 0}, normalised={"U": 1})


def test_round_trip(dataset):
    again = Dataset.open(dataset.path)
    assert len(again) == 4 and again.task == "regression" and again.classes is None
    assert again.lengths.tolist() == [4, 6, 1, 8] and again.offsets.tolist() == [0, 4, 10, 11, 19]
    assert [again.sequence(i).tolist() for i in range(4)] == [t.tolist() for t in tokens()]
    assert again.indices("train").tolist() == [0, 1] and again.indices("test").tolist() == [3]
    assert again.records.id.tolist() == ["r0", "r1", "r2", "r3"]
    assert np.array_equal(again.records.label, np.array([0, 0.1, 0.2, 0.3], np.float32))
    assert again.manifest["dropped"] == {"too short": 2} and again.manifest.normalised == {"U": 1}
    assert again.manifest.splits == {"train": 2, "val": 1, "test": 1} and again.manifest.n_bases == 19


def test_sites_are_sorted_and_found_by_record(dataset):
    found = dataset.sites
    assert found.record.tolist() == [0, 3, 3] and found.start.tolist() == [1, 0, 4]
    assert found.of(3).kind.tolist() == ["SRF", "GC"] and len(found.of(1)) == 0
    assert found.select(found.strand == "-").kind.tolist() == ["GC"]


def test_a_set_without_sites_has_none(tmp_path):
    assert write(tmp_path / "set").sites is None


def test_defaults_of_what_is_not_known(dataset):
    table = dataset.records
    assert table.chrom.tolist() == ["."] * 4 and table.start.tolist() == [-1] * 4
    assert table.strand.tolist() == ["."] * 4 and table.group.tolist() == table.id.tolist()


def test_tokens_stay_on_disk_and_cannot_be_changed(dataset):
    opened = Dataset.open(dataset.path)
    assert "tokens" not in vars(opened) and "records" not in vars(opened)
    assert isinstance(opened.sequence(0), np.memmap)
    with pytest.raises(ValueError, match="read-only"):
        opened.sequence(0)[0] = 1
    with pytest.raises(IndexError):
        opened.sequence(-1)


def test_sequences_are_streamed_and_records_asked_for_last(tmp_path):
    seen = []

    def stream():
        for one in tokens():
            seen.append(len(one))
            yield one

    counts = {}

    def late(sequences):
        counts["late"] = len(seen)
        assert [sequences.sequence(i).tolist() for i in range(len(sequences))] == [t.tolist() for t in tokens()]
        return records()

    made = write(tmp_path / "set", stream(), late, dropped=counts)
    assert made.manifest.dropped == {"late": 4}


def test_the_hash_names_the_data_not_the_folder_or_the_source(tmp_path):
    one, two = write(tmp_path / "a"), write(tmp_path / "b", source={"other": 1}, seed=5)
    other = write(tmp_path / "c", table=records(label=[0, 0, 0, 1]))
    assert one.data_hash == two.data_hash != other.data_hash
    assert len(one.data_hash) == 64


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)
FLOATS = hnp.arrays(np.float32, 4, elements=st.floats(width=32, allow_nan=False, allow_infinity=False))


@settings(max_examples=40)
@given(
    ids=st.lists(TEXTS, min_size=4, max_size=4, unique_by=lambda t: t.translate(str.maketrans("\t\n\r", "   "))),
    label=FLOATS,
    extra=FLOATS,
    count=hnp.arrays(np.int64, 4),
)
def test_any_record_table_comes_back_bit_for_bit(tmp_path_factory, ids, label, extra, count):
    path = tmp_path_factory.mktemp("set") / "x"
    write(path, table=records(id=ids, label=label, extra={"clean_label": extra, "count": count, "name": ids}))
    back = Dataset.open(path).records
    as_written = [i.translate(str.maketrans("\t\n\r", "   ")) for i in ids]
    assert back.id.tolist() == as_written == back.extra["name"].tolist()
    assert back.label.tobytes() == label.tobytes() and back.extra["clean_label"].tobytes() == extra.tobytes()
    assert back.extra["count"].dtype == np.int64 and np.array_equal(back.extra["count"], count)


def edit_manifest(folder, **changes):
    path = folder / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def flip_a_byte(folder):
    content = bytearray((folder / "tokens.u8").read_bytes())
    content[0] ^= 1
    (folder / "tokens.u8").write_bytes(content)


def cut(folder, name):
    path = folder / name
    path.write_bytes(path.read_bytes()[:-1])


@pytest.mark.parametrize(
    ("damage", "what"),
    [
        (shutil.rmtree, "no data set folder"),
        (lambda f: (f / "manifest.json").unlink(), "not a gsa data set"),
        (lambda f: (f / "manifest.json").write_text("{half"), "damaged manifest"),
        (lambda f: (f / "manifest.json").write_bytes(b"\xff\xfe\0"), "not a gsa data set"),
        (lambda f: (f / "manifest.json").write_text("[]"), "not a gsa data set"),
        (lambda f: edit_manifest(f, format="mlx_gsa.run"), "not a gsa data set"),
        (lambda f: edit_manifest(f, format_version=FORMAT_VERSION + 1), "data set of a newer format"),
        (lambda f: edit_manifest(f, n_records="many"), "damaged manifest"),
        (lambda f: edit_manifest(f, parts={}), "damaged manifest"),
        (lambda f: edit_manifest(f, n_records=3), "damaged data set: offsets do not fit the sequences"),
        (lambda f: (f / "sites.tsv").unlink(), "damaged data set: a part is missing"),
        (lambda f: cut(f, "tokens.u8"), "damaged data set: a part has the wrong size"),
        (lambda f: cut(f, "records.tsv"), "damaged data set: a part has the wrong size"),
        (flip_a_byte, "damaged data set: a part was changed"),
    ],
)
def test_damaged_and_foreign_folders_are_refused(dataset, damage, what):
    damage(dataset.path)
    with pytest.raises(DatasetError) as caught:
        Dataset.open(dataset.path)
    assert caught.value.what == what and str(dataset.path) in caught.value.where and caught.value.mend


def test_without_verification_only_sizes_are_compared(dataset):
    flip_a_byte(dataset.path)
    assert Dataset.open(dataset.path, verify=False).sequence(0)[0] == 1


def test_a_file_is_not_a_folder(tmp_path):
    (tmp_path / "x").write_text("")
    with pytest.raises(DatasetError, match="found a file"):
        Dataset.open(tmp_path / "x")


@pytest.mark.parametrize(
    ("options", "what"),
    [
        ({"sequences": []}, "no sequence to write"),
        ({"sequences": tokens()[:3]}, "sequences and records differ in number"),
        ({"sequences": [*tokens()[:3], np.array([5], np.uint8)]}, "not a sequence of tokens"),
        ({"sequences": [*tokens()[:3], np.array([], np.uint8)]}, "not a sequence of tokens"),
        ({"sequences": [*tokens()[:3], np.array([1.0])]}, "not a sequence of tokens"),
        ({"task": "binary"}, "labels do not fit the task"),
        ({"table": records(id=["a", "b", "a", "c"])}, "record ids are not unique"),
        ({"sites": Sites([0], [2], [9], ["+"], ["x"], ["y"])}, "a site lies outside its sequence"),
        ({"sites": Sites([4], [0], [1], ["+"], ["x"], ["y"])}, "a site lies outside its sequence"),
    ],
)
def test_parts_that_do_not_fit_are_refused_and_nothing_is_written(dataset, options, what):
    before = Dataset.open(dataset.path).data_hash
    with pytest.raises(DatasetError) as caught:
        write(dataset.path, **options)
    assert caught.value.what == what
    assert Dataset.open(dataset.path).data_hash == before
    assert [p.name for p in dataset.path.parent.iterdir()] == ["set"]


def test_records_check_themselves():
    with pytest.raises(DatasetError, match="unknown split"):
        records(split=["train"] * 3 + ["dev"])
    with pytest.raises(DatasetError, match="differ in length"):
        records(label=[1.0])
    with pytest.raises(DatasetError, match=r"not a finite number \(record r1\)"):
        records(label=[0, np.nan, 0, 0])
    with pytest.raises(DatasetError, match="unknown split"):
        Dataset.indices(None, "validation")


def test_summary_counts_by_hand(dataset):
    summary = summarise(dataset)
    train, val, test = summary.splits
    assert (train.name, train.records, train.bases, train.mean_length) == ("train", 2, 10, 5.0)
    assert train.gc == pytest.approx(7 / 9) and val.gc == 0 and test.gc == 0
    assert train.label_mean == pytest.approx(0.05) and test.label_mean == pytest.approx(0.3)
    assert summary.gc["train"].tolist() == [0.5, 1.0]
    assert summary.lengths["test"].tolist() == [8]
    assert summary.sites == {"GC": {"functional": 1}, "SRF": {"functional": 1}, "TATA": {"functional": 1}}


def test_summary_is_the_same_in_small_pieces(dataset, monkeypatch):
    whole = summarise(dataset)
    monkeypatch.setattr("mlx_gsa.data.summary._BASES_AT_ONCE", 5)
    assert summarise(dataset).splits == whole.splits


def test_summary_counts_classes(tmp_path):
    made = write(tmp_path / "set", task="multiclass", classes=["a", "b"], table=records(label=[0, 1, 1, 0]))
    assert [s.class_counts for s in summarise(made).splits] == [{"a": 1, "b": 1}, {"a": 0, "b": 1}, {"a": 1, "b": 0}]

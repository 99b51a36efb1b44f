"""Tables: which column is what, labels of each task, rows left out with a reason, and clear errors."""

import gzip
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlx_gsa.data.collect import NO_COORDINATES, Limits, SplitPlan
from mlx_gsa.data.table import dataset_from_table
from mlx_gsa.data.table_rows import RENAMED
from mlx_gsa.dna.alphabet import decode
from mlx_gsa.errors import DatasetError, GsaError, SequenceError, SplitError, TableError

RANDOM = random.Random(0)
SEQUENCES = ["".join(RANDOM.choices("ACGT", k=30)) for _ in range(40)]


def rows(n=20, **columns):
    """Build a table: columns are lists or functions of the row number."""
    columns = {"sequence": lambda i: SEQUENCES[i], "label": lambda i: i / 10, **columns}
    columns = {name: value for name, value in columns.items() if value is not None}
    lines = [[str(v(i) if callable(v) else v[i]) for v in columns.values()] for i in range(n)]
    return [list(columns), *lines]


@pytest.fixture
def prepare(tmp_path):
    def run(table, *, raw=None, **options):
        path = tmp_path / "table.tsv"
        text = "\n".join("\t".join(row) for row in table) + "\n" if raw is None else raw
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return dataset_from_table(path, tmp_path / "out", **{"task": "regression", **options})

    return run


def error_of(prepare, kind, table, **options):
    with pytest.raises(kind) as caught:
        prepare(table, **options)
    return caught.value


def test_sequences_and_labels_come_back_in_order(prepare):
    made = prepare(rows())
    assert [decode(made.sequence(i)) for i in range(20)] == SEQUENCES[:20]
    assert np.allclose(made.records.label, np.arange(20) / 10)
    assert made.records.id[:2].tolist() == ["line_2", "line_3"]
    assert made.manifest.splits == {"train": 16, "val": 2, "test": 2}
    assert made.manifest.source["split_by"] == "similarity" and made.manifest.source["file"] == "table.tsv"


def test_columns_of_the_usual_names_are_used(prepare):
    made = prepare(
        rows(
            id=lambda i: f"p{i}", chrom=lambda i: f"chr{i % 5}", start=lambda i: 100 * i, strand=lambda i: "+-"[i % 2],
            end=lambda i: 100 * i + 30, group=lambda i: f"g{i // 2}",
        )
    )  # fmt: skip
    table = made.records
    assert (table.id[3], table.chrom[3], table.start[3], table.end[3]) == ("p3", "chr3", 300, 330)
    assert table.strand.tolist() == ["+", "-"] * 10 and table.group[3] == "g1"
    assert made.manifest.source["split_by"] == "group"
    assert all(table.split[i] == table.split[i + 1] for i in range(0, 20, 2))


def test_none_takes_no_column(prepare):
    made = prepare(rows(group=lambda i: f"g{i // 2}", id=lambda i: f"p{i}"), group_column="none", id_column="none")
    assert made.manifest.source["split_by"] == "similarity" and made.records.id[0] == "line_2"


def test_one_based_coordinates_become_zero_based(prepare):
    made = prepare(rows(chrom=lambda i: "chr1", start=lambda i: 101, end=lambda i: 130), plan=SplitPlan("random"))
    assert (made.records.start[0], made.records.end[0]) == (100, 130)


def test_coordinates_that_do_not_fit_are_left_out_and_counted(prepare):
    made = prepare(rows(chrom=lambda i: f"chr{i % 4}", start=lambda i: 5, end=lambda i: 5))
    assert made.records.start.tolist() == [-1] * 20 and made.records.chrom[1] == "chr1"
    assert made.manifest.normalised == {NO_COORDINATES: 20}


def test_coordinates_are_read_from_ids(prepare):
    made = prepare(rows(id=lambda i: f"chr{i % 4}:{100 * i}-{100 * i + 30}(-)"))
    assert (made.records.chrom[5], made.records.start[5], made.records.strand[5]) == ("chr1", 500, "-")
    assert made.manifest.source["split_by"] == "chromosome"


def test_the_middle_of_each_sequence_alone_can_be_taken_with_its_place(prepare):
    whole = prepare(rows(chrom=lambda i: "chr1", start=lambda i: 100, end=lambda i: 130), plan=SplitPlan("random"))
    tokens = [np.array(whole.sequence(i)) for i in range(20)]
    table = rows(chrom=lambda i: "chr1", start=lambda i: 100, end=lambda i: 130, strand=lambda i: "+-"[i % 2])
    made = prepare(table, plan=SplitPlan("random"), limits=Limits(min_length=15), centre=15)
    assert all((made.sequence(i) == tokens[i][7:22]).all() for i in range(20)) and len(tokens[0]) == 30
    assert made.records.start[:2].tolist() == [107, 108] and made.records.end[:2].tolist() == [122, 123]
    assert prepare(table, plan=SplitPlan("random"), centre=40).lengths.tolist() == [30] * 20


def test_chromosomes_are_not_torn_and_the_choice_can_be_made(prepare):
    table = rows(chrom=lambda i: f"chr{i % 5}", group=lambda i: f"g{i % 4}")
    for by, name in (("chromosome", "chrom"), ("group", "group")):
        records = prepare(table, plan=SplitPlan(by)).records
        column = getattr(records, name)
        assert all(len(set(records.split[column == value])) == 1 for value in set(column))
    assert prepare(table, plan=SplitPlan("random")).manifest.splits == {"train": 16, "val": 2, "test": 2}


def test_stated_splits_are_kept(prepare):
    words = ["Training", "valid", "test", "train"] * 5
    made = prepare(rows(split=words))
    assert made.records.split[:4].tolist() == ["train", "val", "test", "train"]
    assert made.manifest.source["split_by"] == "the table"


def test_validation_is_taken_from_training_if_the_table_has_none(prepare):
    made = prepare(rows(n=40, split=lambda i: "test" if i < 4 else "train"))
    assert made.manifest.splits == {"train": 32, "val": 4, "test": 4}
    assert set(made.records.split[:4]) == {"test"}


def test_an_unknown_split_is_an_error(prepare):
    error = error_of(prepare, TableError, rows(split=lambda i: "fold_1"))
    assert (error.what, error.found) == ("unknown split", "fold_1") and "line 2" in error.where


def test_copies_share_a_split_at_random_and_are_counted(prepare):
    complement = str.maketrans("ACGT", "TGCA")
    pairs = [s for one in SEQUENCES[:10] for s in (one, one.translate(complement)[::-1])]
    made = prepare(rows(sequence=pairs))
    assert all(made.records.split[i] == made.records.split[i + 1] for i in range(0, 20, 2))
    assert made.records.group[:4].tolist() == ["line_2", "line_2", "line_4", "line_4"]
    assert made.manifest.duplicates == {
        "same sequence as an earlier record": 10,
        "the same, but with another label": 10,
    }


def test_copies_across_chromosomes_are_reported(prepare):
    made = prepare(rows(sequence=lambda i: SEQUENCES[i % 10], chrom=lambda i: f"chr{i}"))
    split = made.records.split
    torn = sum(split[i] != split[i + 10] for i in range(10))
    assert torn and made.manifest.duplicates["the same, but in another split"] == torn


# --- labels


def test_binary_by_usual_words(prepare):
    made = prepare(rows(label=["yes", "No", "TRUE", "0"] * 5), task="binary")
    assert made.records.label.tolist() == [1, 0, 1, 0] * 5


def test_binary_by_mapping(prepare):
    table = rows(n=40, label=["pa", "na", "pi", "ni"] * 10)
    made = prepare(table, task="binary", positives=["pa", "na"], negatives=["pi", "ni"])
    assert made.records.label[:4].tolist() == [1, 1, 0, 0] and made.classes == ["pi+ni", "pa+na"]
    made = prepare(table, task="binary", positives=["pa"])
    assert made.records.label[:4].tolist() == [1, 0, 0, 0]
    made = prepare(table, task="binary", positives=["pa"], negatives=["na"])
    assert len(made) == 20 and made.manifest.dropped == {"label is neither positive nor negative": 20}


def test_na_is_a_class_if_it_is_lower_case(prepare):
    made = prepare(rows(n=40, label=["pa", "na", "10", "9"] * 10), task="multiclass")
    assert made.classes == ["9", "10", "na", "pa"] and made.records.label[:4].tolist() == [3, 2, 1, 0]


def test_log2_with_and_without_pseudocount(prepare):
    table = rows(n=30, label=lambda i: [0, 8, -1][i % 3])
    made = prepare(table, log2=True)
    assert set(made.records.label) == {3.0}
    assert made.manifest.dropped == {"label is not positive, so it has no logarithm": 20}
    assert set(prepare(table, log2=True, pseudocount=1).records.label) == {0.0, np.float32(np.log2(9))}


def test_rows_that_cannot_be_used_are_counted_with_the_reason(prepare):
    table = rows()
    extra = [("ACGT" * 10, ""), ("ACGT" * 10, "NA"), ("ACGT" * 10, "high"), ("ACGT" * 10, "inf"), ("", "1")]
    extra += [("ACGT", "1"), ("A" * 20 + "N" * 20, "1"), ("MKLEF" * 9, "1"), ("A" * 60, "1"), ("ACGT" * 10,)]
    made = prepare([*table, *map(list, extra)], limits=Limits(min_length=10, max_length=50))
    assert len(made) == 20
    assert made.manifest.dropped == {
        "missing label": 2,
        "label is not a number": 1,
        "label is not a finite number": 1,
        "empty sequence": 1,
        "shorter than 10 bp": 1,
        "more than 10% N": 1,
        "letters that are not DNA": 1,
        "longer than 50 bp": 1,
        "row with another number of columns than the header": 1,
    }


def test_letters_read_differently_are_counted(prepare):
    made = prepare(rows(sequence=lambda i: SEQUENCES[i].lower().replace("t", "u") + "-R"))
    assert decode(made.sequence(0)) == SEQUENCES[0] + "N"
    counts = made.manifest.normalised
    assert counts["gap characters removed"] == 20 and counts["ambiguity codes read as N"] == 20
    assert counts["lower-case letters read as upper case"] == 600


def test_repeated_ids_get_the_line_number(prepare):
    made = prepare(rows(id=lambda i: f"p{i // 2}"))
    assert made.records.id[:4].tolist() == ["p0", "p0#3", "p1", "p1#5"]
    assert made.manifest.normalised == {RENAMED: 10}


def test_row_filters(prepare):
    table = rows(n=40, kind=lambda i: "abcd"[i % 4], tissue=lambda i: "x" if i < 20 else "y")
    made = prepare(table, where=["kind=a,b", "tissue=x"])
    assert len(made) == 10 and made.manifest.dropped == {"left out by the row filter": 30}


@pytest.mark.parametrize(
    ("options", "what", "mend"),
    [
        ({"label_column": "lable"}, "no column 'lable' for labels", "Did you mean 'label'?"),
        ({"sequence_column": "Sequence"}, "no column 'Sequence' for sequences", "Did you mean 'sequence'?"),
        ({"group_column": "cluster"}, "no column 'cluster' for group", "Name the column of group."),
        ({"where": ["kid=a"]}, "no column 'kid' for a row filter", "Did you mean 'kind'?"),
        ({"where": ["kind"]}, "cannot read a row filter", None),
        ({"where": ["kind=A"]}, "a filter value does not occur", "Did you mean 'a'?"),
        ({"task": "binary"}, "labels are not of two classes", "Say which values are positive"),
        ({"task": "binary", "positives": ["high"], "label_column": "kind"}, "a label value does not occur", None),
        ({"task": "binary", "positives": ["a"], "negatives": ["a"]}, "a value is both positive and negative", None),
        ({"positives": ["a"]}, "positive and negative values need a binary task", None),
        ({"task": "binary", "log2": True}, "a logarithm needs a regression task", None),
        ({"label_column": "kind"}, "labels are not numbers", "Choose another column"),
    ],
)
def test_clear_errors(prepare, tmp_path, options, what, mend):
    error = error_of(prepare, TableError, rows(kind=lambda i: "ab"[i % 2]), **options)
    assert error.what == what and (mend is None or mend in error.mend)
    assert not (tmp_path / "out").exists()


def test_too_many_classes_are_no_classes(prepare, tmp_path):
    many = [[SEQUENCES[0], str(i / 7)] for i in range(150)]
    error = error_of(prepare, TableError, [["sequence", "label"], *many], task="multiclass")
    assert error.what == "labels are not classes" and error.found.startswith("150:")


@pytest.mark.parametrize(
    ("raw", "what"),
    [
        (b"", "the file is empty"),
        (b"sequence\n", "not a table"),
        (b">a\nACGT\n", "not a table"),
        (b"sequence\tlabel\tlabel\n", "two columns have the same name"),
        (b"PK\x03\x04", "not a text file"),
        (gzip.compress(random.Random(1).randbytes(4000).hex().encode())[:-50], "the gzip file is cut short"),
    ],
)
def test_files_that_are_no_table(prepare, raw, what):
    assert error_of(prepare, TableError, None, raw=raw).what == what


def test_a_header_alone_has_no_usable_record(prepare):
    assert error_of(prepare, DatasetError, rows(n=0)).what == "no usable record"


def test_if_no_row_is_dna_the_first_is_shown(prepare):
    error = error_of(prepare, SequenceError, rows(sequence=lambda i: "MKLEF" * 8))
    assert error.where.endswith("line 2, column sequence") and error.found == "the letters E F L"


def test_nothing_left_lists_why(prepare):
    error = error_of(prepare, DatasetError, rows(), limits=Limits(min_length=100))
    assert (error.what, error.found) == ("no usable record", "20 shorter than 100 bp")


def test_splits_that_cannot_be_made(prepare):
    assert error_of(prepare, SplitError, rows(), plan=SplitPlan("group")).what == "no groups to split by"
    assert error_of(prepare, SplitError, rows(), plan=SplitPlan("chromosome")).what == "no chromosomes to split by"
    one = rows(chrom=lambda i: "chr1")
    assert error_of(prepare, SplitError, one, plan=SplitPlan("chromosome")).what == "too few groups to split"
    assert prepare(one).manifest.source["split_by"] == "similarity"


def test_commas_quotes_and_line_ends(prepare):
    lines = [f'"{SEQUENCES[i]}","{i}","a, ""b"" {i}"' for i in range(10)]
    made = prepare(None, raw="\r\n".join(["sequence,label,id", *lines]))
    assert made.records.id[2] == 'a, "b" 2' and len(made) == 10
    lines = [f'"{SEQUENCES[i]}"\t{i}\t5"' for i in range(10)]
    made = prepare(None, raw="\r\n".join(["sequence\tlabel\tid", *lines]))
    assert made.records.id[0] == '5"' and decode(made.sequence(0)) == SEQUENCES[0]


def test_gzip(prepare):
    raw = gzip.compress("\n".join("\t".join(row) for row in rows()).encode())
    assert len(prepare(None, raw=raw)) == 20


def test_a_failure_keeps_the_older_data_set(prepare):
    made = prepare(rows())
    with pytest.raises(TableError):
        prepare(rows(), label_column="nothing")
    assert type(made).open(made.path).data_hash == made.data_hash


@settings(max_examples=80)
@given(st.binary(max_size=400) | st.text(max_size=200).map(lambda t: ("sequence\tlabel\n" + t).encode()))
def test_any_bytes_are_a_data_set_or_one_clear_error(tmp_path_factory, raw):
    folder = tmp_path_factory.mktemp("table")
    (folder / "x.tsv").write_bytes(raw)
    with pytest.raises(GsaError):
        dataset_from_table(folder / "x.tsv", folder / "out", task="regression")
    assert [p.name for p in folder.iterdir()] == ["x.tsv"]


def test_real_tables(shared_data, tmp_path):
    made = dataset_from_table(
        shared_data / "human_regseq_2kb/human_regseq_2kb.tsv.gz",
        tmp_path / "human",
        label_column="class",
        task="binary",
        positives=["pa", "na"],
        negatives=["pi", "ni"],
    )
    assert len(made) == 3946 and made.manifest.dropped == {}
    assert set(made.lengths.tolist()) == {2000} and made.records.label.sum() == 1999
    assert (made.records.end - made.records.start == 2000).all()
    assert made.manifest.source["split_by"] == "chromosome"


def test_rows_without_a_group_stand_alone(prepare):
    made = prepare(rows(group=lambda i: "" if i < 15 else f"g{i // 3}"))
    assert made.records.group[:2].tolist() == ["line_2", "line_3"] and made.records.group[15] == "g5"
    assert made.manifest.splits == {"train": 16, "val": 2, "test": 2}

"""Tables with several labels, replicates, weights, copies and groups in ids: what is stored, counted and refused."""

import random

import numpy as np
import pytest

from mlx_gsa.data.collect import NO_COORDINATES
from mlx_gsa.data.dataset import Dataset
from mlx_gsa.data.label_columns import LabelPlan
from mlx_gsa.data.measurements import spread_weights
from mlx_gsa.data.records import label_to_split_by
from mlx_gsa.data.split_plan import SplitPlan
from mlx_gsa.data.table import dataset_from_table
from mlx_gsa.data.table_rows import COPY, UNGROUPED
from mlx_gsa.errors import DatasetError, TableError

RANDOM = random.Random(0)
SEQUENCES = ["".join(RANDOM.choices("ACGT", k=30)) for _ in range(40)]
RANDOM_SPLIT = {"plan": SplitPlan("random")}


@pytest.fixture
def prepare(tmp_path):
    """Write a table of columns (functions of the row number) and prepare it."""

    def run(n=20, *, columns, **options):
        columns = {"sequence": lambda i: SEQUENCES[i], **columns}
        lines = ["\t".join(columns), *("\t".join(str(f(i)) for f in columns.values()) for i in range(n))]
        path = tmp_path / "table.tsv"
        path.write_text("\n".join(lines) + "\n")
        return dataset_from_table(path, tmp_path / "out", **{"task": "regression", **RANDOM_SPLIT, **options})

    return run


TWO = {"a": lambda i: i, "b": lambda i: -i if i % 2 else "NA"}


def test_several_labels_are_stored_side_by_side(prepare):
    made = prepare(columns=TWO, label_column=("a", "b"))
    assert made.outputs == ["a", "b"] and made.records.extra["label:b"].dtype == np.float32
    np.testing.assert_array_equal(made.labels[:4], [[0, np.nan], [1, -1], [2, np.nan], [3, -3]])
    assert made.records.label[:4].tolist() == [0, 1, 2, 3] and made.weights is None
    assert made.manifest.normalised == {"b: missing label; kept for the other labels": 10}
    assert Dataset.open(made.path).labels[3].tolist() == [3, -3]


def test_one_label_is_stored_as_it_ever_was(prepare):
    one = prepare(columns=TWO, label_column="a")
    again = prepare(columns=TWO, label_column=("a",))
    assert one.outputs is None and one.labels.shape == (20,) and one.records.extra == {}
    assert one.data_hash == again.data_hash


def test_a_record_with_any_label_stays_and_one_without_goes(prepare):
    gone = {"a": lambda i: "" if i < 12 else i, "b": lambda i: "NA" if i < 10 else "x" if i == 15 else i}
    made = prepare(columns=gone, label_column=("a", "b"))
    assert len(made) == 10 and made.manifest.dropped == {"missing label": 10}
    assert np.isnan(made.records.label[:2]).all() and made.labels[:2, 1].tolist() == [10, 11]
    assert made.manifest.normalised["b: label is not a number; kept for the other labels"] == 1


def test_the_logarithm_is_of_every_label(prepare):
    made = prepare(columns={"a": lambda i: 7, "b": lambda i: 2 * i}, label_column=("a", "b"), log2=True, pseudocount=1)
    np.testing.assert_allclose(made.labels, np.stack([np.full(20, 3.0), np.log2(2 * np.arange(20) + 1)], 1), rtol=1e-6)


def test_binary_labels_side_by_side(prepare):
    columns = {"a": lambda i: "yes" if i % 2 else "no", "b": lambda i: "" if i < 4 else i % 4 // 2}
    made = prepare(columns=columns, label_column=("a", "b"), task="binary")
    assert made.labels[:6, 0].tolist() == [0, 1] * 3 and made.labels[4:8, 1].tolist() == [0, 0, 1, 1]
    assert np.isnan(made.labels[:4, 1]).all()


def test_values_of_classes_may_lie_in_either_column(prepare):
    columns = {"a": lambda i: "xy"[i % 2], "b": lambda i: "xz"[i % 2]}
    chosen = {"positives": ["y", "z"], "task": "binary", "label_column": ("a", "b")}
    assert prepare(columns=columns, **chosen).labels[:2].tolist() == [[0, 0], [1, 1]]


def test_replicates_become_mean_and_weight(prepare):
    columns = {"r1": lambda i: 1 + i, "r2": lambda i: 3 + i, "r3": lambda i: "NA" if i < 10 else 2 + i}
    made = prepare(columns=columns, replicate_columns=("r1", "r2", "r3"))
    np.testing.assert_allclose(made.records.label, np.arange(20) + 2)
    deviation, number = np.repeat([2**0.5, 1.0], 10), np.repeat([2, 3], 10)
    np.testing.assert_allclose(made.weights, spread_weights(deviation, number))
    assert made.weights[15] > made.weights[5] and made.outputs is None


def test_replicates_are_averaged_after_the_logarithm(prepare):
    columns = {"r1": lambda i: 1, "r2": lambda i: 16, "r3": lambda i: 0 if i == 7 else 4}
    made = prepare(columns=columns, replicate_columns=("r1", "r2", "r3"), log2=True)
    assert set(made.records.label) == {2.0}
    assert made.manifest.dropped == {"a replicate is not positive, so it has no logarithm": 1}


def test_a_stated_spread_becomes_a_weight(prepare):
    made = prepare(columns={"a": lambda i: i, "sd": lambda i: 1 + i % 3}, label_column="a", spread_column="sd")
    np.testing.assert_allclose(made.weights, spread_weights(1.0 + np.arange(20) % 3, np.ones(20)))


def test_a_spread_follows_its_label_through_the_logarithm(prepare):
    columns = {"a": lambda i: 2.0**i, "sd": lambda i: "NA" if i == 3 else 0.1 * 2.0**i * (1 + i % 2)}
    made = prepare(columns=columns, label_column="a", spread_column="sd", log2=True)
    deviation = 0.1 * (1.0 + np.arange(20) % 2) / np.log(2)
    deviation[3] = np.nan
    np.testing.assert_allclose(made.weights, spread_weights(deviation, np.ones(20)), rtol=1e-9)
    assert made.manifest.normalised == {"spread missing: taken as typical": 1}


def test_stated_weights_are_taken_as_they_are(prepare):
    columns = {"a": lambda i: i, "w": lambda i: "" if i == 2 else i / 4}
    made = prepare(columns=columns, label_column="a", weight_column="w")
    assert made.weights[:3].tolist() == [0, 0.25, 0.75] and made.manifest.dropped == {"missing weight": 1}


COPIES = {"sequence": lambda i: SEQUENCES[i % 15], "a": lambda i: i}


def test_copies_are_kept_left_out_or_averaged(prepare):
    assert len(prepare(columns=COPIES, label_column="a")) == 20
    first = prepare(columns=COPIES, label_column="a", duplicates="first")
    assert first.records.label.tolist() == list(range(15)) and first.manifest.dropped == {COPY["first"]: 5}
    assert first.weights is None
    mean = prepare(columns=COPIES, label_column="a", duplicates="mean")
    assert mean.records.label[:6].tolist() == [7.5, 8.5, 9.5, 10.5, 11.5, 5] and len(mean) == 15
    assert mean.manifest.dropped == {COPY["mean"]: 5} and mean.manifest.duplicates == {}
    np.testing.assert_allclose(mean.weights[0] / mean.weights[9], 2)  # equal spread, two measurements against one


def test_the_other_strand_is_no_exact_copy(prepare):
    other = SEQUENCES[0].translate(str.maketrans("ACGT", "TGCA"))[::-1]
    columns = {"sequence": lambda i: other if i == 1 else SEQUENCES[i], "a": lambda i: i}
    made = prepare(columns=columns, label_column="a", duplicates="first")
    assert len(made) == 20 and made.manifest.duplicates["same sequence as an earlier record"] == 1


def test_groups_are_found_in_ids(prepare):
    columns = {"id": lambda i: "odd" if i == 19 else f"GENE{i // 3}_{i % 3}", "a": lambda i: i}
    made = prepare(columns=columns, label_column="a", group_from=r"^(.+)_\d+$", plan=SplitPlan("auto"))
    assert made.records.group[:4].tolist() == ["GENE0", "GENE0", "GENE0", "GENE1"]
    assert made.manifest.source["split_by"] == "group" and made.manifest.normalised == {UNGROUPED: 1}
    assert made.records.group[19] == "odd"


@pytest.mark.parametrize("split", ["train", "val", "test"])
def test_all_records_go_to_one_split(prepare, split):
    made = prepare(columns={"a": lambda i: i, "split": lambda i: "train"}, label_column="a", split_as=split)
    assert made.manifest.splits == {"train": 0, "val": 0, "test": 0} | {split: 20}


FORMS = ["chr{c}-{s}-{e}_UPCQ_WT", "chr{c}:{s}-{e}(+)", "hg38_chr{c}_{s}_{e}", "chr{c}_{s}-{e}", "chr{c}_{s}_{e}_+"]


@pytest.mark.parametrize("form", FORMS)
def test_coordinates_are_read_from_ids(prepare, form):
    columns = {"id": lambda i: form.format(c=i % 5, s=100 * i, e=100 * i + 30), "a": lambda i: i}
    made = prepare(columns=columns, label_column="a", plan=SplitPlan("chromosome"))
    assert (made.records.chrom[7], made.records.start[7], made.records.end[7]) == ("chr2", 700, 730)


def test_the_chromosome_of_coordinates_that_do_not_fit_is_used_nevertheless(prepare):
    columns = {"id": lambda i: f"chr{i % 5}-5-7_P{i}", "a": lambda i: i}
    made = prepare(columns=columns, label_column="a", plan=SplitPlan("auto"))
    assert made.manifest.source["split_by"] == "chromosome" and made.records.chrom[7] == "chr2"
    assert set(made.records.start) == {-1} and made.manifest.normalised == {NO_COORDINATES: 20}


A = {"a": lambda i: i, "b": lambda i: -i, "t": lambda i: "xyz"[i % 3], "w": lambda i: i - 3}
ZERO = {**A, "w": lambda i: 0}
WRONG = [
    ({"label_column": ("a", "a")}, "a column is named twice"),
    ({"label_column": "a", "spread_column": "a"}, "a column is named twice"),
    ({"label_column": ("a", "c")}, "no column 'c' for labels"),
    ({"label_column": ("a", "t")}, "labels are not numbers"),
    ({"label_column": ("a", "b"), "task": "multiclass"}, "several labels need a regression or binary task"),
    ({"replicate_columns": ("a", "t")}, "replicates are not numbers"),
    ({"replicate_columns": ("a",)}, "one replicate has no spread"),
    ({"replicate_columns": ("a", "b"), "spread_column": "w"}, "replicates have a spread of their own"),
    ({"replicate_columns": ("a", "b"), "weight_column": "w"}, "weights are stated twice"),
    ({"replicate_columns": ("a", "b"), "task": "binary"}, "replicates need a regression task"),
    ({"label_column": ("a", "b"), "spread_column": "w"}, "spreads do not fit the labels"),
    ({"label_column": "a", "spread_column": "w"}, "a spread is negative"),
    ({"label_column": "a", "spread_column": "t"}, "the spreads are not numbers"),
    ({"label_column": "a", "weight_column": "w"}, "a weight is negative"),
    ({"label_column": "a", "weight_column": "t"}, "the weights are not numbers"),
    ({"label_column": "t", "task": "multiclass", "duplicates": "mean"}, "averaging copies needs a regression task"),
    ({"label_column": "a", "group_from": "^[a-z]+"}, "the pattern of groups captures nothing"),
    ({"label_column": "a", "group_from": "(["}, "the pattern of groups is no regular expression"),
    ({"label_column": "a", "group_from": "(x)", "group_column": "t"}, "groups are stated twice"),
    ({"label_column": "a", "group_from": "(x)", "id_column": "t", "where": ["t=y"]}, "no id has the pattern of groups"),
    ({"label_column": "a", "group_from": "(x)"}, "no id has the pattern of groups"),
    ({"label_column": "a", "split_as": "test", "split_column": "t"}, "splits are stated twice"),
    ({"label_column": "a", "split_as": "dev"}, "unknown split"),
]


@pytest.mark.parametrize(("options", "what"), WRONG, ids=[what for _, what in WRONG])
def test_clear_errors(prepare, tmp_path, options, what):
    with pytest.raises(TableError) as caught:
        prepare(columns=A, **options)
    assert caught.value.what == what
    assert not (tmp_path / "out").exists()


def test_weights_that_are_all_zero_are_none(prepare):
    with pytest.raises(TableError, match="all weights are 0"):
        prepare(columns=ZERO, label_column="a", weight_column="w")


def test_a_negative_weight_is_shown_with_its_line(prepare):
    with pytest.raises(TableError) as caught:
        prepare(columns=A, label_column="a", weight_column="w")
    assert caught.value.where.endswith("column w, line 2") and caught.value.found == "-3"


def test_a_label_of_every_record_is_needed_somewhere(prepare):
    with pytest.raises(TableError, match="labels are not numbers"):
        prepare(columns={"a": lambda i: i, "b": lambda i: "NA"}, label_column=("a", "b"))
    with pytest.raises(DatasetError, match="no usable record"):
        prepare(columns={"a": lambda i: "", "b": lambda i: "NA"}, label_column=("a", "b"))


def test_gaps_are_filled_where_splits_are_balanced():
    labels = np.array([[np.nan, 1.0], [3.0, 0.0], [5.0, np.nan], [7.0, 1.0]])
    assert label_to_split_by(labels, "regression").tolist() == [5, 3, 5, 7]
    classes = np.array([[np.nan, np.nan, 1.0], [0.0, 1.0, 1.0]])
    assert label_to_split_by(classes, "binary").tolist() == [1, 0]


def test_a_plan_names_its_outputs():
    assert LabelPlan("regression", ("a", "b")).outputs == ["a", "b"]
    assert LabelPlan("regression").outputs is None and LabelPlan("regression", replicates=("a", "b")).outputs is None


def test_folds_and_subsets_keep_the_labels(prepare):
    made = prepare(n=40, columns=TWO, label_column=("a", "b"), plan=SplitPlan("random", folds=3))
    assert made.with_fold(1).outputs == ["a", "b"] and made.with_fold(1).labels.shape == (40, 2)


def test_real_tables(shared_data, tmp_path):
    yeast = dataset_from_table(
        shared_data / "yeast_promoter_expression/yeast_tss_promoters.tsv.gz", tmp_path / "yeast", task="regression",
        sequence_column="seq_-1000_+500", label_column=("fpkm", "tfiib", "netseq"), log2=True, pseudocount=0.1,
        plan=SplitPlan("chromosome"),
    )  # fmt: skip
    assert len(yeast) == 6270 and (~np.isnan(yeast.labels)).sum(axis=0).tolist() == [6270, 3522, 3522]
    crx = dataset_from_table(
        shared_data / "crx_mpra_mouse_retina/crx_mpra_wt.tsv.gz", tmp_path / "crx", task="regression",
        id_column="label", label_column="expression", spread_column="expression_std", log2=True, pseudocount=0.001,
        plan=SplitPlan("chromosome"),
    )  # fmt: skip
    assert (crx.records.end - crx.records.start == 164).all() and crx.records.label[0] == pytest.approx(1.8510477)
    assert crx.weights.min() >= 0.2 and crx.weights.max() <= 5

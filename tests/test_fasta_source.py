"""FASTA becomes a binary data set, with negatives from a second file or made of the positives."""

import random
from collections import Counter

import numpy as np
import pytest

from mlx_gsa.data.collect import NO_COORDINATES, Limits, SplitPlan
from mlx_gsa.data.controls import UNCHANGED, parse_controls
from mlx_gsa.data.dataset import Dataset
from mlx_gsa.data.fasta_source import RENAMED, dataset_from_fasta
from mlx_gsa.dna.alphabet import decode
from mlx_gsa.errors import ConfigError, DatasetError, SequenceError, SplitError


def fasta(path, n, seed, name="s{}", length=30):
    letters = random.Random(seed)
    texts = ["".join(letters.choices("ACGT", k=length)) for _ in range(n)]
    path.write_text("".join(f">{name.format(i)}\n{text}\n" for i, text in enumerate(texts)))
    return path, texts


@pytest.fixture
def files(tmp_path):
    return fasta(tmp_path / "p.fa", 20, 1, "p{}")[0], fasta(tmp_path / "n.fa", 30, 2, "n{}")[0]


def test_positives_come_first(tmp_path):
    positives, texts = fasta(tmp_path / "p.fa", 20, 1, "p{}")
    negatives, others = fasta(tmp_path / "n.fa", 30, 2, "n{}")
    made = dataset_from_fasta(positives, negatives, tmp_path / "out")
    assert [decode(made.sequence(i)) for i in range(50)] == texts + others
    assert made.records.label.tolist() == [1.0] * 20 + [0.0] * 30
    assert made.classes == ["negative", "positive"] and made.task == "binary"
    assert made.manifest.splits == {"train": 40, "val": 5, "test": 5}
    for split, positives in (("val", 2), ("test", 2)):
        assert made.records.label[made.indices(split)].sum() == positives


def test_headers_give_coordinates_and_whole_chromosomes(tmp_path):
    positives, _ = fasta(tmp_path / "p.fa", 20, 1, "chr{0}:1,001-1,030(-)")
    negatives, _ = fasta(tmp_path / "n.fa", 20, 2, "x{0}::chr{0}:50-80(+)")
    made = dataset_from_fasta(positives, negatives, tmp_path / "out")
    table = made.records
    assert (table.chrom[0], table.start[0], table.end[0], table.strand[0]) == ("chr0", 1000, 1030, "-")
    assert made.manifest.source["split_by"] == "chromosome"
    assert all(table.split[i] == table.split[i + 20] for i in range(20))


def test_one_name_in_both_files(tmp_path):
    positives, _ = fasta(tmp_path / "p.fa", 15, 1)
    negatives, _ = fasta(tmp_path / "n.fa", 15, 2)
    made = dataset_from_fasta(positives, negatives, tmp_path / "out")
    assert made.records.id[[0, 15]].tolist() == ["s0", "s0|negative"]
    assert made.manifest.normalised == {RENAMED: 15}


def test_records_out_of_the_limits_are_counted(tmp_path, files):
    files[0].write_text(files[0].read_text() + ">short\nACGT\n>unknown\n" + "N" * 40 + "\n>chr1:5-9\n" + "ACG" * 9)
    made = dataset_from_fasta(*files, tmp_path / "out")
    assert made.manifest.dropped == {"shorter than 20 bp": 1, "more than 10% N": 1}
    assert made.manifest.normalised == {NO_COORDINATES: 1}


def test_a_bad_file_is_an_error_and_keeps_the_older_data_set(tmp_path, files):
    before = dataset_from_fasta(*files, tmp_path / "out").data_hash
    files[1].write_text(files[1].read_text() + ">last\nACGTPROTEIN\n")
    with pytest.raises(SequenceError, match="not a DNA sequence"):
        dataset_from_fasta(*files, tmp_path / "out")
    assert Dataset.open(tmp_path / "out").data_hash == before
    assert sorted(p.name for p in tmp_path.iterdir()) == ["n.fa", "out", "p.fa"]


def test_a_file_without_usable_records(tmp_path, files):
    with pytest.raises(DatasetError) as caught:
        dataset_from_fasta(*files, tmp_path / "out", limits=Limits(min_length=100))
    assert caught.value.where == str(files[0]) and caught.value.found == "20 shorter than 100 bp"


def test_the_same_file_twice(tmp_path, files):
    with pytest.raises(SequenceError, match="the same file"):
        dataset_from_fasta(files[0], files[0], tmp_path / "out")


def test_groups_are_not_known(tmp_path, files):
    with pytest.raises(SplitError, match="no groups"):
        dataset_from_fasta(*files, tmp_path / "out", plan=SplitPlan("group"))


def test_progress_runs_over_both_files(tmp_path, files):
    calls = []
    dataset_from_fasta(*files, tmp_path / "out", progress=lambda done, total: calls.append((done, total)))
    sizes = [f.stat().st_size for f in files]
    assert calls == [(sizes[0], sum(sizes)), (sum(sizes), sum(sizes))]


def test_controls_of_the_positives(tmp_path, files):
    controls = parse_controls(["dinucleotide-shuffle:2", "segment-swap:0.5"])
    made = dataset_from_fasta(files[0], None, tmp_path / "out", controls=controls, plan=SplitPlan("random", seed=3))
    table = made.records
    assert Counter(table.extra["kind"]) == {"positive": 20, "dinucleotide-shuffle": 40, "segment-swap": 10}
    assert (table.label == (table.extra["kind"] == "positive")).all()
    rows = {name: i for i, name in enumerate(table.id)}
    for i, name in enumerate(table.id):
        parent = rows[name.split("|")[0]]
        assert table.split[i] == table.split[parent] and table.group[i] == table.group[parent]
        same = Counter(made.sequence(i)) == Counter(made.sequence(parent))
        assert same and (i == parent or (made.sequence(i) != made.sequence(parent)).any())
    assert "p3|dinucleotide-shuffle|2" in rows
    kinds = [(control["kind"], control["ratio"]) for control in made.manifest.source["controls"]]
    assert kinds == [("dinucleotide-shuffle", 2.0), ("segment-swap", 0.5)]
    assert "negatives" not in made.manifest.source


def test_controls_beside_a_file_of_negatives(tmp_path, files):
    made = dataset_from_fasta(*files, tmp_path / "out", controls=parse_controls(["segment-swap"]))
    assert Counter(made.records.extra["kind"]) == {"positive": 20, "negative": 30, "segment-swap": 20}


def test_without_controls_there_is_no_column_of_kinds(tmp_path, files):
    assert dataset_from_fasta(*files, tmp_path / "out").records.extra == {}


def test_controls_have_the_chromosome_of_their_positive(tmp_path):
    positives, _ = fasta(tmp_path / "p.fa", 20, 1, "chr{0}:1,001-1,030")
    made = dataset_from_fasta(positives, None, tmp_path / "out", controls=parse_controls(["segment-swap"]))
    table = made.records
    assert made.manifest.source["split_by"] == "chromosome"
    assert (table.chrom[20:] == table.chrom[:20]).all() and (table.split[20:] == table.split[:20]).all()
    assert (table.start[20:] == -1).all()


def test_controls_of_copies_stay_with_all_of_them(tmp_path):
    path, texts = fasta(tmp_path / "p.fa", 20, 1)
    path.write_text(path.read_text() + f">copy\n{texts[0]}\n")
    made = dataset_from_fasta(path, None, tmp_path / "out", controls=parse_controls(["segment-swap"]))
    rows = np.isin(made.records.id, ["s0", "copy", "s0|segment-swap", "copy|segment-swap"])
    assert rows.sum() == 4 and set(made.records.group[rows]) == {"s0"}


def test_a_sequence_without_another_order_has_no_control(tmp_path):
    path, _ = fasta(tmp_path / "p.fa", 20, 1)
    path.write_text(path.read_text() + ">dull\n" + "A" * 30 + "\n")
    made = dataset_from_fasta(path, None, tmp_path / "out", controls=parse_controls(["dinucleotide-shuffle"]))
    assert made.manifest.dropped == {UNCHANGED.format(kind="dinucleotide-shuffle"): 1}


def test_names_of_controls_that_are_there_already(tmp_path):
    path, _ = fasta(tmp_path / "p.fa", 10, 1)
    path.write_text(path.read_text().replace(">s9", ">s8|segment-swap"))
    made = dataset_from_fasta(path, None, tmp_path / "out", controls=parse_controls(["segment-swap"]))
    assert {"s8|segment-swap", "s8|segment-swap|2"} <= set(made.records.id)


def test_the_same_seed_makes_the_same_controls(tmp_path, files):
    made = [
        dataset_from_fasta(files[0], None, tmp_path / "out", controls=parse_controls(["segment-swap"]), plan=plan)
        for plan in (SplitPlan("random"), SplitPlan("random"), SplitPlan("random", seed=1))
    ]
    assert made[0].data_hash == made[1].data_hash != made[2].data_hash


def test_no_negatives_and_controls_that_need_a_genome(tmp_path, files):
    with pytest.raises(DatasetError, match="no negatives"):
        dataset_from_fasta(files[0], None, tmp_path / "out")
    with pytest.raises(ConfigError, match="need a genome"):
        dataset_from_fasta(files[0], None, tmp_path / "out", controls=parse_controls(["flank"]))
    assert not (tmp_path / "out").exists()

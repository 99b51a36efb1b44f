"""Two FASTA files become one binary data set."""

import random

import pytest

from mlx_gsa.data.collect import NO_COORDINATES, Limits, SplitPlan
from mlx_gsa.data.dataset import Dataset
from mlx_gsa.data.fasta_source import RENAMED, dataset_from_fasta
from mlx_gsa.dna.alphabet import decode
from mlx_gsa.errors import DatasetError, SequenceError, SplitError


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

"""The leakage report: what crosses is counted in bp, copies and kin; alarms in plain words; real yeast fragments."""

import csv
import gzip
import json

import numpy as np
import pytest
from toys import random_tokens

from mlx_gsa.cli.sources.leakage import leakage_lines
from mlx_gsa.data.dataset import Dataset, Records, write_dataset
from mlx_gsa.data.overlaps import overlap_bp, overlap_groups
from mlx_gsa.data.split_plan import SplitPlan
from mlx_gsa.data.table import dataset_from_table
from mlx_gsa.dna.alphabet import reverse_complement

N = 100
SPLIT = np.array(["train"] * 80 + ["val"] * 10 + ["test"] * 10)


def report(tmp_path, sequences=None, source=None, split=SPLIT, **columns):
    sequences = random_tokens([100] * N) if sequences is None else sequences
    records = Records.build([f"r{i}" for i in range(N)], np.arange(N), split, **columns)
    made = write_dataset(
        tmp_path / "d", sequences, records, task="regression", source=source or {"kind": "test"}, seed=0
    )
    assert made.leakage == json.loads((made.path / "leakage.json").read_text())
    return made.leakage


def test_independent_records_are_clean(tmp_path):
    found = report(tmp_path)
    test = found["splits"]["test"]
    assert found["verdict"] == "clean" and found["reasons"] == [] and found["mend"] == ""
    assert test["records"] == test["compared"] == 10 and test["overlap_bp"] == test["copies"] == test["similar"] == 0
    assert test["nearest_similarity"]["max"] < 0.3 and test["crossing_groups"] == 0


def test_a_copy_a_variant_and_a_half_are_told_apart(tmp_path):
    sequences = random_tokens([100] * N)
    sequences[90] = reverse_complement(sequences[0])
    sequences[91] = sequences[1].copy()
    sequences[91][[30, 60]] = (sequences[91][[30, 60]] + 1) % 4
    sequences[92] = np.concatenate([sequences[2][:50], sequences[92][:50]])
    found = report(tmp_path, sequences)
    test = found["splits"]["test"]
    assert (test["copies"], test["near_duplicates"], test["similar"]) == (1, 2, 3)
    assert test["nearest_similarity"]["max"] == 1 and test["share"]["similar"] == 0.3
    assert found["verdict"] == "alarm" and "--split similarity" in found["mend"]
    assert "1 of 10 test records (10.0%) have the sequence of a train record" in found["reasons"]
    assert "3 of 10 test records (30.0%) are similar to a train record" in found["reasons"]
    assert found["splits"]["val"]["similar"] == 0


def test_overlaps_are_counted_in_bp(tmp_path):
    start = np.arange(N) * 1000
    start[90], start[91] = start[0] + 60, start[1] - 10
    found = report(tmp_path, chrom=["chr1"] * N, start=start, end=start + 100)
    test = found["splits"]["test"]
    assert (test["overlapping"], test["overlap_bp"], test["crossing_chromosomes"]) == (2, 40 + 90, ["chr1"])
    assert "2 of 10 test records (20.0%) overlap a train record in the genome" in found["reasons"]


def test_places_without_a_chromosome_do_not_overlap(tmp_path):
    assert report(tmp_path, start=[0] * N, end=[100] * N)["splits"]["test"]["overlapping"] == 0


def test_groups_that_cross(tmp_path):
    group = [f"g{i}" for i in range(N)]
    group[95] = group[5]
    found = report(tmp_path, group=group)
    assert found["splits"]["test"]["crossing_groups"] == 1 and found["splits"]["test"]["in_crossing_groups"] == 1
    assert found["mend"] == "Prepare again with --split group."


def test_folds_are_compared_too(tmp_path):
    sequences = random_tokens([100] * N)
    sequences[1] = reverse_complement(sequences[0])
    fold = np.arange(N) % 4
    found = report(tmp_path, sequences, extra={"fold": fold})
    assert [found["folds"][str(i)]["copies"] for i in range(4)] == [1, 1, 0, 0]
    assert any("records of fold 0 (4.0%) have the sequence of a record of another fold" in r for r in found["reasons"])
    assert report(tmp_path, sequences, extra={"fold": fold // 2 * 2})["verdict"] == "clean"


def test_a_giant_cluster_is_named_with_the_option(tmp_path):
    similarity = {"share": 0.3, "chance": 20.0, "largest_cluster_share": 0.62}
    found = report(tmp_path, source={"split_by": "similarity", "similarity": similarity})
    assert found["verdict"] == "clean" and found["threshold"]["chance"] == 20
    assert "62% of all" in found["notes"][0] and "--similarity-threshold" in found["notes"][0]
    assert any("62% of all" in line for line in leakage_lines(found))


def test_the_report_is_a_part_but_not_of_what_names_the_data(tmp_path):
    report(tmp_path)
    made = Dataset.open(tmp_path / "d")
    assert "leakage.json" in made.manifest.parts
    parts = {name: part for name, part in made.manifest.parts.items() if name != "leakage.json"}
    without = made.manifest.model_copy(update={"parts": parts})
    assert without.data_hash == made.data_hash
    assert Dataset(made.path, without, made.offsets).leakage is None


def test_a_data_set_without_test_or_of_one_record(tmp_path):
    assert report(tmp_path, split=np.full(N, "train"))["splits"] == {}


def test_records_of_all_lengths(tmp_path):
    sequences = random_tokens([80, 200, 2000, 10_000] * 25, seed=2)
    sequences[99] = sequences[3][5000:5090].copy()
    found = report(tmp_path, sequences)["splits"]["test"]
    assert found["similar"] == 1 and found["near_duplicates"] == 1


def test_lines_give_the_figures_behind_clean(tmp_path):
    lines = leakage_lines(report(tmp_path))
    assert len(lines) == 2 and "test: 0.0% similar to a train record" in lines[0]


def test_overlap_groups_and_bp_by_hand():
    chrom = np.array(["a", "a", "b", "a", ".", "a"], object)
    start, end = np.array([0, 8, 0, 20, 0, -1]), np.array([10, 15, 10, 30, 10, -1])
    assert overlap_groups(chrom, start, end).tolist() == [0, 0, 2, 3, 4, 5]
    others = np.array([True, False, True, True, True, True])
    assert overlap_bp(chrom, start, end, ~others, others).tolist() == [2]
    nested = np.array([0, 2, 4, 5, 9]), np.array([100, 6, 8, 7, 120])
    asked = np.array([False, False, False, False, True])
    same = np.array(["a"] * 5, object)
    assert overlap_bp(same, *nested, asked, ~asked).tolist() == [91]
    assert set(overlap_groups(same, *nested)) == {0}


def yeast(shared_data, folder, by):
    path = shared_data / "yeast_native_80bp_mpra/native_complex.tsv.gz"
    columns = {"sequence_column": "core80", "label_column": "Measured Expression"}
    return dataset_from_table(path, folder / by, task="regression", plan=SplitPlan(by, folds=5), **columns)


def ridge_r(made, counts):
    """Pearson r of 5-mer ridge over the five folds of a data set."""
    linear_model = pytest.importorskip("sklearn.linear_model")
    fold, labels = made.records.extra["fold"], made.records.label
    predicted = np.zeros(len(labels))
    for number in range(5):
        test = fold == number
        predicted[test] = linear_model.Ridge(100).fit(counts[~test], labels[~test]).predict(counts[test])
    return np.corrcoef(predicted, labels)[0, 1]


def test_yeast_fragments_split_at_random_alarm_and_by_similarity_do_not(shared_data, tmp_path):
    random, similar = (yeast(shared_data, tmp_path, by) for by in ("random", "similarity"))
    assert random.leakage["verdict"] == "alarm" and similar.leakage["verdict"] == "clean"
    assert random.leakage["splits"]["test"]["share"]["near_duplicates"] > 0.99
    assert all(part["similar"] == 0 for part in similar.leakage["splits"].values())
    assert all(part["similar"] == 0 for part in similar.leakage["folds"].values())
    path = shared_data / "yeast_native_80bp_mpra/native_complex.tsv.gz"
    with gzip.open(path, "rt") as file:
        given = len({row["cluster"] for row in csv.DictReader(file, delimiter="\t")})
    assert abs(similar.manifest.source["similarity"]["clusters"] - given) <= 5
    counts = five_mers(random)
    assert ridge_r(random, counts) > 0.93 and 0.5 < ridge_r(similar, counts) < 0.65


def five_mers(made):
    """Standardised counts of 5-mers, in the order of the records."""
    from mlx_gsa.evaluation.kmer_features import count_kmers

    counts = np.asarray(count_kmers((made.sequence(i) for i in range(len(made))), 5, "forward").todense(), float)
    return (counts - counts.mean(0)) / (counts.std(0) + 1e-9)

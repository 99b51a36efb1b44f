"""Simple models on k-mers and GC: counted by hand, fitted on the right split, beside a model's predictions."""

import json
import sys

import numpy as np
import pytest
from test_evaluate import FakePredictor, N, evaluated, make

from mlx_gsa.data.dataset import Records, write_dataset
from mlx_gsa.dna.alphabet import encode, reverse_complement
from mlx_gsa.errors import DatasetError, GsaError
from mlx_gsa.evaluation.kmer_baseline import compare_simple_models, fit_simple_models
from mlx_gsa.evaluation.kmer_features import count_kmers, scale_counts
from mlx_gsa.evaluation.prediction import auroc, pearson

NAMES = ["k-mers", "gapped k-mers", "dinucleotides", "GC content"]


def tokens(text):
    return encode(text)[0]


def counted(text, k, strands):
    return count_kmers([tokens(text)], k, strands).toarray()[0].tolist()


def test_dinucleotides_by_hand():
    # AA AC AG AT  CA CC CG  GA GC  TA: the ten of both strands, named by the first of each pair
    assert counted("AACGT", 2, "both") == [1, 2, 0, 0, 0, 0, 1, 0, 0, 0]
    forward = dict(zip([a + b for a in "ACGT" for b in "ACGT"], counted("AACGT", 2, "forward"), strict=True))
    assert {name for name, n in forward.items() if n} == {"AA", "AC", "CG", "GT"}


def test_unknown_bases_and_short_sequences_count_for_nothing():
    assert counted("ACNGT", 2, "forward") == [*counted("AC", 2, "forward")[:11], 1, 0, 0, 0, 0]
    assert sum(counted("AC", 3, "both")) == 0


@pytest.mark.parametrize("k", [1, 3, 4])
def test_both_strands_give_the_same_counts(k):
    sequence = np.random.default_rng(k).integers(0, 5, 200).astype(np.uint8)
    both = count_kmers([sequence, reverse_complement(sequence)], k).toarray()
    assert (both[0] == both[1]).all() and both[0].sum() > 0
    forward = count_kmers([sequence, reverse_complement(sequence)], k, "forward").toarray()
    assert (forward[0] != forward[1]).any()


@pytest.mark.parametrize(("k", "n"), [(1, 2), (2, 10), (3, 32), (6, 2080)])
def test_number_of_features_on_both_strands(k, n):
    assert count_kmers([], k).shape == (0, n)


def test_a_length_out_of_range_is_refused():
    with pytest.raises(GsaError, match="k from 1 to 10, found 0"):
        count_kmers([], 0)


@pytest.mark.parametrize("scaling", ["log1p", "frequency"])
@pytest.mark.parametrize("length", [400, 6])  # many counts above zero, and few
def test_scaled_counts_have_unit_variance_in_training(scaling, length):
    rng = np.random.default_rng(0)
    sequences = [rng.integers(0, 4, length).astype(np.uint8) for _ in range(60)]
    counts = {"train": count_kmers(sequences[:40], 3), "test": count_kmers(sequences[40:], 3)}
    scaled = scale_counts(counts, scaling)
    train = np.asarray(scaled["train"].todense() if length == 6 else scaled["train"])
    varies = counts["train"].toarray().std(0) > 0
    assert train[:, varies].std(0) == pytest.approx(1.0, abs=1e-4)
    assert scaled["test"].shape == (20, 32)
    with pytest.raises(GsaError, match="log1p or frequency, found tfidf"):
        scale_counts(counts, "tfidf")


def motif_set(folder, task="binary", n=240, classes=None):
    """Half of the sequences hold GATAAG on one strand or the other; the label says so."""
    rng = np.random.default_rng(3)
    label = np.arange(n) % (3 if task == "multiclass" else 2)
    words = ["ACTTGC", "GATAAG", "TTTCGA"]
    sequences = []
    for number in range(n):
        sequence = rng.integers(0, 4, 60).astype(np.uint8)
        word = tokens(words[label[number]])
        sequence[20:26] = word if rng.random() < 0.5 else reverse_complement(word)
        sequence[40:46] = sequence[20:26]
        sequences.append(sequence)
    values = label + 0.1 * rng.normal(size=n) if task == "regression" else label
    split = np.array(["train"] * 4 + ["val"] * 2 + ["test"] * 2)[np.arange(n) // 6 % 8]
    records = Records.build([f"r{i}" for i in range(n)], values.astype(np.float32), split)
    return write_dataset(folder, iter(sequences), records, task=task, classes=classes, source={}, seed=0)


def test_kmers_find_a_motif_that_gc_does_not_see(tmp_path):
    dataset = motif_set(tmp_path / "data")
    kmers, gapped, pairs, gc = fit_simple_models(dataset, ks=(1, 5), gapped=((6, 4),))
    labels = dataset.records.label[dataset.indices("test")]
    assert [each.name for each in (kmers, gapped, pairs, gc)] == NAMES
    assert (gapped.choice["window"], gapped.choice["k"]) == (6, 4)
    assert auroc(labels, gapped.predictions) > auroc(labels, pairs.predictions) > auroc(labels, gc.predictions)
    assert kmers.choice["k"] == 5 and kmers.choice["validation"] > 0.9
    assert auroc(labels, kmers.predictions) > 0.9 > auroc(labels, gc.predictions)
    assert ((kmers.predictions >= 0) & (kmers.predictions <= 1)).all()


def test_gapped_kmers_see_what_lies_between_two_halves(tmp_path):
    """The label is two halves at a fixed distance, with anything between; every half and every 6-mer is everywhere."""
    rng, sequences, n = np.random.default_rng(1), [], 400
    for number in range(n):
        sequence = rng.integers(0, 4, 80).astype(np.uint8)
        for start in range(4, 74, 10):  # the other half follows at 5 bp, or at another place
            sequence[start : start + 2] = tokens("GC")
            place = start + (5 if number % 2 else rng.choice([3, 4, 6, 7]))
            sequence[place : place + 2] = tokens("TA")
        sequences.append(sequence)
    split = np.array(["train"] * 4 + ["val"] * 2 + ["test"] * 2)[np.arange(n) // 2 % 8]
    records = Records.build([f"r{i}" for i in range(n)], (np.arange(n) % 2).astype(np.float32), split)
    dataset = write_dataset(tmp_path / "d", iter(sequences), records, task="binary", classes=None, source={}, seed=0)
    kmers, gapped, *_ = fit_simple_models(dataset, ks=(4,), strands="forward")
    labels = dataset.records.label[dataset.indices("test")]
    found = [auroc(labels, each.predictions) for each in (kmers, gapped)]
    assert found[1] > 0.98 and found[1] > found[0] + 0.1


def test_validation_chooses_and_test_labels_do_not_matter(tmp_path):
    dataset = motif_set(tmp_path / "data")
    steps, choices = [], {"ks": (3, 4), "penalties": (1.0, 100.0), "gapped": ((5, 3),), "gapped_penalties": (10.0,)}
    first = fit_simple_models(dataset, **choices, progress=lambda *step: steps.append(step))
    dataset.records.label[dataset.indices("test")] = 1 - dataset.records.label[dataset.indices("test")]
    second = fit_simple_models(dataset, **choices)
    assert [each.choice for each in first] == [each.choice for each in second]
    assert (first[0].predictions == second[0].predictions).all()
    assert steps[0] == (1, 9, "simple models") and steps[-1][:2] == (9, 9)
    sizes = [(k, p) for k in (3, 4) for p in (1.0, 100.0)]
    alone = [fit_simple_models(dataset, ks=(k,), penalties=(p,), gapped=())[0].choice for k, p in sizes]
    assert first[0].choice["validation"] == max(choice["validation"] for choice in alone)


def test_regression_and_classes(tmp_path):
    values = motif_set(tmp_path / "values", "regression")
    kmers, gapped, _, gc = fit_simple_models(values, ks=(5,))
    labels = values.records.label[values.indices("test")]
    assert pearson(labels, kmers.predictions) > 0.8 > pearson(labels, gc.predictions)
    assert pearson(labels, gapped.predictions) > 0.8
    classes = motif_set(tmp_path / "classes", "multiclass", classes=["a", "b", "c"])
    kmers, *_ = fit_simple_models(classes, split="val", ks=(5,), gapped=())
    assert kmers.predictions.shape == (len(classes.indices("val")), 3)
    assert kmers.predictions.sum(1) == pytest.approx(1.0)
    assert (kmers.predictions.argmax(1) == classes.records.label[classes.indices("val")]).mean() > 0.8


def test_strands_reach_the_counts(tmp_path):
    dataset = motif_set(tmp_path / "data")
    both, forward = (fit_simple_models(dataset, ks=(5,), strands=each)[:2] for each in ("both", "forward"))
    assert not any(np.allclose(a.predictions, b.predictions) for a, b in zip(both, forward, strict=True))


def test_one_class_or_no_validation_is_refused(tmp_path):
    dataset = motif_set(tmp_path / "data")
    dataset.records.label[:] = 1
    with pytest.raises(DatasetError, match="one class only"):
        fit_simple_models(dataset)
    dataset.records.split[dataset.indices("val")] = "train"
    with pytest.raises(DatasetError, match="no simple model"):
        fit_simple_models(dataset)


def test_differences_are_paired(tmp_path):
    dataset = motif_set(tmp_path / "data")
    labels = dataset.records.label[dataset.indices("test")]
    simple = fit_simple_models(dataset)[0].predictions
    same = compare_simple_models(dataset, labels, simple, n=50)[0]
    assert same["difference"]["auroc"] == (0.0, 0.0, 0.0) and same["ratio"] == (1.0, 1.0, 1.0)
    worse = compare_simple_models(dataset, labels, np.random.default_rng(0).random(len(labels)), n=50)[0]
    assert worse["difference"]["auroc"].high < 0 and worse["ratio"].high < 1
    assert worse["metrics"] == same["metrics"]


def test_evaluation_holds_the_simple_models(tmp_path):
    dataset, predictor = make(tmp_path / "data")
    evaluation = evaluated(dataset, predictor, tmp_path, baselines=True)
    kmers, *others = json.loads(json.dumps(evaluation.to_dict()))["baselines"]
    assert [each["name"] for each in (kmers, *others)] == NAMES
    assert set(kmers["difference"]) == {"pearson", "spearman", "r2"}
    assert set(kmers["metrics"]["pearson"]) == {"value", "low", "high"}
    assert evaluation.manifest["command"].endswith("--baseline")
    assert evaluated(dataset, predictor, tmp_path).to_dict()["baselines"] is None


def test_without_scikit_learn_the_extra_is_named_before_any_work(tmp_path, monkeypatch):
    dataset, predictor = make(tmp_path / "data")
    monkeypatch.setitem(sys.modules, "sklearn", None)
    with pytest.raises(GsaError, match=r"mlx_gsa\[baselines\]"):
        evaluated(dataset, predictor, tmp_path, baselines=True)
    assert predictor.batch_sizes == []


def test_the_command_shows_them(gsa, tmp_path, monkeypatch):
    from types import SimpleNamespace

    from mlx_gsa.evaluation import evaluate
    from mlx_gsa.training import run as runs

    dataset, predictor = make(tmp_path / "data", "binary")
    found = SimpleNamespace(
        path=tmp_path / "run", model_folder=None, dataset_path=dataset.path, data_hash=dataset.data_hash, shipped=False
    )
    assert isinstance(predictor, FakePredictor) and len(dataset) == N
    monkeypatch.setattr(runs, "find_run", lambda path: found)
    monkeypatch.setattr(evaluate, "_load", lambda run: predictor)
    plain = gsa("evaluate", "run", "--no-cost", "--bootstrap", 20)
    shown = gsa("evaluate", "run", "--no-cost", "--bootstrap", 20, "--baseline")
    assert shown.exit_code == 0, shown.output
    assert "Beside simple models" in shown.output
    for name in ("-mers, linear", "gapped k-mers, linear", "dinucleotides alone", "GC content alone"):
        assert name in shown.output
    assert "Beside simple models" not in plain.output

"""Comparing runs over seeds and folds: figures worked out apart, what is paired, what is refused, what is written."""

import json
import shutil

import numpy as np
import pytest
from run_folders import guesses, make_dataset, make_run

from mlx_gsa.errors import GsaError, RunError
from mlx_gsa.evaluation.bootstrap import Interval
from mlx_gsa.evaluation.delong import delong
from mlx_gsa.evaluation.multiple_testing import benjamini_hochberg
from mlx_gsa.evaluation.nadeau_bengio import corrected_t_test
from mlx_gsa.evaluation.prediction import auroc
from mlx_gsa.experiments.collect_runs import collect_runs
from mlx_gsa.experiments.comparison import Options, compare_collection
from mlx_gsa.experiments.comparison_files import save_comparison
from mlx_gsa.experiments.pairwise import in_words

FAST = Options(n=60)
FOLDS, SEEDS = (0, 1, 2), (0, 1)


@pytest.fixture
def runs(tmp_path):
    """Three folds, two seeds of a sparse model, one of a full one, k-mers in the full one's tables."""
    data = make_dataset(tmp_path / "data/toy")
    simple = {"k-mers": guesses(data, 4, 99)}
    for fold in FOLDS:
        for seed in SEEDS:
            predictions = guesses(data, 1.5, 10 * fold + seed)
            make_run(tmp_path / f"runs/sparse-seed{seed}-fold{fold}", data, predictions, seed, fold)
        make_run(tmp_path / f"runs/full-seed0-fold{fold}", data, guesses(data, 1, 5 + fold), 0, fold, simple)
    return tmp_path / "runs", data


def compared(path, **options):
    reference, names = options.pop("reference", None), options.pop("data_sets", ())
    return compare_collection(collect_runs([path]), reference, names, FAST._replace(**options))


def pair(found, first, second):
    return next(c for c in found["comparisons"] if (c["first"], c["second"]) == (first, second))


def by_hand(data, noise, seed, fold):
    rows = data.with_fold(fold).indices("test")
    return data.records.label[rows], guesses(data, noise, seed)[rows]


def test_means_are_over_seeds_and_then_over_folds(runs):
    found = compared(runs[0])["datasets"]["toy"]
    each = [[auroc(*by_hand(runs[1], 1.5, 10 * fold + seed, fold)) for seed in SEEDS] for fold in FOLDS]
    sparse = found["models"]["sparse"]
    assert sparse["mean"]["value"] == pytest.approx(np.mean(each))
    assert [v["value"] for v in sparse["values"]] == pytest.approx(np.ravel(each).tolist())
    assert [(v["fold"], v["seed"]) for v in sparse["values"]] == [(f, s) for f in FOLDS for s in SEEDS]
    assert (sparse["seeds"], sparse["folds"], sparse["kind"]) == ([0, 1], [0, 1, 2], "run")
    assert (sparse["parameters"], sparse["flops"], sparse["epochs"], sparse["seconds_training"]) == (1000, 5e6, 2, 4)
    assert set(sparse["all_metrics"]) == {"auroc", "auprc", "accuracy", "mcc"}
    assert sparse["all_metrics"]["auroc"] == sparse["mean"]
    kmers = found["models"]["k-mers"]
    assert kmers["kind"] == "simple" and kmers["seeds"] == [] and kmers["parameters"] is None
    assert (found["task"], found["metric"], found["n_records"], found["grouped"]) == ("binary", "auroc", 120, False)


def test_difference_and_retention_are_those_of_the_means(runs):
    found = compared(runs[0])["datasets"]["toy"]
    it = pair(found, "sparse", "full")
    sparse, full = (found["models"][name]["mean"]["value"] for name in ("sparse", "full"))
    assert it["difference"]["value"] == pytest.approx(sparse - full) and it["means"] == [sparse, full]
    assert it["retention"]["value"] == pytest.approx(sparse / full)
    assert it["retention_above_chance"]["value"] == pytest.approx((sparse - 0.5) / (full - 0.5))
    assert it["pairs"] == 3 and it["folds"] == [0, 1, 2]


def test_single_runs_are_paired_by_seed_and_fold(runs):
    found = compared(runs[0])["datasets"]["toy"]
    values = {name: {(v["seed"], v["fold"]): v["value"] for v in found["models"][name]["values"]}
              for name in ("sparse", "full", "k-mers")}  # fmt: skip
    alone = pair(found, "sparse", "full")["single_runs"]
    assert [(run["seed"], run["fold"]) for run in alone] == [(0, 0), (0, 1), (0, 2)]  # the full one has one seed
    assert alone[1]["retention"] == pytest.approx(values["sparse"][0, 1] / values["full"][0, 1])
    against = pair(found, "sparse", "k-mers")["single_runs"]  # fitted once a fold, for every seed
    assert len(against) == 6
    assert against[3]["difference"] == pytest.approx(values["sparse"][1, 1] - values["k-mers"][None, 1])


def test_tests_are_the_librarys(runs):
    found = compared(runs[0])["datasets"]["toy"]
    it = pair(found, "sparse", "full")
    sparse = [np.mean([auroc(*by_hand(runs[1], 1.5, 10 * f + s, f)) for s in SEEDS]) for f in FOLDS]
    full = [auroc(*by_hand(runs[1], 1, 5 + f, f)) for f in FOLDS]
    n_train = [len(runs[1].with_fold(f).indices("train")) for f in FOLDS]
    expected = corrected_t_test(np.subtract(sparse, full), n_train, 40)
    assert it["nadeau_bengio"] == pytest.approx(expected.to_dict())
    alone = [delong(*by_hand(runs[1], 1, 5 + f, f), guesses(runs[1], 4, 99)[f::3]) for f in FOLDS]
    against = pair(found, "full", "k-mers")["delong"]
    assert against["difference"] == pytest.approx(np.mean([each.difference for each in alone]))
    assert against["standard_error"] == pytest.approx(np.sqrt(sum(each.standard_error**2 for each in alone)) / 3)


def test_every_pair_is_compared_once_and_q_is_over_all(runs):
    found = compared(runs[0])["datasets"]["toy"]["comparisons"]
    assert [(c["first"], c["second"]) for c in found] == [("sparse", "full"), ("full", "k-mers"), ("sparse", "k-mers")]
    assert [c["q"] for c in found] == pytest.approx(benjamini_hochberg([c["p"] for c in found]).tolist())
    assert found[1]["verdict"] == "better"


def test_cnns_and_a_simple_reference(runs):
    make_run(runs[0] / "cnn-fold0", runs[1], guesses(runs[1], 1.2, 7), 0, 0)
    found = compared(runs[0], reference="k-mers")
    assert found["manifest"]["reference"] == "k-mers"
    pairs = [(c["first"], c["second"]) for c in found["datasets"]["toy"]["comparisons"]]
    assert pairs == [("cnn", "k-mers"), ("full", "k-mers"), ("sparse", "k-mers"), ("full", "cnn"), ("sparse", "cnn")]
    it = pair(found["datasets"]["toy"], "sparse", "cnn")
    assert it["folds"] == [0] and it["nadeau_bengio"] is None and it["pairs"] == 1


def test_a_comparison_is_over_the_folds_that_both_have(runs):
    for fold in (1, 2):
        shutil.rmtree(runs[0] / f"full-seed0-fold{fold}")
    found = compared(runs[0])["datasets"]["toy"]
    it = pair(found, "sparse", "full")
    sparse = np.mean([auroc(*by_hand(runs[1], 1.5, s, 0)) for s in SEEDS])
    assert it["means"][0] == pytest.approx(sparse) != pytest.approx(found["models"]["sparse"]["mean"]["value"])


def test_related_records_widen_the_interval(tmp_path):
    data = make_dataset(tmp_path / "data/toy", n=720, groups=[f"g{i // 24}-{i // 3 % 2}" for i in range(720)])
    shared = np.random.default_rng(0).normal(size=60)[np.unique(data.records.group, return_inverse=True)[1]]
    for name, noise in (("full", shared), ("sparse", 0)):
        make_run(tmp_path / "runs" / name, data, guesses(data, 0.5) + noise, fold=0)
    careful, careless = (compared(tmp_path / "runs", by_group=by, n=200) for by in (True, False))
    flags = [each["datasets"]["toy"]["grouped"] for each in (careful, careless)]
    wide, narrow = (pair(each["datasets"]["toy"], "sparse", "full") for each in (careful, careless))
    assert flags == [True, False]
    widths = [each["difference"]["high"] - each["difference"]["low"] for each in (wide, narrow)]
    assert widths[0] > 1.3 * widths[1] and wide["difference"]["value"] == narrow["difference"]["value"]
    assert wide["delong"]["standard_error"] > 1.3 * narrow["delong"]["standard_error"]


def test_a_missing_data_set_is_said(runs, tmp_path):
    shutil.rmtree(tmp_path / "data")
    found = compared(runs[0])["datasets"]["toy"]
    assert "is not here" in found["notes"][0] and not found["grouped"]
    assert pair(found, "sparse", "full")["nadeau_bengio"]["folds"] == 3  # trained on all other folds


def test_several_outputs_are_averaged(tmp_path):
    data = make_dataset(tmp_path / "data/toy", task="regression")
    value = data.records.label
    for name, noise in (("full", 0.3), ("sparse", 1.0)):
        folder = make_run(tmp_path / "runs" / name, data, value + noise * np.random.default_rng(1).normal(size=120))
        path = folder / "evaluation.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | {"outputs": ["a", "b"]}))
        heads, *lines = (folder / "evaluation-predictions.tsv").read_text().splitlines()
        second = [f"{line}\t{'nan' if i % 4 else i}\t{i}" for i, line in enumerate(lines)]
        lines = [f"{heads}\tlabel:b\tprediction:b", *second]
        (folder / "evaluation-predictions.tsv").write_text("\n".join(lines) + "\n")
    found = compared(tmp_path / "runs")["datasets"]["toy"]
    assert found["outputs"] == ["a", "b"] and found["scored"] == "mean over 2 outputs"
    alone = np.corrcoef(value[2::4], (value + 0.3 * np.random.default_rng(1).normal(size=120))[2::4])[0, 1]
    assert found["models"]["full"]["mean"]["value"] == pytest.approx((alone + 1) / 2)
    assert pair(found, "sparse", "full")["delong"] is None


def test_what_cannot_be_compared_is_refused(runs, tmp_path):
    with pytest.raises(GsaError, match=r"No such model.*expected full, sparse, k-mers, found ful\n.*'full'"):
        compared(runs[0], reference="ful")
    with pytest.raises(GsaError, match=r"Unknown metric.*auroc.*found pearson"):
        compared(runs[0], metric="pearson")
    with pytest.raises(GsaError, match=r"No run of such a data set.*expected toy, found other"):
        compared(runs[0], data_sets=["other"])
    make_run(runs[0] / "own", runs[1], guesses(runs[1], 1))
    with pytest.raises(RunError, match=r"tested in two folds.*own split and fold"):
        compared(runs[0])
    shutil.rmtree(runs[0] / "own")
    table = runs[0] / "full-seed0-fold1/evaluation-predictions.tsv"
    table.write_text("".join(table.read_text().splitlines(keepends=True)[:-1]))
    with pytest.raises(RunError, match="different records"):
        compared(runs[0])
    make_run(runs[0] / "full-seed0-fold1", runs[1], guesses(runs[1], 1), 0, 1, of={"data_hash": "0" * 64})
    with pytest.raises(RunError, match="different data of the same name"):
        compared(runs[0])


@pytest.mark.parametrize(
    ("bounds", "words"),
    [((0.96, 1.0), "not inferior at 0.95"), ((0.92, 0.99), "not inferior at 0.9"), ((0.7, 0.8), "inferior at 0.9"),
     ((0.85, 0.94), "inferior at 0.95"), ((0.85, 0.99), "undecided"), ((np.nan, np.nan), "not defined")],
)  # fmt: skip
def test_non_inferiority_in_words(bounds, words):
    assert in_words(Interval(0, -1, 1), Interval(np.mean(bounds), *bounds)) == words


def test_against_a_simple_model_zero_decides():
    found = [in_words(Interval(0, *bounds), None, True) for bounds in ((0.1, 0.2), (-0.2, -0.1), (-0.1, 0.1))]
    assert found == ["better", "worse", "not distinguishable"]


def test_files(runs, tmp_path):
    found = compared(runs[0])
    paths = save_comparison(found, tmp_path / "out/here")
    assert json.loads(paths[0].read_text()) == found and found["format"] == "mlx_gsa.comparison"
    heads, *rows = (line.split("\t") for line in paths[1].read_text().splitlines())
    assert len(rows) == 6 and {row[1] for row in rows} == {"all", "GC-matched"}
    assert all(len(row) == len(heads) for row in rows)
    first = dict(zip(heads, rows[0], strict=True))
    it = pair(found["datasets"]["toy"], "sparse", "full")
    assert float(first["retention_low"]) == pytest.approx(it["retention"]["low"], rel=1e-5)
    assert first["verdict"] == it["verdict"]


def test_the_same_seed_gives_the_same_numbers(runs):
    found = [compared(runs[0], seed=seed)["datasets"] for seed in (0, 0, 1)]
    assert found[0] == found[1] != found[2]


def test_command_shows_and_writes(gsa, runs, tmp_path):
    result = gsa("compare", runs[0], "--bootstrap", "40", "--seed", "3")
    assert result.exit_code == 0, result.output
    for text in ("sparse v full", "k-mers", "retention", "DeLong", "Reference: full; 9 runs, 40 resamples"):
        assert text in " ".join(result.output.split()), text
    written = json.loads((runs[0] / "comparison.json").read_text())
    assert written["manifest"]["command"] == f"gsa compare {runs[0]} --bootstrap 40 --seed 3"
    assert (runs[0] / "comparison.tsv").is_file()
    again = gsa("compare", runs[0], "--bootstrap", "40", "--seed", "3", "--json", "--out", tmp_path / "out")
    assert json.loads(again.stdout)["datasets"] == written["datasets"]


def test_options_of_the_command_reach_the_library(gsa, runs):
    folders = [runs[0] / f"{name}-fold0" for name in ("sparse-seed0", "full-seed0")]
    chosen = ["--reference", "sparse", "--metric", "mcc", "--data-set", "toy", "--no-group", "--bootstrap", "30"]
    result = gsa("compare", *folders, *chosen, "--no-strata", "--min-length", "9", "--json")
    assert result.exit_code == 0, result.output
    manifest = json.loads(result.stdout)["manifest"]
    assert [manifest[n] for n in ("reference", "metric", "by_group", "bootstrap")] == ["sparse", "mcc", False, 30]
    assert manifest["command"].endswith(
        "--reference sparse --metric mcc --data-set toy --min-length 9 --no-group --no-strata"
    )
    assert not json.loads(result.stdout)["datasets"]["toy"]["strata"]
    assert not (runs[0] / "comparison.json").exists()
    assert gsa("compare").exit_code == 2

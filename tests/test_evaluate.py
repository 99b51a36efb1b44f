"""Evaluating a run, with a predictor that answers from a table: what is scored, written and refused."""

import json
import sys
from types import SimpleNamespace

import numpy as np
import pytest

from mlx_gsa.config import ModelConfig
from mlx_gsa.data.dataset import Records, Sites, write_dataset
from mlx_gsa.errors import DatasetError, GsaError, RunError
from mlx_gsa.evaluation import evaluate
from mlx_gsa.evaluation.evaluate import evaluate_run

N, LENGTH = 40, 120


class FakePredictor:
    """Answers with given predictions and keeps the positions of highest relevance."""

    n_parameters = 123
    config = ModelConfig()

    def __init__(self, task, answers, relevance, classes=None, kept=12):
        self.task, self.answers, self.relevance, self.classes, self.kept = (
            task,
            answers,
            relevance,
            classes,
            kept,
        )
        self.batch_sizes = []

    def predict(self, sequences, batch_size=32):
        self.batch_sizes.append(batch_size)
        for tokens in sequences:
            number = int(tokens[:6] @ 4 ** np.arange(6))  # the sequence says which record it is
            kept = np.sort(np.argsort(-self.relevance[number], kind="stable")[: self.kept])
            prediction = np.atleast_1d(self.answers[number])
            yield SimpleNamespace(prediction=prediction, relevance=self.relevance[number], kept=kept)


def _tokens():
    rng = np.random.default_rng(0)
    for number in range(N):
        tokens = rng.integers(0, 4, LENGTH).astype(np.uint8)
        tokens[:6] = number // 4 ** np.arange(6) % 4
        yield tokens


def _sites():
    start = np.tile([20, 60, 90], N)
    roles = np.tile(np.array(["functional", "decoy_core", "repressor"], object), N)
    kinds = np.tile(np.array(["TATA", "TATA", "REP"], object), N)
    return Sites(np.repeat(np.arange(N), 3), start, start + 8, np.full(3 * N, "+"), kinds, roles)


def make(folder, task="regression", classes=None, sites=True, seed=0):
    """A data set of 40 sequences and a predictor that is good but not perfect on it."""
    rng = np.random.default_rng(seed)
    clean = rng.normal(size=N)
    label = {"regression": clean + 0.3 * rng.normal(size=N), "binary": clean > 0,
             "multiclass": np.arange(N) % 3}[task].astype(np.float32)  # fmt: skip
    split = np.array((["train", "val", "test", "test"] * N)[:N])
    extra = {"clean_label": clean.astype(np.float32)} if task == "regression" else {}
    group = np.array([f"chr{i % 5}" for i in range(N)], object)
    records = Records.build([f"r{i}" for i in range(N)], label, split, group=group, extra=extra)
    dataset = write_dataset(folder, _tokens(), records, task=task, classes=classes, source={"kind": "test"},
                            seed=seed, sites=_sites() if sites else None)  # fmt: skip
    relevance = rng.random((N, LENGTH))
    relevance[:, 22:26] += 2  # finds the functional TATA and nothing else
    noise = rng.normal(size=N)
    answers = {
        "regression": clean + 0.2 * noise,
        "binary": 1 / (1 + np.exp(-clean - noise)),
        "multiclass": 0.5 * np.eye(3)[np.arange(N) % 3] + 0.5 * rng.dirichlet(np.ones(3), N),
    }[task]
    return dataset, FakePredictor(task, answers, relevance, classes)


def run_of(dataset, tmp_path, **changes):
    """A run that was trained on this data set."""
    fields = {"path": tmp_path / "run", "model_folder": tmp_path / "run/best", "dataset_path": dataset.path,
              "data_hash": dataset.data_hash, "shipped": False}  # fmt: skip
    return SimpleNamespace(**fields | changes)


@pytest.fixture
def regression(tmp_path):
    return make(tmp_path / "data")


def evaluated(dataset, predictor, tmp_path, **options):
    options = {"bootstrap": 50, "measure_cost": False, **options}
    run = options.pop("run", None) or run_of(dataset, tmp_path)
    return evaluate_run(run, dataset, predictor=predictor, **options)


def test_regression_scores_only_the_split(regression, tmp_path):
    dataset, predictor = regression
    found = evaluated(dataset, predictor, tmp_path)
    test = dataset.indices("test")
    assert found.ids.tolist() == [f"r{i}" for i in test]
    assert list(found.metrics) == ["pearson", "spearman", "r2"]
    expected = np.corrcoef(predictor.answers[test], dataset.records.label[test])[0, 1]
    assert found.metrics["pearson"].value == pytest.approx(expected)
    assert found.metrics["pearson"].low < expected < found.metrics["pearson"].high
    assert evaluated(dataset, predictor, tmp_path, split="val").ids.tolist() == [
        f"r{i}" for i in range(1, N, 4)
    ]


def test_share_of_the_best_reachable_r(regression, tmp_path):
    found = evaluated(*regression, tmp_path)
    best = found.reachable["best_r"].value
    clean = regression[0].records.extra["clean_label"][regression[0].indices("test")]
    assert best == pytest.approx(np.corrcoef(clean, found.labels)[0, 1])
    assert found.reachable["share"].value == pytest.approx(found.metrics["pearson"].value / best)


@pytest.mark.parametrize(
    ("task", "classes", "names"),
    [
        ("binary", ["off", "on"], ["auroc", "auprc", "accuracy", "mcc"]),
        ("multiclass", ["a", "b", "c"], ["accuracy", "mcc", "macro_auroc"]),
    ],
)
def test_classification(task, classes, names, tmp_path):
    found = evaluated(*make(tmp_path / "data", task, classes), tmp_path)
    assert list(found.metrics) == names
    assert all(0.3 < interval.value <= 1 for interval in found.metrics.values())
    assert found.reachable is None
    header, first = (line.split("\t") for line in found.prediction_table().splitlines()[:2])
    assert header == ["id", "label", "prediction"] + (
        [f"p_{c}" for c in classes] if task == "multiclass" else []
    )
    assert first[0] == "r2"


def test_selection_sees_sites_beside_chance(regression, tmp_path):
    found = evaluated(*regression, tmp_path)
    rows = {(row["role"], row["kind"]): row for row in found.selection.recall}
    assert rows["functional", "TATA"]["n"] == len(found.labels)
    assert rows["functional", "TATA"]["any"].value == 1
    assert rows["functional", "TATA"]["any_chance"] < 0.7
    assert found.selection.decoys[0]["difference"].value > 0
    assert found.kept_share == pytest.approx(0.1)


def test_without_sites_there_is_no_selection(tmp_path):
    found = evaluated(*make(tmp_path / "data", sites=False), tmp_path)
    assert found.selection is None
    assert found.to_dict()["selection"] is None


def test_options_reach_their_places(regression, tmp_path):
    dataset, predictor = regression
    seen = []
    found = evaluated(
        dataset, predictor, tmp_path, batch_size=7, seed=3, by_group=True, progress=lambda *a: seen.append(a)
    )
    assert predictor.batch_sizes == [7]
    assert [found.manifest[name] for name in ("batch_size", "seed", "by_group", "bootstrap")] == [
        7,
        3,
        True,
        50,
    ]
    n = len(found.labels)
    assert seen == [*((i + 1, n, "predict") for i in range(n)), (n, n, "bootstrap"), (n, n, "cost")]
    assert found.metrics != evaluated(dataset, predictor, tmp_path, seed=3).metrics


def test_cost_is_measured_only_if_asked(regression, tmp_path, monkeypatch):
    monkeypatch.setattr(evaluate, "compare_forward", lambda config, length, batch: {"asked": (length, batch)})
    assert evaluated(*regression, tmp_path).cost["measured"] is None
    cost = evaluated(*regression, tmp_path, measure_cost=True, batch_size=4).cost
    assert cost["measured"] == {"asked": (LENGTH, 4)}
    assert (cost["parameters"], cost["flops"]["kept"]) == (123, 12)


def test_saved_files(regression, tmp_path):
    found = evaluated(*regression, tmp_path)
    paths = found.save(tmp_path / "new/run")
    assert [path.name for path in paths] == ["evaluation.json", "evaluation-predictions.tsv"]
    content = json.loads(paths[0].read_text())
    assert content["manifest"]["format"] == "mlx_gsa.evaluation"
    assert content["manifest"]["data_hash"] == regression[0].data_hash
    assert content["n"] == len(paths[1].read_text().splitlines()) - 1 == 20
    assert content["metrics"]["pearson"]["value"] == found.metrics["pearson"].value
    assert "--split test --bootstrap 50 --seed 0" in content["manifest"]["command"]
    assert not list((tmp_path / "new/run").glob(".*"))


def test_undefined_numbers_become_null(tmp_path):
    dataset, predictor = make(tmp_path / "data")
    predictor.answers = np.zeros(N)
    content = evaluated(dataset, predictor, tmp_path).to_dict()
    assert content["metrics"]["pearson"] == {"value": None, "low": None, "high": None}
    json.dumps(content, allow_nan=False)


def test_other_data_is_said_and_kept_apart(regression, tmp_path):
    dataset, predictor = regression
    known = evaluated(dataset, predictor, tmp_path)
    other = evaluated(
        dataset, predictor, tmp_path, run=run_of(dataset, tmp_path, data_hash="0" * 64), split="val"
    )
    unknown = evaluated(dataset, predictor, tmp_path, run=run_of(dataset, tmp_path, data_hash=None))
    assert [e.manifest["same_data"] for e in (known, other, unknown)] == [True, False, None]
    assert [e.name for e in (known, other, unknown)] == ["evaluation", "evaluation-data-val", "evaluation"]


def test_same_seed_same_result(regression, tmp_path):
    first, second = (evaluated(*regression, tmp_path).to_dict() for _ in range(2))
    assert first == second


def test_another_task_or_other_classes_are_refused(tmp_path):
    dataset, predictor = make(tmp_path / "data", "multiclass", ["a", "b", "c"])
    predictor.task = "regression"
    with pytest.raises(
        DatasetError, match=r"another task than the model .*expected regression, found multiclass"
    ):
        evaluated(dataset, predictor, tmp_path)
    predictor.task, predictor.classes = "multiclass", ["c", "b", "a"]
    with pytest.raises(DatasetError, match="expected c, b, a, found a, b, c"):
        evaluated(dataset, predictor, tmp_path)


def test_a_diverged_model_is_named(regression, tmp_path):
    dataset, predictor = regression
    predictor.answers = np.full(N, np.nan)
    with pytest.raises(RunError, match=r"A prediction is not a finite number \(record r2\)"):
        evaluated(dataset, predictor, tmp_path)


def test_an_unknown_split_is_refused(regression, tmp_path):
    with pytest.raises(GsaError, match="unknown split"):
        evaluated(*regression, tmp_path, split="holdout")


@pytest.fixture
def command(gsa, monkeypatch, tmp_path):
    """`gsa evaluate` on a fake run; returns Click's result."""

    def run(dataset, predictor, *arguments, **changes):
        found = run_of(dataset, tmp_path, **changes)
        monkeypatch.setitem(sys.modules, "mlx_gsa.training.run", SimpleNamespace(find_run=lambda path: found))
        monkeypatch.setattr(evaluate, "_load", lambda run: predictor)
        return gsa("evaluate", "--bootstrap", "20", "--no-cost", *arguments)

    return run


def test_command_shows_tables_and_writes_pictures(command, regression, tmp_path):
    pytest.importorskip("mlx_gsa.explain.figures")
    result = command(*regression)
    assert result.exit_code == 0, result.output
    for text in (
        "Pearson r",
        "best reachable r",
        "TATA",
        "decoy_core",
        "chance",
        "full attention",
        "top 0.5 %",
    ):
        assert text in result.output
    names = {
        "evaluation.json",
        "evaluation-predictions.tsv",
        "evaluation-prediction.png",
        "evaluation-calibration.png",
        "evaluation-sites.png",
    }
    assert {path.name for path in (tmp_path / "run").iterdir()} == names


def test_command_prints_json(command, regression, tmp_path):
    result = command(*regression, "--json", "--split", "val", "--out", tmp_path / "there")
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["split"] == "val"
    assert (tmp_path / "there/evaluation-val.json").exists()


def test_command_says_what_cannot_be_said(command, tmp_path):
    dataset, predictor = make(tmp_path / "data", sites=False)
    result = command(dataset, predictor, data_hash="other")
    assert "External evaluation" in result.output
    assert "does not know its sites" in result.output


def test_shipped_model_needs_data_and_is_not_written_to(command, regression, tmp_path):
    dataset, predictor = regression
    missing = command(dataset, predictor, shipped=True, dataset_path=None)
    assert missing.exit_code == 2
    assert "give its folder with --data" in missing.output
    result = command(dataset, predictor, "--data", dataset.path, shipped=True, dataset_path=None)
    assert result.exit_code == 0, result.output
    assert (tmp_path / "evaluation/evaluation.json").exists()
    assert not (tmp_path / "run").exists()


def test_command_names_a_mismatch(command, regression):
    dataset, predictor = regression
    predictor.task = "binary"
    result = command(dataset, predictor)
    assert result.exit_code == 1
    assert "another task than the model" in result.output


def with_kinds(tmp_path):
    """A binary set with two kinds of negatives and sequences of two lengths."""
    dataset, predictor = make(tmp_path / "plain", "binary", ["off", "on"], sites=False)
    label = dataset.records.label
    kind = np.where(label == 1, "positive", np.where(np.arange(N) % 4 == 2, "flank", "shuffle")).astype(object)
    sequences = [dataset.sequence(i)[: 120 if i % 3 else 100] for i in range(N)]
    records = Records.build(dataset.records.id, label, dataset.records.split, extra={"kind": kind})
    facts = {"task": "binary", "classes": ["off", "on"], "source": {}, "seed": 0}
    return write_dataset(tmp_path / "data", sequences, records, **facts), predictor


def test_strata_of_a_binary_task(tmp_path):
    dataset, predictor = with_kinds(tmp_path)
    found = evaluated(dataset, predictor, tmp_path)
    rows = {row["name"]: row for row in found.strata}
    assert list(rows) == ["all", "GC-matched", "against flank", "against shuffle"]
    assert rows["all"]["metrics"] == found.metrics and rows["all"]["n"] == 20
    assert 0 < rows["GC-matched"]["n"] <= 20 and 2 * rows["GC-matched"]["n_positive"] == rows["GC-matched"]["n"]
    assert found.to_dict()["strata"][0]["metrics"]["auroc"]["value"] == found.metrics["auroc"].value


def test_a_regression_has_no_strata(regression, tmp_path):
    assert evaluated(*regression, tmp_path).to_dict()["strata"] is None


def test_every_record_is_scored_if_asked(regression, tmp_path):
    dataset, predictor = regression
    found = evaluated(dataset, predictor, tmp_path, split="all")
    assert found.ids.tolist() == [f"r{i}" for i in range(N)]
    assert found.name == "evaluation-all" and "--split all" in found.manifest["command"]


def test_only_long_records_are_scored_if_asked(tmp_path):
    dataset, predictor = with_kinds(tmp_path)
    found = evaluated(dataset, predictor, tmp_path, min_length=110)
    assert found.ids.tolist() == [f"r{i}" for i in dataset.indices("test") if i % 3]
    assert found.name == "evaluation-from110bp" and found.manifest["command"].endswith("--min-length 110")
    assert found.strata[0]["n"] == len(found.ids)
    with pytest.raises(DatasetError, match=r"No record is long enough .*expected 200 bp, found at most 120 bp"):
        evaluated(dataset, predictor, tmp_path, min_length=200)


def test_simple_models_are_scored_in_the_same_strata(tmp_path):
    pytest.importorskip("sklearn")
    dataset, predictor = with_kinds(tmp_path)
    found = evaluated(dataset, predictor, tmp_path, min_length=110, baselines=True)
    for simple in found.baselines:
        assert [row["name"] for row in simple["strata"]] == [row["name"] for row in found.strata]
        assert simple["strata"][0]["metrics"]["auroc"].value == simple["metrics"]["auroc"].value
        difference = found.strata[1]["metrics"]["auroc"].value - simple["strata"][1]["metrics"]["auroc"].value
        assert simple["strata"][1]["difference"]["auroc"].value == pytest.approx(difference)


def test_command_shows_strata(command, tmp_path):
    dataset, predictor = with_kinds(tmp_path)
    result = command(dataset, predictor, "--split", "all", "--min-length", "50")
    assert result.exit_code == 0, result.output
    for text in ("By stratum", "GC-matched", "against flank", "GC alone", "40 records of 50 bp or more", "also those"):
        assert text in " ".join(result.output.split()), text


def test_calibration_is_written_and_shown(command, regression, tmp_path):
    result = command(*regression)
    assert "calibration slope" in result.output and "Add --baseline" in " ".join(result.output.split())
    content = json.loads((tmp_path / "run/evaluation.json").read_text())
    assert content["calibration"]["kind"] == "value" and content["calibration"]["slope"]["value"] > 0
    assert content["verdict"] is None


def test_verdict_is_written_and_shown(command, tmp_path):
    pytest.importorskip("sklearn")
    dataset, predictor = with_kinds(tmp_path)
    result = command(dataset, predictor, "--baseline")
    assert result.exit_code == 0, result.output
    for text in ("Is this model good?", "Is it better than k-mers?", "Are there enough test records?", "(ECE)"):
        assert text in " ".join(result.output.split()), text
    content = json.loads((tmp_path / "run/evaluation.json").read_text())
    assert content["verdict"][0]["question"] == "Is this model good?"
    assert {"question", "answer", "because", "alarm"} == set(content["verdict"][0])
    assert content["calibration"]["ece"] >= 0 and content["calibration"]["points"][0]["n"] == 20


def test_a_model_no_better_than_composition_is_said_loudly(command, tmp_path):
    pytest.importorskip("sklearn")
    dataset, predictor = with_kinds(tmp_path)
    predictor.answers = 1 - predictor.answers  # calls the classes the wrong way round
    result = command(dataset, predictor, "--baseline")
    text = " ".join(result.output.replace("│", " ").split())
    assert "WARNING: a simple model may do as well" in text
    assert "Does composition alone do nearly as well? YES: DINUCLEOTIDES AND GC CONTENT" in text

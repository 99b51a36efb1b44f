"""Several labels learned together, and records that count differently: data, step, run, evaluation, explanation."""

import json

import mlx.core as mx
import numpy as np
import pytest
from mlx.utils import tree_flatten
from toys import random_tokens, scrambled, toy_config, write_toy

from mlx_gsa.config import TrainingConfig
from mlx_gsa.data.batches import pad_rows
from mlx_gsa.data.dataset import Dataset, Records, write_dataset
from mlx_gsa.dna.alphabet import encode
from mlx_gsa.errors import DatasetError, GsaError
from mlx_gsa.evaluation.evaluate import evaluate_run
from mlx_gsa.evaluation.outputs import intervals_by_output, metrics_of
from mlx_gsa.evaluation.prediction import METRICS
from mlx_gsa.explain.explain import explain_records
from mlx_gsa.explain.records import dataset_records
from mlx_gsa.inference.predictor import Predictor
from mlx_gsa.model.labels import LabelScale
from mlx_gsa.model.weights import ModelBundle, load_model, save_model
from mlx_gsa.training.optimizer import build_optimizer
from mlx_gsa.training.run import RunInfo, finish_run, start_run
from mlx_gsa.training.setup import new_bundle
from mlx_gsa.training.step import build_step
from mlx_gsa.training.validation import validate, watched_metric
from mlx_gsa.training.weighting import record_weights

MOTIFS = ("TGACTCAT", "CCGGAAGT")
NAN = float("nan")


def make(folder, n=200, task="regression", weights=None, labels=None, outputs=("one", "two"), seed=0):
    """A data set whose two labels are two motifs; a third of the second label is missing, another part of the first."""
    rng = np.random.default_rng(seed)
    sequences, counts = random_tokens(np.full(n, 80), seed), rng.integers(0, 2, (n, 2))
    for tokens, present in zip(sequences, counts, strict=True):
        for number in np.flatnonzero(present):
            start = 40 * number + rng.integers(0, 30)
            tokens[start : start + 8] = encode(MOTIFS[number])[0]
    if labels is None:
        labels = counts.astype(np.float32)
        labels[::3, 1], labels[1::6, 0] = NAN, NAN
        labels = labels * [1, 100] + [0, 5] if task == "regression" else labels
    split = np.array(["train"] * 8 + ["val", "test"])[np.arange(n) % 10]
    extra = {f"label:{outputs[1]}": labels[:, 1].astype(np.float32)}
    extra |= {} if weights is None else {"weight": np.asarray(weights, float)}
    records = Records.build(np.array([f"toy{i}" for i in range(n)], object), labels[:, 0], split, extra=extra)
    facts = {"task": task, "source": {"type": "toy"}, "seed": 0, "outputs": list(outputs)}
    return write_dataset(folder, sequences, records, classes=["0", "1"] if task == "binary" else None, **facts)


@pytest.fixture(scope="module", params=["regression", "binary"])
def run(request, tmp_path_factory):
    """A run on both labels; returns trainer, result and where the run is."""
    folder = tmp_path_factory.mktemp(request.param)
    dataset = make(folder / "data", n=400, task=request.param)
    trainer, _ = start_run(toy_config(dataset.path, training__epochs=4, model__sparsity=0.2), folder / "run")
    result = trainer.run()
    finish_run(trainer, result)
    return trainer, result, folder / "run"


def info(trainer, folder):
    return RunInfo(folder, folder / "best", trainer.dataset.path, trainer.dataset.data_hash, False)


# --- training


def test_two_labels_of_two_motifs_are_learned_together(run):
    trainer, result, folder = run
    predictor = Predictor.from_folder(folder / "best")
    assert predictor.outputs == ["one", "two"] and predictor.config.n_outputs == 2
    each = result["best"]["val_metrics"]
    assert min(each.values()) > 0.8 and result["best"]["val_metric"] == pytest.approx(np.mean(list(each.values())))
    assert result["best"]["metric_name"].startswith("mean ")
    dataset, rows = trainer.dataset, np.arange(len(trainer.dataset))
    found = np.stack([p.prediction for p in predictor.predict(dataset.sequence(i) for i in rows)])
    assert found.shape == (len(rows), 2)
    for number in range(2):
        known = ~np.isnan(dataset.labels[:, number])
        assert np.corrcoef(found[known, number], dataset.labels[known, number])[0, 1] > 0.7
    if dataset.task == "regression":  # in units of each label
        assert abs(found[:, 1].mean() - 55) < 20 and abs(found[:, 0].mean() - 0.5) < 0.2


def test_the_model_on_disk_knows_its_outputs(run, tmp_path):
    bundle = load_model(run[2] / "best")
    assert bundle.outputs == ["one", "two"]
    assert bundle.scale == run[0].bundle.scale
    header = json.loads((run[2] / "best/model.json").read_text())
    assert header["outputs"] == ["one", "two"]


def test_a_model_without_the_entry_still_loads(tmp_path, monkeypatch):
    from mlx_gsa.model import weights

    plain = weights.model_header
    older = lambda bundle: {k: v for k, v in plain(bundle).items() if k != "outputs"}  # noqa: E731
    monkeypatch.setattr(weights, "model_header", older)
    save_model(tmp_path, ModelBundle(scrambled(), "regression", None, LabelScale(2.5, 0.1)))
    loaded = load_model(tmp_path)
    assert loaded.outputs is None and loaded.scale == LabelScale(2.5, 0.1)


def test_gaps_start_from_the_mean(tmp_path):
    dataset = make(tmp_path / "data")
    bundle, found = new_bundle(toy_config(dataset.path), dataset)
    assert bundle.scale.mean[1] == pytest.approx(np.nanmean(dataset.labels[dataset.indices("train"), 1]), rel=1e-4)
    assert all(np.isfinite(np.array(value)).all() for _, value in tree_flatten(bundle.model.parameters()))
    assert found


def batch(labels, weights, seed=0):
    tokens, lengths = pad_rows(random_tokens([64, 50, 40, 33], seed), 64)
    arrays = (tokens, lengths, np.array([7, 5, 4, 4], np.int32), np.array(labels, np.float32))
    return [*map(mx.array, (*arrays, np.array(weights, np.float32))), mx.random.key(0)]


def stepped(inputs, n_outputs=2):
    model, config = scrambled(n_outputs=n_outputs), TrainingConfig(epochs=1, warmup=0, weight_decay=0)
    optimizer = build_optimizer(config, model.trainable_parameters(), 100)
    optimizer.init(model.trainable_parameters())
    main, *_ = build_step(model, optimizer, "regression", config, 7)(*inputs)
    return main.item(), dict(tree_flatten(model.parameters()))


def test_an_output_without_a_label_learns_nothing():
    labels = [[1.0, NAN], [-1.0, NAN], [0.5, NAN], [2.0, NAN]]
    before, (_, after) = dict(tree_flatten(scrambled(n_outputs=2).parameters())), stepped(batch(labels, [1] * 4))
    change = np.abs(np.array(after["readout.weight"]) - np.array(before["readout.weight"])).max(axis=1)
    assert change[1] == 0 and change[0] > 0
    assert np.array(after["bias"])[1] == np.array(before["bias"])[1]


def test_a_record_of_weight_0_does_not_influence_the_step():
    labels = [[1.0, 2.0], [-1.0, NAN], [0.5, 1.0]]
    one, other = (stepped(batch([*labels, last], [2, 0.5, 1, 0])) for last in ([9.0, -9.0], [NAN, 100.0]))
    assert one[0] == other[0]
    assert all(np.array_equal(one[1][name], other[1][name]) for name in one[1])


def test_weights_count_as_so_many_copies():
    labels = [[1.0], [-1.0], [0.5], [2.0]]
    flat = [value[0] for value in labels]
    thrice, inputs = batch(flat, [3, 1, 0, 0]), batch(flat, [1, 1, 1, 1])
    for place in range(4):  # the first record three times, the second once
        inputs[place] = mx.array(np.array(inputs[place])[[0, 0, 0, 1]])
    assert stepped(thrice, 1)[0] == pytest.approx(stepped(inputs, 1)[0], rel=1e-5)


def test_a_batch_in_which_no_record_counts_is_no_number_over_zero():
    loss, after = stepped(batch([[1.0, 1.0]] * 4, [0, 0, 0, 0]))
    assert loss == 0 and all(np.isfinite(np.array(value)).all() for value in after.values())


# --- weights


def test_weights_have_a_mean_of_1_over_the_training_records(tmp_path):
    labels = np.stack([np.arange(20.0), np.arange(20.0)], axis=1).astype(np.float32)
    dataset = make(tmp_path / "data", n=20, labels=labels, weights=np.arange(20) + 1)
    rows = dataset.indices("train")
    found = record_weights(dataset, rows)
    assert found[rows].mean() == pytest.approx(1) and found[4] == pytest.approx(5 * found[0])
    assert record_weights(dataset, rows, use_weights=False) is None


def test_every_label_counts_alike(tmp_path):
    labels = np.array([[1.0, 2.0], [3.0, NAN]] * 10, np.float32)
    dataset = make(tmp_path / "data", n=20, labels=labels)
    found = record_weights(dataset, dataset.indices("train"))
    np.testing.assert_allclose(found, [4 / 3, 2 / 3] * 10, rtol=1e-6)


def test_a_record_without_a_weight_counts_as_the_mean(tmp_path):
    labels = np.ones((20, 2), np.float32)
    dataset = make(tmp_path / "data", n=20, labels=labels, weights=[1, 3, NAN, NAN] * 5)
    np.testing.assert_allclose(record_weights(dataset, np.arange(20))[:4], [0.5, 1.5, 1, 1])


@pytest.mark.parametrize("weights", [[-1.0] + [1.0] * 19, [np.inf] + [1.0] * 19, [0.0] * 20])
def test_weights_that_are_none_are_refused(tmp_path, weights):
    dataset = make(tmp_path / "data", n=20, labels=np.ones((20, 2), np.float32), weights=weights)
    with pytest.raises(DatasetError, match="weight"):
        record_weights(dataset, dataset.indices("train"))


@pytest.mark.parametrize("use", [True, False])
def test_the_setting_reaches_the_steps(tmp_path, use):
    dataset = make(tmp_path / "data", n=40, labels=np.ones((40, 2), np.float32), weights=np.arange(40.0))
    trainer, _ = start_run(toy_config(dataset.path, training__use_weights=use), tmp_path / "run")
    assert (trainer.weights is not None) == use


# --- data


def test_labels_and_outputs_must_fit(tmp_path):
    records = Records.build(["a", "b", "c"], [1.0, 2.0, 3.0], ["train", "val", "test"])
    facts = {"task": "regression", "source": {}, "seed": 0}
    with pytest.raises(DatasetError, match="labels do not fit the outputs"):
        write_dataset(tmp_path / "b", random_tokens([20] * 3), records, outputs=["one", "two"], **facts)


@pytest.mark.parametrize("extra", [{}, {"label:two": np.array([NAN], np.float32)}, {"label:two": np.array([np.inf])}])
def test_a_record_needs_one_label_that_is_a_number(extra):
    with pytest.raises(DatasetError, match="a label is not a finite number"):
        Records.build(["a"], [NAN], ["train"], extra=extra)


def test_binary_labels_are_0_or_1_in_every_column(tmp_path):
    with pytest.raises(DatasetError, match="labels do not fit the task"):
        make(tmp_path / "data", n=20, task="binary", labels=np.array([[0, 2.0], [1, 1]] * 10, np.float32))


# --- evaluation


def test_validation_measures_each_output_on_the_records_that_have_it(run):
    trainer, _, folder = run
    predictor, rows = Predictor.from_folder(folder / "best"), trainer.rows["val"]
    loss, metric, each = validate(predictor, trainer.dataset, rows, 16)
    raw = np.stack([p.raw for p in predictor.predict(trainer.dataset.sequence(int(i)) for i in rows)])
    labels = trainer.dataset.labels[rows]
    for number, name in enumerate(("one", "two")):
        known = ~np.isnan(labels[:, number])
        expected = watched_metric(trainer.dataset.task, raw[known, number : number + 1], labels[known, number])
        assert each[name] == pytest.approx(expected)
    assert metric == pytest.approx((each["one"] + each["two"]) / 2)
    from mlx_gsa.training.losses import task_loss

    measured = (~np.isnan(labels)).sum(axis=1)
    learned = mx.array(predictor.scale.learned(labels))
    per_record = np.array(task_loss(trainer.dataset.task, mx.array(raw), learned))
    assert loss == pytest.approx((per_record * measured).sum() / measured.sum(), rel=1e-4)


def test_metrics_of_several_outputs_are_means_on_the_same_resamples():
    rng = np.random.default_rng(0)
    labels, predictions = rng.normal(size=(30, 2)), rng.normal(size=(30, 2))
    labels[::4, 1] = NAN
    known = ~np.isnan(labels[:, 1])
    for name, metric in METRICS["regression"].items():
        mean = metrics_of("regression", ["a", "b"])[name]
        each = [metric(labels[:, 0], predictions[:, 0]), metric(labels[known, 1], predictions[known, 1])]
        assert mean(labels, predictions) == pytest.approx(np.mean(each))
        weights = rng.integers(0, 3, (4, 30)).astype(float)
        many = mean(labels, predictions, weights=weights)
        assert many.shape == (4,) and many[2] == pytest.approx(mean(labels, predictions, weights=weights[2:3])[0])
    assert metrics_of("binary") is METRICS["binary"]
    labels[:, 1] = NAN
    assert np.isnan(metrics_of("regression", ["a", "b"])["pearson"](labels, predictions))
    assert set(intervals_by_output("regression", ["a", "b"], labels, predictions, n=10)) == {"a"}


def test_an_evaluation_has_the_mean_and_each_output(run, tmp_path):
    pytest.importorskip("sklearn")
    trainer, _, folder = run
    found = evaluate_run(info(trainer, folder), trainer.dataset, bootstrap=20, measure_cost=False, baselines=True)
    leading = next(iter(found.metrics))
    each = [found.by_output[name][leading].value for name in ("one", "two")]
    assert found.metrics[leading].value == pytest.approx(np.mean(each)) and min(each) > 0.7
    assert [one["name"] for one in found.baselines] == ["k-mers", "gapped k-mers", "dinucleotides", "GC content"]
    assert set(found.baselines[0]["choice"]["by_output"]) == set(found.baselines[0]["by_output"]) == {"one", "two"}
    table, *_ = found.save(tmp_path)[1:]
    heads = table.read_text().split("\n")[0].split("\t")
    assert heads == ["id", "label", "prediction", "label:two", "prediction:two"]
    content = json.loads((tmp_path / "evaluation.json").read_text())
    assert set(content["by_output"]) == {"one", "two"} and "predictions" not in content["baselines"][0]


def test_labels_are_found_by_name_and_others_refused(run, tmp_path):
    trainer, _, folder = run
    task = trainer.dataset.task
    swapped = make(tmp_path / "swapped", task=task, outputs=("two", "one"))
    found = evaluate_run(info(trainer, folder), swapped, bootstrap=0, measure_cost=False)
    plain = list(Predictor.from_folder(folder / "best").predict([swapped.sequence(int(swapped.indices("test")[0]))]))
    np.testing.assert_allclose(found.predictions[0], plain[0].prediction[::-1], rtol=1e-5)
    for wrong in (
        make(tmp_path / "three", task=task, outputs=("one", "three")),
        write_toy(tmp_path / "single", random_tokens([40] * 20), np.arange(20) % 2, task, ["0", "1"]),
    ):
        with pytest.raises(DatasetError) as caught:
            evaluate_run(info(trainer, folder), wrong, bootstrap=0, measure_cost=False)
        assert caught.value.what == "The data set has other labels than the model predicts"
        assert caught.value.expected == "one, two"


def test_the_baselines_predictions_are_beside_the_models(tmp_path):
    pytest.importorskip("sklearn")
    from toys import toy_dataset

    dataset = toy_dataset(tmp_path / "data")
    trainer, _ = start_run(toy_config(dataset.path, training__epochs=1), tmp_path / "run")
    trainer.run()
    found = evaluate_run(info(trainer, tmp_path / "run"), dataset, bootstrap=5, measure_cost=False, baselines=True)
    heads, first, *_ = (line.split("\t") for line in found.prediction_table().splitlines())
    assert heads == ["id", "label", "prediction", "k-mers", "gapped k-mers", "dinucleotides", "GC content"]
    assert float(first[3]) == pytest.approx(found.baselines[0]["predictions"][0], rel=1e-5)


# --- explanation and command line


def test_an_explanation_has_a_column_for_every_output(run, tmp_path):
    trainer, _, folder = run
    predictor = Predictor.from_folder(folder / "best")
    for output, number in ((None, 0), ("two", 1)):
        records = dataset_records(trainer.dataset, [0, 1])
        out = tmp_path / str(output)
        explained = list(explain_records(predictor, records, out, heatmaps=0, output=output))
        heads, *rows = (line.split("\t") for line in (out / "summary.tsv").read_text().splitlines())
        columns = dict(zip(heads, rows[1], strict=True))
        assert columns["prediction"] == columns[f"prediction:{('one', 'two')[number]}"]
        assert columns["label:one"] == "." and float(columns["label:two"]) == trainer.dataset.labels[1, 1]
        assert explained[0].text.startswith("one ") and ", two " in explained[0].text
    with pytest.raises(GsaError, match="no such output"):
        list(explain_records(predictor, dataset_records(trainer.dataset, [0]), tmp_path / "x", output="three"))


def test_the_commands_from_table_to_pictures(gsa, tmp_path):
    rng = np.random.default_rng(0)
    lines = ["sequence\ta\tb\tw"]
    for i in range(60):
        letters = "".join(rng.choice(list("ACGT"), 60))
        lines.append(f"{letters}\t{letters.count('A')}\t{letters.count('C') if i % 3 else 'NA'}\t{1 + i % 3}")
    (tmp_path / "t.tsv").write_text("\n".join(lines) + "\n")
    options = ("--label-column", "a", "--label-column", "b", "--weight-column", "w", "--split", "random")
    made = gsa("prepare", "table", "t.tsv", "--task", "regression", *options)
    assert made.exit_code == 0, made.output
    assert "Labels, learned together" in made.output and Dataset.open(tmp_path / "data/t").outputs == ["a", "b"]
    quick = ("--epochs", 1, "--set", "kmer_length=4", "--set", "filter_width=8", "--set", "warmup=0")
    trained = gsa("train", "--data", "data/t", "--out", "run", *quick)
    assert trained.exit_code == 0, trained.output
    assert "2 outputs, learned together: a, b; records count by their weights" in trained.output
    assert "Val r of each output in the best epoch: a " in trained.output
    evaluated = gsa("evaluate", "run", "--bootstrap", 5, "--no-cost")
    assert evaluated.exit_code == 0, evaluated.output
    words = " ".join(evaluated.output.split())
    assert "Each output" in words and "mean over 2 outputs" in words
    pictures = {f"evaluation-prediction-{name}.png" for name in "ab"}
    assert pictures <= {path.name for path in (tmp_path / "run").iterdir()}
    explained = gsa("explain", "--run", "run", "--data", "data/t", "--motifs", "none", "--output", "b", "--heatmaps", 0)
    assert explained.exit_code == 0, explained.output

"""The script of the real data sets: its commands exist, its means are those of the runs, its page is made of JSON."""

import json
import sys

import numpy as np
import pytest
from click.testing import CliRunner
from conftest import ROOT

sys.path.insert(0, str(ROOT / "docs"))

import datasets
import datasets_collect
import datasets_page

from mlx_gsa.config import load_config
from mlx_gsa.data.catalogue import find_recipe
from mlx_gsa.data.collect import Collector, Limits, SplitPlan, write_collected
from mlx_gsa.dna.alphabet import EncodeCounts
from mlx_gsa.evaluation.prediction import auroc

SETS = datasets.load_sets(ROOT / datasets.SETS)


@pytest.mark.parametrize("each", SETS, ids=lambda each: each["name"])
def test_an_experiment_names_what_there_is(each):
    assert each["prepare"][:2] == ["recipe", each["name"]]
    assert find_recipe(each["name"]).file == each["prepare"][3].rpartition("/")[2]
    load_config(ROOT / each["config"])
    variants = {variant["name"] for variant in each["runs"]}
    assert variants <= {"sparse10", "sparse5", "full", "no-context"} and "sparse10" in variants
    assert {extra["variant"] for extra in each.get("also", [])} <= variants
    assert {bar["also"] for bar in each.get("bars", []) if "also" in bar} <= {e["name"] for e in each.get("also", [])}


@pytest.mark.parametrize("each", SETS, ids=lambda each: each["name"])
def test_its_commands_have_the_options_that_they_use(each, monkeypatch, tmp_path):
    from mlx_gsa.cli.main import main

    monkeypatch.chdir(tmp_path)
    commands = datasets.commands_of(each, each["runs"][0], 0)
    for name in ("train", "evaluate", "explain"):
        found = CliRunner().invoke(main, commands[name])
        assert "No such option" not in found.output and "Invalid value" not in found.output, found.output
        assert found.exit_code == 1  # there is no data set and no run here


def test_the_settings_of_a_variant_reach_the_command():
    each = {"name": "x", "prepare": ["recipe", "x"], "config": "c.toml", "runs": []}
    variant = {"name": "full", "settings": {"attention": "full", "gate": False}}
    command = datasets.commands_of(each, variant, 3)["train"]
    assert command[command.index("--fold") + 1] == "3" and command[-1] == "runs/datasets/x/full-fold3"
    assert "attention=full" in command and "gate=false" in command and "c.toml" in command


def make_dataset(folder):
    """Sixty records of two classes in two folds."""
    collector = Collector(Limits(), SplitPlan("random"), "binary")
    rng = np.random.default_rng(0)
    labels = np.arange(60) % 2

    def sequences():
        for i, label in enumerate(labels):
            tokens = rng.integers(0, 4, 40 + i).astype(np.uint8)
            extra = {"fold": i // 30}
            collector.add(tokens, EncodeCounts(), id=f"r{i}", label=float(label), extra=extra)
            yield tokens

    return write_collected(folder, sequences(), collector, {}, classes=["no", "yes"])


def make_run(folder, dataset, fold, seed):
    """What a finished and evaluated run leaves, as far as the script reads it; returns the predictions."""
    rows = np.flatnonzero(dataset.records.extra["fold"] == fold)
    rng, labels = np.random.default_rng(seed), dataset.records.label[rows]
    ours, simple = labels + rng.normal(size=len(rows)), labels + 3 * rng.normal(size=len(rows))
    folder.mkdir(parents=True)
    table = [("id", "label", "prediction", "k-mers", "GC content")]
    table += [(dataset.records.id[r], labels[i], ours[i], simple[i], 0.5) for i, r in enumerate(rows)]
    (folder / "evaluation-predictions.tsv").write_text("".join("\t".join(map(str, row)) + "\n" for row in table))
    metrics = {"auroc": {"value": float(auroc(labels, ours)), "low": 0, "high": 1}}
    evaluation = {"n": len(rows), "kept_share": 0.1, "metrics": metrics}
    (folder / "evaluation.json").write_text(json.dumps(evaluation))
    result = {"best": {"epoch": 1, "val_metric": 0.5}}
    manifest = {"finished": True, "n_parameters": 7, "seed": 0, "data_hash": "0" * 64, "result": result}
    manifest |= {"versions": {"mlx": "1"}, "machine": {"platform": "here", "cores": 2}}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    (folder / "metrics.jsonl").write_text(json.dumps({"kind": "epoch", "epoch": 1, "seconds": 2.0}) + "\n")
    (folder / "config.toml").write_text("[training]\nepochs = 1\n")
    return labels, ours


@pytest.fixture
def collected(tmp_path):
    dataset = make_dataset(tmp_path / "data/toy")
    each = {"name": "toy", "title": "Toys", "purpose": "A trial.", "prepare": ["recipe", "toy"], "min_lengths": [70]}
    each["runs"] = [{"name": "sparse10", "folds": [0, 1]}]
    each["bars"] = [{"what": "toys told apart", "at_least": 0.99}, {"what": "never run", "at_least": 1, "also": "x",
                                                                   "reads": "right"}]  # fmt: skip
    runs = tmp_path / "runs/datasets"
    parts = [make_run(runs / f"toy/sparse10-fold{fold}", dataset, fold, fold) for fold in (0, 1)]
    list(datasets_collect.collect([each], runs, tmp_path / "results", tmp_path))
    return each, parts, tmp_path / "results"


def test_the_mean_is_that_of_the_folds(collected):
    _, parts, results = collected
    found = json.loads((results / "toy.json").read_text())["strata"]
    expected = np.mean([auroc(labels, ours) for labels, ours in parts])
    assert found["all"]["models"]["sparse10"]["mean"]["value"] == pytest.approx(expected)
    assert found["all"]["models"]["sparse10"]["folds"] == [0, 1] and found["all"]["models"]["sparse10"]["n"] == 60
    assert found["at least 70 bp"]["models"]["sparse10"] | {"mean": 0, "values": 0} == {
        "folds": [1], "n": 30, "mean": 0, "values": 0,
    }  # fmt: skip

    assert found["GC-matched"]["models"]["k-mers"]["n"] < 60
    assert "sparse10 v k-mers" in found["all"]["comparisons"]


def test_the_page_says_what_was_missed_and_what_was_not_run(collected):
    each, _, results = collected
    page = datasets_page.render([each, {**each, "name": "other", "title": "Others"}], results)
    assert "0 met, 1 missed, 3 not run yet" in page and "## Toys" in page
    assert "| toys told apart | ≥ 0.99 |" in page and "## Others\n\nA trial.\n\n*not run yet*" in page


def test_directions_are_counted_among_clear_changes_only():
    pairs = [(-2, -0.1), (-1.5, 0.2), (3, 1), (0.2, -5)]
    found = datasets_collect._directions(pairs, 1.0)
    assert (found["pairs"], found["clear"], found["right"]["value"]) == (4, 3, pytest.approx(2 / 3))
    assert found["right_falling"] == 0.5 and found["right_rising"] == 1 and found["falling"] == pytest.approx(2 / 3)

"""`gsa train`: options reach the configuration, errors become panels, a toy run ends with its files named."""

import json

import click
import numpy as np
import pytest
from toys import toy_config, toy_dataset

from mlx_gsa.config import ModelConfig, RunConfig, load_config
from mlx_gsa.model.organism import SparseOrganism
from mlx_gsa.training import run
from mlx_gsa.training.run import read_manifest

QUICK = ("--set", "kmer_length=6", "--set", "filter_width=12", "--set", "batch_size=16", "--set", "warmup=0")


@pytest.fixture
def started(monkeypatch):
    """What `start_run` or `resume_run` was called with, instead of a training."""
    calls = []

    def record(*arguments, **settings):
        calls.append((arguments, settings))
        raise click.exceptions.Exit(0)

    monkeypatch.setattr(run, "start_run", record)
    monkeypatch.setattr(run, "resume_run", record)
    return calls


def config_of(started):
    ((config, *_), _) = started[-1]
    return config


def error(result):
    """The panel as one line of words."""
    assert result.exit_code == 1 and "Traceback" not in result.output
    return " ".join(result.stderr.replace("│", " ").split())


def test_without_options_the_defaults_hold(gsa, started):
    assert gsa("train").exit_code == 0
    ((config, out), settings) = started[0]
    assert config == RunConfig() and settings["overwrite"] is False and settings["ranks"].size == 1
    assert out.parent.name == "runs" and out.name.endswith("-synthetic")


@pytest.mark.parametrize(
    "options, table, name, value",
    [
        (("--data", "some/where"), "data", "path", "some/where"),
        (("--sparsity", "0.05"), "model", "sparsity", 0.05),
        (("--sparsity", "1"), "model", "sparsity", 1.0),
        (("--attention", "full"), "model", "attention", "full"),
        (("--epochs", "3"), "training", "epochs", 3),
        (("--seed", "0"), "training", "seed", 0),
        (("--seed", "7"), "training", "seed", 7),
        (("--fold", "0"), "data", "fold", 0),
        (("--set", "training.learning_rate=1e-4"), "training", "learning_rate", 1e-4),
        (("--set", "distance=false"), "model", "distance", False),
        (("--set", "max_selected=64", "--set", "window=9"), "model", "max_selected", 64),
    ],
)
def test_an_option_reaches_the_configuration_and_nothing_else(gsa, started, options, table, name, value):
    assert gsa("train", *options).exit_code == 0
    config = config_of(started)
    assert getattr(getattr(config, table), name) == value
    given = {option.partition("=")[0].split(".")[-1] for option in options[1::2]} | {name}
    for part in ("model", "training", "data"):
        found, default = getattr(config, part).model_dump(), getattr(RunConfig(), part).model_dump()
        assert {key for key in found if found[key] != default[key]} <= given


def test_a_flag_wins_over_the_file_and_over_set(gsa, started, tmp_path):
    (tmp_path / "c.toml").write_text('[model]\nsparsity = 0.3\n[training]\nseed = 4\nepochs = 9\n[data]\npath = "x"\n')
    gsa("train", "--config", "c.toml", "--set", "sparsity=0.2", "--sparsity", "0.05", "--set", "seed=5")
    config = config_of(started)
    assert (config.model.sparsity, config.training.seed, config.training.epochs) == (0.05, 5, 9)
    assert config.data.path == "x"


def test_where_the_run_goes_can_be_said(gsa, started, tmp_path):
    gsa("train", "--out", "here", "--overwrite")
    ((_, out), settings) = started[0]
    assert str(out) == "here" and settings["overwrite"] is True


def test_the_folder_is_named_after_time_and_data(gsa, started):
    gsa("train", "--data", "data/liver_atac")
    name = started[0][0][1].name
    assert name.endswith("-liver_atac") and name[:8].isdigit() and name[9:15].isdigit()


def test_resume_goes_on_with_the_folder(gsa, started):
    assert gsa("train", "--resume", "runs/x").exit_code == 0
    ((folder,), _) = started[0]
    assert str(folder) == "runs/x"


@pytest.mark.parametrize(
    "options",
    [("--seed", "0"), ("--epochs", "1"), ("--sparsity", "0.1"), ("--attention", "mlp"), ("--data", "d"), ("--out", "o"),
     ("--overwrite",), ("--set", "seed=1"), ("--config", "c.toml")],
)  # fmt: skip
def test_resume_takes_no_other_option(gsa, started, options):
    result = gsa("train", "--resume", "runs/x", *options)
    assert result.exit_code == 2 and not started
    assert "--resume goes on with the run's own settings and takes no other option" in result.stderr


@pytest.mark.parametrize("options", [("--attention", "dense"), ("--epochs", "x"), ("--sparsity", "x"), ("--nosuch",)])
def test_wrong_usage_exits_2(gsa, started, options):
    assert gsa("train", *options).exit_code == 2 and not started


@pytest.mark.parametrize(
    "options, words",
    [
        (("--sparsity", "0"), "out of range where model.sparsity expected Input should be greater than 0 found 0"),
        (("--sparsity", "1.5"), "expected Input should be less than or equal to 1 found 1.5"),
        (("--seed", "-1"), "setting out of range where training.seed"),
        (("--set", "sparcity=0.1"), "unknown setting where sparcity mend Did you mean model.sparsity?"),
        (("--set", "epochs"), "setting without a value where epochs expected key=value"),
        (("--config", "none.toml"), "configuration file not found where none.toml"),
        (("--data", "none"), "none"),
        (("--resume", "none"), "not a run where none mend Give a folder that `gsa train` made."),
    ],
)
def test_what_is_wrong_is_shown_in_a_panel(gsa, tmp_path, options, words):
    assert words in error(gsa("train", *options))
    assert not list(tmp_path.iterdir())


def test_a_run_that_is_there_is_not_overwritten(gsa, tmp_path):
    toy_dataset(tmp_path / "data", n=20)
    arguments = ("train", "--data", "data", "--epochs", "1", "--out", "r", *QUICK)
    assert gsa(*arguments).exit_code == 0
    refused = error(gsa(*arguments))
    assert "a run is there already where r mend Use --overwrite, another --out, or --resume r." in refused
    assert gsa(*arguments, "--overwrite").exit_code == 0


def test_a_toy_run_shows_what_it_did_and_where_it_is(gsa, tmp_path):
    toy_dataset(tmp_path / "data", n=40)
    result = gsa("train", "--data", "data", "--epochs", "2", "--out", "r", "--sparsity", "0.2", *QUICK)
    assert result.exit_code == 0, result.stderr
    for words in ("32 to train, 4 to validate", "attention softmax, 20.0% of positions kept", "val r", "gsa explain"):
        assert words in result.stdout
    assert f"{SparseOrganism(ModelConfig(filter_width=12)).n_parameters():,} parameters" in result.stdout
    names = {p.name for p in (tmp_path / "r").iterdir()}
    assert names == {"best", "last", "config.toml", "manifest.json", "metrics.jsonl", "filters.json", "training.png"}
    assert read_manifest(tmp_path / "r")["finished"]


def test_the_baseline_says_that_every_position_attends(gsa, tmp_path):
    toy_dataset(tmp_path / "data", n=20)
    result = gsa("train", "--data", "data", "--epochs", "1", "--out", "r", "--attention", "full", *QUICK)
    assert result.exit_code == 0 and "every position attends" in result.stdout


@pytest.fixture
def folded(tmp_path):
    """A toy data set with five folds."""
    from toys import planted

    from mlx_gsa.data.dataset import Records, write_dataset

    sequences, counts = planted(100)
    ids = [f"toy{i}" for i in range(100)]
    split = np.array(["train"] * 8 + ["val", "test"])[np.arange(100) % 10]
    records = Records.build(ids, counts.astype(float), split, extra={"fold": np.arange(100) // 2 % 5})
    source = {"type": "toy", "split_by": "random", "fold_by": "random"}
    return write_dataset(tmp_path / "folded", sequences, records, task="regression", source=source, seed=0)


def test_a_fold_is_trained_remembered_evaluated_and_explained(gsa, folded, tmp_path):
    from mlx_gsa.data.dataset import Dataset
    from mlx_gsa.data.folds import split_as_trained
    from mlx_gsa.training.run import find_run

    result = gsa("train", "--data", "folded", "--fold", 3, "--epochs", 1, "--out", "run", *QUICK)
    assert result.exit_code == 0, result.output
    assert "(fold 3 tests)" in result.output and read_manifest(tmp_path / "run")["fold"] == 3
    assert load_config(tmp_path / "run/config.toml").data.fold == 3
    found = find_run(tmp_path / "run")
    test = np.flatnonzero(np.arange(100) // 2 % 5 == 3)
    assert np.array_equal(split_as_trained(found, Dataset.open("folded")).indices("test"), test)
    options = ("--bootstrap", 0, "--no-cost", "--json")
    evaluated = json.loads(gsa("evaluate", "run", *options).stdout)["manifest"]
    assert evaluated["fold"] == 3 and evaluated["n"] == 20 and evaluated["same_data"] is True
    explained = gsa("explain", "--run", "run", "--data", "folded", "--motifs", "none", "--heatmaps", 0)
    assert explained.exit_code == 0 and f"toy{test[0]}" in explained.output


def test_another_data_set_keeps_its_own_split(folded, tmp_path):
    from mlx_gsa.data.folds import split_as_trained
    from mlx_gsa.training.run import RunInfo

    run = RunInfo(tmp_path, tmp_path, tmp_path, "another", False, 3)
    assert split_as_trained(run, folded) is folded
    assert split_as_trained(run._replace(data_hash=folded.data_hash), folded).fold == 3
    assert split_as_trained(run._replace(fold=None, data_hash=folded.data_hash), folded) is folded


def test_resuming_keeps_the_fold(folded, tmp_path):
    from mlx_gsa.training.run import resume_run, start_run

    config = toy_config(folded.path, data__fold=2)
    trainer, _ = start_run(config, tmp_path / "run")
    again = resume_run(tmp_path / "run")
    assert again.dataset.fold == trainer.dataset.fold == 2
    assert all(np.array_equal(again.rows[split], trainer.rows[split]) for split in ("train", "val"))


def test_a_fold_of_data_without_folds_or_of_none_such(gsa, tmp_path, folded):
    toy_dataset(tmp_path / "plain", 40)
    assert "the data set has no folds" in error(gsa("train", "--data", "plain", "--fold", 0))
    assert "no such fold expected 0 to 4 found 5" in error(gsa("train", "--data", "folded", "--fold", 5))
    assert not (tmp_path / "runs").exists()


def test_a_profile_is_shown_before_the_training(gsa, tmp_path):
    data = toy_dataset(tmp_path / "data", n=40).path
    result = gsa("train", "--data", data, "--out", "run", "--epochs", "1", "--profile", *QUICK)
    assert result.exit_code == 0, result.output
    table, epochs = result.output.split("Epochs")
    assert "Where a step's time goes" in table and "a step, not split" in table and "Best epoch 1" in epochs
    rows = [line for line in table.splitlines() if any(organ in line for organ in ("stem", "selector", "attention"))]
    assert len(rows) >= 3 and all("%" in line for line in rows[:3])

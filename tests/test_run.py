"""Run folders: what is written into one, which one is found, and that none is overwritten by accident."""

import json
import os
import shutil
import tomllib

import numpy as np
import pytest
from toys import toy_config, toy_dataset

from mlx_gsa.config import dump_config, load_config
from mlx_gsa.data.dataset import Dataset
from mlx_gsa.errors import DatasetError, GsaError, RunError
from mlx_gsa.training import run
from mlx_gsa.training.metrics_log import read_metrics
from mlx_gsa.training.run import find_run, finish_run, read_manifest, resume_run, start_run


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    return toy_dataset(tmp_path_factory.mktemp("run") / "data", n=40)


@pytest.fixture(scope="module")
def finished(dataset, tmp_path_factory):
    """A finished run, to be copied and not to be changed."""
    folder = tmp_path_factory.mktemp("finished") / "run"
    trainer, _ = start_run(toy_config(dataset.path, training__epochs=1), folder)
    finish_run(trainer, trainer.run())
    return folder


def copied(source, folder, **changes):
    shutil.copytree(source, folder)
    manifest = json.loads((folder / "manifest.json").read_text()) | changes
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder


def contents(folder):
    return {p.relative_to(folder): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def test_a_run_holds_its_configuration_and_says_what_it_was_made_of(dataset, finished):
    config = toy_config(dataset.path, training__epochs=1)
    assert (finished / "config.toml").read_text() == dump_config(config)
    manifest = read_manifest(finished)
    assert manifest["format"] == "mlx_gsa.run" and manifest["data_hash"] == dataset.data_hash
    assert manifest["dataset"] == str(dataset.path.resolve()) and manifest["seed"] == 0
    assert {"python", "mlx", "numpy", "mlx_gsa"} <= manifest["versions"].keys()
    assert {"platform", "cores"} <= manifest["machine"].keys()
    assert manifest["finished"] and manifest["result"]["best"]["epoch"] == 1
    assert manifest["n_parameters"] == json.loads((finished / "best" / "model.json").read_text())["n_parameters"]
    for item in json.loads((finished / "filters.json").read_text()):
        assert set(item["kmer"]) <= set("ACGT") and np.shape(item["template"]) == (12, 4)


def test_the_written_configuration_repeats_the_run(finished, tmp_path):
    trainer, _ = start_run(load_config(finished / "config.toml"), tmp_path / "again")
    trainer.run()
    for name in ("best/model.safetensors", "last/checkpoint.safetensors"):
        assert (tmp_path / "again" / name).read_bytes() == (finished / name).read_bytes(), name


def test_a_finished_run_is_not_overwritten_by_accident(dataset, finished):
    before = contents(finished)
    with pytest.raises(RunError, match="a run is there already") as caught:
        start_run(toy_config(dataset.path), finished)
    assert "--overwrite" in caught.value.mend and f"--resume {finished}" in caught.value.mend
    assert contents(finished) == before


def test_an_older_run_is_replaced_where_asked(dataset, finished, tmp_path):
    folder = copied(finished, tmp_path / "run")
    trainer, _ = start_run(toy_config(dataset.path, training__seed=5), folder, overwrite=True)
    manifest = read_manifest(folder)
    assert (manifest["seed"], manifest["finished"]) == (5, False)
    assert read_metrics(folder) == [] and not (folder / "best" / "model.safetensors").exists()
    assert not (folder / "last" / "checkpoint.safetensors").exists()
    with pytest.raises(RunError, match="run has no model yet"):
        find_run(folder)
    assert trainer.progress["epoch"] == 0


@pytest.mark.parametrize("overwrite", [False, True])
def test_a_folder_of_something_else_is_never_touched(dataset, tmp_path, overwrite):
    (tmp_path / "thesis.tex").write_text("years of work")
    (tmp_path / "manifest.json").write_text(json.dumps({"format": "mlx_gsa.dataset"}))
    before = contents(tmp_path)
    with pytest.raises(RunError, match="not a run of this program"):
        start_run(toy_config(dataset.path), tmp_path, overwrite=overwrite)
    (tmp_path / "manifest.json").unlink()
    with pytest.raises(RunError, match="not a run"):
        start_run(toy_config(dataset.path), tmp_path, overwrite=overwrite)
    assert contents(tmp_path) == {p: c for p, c in before.items() if p.name != "manifest.json"}


def test_a_file_is_no_run_folder(dataset, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError, match="output is a file"):
        start_run(toy_config(dataset.path), tmp_path / "file")


def test_an_empty_folder_is_free(dataset, tmp_path):
    (tmp_path / ".DS_Store").write_text("")
    start_run(toy_config(dataset.path), tmp_path)
    assert read_manifest(tmp_path)["finished"] is False


def test_a_model_that_is_too_large_leaves_nothing_behind(dataset, tmp_path):
    config = toy_config(dataset.path, model__n_channels=32, model__filter_width=64)
    with pytest.raises(RunError, match=r"model too large: expected fewer than 50,000 parameters, found 7"):
        start_run(config, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_data_that_are_not_there_leave_nothing_behind(tmp_path):
    with pytest.raises(DatasetError):
        start_run(toy_config(tmp_path / "none"), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_finished_run_is_not_resumed(finished):
    with pytest.raises(RunError, match="run is finished"):
        resume_run(finished)


def test_what_is_no_run_is_not_resumed(tmp_path):
    with pytest.raises(RunError, match="not a run") as caught:
        resume_run(tmp_path / "none")
    assert "gsa train" in caught.value.mend


def test_a_run_is_not_resumed_on_other_data(tmp_path):
    data = toy_dataset(tmp_path / "data", n=20)
    start_run(toy_config(data.path), tmp_path / "run")
    toy_dataset(tmp_path / "data", n=20, seed=1)
    assert Dataset.open(tmp_path / "data").data_hash != data.data_hash
    with pytest.raises(RunError, match="data set has changed since the run started") as caught:
        resume_run(tmp_path / "run")
    assert caught.value.expected == data.data_hash[:12]


def test_a_named_run_is_found(finished, dataset):
    info = find_run(str(finished))
    assert (info.path, info.model_folder, info.shipped) == (finished, finished / "best", False)
    assert (info.dataset_path, info.data_hash) == (dataset.path.resolve(), dataset.data_hash)


def test_of_several_runs_the_one_that_finished_last_is_found(finished, tmp_path):
    runs = tmp_path / "runs"
    copied(finished, runs / "z", finished_at="2024-01-01T00:00:00+00:00")
    copied(finished, runs / "a", finished_at="2025-06-01T12:00:00+00:00")
    copied(finished, runs / "unfinished", finished=False, finished_at="2030-01-01T00:00:00+00:00")
    (copied(finished, runs / "empty", finished_at="2030-01-01T00:00:00+00:00") / "best" / "model.safetensors").unlink()
    os.utime(runs / "z")  # when a folder was touched says nothing
    assert find_run(runs=runs).path == runs / "a"


@pytest.mark.parametrize("junk", [b"", b"[]", b"3", b"{", b"\xff\xfe\x00", b'{"format": "other"}'])
def test_other_things_among_the_runs_are_passed_over(finished, tmp_path, junk):
    copied(finished, tmp_path / "runs" / "good")
    (tmp_path / "runs" / "odd").mkdir()
    (tmp_path / "runs" / "odd" / "manifest.json").write_bytes(junk)
    (tmp_path / "runs" / "notes.txt").write_text("")
    assert find_run(runs=tmp_path / "runs").path.name == "good"
    with pytest.raises(RunError):
        read_manifest(tmp_path / "runs" / "odd")


def test_without_any_run_the_shipped_model_is_found(tmp_path, monkeypatch):
    monkeypatch.setattr(run, "asset_path", lambda name: tmp_path / "assets" / name)
    info = find_run(runs=tmp_path / "none")
    assert info == (tmp_path / "assets" / "model", tmp_path / "assets" / "model", None, None, True, None)


def test_a_run_without_a_model_says_how_to_go_on(dataset, tmp_path):
    start_run(toy_config(dataset.path), tmp_path / "run")
    with pytest.raises(RunError, match="run has no model yet") as caught:
        find_run(tmp_path / "run")
    assert caught.value.mend == f"Go on with: gsa train --resume {tmp_path / 'run'}"
    with pytest.raises(GsaError, match="not a run"):
        find_run(tmp_path / "elsewhere")


def test_the_configuration_is_toml_that_anyone_can_read(finished):
    tables = tomllib.loads((finished / "config.toml").read_text())
    assert tables.keys() == {"model", "training", "data"} and tables["training"]["epochs"] == 1

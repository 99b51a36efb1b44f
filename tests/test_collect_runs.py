"""Finding runs: in a sweep, under a folder, one by one; names, seeds and folds; what is left out or refused."""

import json
import shutil

import pytest
from run_folders import guesses, make_dataset, make_run

from mlx_gsa.errors import RunError
from mlx_gsa.experiments.collect_runs import collect_runs


@pytest.fixture
def data(tmp_path):
    return make_dataset(tmp_path / "data/toy")


def test_a_folder_of_runs_is_walked(tmp_path, data):
    for seed in (0, 1):
        for fold in (0, 2):
            make_run(tmp_path / f"runs/toy/sparse-seed{seed}-fold{fold}", data, guesses(data, 1), seed, fold)
    make_run(tmp_path / "runs/toy/full-fold0", data, guesses(data, 1), 3, 0)
    found = collect_runs([tmp_path / "runs"])
    keys = [(run.dataset, run.model, run.seed, run.fold) for run in found.runs]
    assert keys == [("toy", "full", 3, 0), *(("toy", "sparse", s, f) for s in (0, 1) for f in (0, 2))]
    assert found.runs[0].training == {"epochs": 2, "seconds": 4.0}
    assert len(found.runs[0].table.ids) == 40


def test_a_link_to_a_run_counts_by_its_target(tmp_path, data):
    make_run(tmp_path / "there/sparse-fold1", data, guesses(data, 1), fold=1)
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs/linked").symlink_to(tmp_path / "there/sparse-fold1")
    assert [run.model for run in collect_runs([tmp_path / "runs"]).runs] == ["sparse"]


def test_unfinished_and_unevaluated_runs_are_left_out_and_said(tmp_path, data):
    make_run(tmp_path / "runs/good", data, guesses(data, 1))
    make_run(tmp_path / "runs/half", data, guesses(data, 1), finished=False)
    (make_run(tmp_path / "runs/raw", data, guesses(data, 1)) / "evaluation.json").unlink()
    found = collect_runs([tmp_path / "runs"])
    assert [run.model for run in found.runs] == ["good"]
    assert found.left_out == [str(tmp_path / "runs/half"), str(tmp_path / "runs/raw")]
    with pytest.raises(RunError, match=r"not finished, or not evaluated.*\n.*gsa evaluate"):
        collect_runs([tmp_path / "runs/good", tmp_path / "runs/raw"])


def sweep(folder, cells, **spec):
    folder.mkdir(parents=True, exist_ok=True)
    listed = {"format": "mlx_gsa.sweep", "name": "trial", "spec": spec, "cells": cells}
    (folder / "sweep.json").write_text(json.dumps(listed))
    return folder


def test_a_sweep_names_its_models(tmp_path, data):
    cells = []
    for variant, name in (("sparse-5", "sparse-5-seed1"), ("whole", "whole-seed1")):
        make_run(tmp_path / "runs/trial/toy" / name, data, guesses(data, 1), seed=1)
        cells.append({"data": "toy", "variant": variant, "label": None, "seed": 1, "fold": None,
                      "folder": f"toy/{name}", "state": "finished"})  # fmt: skip
    cells.append(cells[0] | {"folder": "toy/sparse-5-seed2", "seed": 2})
    cells.append(cells[0] | {"folder": "toy/sparse-5-seed3", "seed": 3, "state": "changed: training.epochs"})
    variants = [{"name": "sparse-5", "label": "5 % kept"}, {"name": "whole"}]
    found = collect_runs([sweep(tmp_path / "runs/trial", cells, reference="whole", variants=variants)])
    read = [(run.model, run.label, run.seed) for run in found.runs]
    assert read == [("sparse-5", "5 % kept", 1), ("whole", "whole", 1)]
    assert (found.name, found.reference) == ("trial", "whole")
    left = [str(tmp_path / "runs/trial/toy" / name) for name in ("sparse-5-seed2", "sparse-5-seed3")]
    assert found.left_out == [left[0], f"{left[1]} (changed: training.epochs)"]


def test_a_moved_sweep_is_still_read(tmp_path, data):
    make_run(tmp_path / "old/trial/toy/full-seed0", data, guesses(data, 1))
    cell = {"data": "toy", "variant": "full", "seed": 0, "fold": None, "folder": "old/trial/toy/full-seed0"}
    sweep(tmp_path / "old/trial", [cell])
    shutil.move(tmp_path / "old", tmp_path / "new")
    assert len(collect_runs([tmp_path / "new/trial"]).runs) == 1


def test_runs_of_the_same_name_are_told_apart_by_their_folders(tmp_path, data):
    paths = [make_run(tmp_path / side / "full", data, guesses(data, 1)) for side in ("mine", "yours")]
    assert [run.model for run in collect_runs(paths).runs] == ["mine/full", "yours/full"]
    with pytest.raises(RunError, match="Two runs are the same model"):
        collect_runs([paths[0], paths[0]])


def test_a_cnn_is_known_by_its_settings_or_its_name(tmp_path, data):
    for name, kind in {"cnn-large": "sparse", "deep": "cnn-large", "cnnish": "sparse", "sparse": "sparse"}.items():
        config = f'[model]\narchitecture = "{kind}"\n'
        make_run(tmp_path / "runs" / name, data, guesses(data, 1), config=config)
    found = {run.model: run.is_cnn for run in collect_runs([tmp_path / "runs"]).runs}
    assert found == {"cnn-large": True, "deep": True, "cnnish": False, "sparse": False}


def test_nothing_to_compare_is_said(tmp_path, data):
    (tmp_path / "runs").mkdir()
    with pytest.raises(RunError, match=r"No finished and evaluated run here.*found no run"):
        collect_runs([tmp_path / "runs"])
    with pytest.raises(RunError, match="no such folder"):
        collect_runs([tmp_path / "elsewhere"])
    (make_run(tmp_path / "runs/bad", data, guesses(data, 1)) / "manifest.json").write_text("{")
    with pytest.raises(RunError, match=r"cannot be read \(.*manifest.json"):
        collect_runs([tmp_path / "runs"])

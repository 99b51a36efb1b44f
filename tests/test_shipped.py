"""The model that ships: its card is made of the run's own files, and only a run that fits may ship."""

import json

import pytest

from mlx_gsa.errors import ResultsError
from mlx_gsa.experiments.shipped import ship


def interval(value):
    return {"value": value, "low": value - 0.01, "high": value + 0.01}


@pytest.fixture
def run(tmp_path):
    folder = tmp_path / "runs/full/sparse10-seed0"
    (folder / "best").mkdir(parents=True)
    (folder / "best/model.safetensors").write_bytes(b"0" * 2000)
    (folder / "best/model.json").write_text("{}")
    manifest = {"finished": True, "n_parameters": 6543, "data_hash": "feedbeef" * 8, "dataset": str(tmp_path / "data"),
                "versions": {"mlx": "9.9.9"}, "machine": {"processor": "some CPU", "blas": "some BLAS"}}  # fmt: skip
    row = {"cut": "top 1 %", "recall": interval(0.9), "recall_chance": 0.13}
    evaluation = {"metrics": {"pearson": interval(0.9)}, "reachable": {"best_r": {"value": 0.97}},
                  "selection": {"ranking": [row]}}  # fmt: skip
    made = {"train": {"command": "gsa train --x", "commit": "abc"}, "prepare": {"command": "gsa prepare synthetic"}}
    for path, value in ((folder / "manifest.json", manifest), (folder / "evaluation.json", evaluation),
                        (folder.with_name("sparse10-seed0.json"), made)):  # fmt: skip
        path.write_text(json.dumps(value))
    return folder


def test_the_card_has_the_numbers_of_the_run(run, tmp_path):
    card = ship(run, tmp_path / "model").read_text()
    for text in ("6,543", "2 kB", "feedbeeffeed", "gsa train --x", "0.900 (0.890 to 0.910)", "90.0 (89.0 to 91.0) %",
                 "chance 13 %", "best reachable 0.970", "mlx 9.9.9", "commit `abc`"):  # fmt: skip
        assert text in card
    assert (tmp_path / "model/model.safetensors").stat().st_size == 2000


@pytest.mark.parametrize("name", ["evaluation.json", "../sparse10-seed0.json", "manifest.json"])
def test_a_run_that_lacks_something_does_not_ship(run, tmp_path, name):
    (run / name).unlink()
    with pytest.raises(ResultsError, match="the run has no"):
        ship(run, tmp_path / "model")
    assert not (tmp_path / "model").exists()


def test_real_data_do_not_ship(run, tmp_path):
    evaluation = json.loads((run / "evaluation.json").read_text()) | {"reachable": None}
    (run / "evaluation.json").write_text(json.dumps(evaluation))
    with pytest.raises(ResultsError, match="only a finished run on synthetic data"):
        ship(run, tmp_path / "model")

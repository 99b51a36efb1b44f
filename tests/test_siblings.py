"""The runs beside a run that repeat it."""

from types import SimpleNamespace

import pytest
from toys import toy_config, toy_dataset

from mlx_gsa.audit.siblings import load_others, sibling_runs
from mlx_gsa.errors import RunError
from mlx_gsa.inference.predictor import Predictor
from mlx_gsa.training.run import finish_run, start_run


def _run(path):
    return SimpleNamespace(path=path, shipped=False)


@pytest.fixture(scope="module")
def sweep(tmp_path_factory):
    """Finished runs of one variant and of another, an unfinished run, and a file."""
    folder = tmp_path_factory.mktemp("sweep")
    dataset = toy_dataset(folder / "data", n=40)
    config = toy_config(dataset.path, training__epochs=1, model__n_channels=4)
    for name in ("sparse-seed0", "sparse-seed1", "sparse-seed1-fold2", "full-seed1"):
        trainer, _ = start_run(config, folder / name)
        finish_run(trainer, trainer.run())
    start_run(config, folder / "sparse-seed2")
    (folder / "sparse-seed3.json").write_text("{}")
    return folder


def test_siblings_have_the_variant_and_a_model(sweep):
    found = sibling_runs(_run(sweep / "sparse-seed0"))
    assert [path.name for path in found] == ["sparse-seed1", "sparse-seed1-fold2"]


def test_a_run_that_names_no_seed_has_none(sweep):
    assert sibling_runs(_run(sweep / "data")) == []
    assert sibling_runs(SimpleNamespace(path=sweep / "sparse-seed0", shipped=True)) == []


def test_other_runs_are_loaded_by_name_and_must_fit(sweep, tmp_path):
    predictor = Predictor.from_folder(sweep / "sparse-seed0" / "best")
    assert list(load_others(predictor, [sweep / "sparse-seed1"])) == ["sparse-seed1"]
    dataset = toy_dataset(tmp_path / "data", n=40, task="binary")
    trainer, _ = start_run(toy_config(dataset.path, training__epochs=1, model__n_channels=4), tmp_path / "run")
    trainer.run()
    with pytest.raises(RunError, match="another task"):
        load_others(predictor, [tmp_path / "run"])
    with pytest.raises(RunError, match="not a run"):
        load_others(predictor, [tmp_path])

"""The recipes that ship: each is a whole configuration that trains, on data of its kind, well under the limit."""

from pathlib import Path

import numpy as np
import pytest
from toys import toy_dataset

from mlx_gsa.config import load_config
from mlx_gsa.model.organism import SparseOrganism
from mlx_gsa.training.loop import Trainer
from mlx_gsa.training.setup import PARAMETER_LIMIT, new_bundle

RECIPES = sorted((Path(__file__).parent.parent / "configs/training").glob("*.toml"))


def test_there_is_one_for_every_kind_of_data():
    assert {path.stem for path in RECIPES} == {
        "enhancers_long", "few_sequences", "long_sequences", "mpra_short", "promoters_anchored", "cnn", "cnn_large",
    }  # fmt: skip


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_a_recipe_says_what_it_is_for_and_stays_small(path):
    assert path.read_text().startswith("# ") and f"configs/training/{path.name}" in path.read_text()
    config = load_config(path)
    assert config.model.sparsity == 0.1  # the hypothesis under test
    assert SparseOrganism(config.model).n_parameters() < PARAMETER_LIMIT / 2


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_a_recipe_trains(path, tmp_path):
    dataset = toy_dataset(tmp_path / "data", n=60, task="binary")
    config = load_config(path, {"data.path": str(dataset.path), "training.epochs": 1, "training.batch_size": 16})
    trainer = Trainer(new_bundle(config, dataset)[0], config, dataset, tmp_path / "run")
    best = trainer.run()["best"]
    assert np.isfinite(best["val_loss"]) and 0 <= best["val_metric"] <= 1

"""Experiment files: what is read, what is refused and how that is said, and that those that ship can be run."""

from pathlib import Path

import pytest
from toy_sweep import toy_spec, toy_tables

from mlx_gsa.configs import config_path
from mlx_gsa.errors import ConfigError
from mlx_gsa.experiments.plan import plan_cells, step_commands
from mlx_gsa.experiments.spec import load_spec, parse_spec

SHIPPED = sorted(path.stem for path in config_path("experiments").glob("*.toml") if path.stem != "speed")


def refused(**changes):
    with pytest.raises(ConfigError) as caught:
        toy_spec(**changes)
    return caught.value


@pytest.mark.parametrize(
    "changes, where, mend",
    [
        ({"referense": "full"}, "referense in toy.toml", "Did you mean reference?"),
        ({"data": [{"name": "toy", "prepair": []}]}, "data.0.prepair in toy.toml", "Did you mean prepare?"),
        ({"variants": [{"name": "a", "setings": {}}]}, "variants.0.setings in toy.toml", "Did you mean settings?"),
        ({"steps": [{"name": "s", "command": ["info"], "seed": [0]}]}, "steps.0.seed in toy.toml", "seeds?"),
        ({"bars": [{"what": "r", "atleast": 1}]}, "bars.0.atleast in toy.toml", "Did you mean at_least?"),
        ({"data": [{"name": "toy", "bars": [{"what": "r", "least": 1}]}]}, "data.0.bars.0.least in toy.toml", "at_l"),
        ({"zzz": 1}, "zzz in toy.toml", "Known keys: name, title"),
    ],
)
def test_an_unknown_key_is_refused_with_its_place_and_the_nearest(changes, where, mend):
    error = refused(**changes)
    assert error.what == "unknown key" and error.where == where and mend in error.mend


@pytest.mark.parametrize(
    "changes, found",
    [
        ({"reference": "ful"}, "reference: 'ful' is not in this file; did you mean 'full'?"),
        ({"variants": [{"name": "a"}, {"name": "a"}]}, "the name 'a' occurs twice"),
        ({"variants": [{"name": "a", "data": ["tony"]}], "reference": "a"}, "did you mean 'toy'?"),
        ({"steps": [{"name": "s", "command": ["info"], "variants": ["spars"]}]}, "did you mean 'sparse'?"),
        ({"steps": [{"name": "s", "command": ["info"], "prepare": ["synthetic"]}]}, "prepare_out go together"),
        (
            {"variants": [{"name": "a", "sparsities": [0.1]}, {"name": "a-10"}], "reference": "a"},
            "two variants have the same name",
        ),
    ],
)
def test_names_must_fit_each_other(changes, found):
    assert found in refused(**changes).found


@pytest.mark.parametrize(
    "changes",
    [
        {"data": []}, {"variants": []}, {"variants": [{"name": "a", "sparsities": [0.0]}]}, {"title": 3},
        {"variants": [{"name": "a", "seeds": []}]}, {"data": [{"name": "../toy"}]}, {"data": [{"name": "a/b"}]},
    ],
)  # fmt: skip
def test_values_must_be_usable(changes):
    assert refused(**{"reference": None} | changes).what == "value cannot be used"


def test_a_missing_key_is_named():
    tables = toy_tables()
    del tables["purpose"]
    with pytest.raises(ConfigError, match=r"key is missing .purpose in toy.toml"):
        parse_spec(tables, "toy.toml")
    with pytest.raises(ConfigError) as caught:
        parse_spec(tables | {"porpose": "misspelt"}, "toy.toml")
    assert caught.value.mend == "Did you mean purpose?"


def test_several_sparsities_are_several_variants():
    spec = toy_spec(
        variants=[
            {"name": "sparse", "settings": {"epochs": 1}, "sparsities": [0.005, 0.1, 1.0]},
            {"name": "mlp", "label": "approximator", "sparsities": [0.07]},
        ],
        reference="sparse-100",
    )
    found = {each.name: (each.label, each.settings) for each in spec.all_variants()}
    assert found["sparse-0.5"] == ("0.5 % kept", {"epochs": 1, "sparsity": 0.005})
    assert found["sparse-100"] == ("100 % kept", {"epochs": 1, "sparsity": 1.0})
    assert found["mlp-7"] == ("approximator, 7 % kept", {"sparsity": 0.07})
    assert [spec.family(name) for name in found] == ["sparse"] * 3 + ["mlp"]


def test_the_name_is_that_of_the_file(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text('title = "T"\npurpose = "P"\n[[data]]\nname = "d"\n[[variants]]\nname = "v"\n')
    assert load_spec(path).name == "mine" and load_spec(str(path)).data[0].path == "data/d"


@pytest.mark.parametrize(
    "content, what", [(None, "experiment file not found"), ("title = ", "experiment file is not TOML")]
)
def test_a_file_that_cannot_be_read_is_named(tmp_path, content, what):
    path = tmp_path / "mine.toml"
    if content is not None:
        path.write_text(content)
    with pytest.raises(ConfigError) as caught:
        load_spec(path)
    assert caught.value.what == what and caught.value.where == str(path)


def test_an_experiment_that_does_not_ship_is_answered_with_those_that_do():
    with pytest.raises(ConfigError, match="synthetic_retention"):
        load_spec("retention")


@pytest.mark.parametrize("name", SHIPPED)
def test_what_ships_can_be_run(name):
    spec = load_spec(name)
    cells = plan_cells(spec, Path("runs") / name)
    assert spec.name == name and len({cell.folder for cell in cells}) == len(cells)
    for cell in cells:
        assert cell.config().data.path == cell.data.path
        assert len(step_commands(spec, cell, "elsewhere")) <= len(spec.steps) * 2

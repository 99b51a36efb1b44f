"""The cells of an experiment, their order and their commands."""

from pathlib import Path

import pytest
from toy_sweep import toy_spec

from mlx_gsa.errors import ConfigError
from mlx_gsa.experiments.plan import (
    choose,
    evaluate_command,
    missing_files,
    plan_cells,
    prepare_command,
    step_commands,
    train_command,
)

OUT = Path("runs/toy")
TWO = [{"name": "one", "folds": [0, 1], "order": 2}, {"name": "two", "order": 1}]


def names(cells):
    return [cell.name for cell in cells]


def test_an_early_stop_leaves_something_of_everything():
    variants = [{"name": "a", "seeds": [3, 4]}, {"name": "b", "sparsities": [0.1, 0.2]}]
    cells = plan_cells(toy_spec(data=TWO, variants=variants, reference=None), OUT)
    assert names(cells) == [
        "two/a-seed3", "two/b-10-seed0", "two/b-20-seed0", "one/a-seed3-fold0", "one/b-10-seed0-fold0",
        "one/b-20-seed0-fold0", "one/a-seed3-fold1", "one/b-10-seed0-fold1", "one/b-20-seed0-fold1",
        "two/a-seed4", "one/a-seed4-fold0", "one/a-seed4-fold1",
    ]  # fmt: skip
    assert {(cell.data.name, cell.variant.name) for cell in cells[:6]} == {
        (data, variant) for data in ("one", "two") for variant in ("a", "b-10", "b-20")
    }


def test_a_variant_may_be_restricted_to_data_sets_and_folds():
    variants = [{"name": "a"}, {"name": "b", "data": ["one"], "folds": [1]}]
    cells = plan_cells(toy_spec(data=TWO, variants=variants, reference=None), OUT)
    assert [name for name in names(cells) if "/b-" in name] == ["one/b-seed0-fold1"]


def test_an_experiment_without_a_run_is_refused():
    with pytest.raises(ConfigError, match="nothing to run"):
        plan_cells(toy_spec(data=[{"name": "one", "folds": [0]}], variants=[{"name": "a", "folds": [4]}],
                            reference=None), OUT)  # fmt: skip


@pytest.mark.parametrize(
    "asked, expected",
    [
        ({"only": ["b"]}, ["two/b-10-seed0", "two/b-20-seed0", "one/b-10-seed0-fold0", "one/b-20-seed0-fold0",
                           "one/b-10-seed0-fold1", "one/b-20-seed0-fold1"]),
        ({"only": ["b-20"], "data": ["two"]}, ["two/b-20-seed0"]),
        ({"folds": [1], "only": ["a", "b-10"]}, ["one/a-seed0-fold1", "one/b-10-seed0-fold1"]),
        ({"seeds": [0], "data": ["two"], "only": ["a"]}, ["two/a-seed0"]),
    ],
)  # fmt: skip
def test_restrictions_pick_runs(asked, expected):
    variants = [{"name": "a"}, {"name": "b", "sparsities": [0.1, 0.2]}]
    cells = plan_cells(toy_spec(data=TWO, variants=variants, reference=None), OUT)
    assert names(choose(cells, **asked)) == expected


@pytest.mark.parametrize(
    "asked, text",
    [
        ({"only": ["nobody"]}, "no such variant.*nobody.*expected full, sparse"),
        ({"data": ["none"]}, "no such data set.*expected toy"),
        ({"folds": [0]}, "no such fold.*none, as this experiment has no folds"),
        ({"seeds": [9]}, "no such seed.*expected 0"),
    ],
)
def test_a_restriction_that_fits_no_run_is_refused(asked, text):
    with pytest.raises(ConfigError, match=text):
        choose(sorted(plan_cells(toy_spec(), OUT), key=lambda cell: cell.name), **asked)


def test_the_commands_of_a_run_say_all_that_it_is():
    data = {
        "name": "toy", "prepare": ["table", "{data_root}/t.tsv", "--seed", "0"], "config": "mpra_short",
        "evaluate": ["--no-cost"], "folds": [2],
    }  # fmt: skip
    settings = {"sparsity": 0.1, "distance": False, "context": [100], "attention": "mlp"}
    variant = {"name": "a", "settings": settings, "seeds": [5], "evaluate": ["--baseline"]}
    (cell,) = plan_cells(toy_spec(data=[data], variants=[variant], reference="a"), OUT)
    made = prepare_command(cell, "real")
    assert made.arguments == ("prepare", "table", "real/t.tsv", "--seed", "0", "--out", "data/toy")
    assert made.named[2] == "DATA_ROOT/t.tsv" and made.makes == Path("data/toy")
    assert train_command(cell).arguments == (
        "train", "--data", "data/toy", "--config", "mpra_short", "--set", "sparsity=0.1", "--set", "distance=false",
        "--set", "context=[100]", "--set", "attention=mlp", "--seed", "5", "--fold", "2",
        "--out", "runs/toy/toy/a-seed5-fold2",
    )  # fmt: skip
    assert evaluate_command(cell).arguments == ("evaluate", str(cell.folder), "--no-cost", "--baseline")
    config = cell.config()
    assert (config.data.path, config.data.fold, config.training.seed) == ("data/toy", 2, 5)
    assert (config.model.context, config.model.attention, config.model.distance) == ((100,), "mlp", False)
    assert config.training.dropout == 0.3, "of the recipe"


def test_a_variant_may_have_a_recipe_of_its_own():
    data = {"name": "toy", "config": "mpra_short"}
    (cell,) = plan_cells(toy_spec(data=[data], variants=[{"name": "a", "config": "few_sequences"}], reference="a"), OUT)
    assert "few_sequences" in train_command(cell).arguments and "mpra_short" not in train_command(cell).arguments


def test_a_setting_that_does_not_exist_is_named_with_its_variant():
    (cell,) = plan_cells(toy_spec(variants=[{"name": "a", "settings": {"sparsty": 1}}], reference="a"), OUT)
    with pytest.raises(ConfigError, match="variant 'a' on 'toy'") as caught:
        cell.config()
    assert caught.value.mend == "Did you mean model.sparsity?"


def test_steps_are_for_the_runs_they_name():
    step = {
        "name": "mouse", "variants": ["sparse"], "seeds": [0], "command": ["evaluate", "{run}", "--data", "{also}"],
        "prepare": ["table", "{data_root}/m.tsv"], "prepare_out": "data/mouse",
    }  # fmt: skip
    spec = toy_spec(steps=[step])
    sparse, full = plan_cells(spec, OUT)
    made, done = step_commands(spec, sparse, "real")
    assert made.arguments == ("prepare", "table", "real/m.tsv", "--out", "data/mouse") and made.name == "prepare-mouse"
    assert done.arguments == ("evaluate", "runs/toy/toy/sparse-seed0", "--data", "data/mouse")
    assert step_commands(spec, full, "real") == []


def test_two_steps_of_one_name_on_one_run_are_refused():
    spec = toy_spec(steps=[{"name": "s", "command": ["info"]}, {"name": "s", "command": ["data"]}])
    with pytest.raises(ConfigError, match="two steps of one name"):
        step_commands(spec, plan_cells(spec, OUT)[0], "real")


def test_files_of_real_data_that_are_not_there_are_listed(tmp_path):
    (cell, _) = plan_cells(toy_spec(data=[{"name": "toy", "prepare": ["table", "{data_root}/t.tsv"]}]), OUT)
    assert missing_files(cell.data, str(tmp_path)) == [f"{tmp_path}/t.tsv"]
    (tmp_path / "t.tsv").write_text("")
    assert missing_files(cell.data, str(tmp_path)) == []

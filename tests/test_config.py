"""Configuration: what is written is read back, and what is wrong is named."""

import tomllib
from collections import Counter

import pytest
from conftest import ROOT
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from mlx_gsa.config import (
    DataConfig,
    ModelConfig,
    RunConfig,
    TrainingConfig,
    dump_config,
    load_config,
    parse_assignments,
)
from mlx_gsa.errors import ConfigError

PLAIN_TEXT = st.text(st.characters(exclude_categories=("Cc", "Cs")), max_size=20)


def error(path=None, **overrides):
    with pytest.raises(ConfigError) as caught:
        load_config(path, {name.replace("__", "."): value for name, value in overrides.items()})
    return caught.value


def written(folder, text):
    path = folder / "run.toml"
    path.write_text(text)
    return path


@settings(deadline=None)
@given(
    rate=st.floats(1e-12, 1e3), sparsity=st.floats(1e-9, 1), seed=st.integers(0, 2**62), path=PLAIN_TEXT,
    limit=st.none() | st.integers(1, 10**6), attention=st.sampled_from(["softmax", "mlp", "full", "window", "random"]),
    stem=st.booleans(),
)  # fmt: skip
def test_what_is_dumped_is_loaded_as_it_was(tmp_path_factory, rate, sparsity, seed, path, limit, attention, stem):
    config = RunConfig(
        model=ModelConfig(sparsity=sparsity, max_selected=limit, attention=attention, stem=stem),
        training=TrainingConfig(learning_rate=rate, seed=seed), data=DataConfig(path=path),
    )  # fmt: skip
    file = tmp_path_factory.getbasetemp() / "dumped.toml"
    file.write_text(dump_config(config))
    assert load_config(file) == config


def test_the_dump_holds_every_setting_that_has_a_value():
    tables = tomllib.loads(dump_config(RunConfig()))
    assert tables["training"].keys() == TrainingConfig.model_fields.keys() - {"shortest_kmer"}  # None is left out
    unset = {"max_selected", "neighbours", "embedding_channels", "attention_channels", "cnn_filters"}
    assert tables["model"].keys() == ModelConfig.model_fields.keys() - unset


def test_an_override_wins_over_the_file_and_the_file_over_the_default(tmp_path):
    path = written(tmp_path, "[training]\nepochs = 3\nseed = 7\n")
    config = load_config(path, {"training.seed": 0})
    assert (config.training.epochs, config.training.seed) == (3, 0)
    assert config.training.batch_size == TrainingConfig().batch_size


def test_a_configuration_cannot_be_changed():
    with pytest.raises(ValidationError, match="frozen"):
        RunConfig().model.sparsity = 0.5


def test_every_setting_has_a_name_of_its_own():
    tables = [field.annotation.model_fields for field in RunConfig.model_fields.values()]
    counts = Counter(name for table in tables for name in table)
    assert max(counts.values()) == 1  # else `--set NAME=...` would be ambiguous


@pytest.mark.parametrize(
    "text, expected",
    [
        ("training.epochs=3", {"training.epochs": 3}),
        ("epochs = 3", {"training.epochs": 3}),
        ("sparsity=0.05", {"model.sparsity": 0.05}),
        ("attention=mlp", {"model.attention": "mlp"}),
        ("stem=false", {"model.stem": False}),
        ("path=a=b", {"data.path": "a=b"}),
        ('path="7"', {"data.path": "7"}),
    ],
)
def test_an_assignment_is_read_as_toml_and_a_bare_key_is_looked_up(text, expected):
    assert parse_assignments([text]) == expected


def test_of_two_assignments_the_later_counts():
    assert parse_assignments(["seed=1", "seed=0"]) == {"training.seed": 0}


def test_an_assignment_without_a_value_is_refused():
    with pytest.raises(ConfigError, match=r"setting without a value \(epochs\): expected key=value"):
        parse_assignments(["epochs"])


@pytest.mark.parametrize(
    "key, nearest",
    [
        ("model.sparcity", "model.sparsity"),
        ("training.learning_rat", "training.learning_rate"),
        ("sparcity", "model.sparsity"),
        ("training.sparsity", "model.sparsity"),
    ],
)
def test_an_unknown_key_names_the_nearest_known_one(key, nearest):
    with pytest.raises(ConfigError) as caught:
        load_config(None, parse_assignments([f"{key}=1"]))
    assert (caught.value.what, caught.value.where) == ("unknown setting", key)
    assert caught.value.mend == f"Did you mean {nearest}?"


def test_an_unknown_key_like_no_other_gets_the_whole_list():
    assert "model.n_channels, " in error(model__zzzzzz=1).mend


def test_an_unknown_key_of_a_file_is_named_with_the_file(tmp_path):
    path = written(tmp_path, "[model]\nsparcity = 0.1\n")
    assert error(path).where == f"model.sparcity in {path}"


@pytest.mark.parametrize(
    "key, value",
    [
        ("model.sparsity", 0), ("model.sparsity", 1.0001), ("model.sparsity", -0.1), ("model.n_channels", 7),
        ("model.n_channels", 0), ("model.filter_width", 65), ("model.max_selected", 0), ("model.attention", "dense"),
        ("model.context_kmer", 7), ("model.anchor", "tss"), ("training.dropout", 1.0),
        ("training.epochs", 0), ("training.seed", -1), ("training.start_sparsity", 0), ("training.anneal", 1.1),
        ("training.kmer_length", 3), ("training.final_rate", 2), ("training.batch_size", "many"),
    ],
)  # fmt: skip
def test_a_value_out_of_range_is_named_with_what_was_expected(key, value):
    problem = error(**{key: value})
    assert (problem.what, problem.where, problem.found) == ("setting out of range", key, repr(value))
    assert problem.expected.startswith("Input should be")


@pytest.mark.parametrize("sparsity", [1.0, 1e-6])
def test_the_ends_of_the_range_of_sparsity_are_allowed(sparsity):
    assert load_config(None, {"model.sparsity": sparsity}).model.sparsity == sparsity


def test_a_warm_up_longer_than_the_training_is_refused():
    problem = error(training__warmup=5, training__epochs=4)
    assert str(problem) == (
        "settings do not fit each other (training): found warmup (5.0 epochs) is longer than the training (4 epochs)"
    )


def test_kmers_longer_than_a_filter_are_refused_where_they_would_be_used():
    assert "training.kmer_length (8 bp) is longer than model.filter_width (6 bp)" in error(model__filter_width=6).found
    assert load_config(None, {"model.filter_width": 6, "training.initial_filters": "random"})
    assert load_config(None, {"model.filter_width": 6, "model.stem": False})


def test_files_that_cannot_be_read_are_refused(tmp_path):
    assert error(tmp_path / "none.toml").what == "configuration file not found"
    assert error(tmp_path).what == "configuration file cannot be read"
    assert error(written(tmp_path, "[model\n")).what == "configuration file is not TOML"
    (tmp_path / "run.toml").write_bytes(b"\xff\xfe\x00")
    assert error(tmp_path / "run.toml").what == "configuration file is not TOML"


def test_windows_of_context_are_dumped_as_a_list(tmp_path):
    config = RunConfig(model=ModelConfig(context=(64, 256)))
    assert "context = [64, 256]" in dump_config(config)
    assert load_config(written(tmp_path, dump_config(config))) == config


def test_an_anchor_and_random_strands_do_not_fit():
    with pytest.raises(ConfigError, match=r"model\.anchor = 'end' needs training\.augment_reverse = false"):
        load_config(None, {"model.anchor": "end"})
    assert load_config(None, {"model.anchor": "end", "training.augment_reverse": False}).model.anchor == "end"


def test_a_recipe_that_ships_is_known_by_its_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert load_config("promoters_anchored").model.anchor == "end"
    with pytest.raises(ConfigError, match=r"no such configuration.*mpra_short"):
        load_config("promoters")
    (tmp_path / "promoters").write_text("[training]\nepochs = 3\n")
    assert load_config("promoters").training.epochs == 3


@pytest.mark.parametrize("path", sorted((ROOT / "configs/training").glob("*.toml")), ids=lambda path: path.stem)
def test_every_recipe_is_a_configuration_below_the_parameter_limit(path):
    from mlx_gsa.model.organism import SparseOrganism

    assert SparseOrganism(load_config(path).model).n_parameters() < 50_000


def test_one_hot_embeddings_need_four_channels():
    assert ModelConfig(n_channels=4, embeddings="one-hot").embedding_width == 4
    with pytest.raises(ConfigError, match=r"'one-hot' needs 4 channels, there are 2"):
        load_config(None, {"model.n_channels": 2, "model.embeddings": "one-hot"})


@pytest.mark.parametrize(("architecture", "selects"), [("sparse", True), ("cnn", False), ("cnn-large", False)])
def test_only_the_sparse_model_selects(architecture, selects):
    assert ModelConfig(architecture=architecture).selects == selects


@pytest.mark.parametrize("attention", ["mlp", "full", "window"])
def test_neighbours_are_for_softmax_among_kept_positions(attention):
    with pytest.raises(ConfigError, match=f"settings do not fit.*not for '{attention}'"):
        load_config(None, {"model.attention": attention, "model.neighbours": 64})
    assert load_config(None, {"model.attention": "random", "model.neighbours": 64}).model.neighbours == 64

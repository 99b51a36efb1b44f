"""The catalogue: every entry complete, every command one that the command line understands."""

import json
import shlex

import click
import pytest

from mlx_gsa.cli.prepare import command as prepare
from mlx_gsa.cli.train import command as train
from mlx_gsa.data.catalogue import Recipe, find_entry, find_recipe, read_catalogue
from mlx_gsa.errors import ConfigError

ENTRIES = read_catalogue()
RECIPES = {recipe.name: recipe for entry in ENTRIES for recipe in entry.recipes}


def parse(arguments):
    """Let Click parse the arguments of ``gsa prepare`` without running anything; return what it read."""
    source, *rest = arguments
    return prepare.commands[source].make_context(source, list(rest)).params


@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_is_understood(name):
    recipe = RECIPES[name]
    genome = "genome.fa" if recipe.needs_genome else None
    read = parse(recipe.arguments("FILE", "OUT", genome))
    assert str(read["out"]) == "OUT"
    assert "FILE" in (read.get("file"), read.get("tss"))
    assert read["folds"] == 5 or read["split_as"] == "test"
    assert read["split"] != "auto" or read["split_as"] == "test"
    assert bool(recipe.genome) == recipe.needs_genome


@pytest.mark.parametrize("name", RECIPES)
def test_every_next_command_is_understood(name):
    words = shlex.split(RECIPES[name].next_command)
    if "--split-as" in RECIPES[name].prepare:
        assert words[:3] == ["gsa", "evaluate", "RUN"]
    else:
        assert words[:2] == ["gsa", "train"]
        train.make_context("train", words[2:])


@pytest.mark.parametrize("line", [line for entry in ENTRIES for line in entry.commands])
def test_every_other_command_is_understood(line):
    words = shlex.split(line)
    assert words[:2] == ["gsa", "prepare"]
    parse(words[2:])


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
def test_every_entry_says_what_one_needs(entry):
    assert all(url.startswith(("https://", "http://")) for url in entry.url)
    assert entry.recipes or entry.commands
    assert all(recipe.file in entry.place for recipe in entry.recipes)
    assert all(getattr(entry, name) for name in ("licence", "citation", "label", "organism"))


def test_a_recipe_takes_a_genome_or_does_not():
    with pytest.raises(ConfigError, match="needs a genome"):
        RECIPES["yeast_tfiib"].arguments("f", "o")
    with pytest.raises(ConfigError, match="takes no genome"):
        RECIPES["human_regseq_2kb"].arguments("f", "o", "g.fa")


def test_the_long_command_is_one_a_shell_understands():
    words = shlex.split(RECIPES["yeast_native_complex"].full_command)
    assert words[words.index("--label-column") + 1] == "Measured Expression"


def test_entries_and_recipes_are_found_by_name():
    assert find_entry("crx_mpra_wt").name == "crx_mpra_mouse_retina"
    assert find_recipe("dmel_crm_redfly").file == "dmel_crm.tsv.gz"
    with pytest.raises(ConfigError, match="Did you mean crx_mpra_wt"):
        find_recipe("crx_mpra_wf")
    with pytest.raises(ConfigError, match="Choose one of crx_mpra_wt, crx_mpra_mutants"):
        find_recipe("crx_mpra_mouse_retina")
    with pytest.raises(ConfigError, match="See `gsa datasets epdnew`"):
        find_recipe("epdnew")
    with pytest.raises(ConfigError, match="no such data set"):
        find_entry("nothing of the kind")


def test_a_recipe_of_an_entrys_name_is_the_only_way_to_call_it():
    for entry in ENTRIES:
        if len(entry.recipes) == 1:
            assert find_recipe(entry.name) is entry.recipes[0] or find_recipe(entry.name) == entry.recipes[0]


ENTRY = "\n".join(
    f'{key} = "x"'
    for key in ("title", "organism", "label", "records", "length", "size", "licence", "citation", "place")
)


def test_errors_name_the_file_and_the_field(tmp_path):
    (tmp_path / "a.toml").write_text(f'name = "a"\nurl = ["https://a"]\n{ENTRY}\nlicense = "MIT"\n')
    with pytest.raises(ConfigError, match=r"a\.toml, license"):
        read_catalogue(tmp_path)
    (tmp_path / "a.toml").write_text("name = ")
    with pytest.raises(ConfigError, match=r"not TOML .*a\.toml"):
        read_catalogue(tmp_path)


def test_two_entries_of_one_name_are_refused(tmp_path):
    for file in ("a", "b"):
        (tmp_path / f"{file}.toml").write_text(f'name = "same"\nurl = ["https://a"]\n{ENTRY}\n')
    with pytest.raises(ConfigError, match="the same name: found same"):
        read_catalogue(tmp_path)


def test_the_list_names_every_entry(gsa):
    shown = gsa("datasets").output
    assert all(entry.name in shown for entry in ENTRIES)


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
def test_one_entry_is_shown_with_its_commands_unbroken(gsa, entry, monkeypatch):
    monkeypatch.setenv("COLUMNS", "60")
    done = gsa("datasets", entry.name)
    assert done.exit_code == 0
    for recipe in entry.recipes:
        assert f"$ {recipe.prepare_command}\n" in done.output
        assert f"$ {recipe.full_command}\n" in done.output
        assert f"$ {recipe.next_command}\n" in done.output
    assert all(f"$ {line}\n" in done.output for line in entry.commands)


def test_json_holds_everything(gsa):
    content = json.loads(gsa("datasets", "crx_mpra_mouse_retina", "--json").output)
    assert content["licence"].startswith("BSD")
    assert content["recipes"][0]["prepare_command"].startswith("gsa prepare recipe crx_mpra_wt --file")
    assert len(json.loads(gsa("datasets", "--json").output)) == len(ENTRIES)


def test_an_unknown_name_is_an_error(gsa):
    done = gsa("datasets", "human_regsec_2kb")
    assert done.exit_code == 1 and "human_regseq_2kb" in done.output


def test_recipes_say_what_they_are():
    with pytest.raises(ValueError, match="prepare"):
        Recipe(name="a", title="b", file="c", prepare=("table",), why="d")
    assert isinstance(prepare, click.Group)


def test_every_address_is_documented(root):
    from mlx_gsa.data.encode import REGISTRIES, REGISTRY, ROOT
    from mlx_gsa.data.epd import LISTS
    from mlx_gsa.data.epd import ROOT as EPD

    text = (root / "docs/sources.md").read_text()
    addresses = [EPD, ROOT, *(REGISTRY + name for name in REGISTRIES.values()), *(u for e in ENTRIES for u in e.url)]
    assert [address for address in addresses if address not in text] == []
    assert [each.organism for each in LISTS if f"`{each.organism}`" not in text or each.assembly not in text] == []

"""Grammars: loading, extending, and what is refused."""

import pytest
from pydantic import ValidationError

from mlx_gsa.data.grammar import Grammar, load_grammar, with_size
from mlx_gsa.errors import ConfigError

TINY = """
n = 20
length = [100, 120]
[kinds.A]
motif = "MA0083.3"
presence = 0.5
weight = 1.0
[kinds.B]
motif = "MA0046.3"
[kinds.C]
motif = "MA1494.2"
[pairs.BC]
first = "B"
second = "C"
gap = [3, 20]
weight = 1.0
presence = 0.5
"""


@pytest.fixture
def write(tmp_path):
    """Write a grammar file; returns its path."""

    def write(text, name="mine.toml"):
        path = tmp_path / name
        path.write_text(text)
        return path

    return write


@pytest.mark.parametrize(
    ("name", "n", "length"),
    [("full", 10_000, (2000, 5000)), ("demo", 2000, (400, 800)), ("short", 6000, (300, 500))],
)
def test_presets(name, n, length):
    grammar = load_grammar(name)
    assert (grammar.name, grammar.n, grammar.length) == (name, n, length)
    assert len(grammar.kinds) == 8 and set(grammar.pairs) == {"core", "enhancer"}
    assert grammar.kinds["TATA"].motif == "POL012.1" and grammar.kinds["TATA"].strands == "+"
    assert grammar.kinds["REST"].is_repressor and not grammar.kinds["HNF1A"].has_own_effect


def test_a_preset_changes_only_what_it_names():
    promoter, demo = load_grammar("promoter"), load_grammar("demo")
    assert demo.kinds == promoter.kinds and demo.pairs["core"] == promoter.pairs["core"]
    assert demo.pairs["enhancer"].wrong_gap != promoter.pairs["enhancer"].wrong_gap
    assert demo.pairs["enhancer"].weight == promoter.pairs["enhancer"].weight


def test_a_users_grammar_extends_a_shipped_one_and_a_file(write):
    write('extends = "demo"\nnoise = 0.5\n', "first.toml")
    second = write('extends = "first.toml"\n[kinds.SRF]\nweight = 9.0\n', "second.toml")
    grammar = load_grammar(second)
    assert (grammar.name, grammar.n, grammar.noise) == ("second", 2000, 0.5)
    assert grammar.kinds["SRF"].weight == 9.0 and grammar.kinds["SRF"].motif == "MA0083.3"


def test_a_grammar_survives_a_round_trip_through_json():
    grammar = load_grammar("full")
    assert Grammar.model_validate_json(grammar.model_dump_json()) == grammar


def test_frozen():
    with pytest.raises(ValidationError):
        load_grammar("demo").n = 5


def test_with_size():
    grammar = load_grammar("demo")
    assert with_size(grammar, 50).n == 50 and with_size(grammar, 50).kinds == grammar.kinds
    with pytest.raises(ConfigError, match="n"):
        with_size(grammar, 0)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("weight = 1.0\n[kinds.B]", "wieght = 1.0\n[kinds.B]", r"kinds\.A\.wieght.*\n.*Did you mean weight"),
        ("n = 20", "n = 20\nlenght = 3", r"lenght.*\n.*Did you mean length"),
        ("n = 20", "", r"bad grammar.*, n"),
        ("n = 20", "n = 'many'", "found 'many'"),
        ("[100, 120]", "[120, 100]", "runs from 120 to 100"),
        ("n = 20", "n = 20\nfractions = [0.5, 0.1, 0.1]", "sum to 1"),
        ("n = 20", "n = 20\nfractions = [0.0, 0.5, 0.5]", "training split"),
        ("presence = 0.5\nweight = 1.0\n[kinds.B]", "presence = 0.5\n[kinds.B]", "A does nothing"),
        ("presence = 0.5\nweight", "copies = [0.5, 0.1]\nweight", "sum to 1"),
        ("presence = 0.5\nweight", "factor = 0.5\nweight", "not both"),
        ('"MA0046.3"', '"MA0046.3"\npresence = 0.5', "own presence must be 0"),
        ('first = "B"', 'first = "Z"', "names 'Z'; known kinds: A, B, C"),
        ('first = "B"', 'first = "C"', "two different kinds"),
        ("gap = [3, 20]", "gap = [20, 3]", "runs from 20 to 3"),
        ("gap = [3, 20]", "gap = [3, 20]\nwrong_presence = 0.1", "needs a wrong_gap"),
        ("gap = [3, 20]", "gap = [3, 20]\nwrong_gap = [20, 30]", "overlaps"),
        ("gap = [3, 20]", "gap = [3, 20]\nwrong_gap = [40, 50]\nwrong_presence = 0.7", "more than 1"),
        ("n = 20", "n = ", "not a TOML file"),
    ],
)
def test_what_is_refused_and_how_it_is_said(write, old, new, message):
    assert old in TINY
    with pytest.raises(ConfigError, match=message):
        load_grammar(write(TINY.replace(old, new, 1)))


def test_names_and_files_that_are_not_there(write, tmp_path):
    with pytest.raises(ConfigError, match="demo, full, promoter, short"):
        load_grammar("fulll")
    with pytest.raises(ConfigError, match="no such grammar file"):
        load_grammar(tmp_path / "none.toml")
    with pytest.raises(ConfigError, match="no such grammar file"):
        load_grammar(write('extends = "other.toml"\n'))


def test_a_grammar_that_extends_itself(write):
    write('extends = "two.toml"\n', "one.toml")
    with pytest.raises(ConfigError, match="extends itself"):
        load_grammar(write('extends = "one.toml"\n', "two.toml"))

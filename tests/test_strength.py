"""From sites to strength and roles, by hand."""

import pytest

from mlx_gsa.data.grammar import load_grammar
from mlx_gsa.data.records import Sites
from mlx_gsa.data.strength import right_pairs, strengths, with_roles


@pytest.fixture(scope="module")
def grammar():
    return load_grammar("demo")


def sites_of(*rows):
    """Sites from (record, start, end, strand, kind) or with a role after them."""
    return Sites(*zip(*[row if len(row) == 6 else (*row, "functional") for row in rows], strict=True))


def test_strength_by_hand(grammar):
    kind, pair = grammar.kinds, grammar.pairs
    sites = sites_of(
        (0, 100, 115, "+", "TATA"),
        (1, 50, 62, "-", "CAAT"), (1, 100, 115, "+", "TATA"),  # gap 38: right
        (2, 50, 62, "+", "CAAT"), (2, 65, 80, "+", "TATA"),  # gap 3: too close
        (3, 50, 65, "+", "TATA"), (3, 100, 112, "+", "CAAT"),  # CAAT downstream
        (4, 10, 30, "+", "REST"), (4, 40, 60, "-", "REST"), (4, 80, 96, "+", "SRF"),
        (5, 10, 23, "+", "HNF1A"), (5, 33, 47, "+", "HNF4A"),
        (6, 10, 24, "+", "HNF4A"), (6, 200, 213, "+", "HNF1A"),
        (7, 10, 24, "+", "GC"), (7, 40, 54, "+", "GC"), (7, 60, 74, "+", "GC", "decoy_core"),
    )  # fmt: skip
    basal, core = grammar.basal, kind["TATA"].weight + kind["CAAT"].weight
    expected = [
        basal + kind["TATA"].weight,
        basal + core + pair["core"].weight,
        basal + core,
        basal + core,
        (basal + kind["SRF"].weight) * kind["REST"].factor ** 2,
        basal + pair["enhancer"].weight,
        basal,
        basal + 2 * kind["GC"].weight,
        basal,
    ]
    assert strengths(grammar, sites, 9) == pytest.approx(expected)


def test_order_follows_the_strand_of_the_second_site(grammar):
    core = grammar.pairs["core"]
    left_of_plus = sites_of((0, 50, 62, "+", "CAAT"), (0, 100, 115, "+", "TATA"))
    left_of_minus = sites_of((0, 50, 62, "+", "CAAT"), (0, 100, 115, "-", "TATA"))
    right_of_minus = sites_of((0, 50, 65, "-", "TATA"), (0, 100, 112, "+", "CAAT"))
    assert [len(right_pairs(core, sites)[0]) for sites in (left_of_plus, left_of_minus, right_of_minus)] == [1, 0, 1]


def test_pairs_never_reach_into_another_sequence(grammar):
    sites = sites_of((0, 50, 62, "+", "CAAT"), (1, 100, 115, "+", "TATA"))
    assert len(right_pairs(grammar.pairs["core"], sites)[0]) == 0


def test_every_right_combination_counts(grammar):
    sites = sites_of((0, 10, 23, "+", "HNF1A"), (0, 40, 54, "+", "HNF4A"), (0, 80, 93, "+", "HNF1A"))
    assert len(right_pairs(grammar.pairs["enhancer"], sites)[0]) == 2


def test_roles_by_hand(grammar):
    sites = sites_of(
        (0, 10, 23, "+", "HNF1A"), (0, 33, 47, "+", "HNF4A"),
        (1, 10, 24, "+", "HNF4A"), (1, 200, 213, "+", "HNF1A"),
        (2, 10, 30, "+", "REST"), (2, 50, 65, "+", "TATA"), (2, 100, 114, "+", "HNF4A", "decoy_core"),
    )  # fmt: skip
    wanted = ["functional"] * 2 + ["decoy_spacing"] * 2 + ["repressor", "functional", "decoy_core"]
    assert with_roles(grammar, sites).role.tolist() == wanted

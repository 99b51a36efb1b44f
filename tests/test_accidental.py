"""Sites nobody planted: found, broken, or left and told."""

import numpy as np
import pytest

from mlx_gsa.data.accidental import break_accidental, find_accidental
from mlx_gsa.data.grammar import load_grammar
from mlx_gsa.data.site_text import draw_sites, score_kinds
from mlx_gsa.dna.background import MarkovBackground


@pytest.fixture(scope="module")
def grammar():
    return load_grammar("demo")


@pytest.fixture(scope="module")
def kinds(grammar):
    return score_kinds(grammar, MarkovBackground.shipped().composition)


@pytest.fixture
def accident(kinds):
    """Poly-T with one SRF site nobody planted on either strand, one planted, and one across the border."""
    site = draw_sites(kinds["SRF"], kinds.values(), 1, np.random.default_rng(2))[0]
    tokens = np.full(400, 3, np.uint8)
    offsets = np.array([0, 210, 400])
    owner = np.full(400, -1, np.int16)
    for start in (20, 60, 202):
        tokens[start : start + site.size] = site
    tokens[300 : 300 + site.size] = 3 - site[::-1]
    owner[60 : 60 + site.size] = 4
    assert list(kinds)[4] == "SRF"
    return tokens, offsets, owner


def test_accidental_sites_are_found(accident, kinds):
    found = find_accidental(*accident, list(kinds.values()))
    assert set(found[4][0]) == {20, 300}
    assert all(len(starts) == 0 for number, (starts, _) in enumerate(found) if number != 4)


def test_accidental_sites_are_broken_and_planted_ones_kept(accident, kinds):
    tokens, offsets, owner = accident
    before = tokens.copy()
    scored = list(kinds.values())
    found = find_accidental(tokens, offsets, owner, scored)
    left = break_accidental(tokens, offsets, owner, scored, found, np.random.default_rng(0))
    assert sum(len(starts) for starts, _ in left) == 0
    assert (tokens == before)[owner >= 0].all()
    assert 2 <= (tokens != before).sum() <= 6
    assert all(len(starts) == 0 for starts, _ in find_accidental(tokens, offsets, owner, scored))


def test_what_cannot_be_broken_is_left_and_told(accident, kinds):
    tokens, offsets, owner = accident
    owner[20:36] = 0  # as if a site of another kind covered it
    scored = list(kinds.values())
    left = break_accidental(
        tokens, offsets, owner, scored, find_accidental(*accident, scored), np.random.default_rng(0)
    )
    assert set(left[4][0]) == {20}

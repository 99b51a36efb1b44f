"""Where sites lie: apart, anywhere, as often as the grammar says."""

import numpy as np
import pytest

from mlx_gsa.data.grammar import Grammar, load_grammar
from mlx_gsa.data.layout import lay_out
from mlx_gsa.data.site_text import score_kinds
from mlx_gsa.data.strength import with_roles
from mlx_gsa.data.synthetic import make_synthetic
from mlx_gsa.dna.background import MarkovBackground
from mlx_gsa.errors import ConfigError


@pytest.fixture(scope="module")
def grammar():
    return load_grammar("demo")


@pytest.fixture(scope="module")
def kinds(grammar):
    return score_kinds(grammar, MarkovBackground.shipped().composition)


def rules(grammar, **changes):
    """The grammar with top-level keys changed."""
    return Grammar.model_validate(grammar.model_dump() | changes)


@pytest.mark.parametrize("preset", ["demo", "short", "full"])
def test_sites_never_overlap_and_keep_their_distance(preset, kinds):
    grammar = load_grammar(preset)
    rng = np.random.default_rng(0)
    lengths = rng.integers(*grammar.length, 3000, endpoint=True)
    sites, _ = lay_out(grammar, {name: kind.width for name, kind in kinds.items()}, lengths, rng)
    assert (sites.start >= grammar.spacer).all()
    assert (sites.end <= lengths[sites.record] - grammar.spacer).all()
    same = sites.record[1:] == sites.record[:-1]
    assert (sites.start[1:] - sites.end[:-1])[same].min() >= grammar.spacer


def test_frequencies_are_those_of_the_grammar(grammar, kinds):
    n = 20_000
    lengths = np.full(n, 800)
    sites, left_out = lay_out(grammar, {name: kind.width for name, kind in kinds.items()}, lengths,
                              np.random.default_rng(0))  # fmt: skip
    sites = with_roles(grammar, sites)

    def share(kind, role):
        return len(set(sites.record[(sites.kind == kind) & (sites.role == role)])) / n

    core, enhancer = grammar.pairs["core"], grammar.pairs["enhancer"]
    single = grammar.kinds["TATA"].presence
    assert left_out == 0
    assert share("TATA", "functional") == pytest.approx(core.presence + (1 - core.presence) * single, abs=0.015)
    assert share("REST", "repressor") == pytest.approx(grammar.kinds["REST"].presence, abs=0.015)
    assert share("HNF1A", "functional") == pytest.approx(enhancer.presence, abs=0.015)
    assert share("HNF4A", "decoy_spacing") == pytest.approx(enhancer.wrong_presence, abs=0.015)
    assert share("SRF", "decoy_core") == pytest.approx(grammar.kinds["SRF"].decoy_presence, abs=0.015)
    gc_count = np.bincount(sites.record[(sites.kind == "GC") & (sites.role == "functional")], minlength=n)
    gc = grammar.kinds["GC"]
    assert (gc_count == 2).mean() == pytest.approx(gc.presence * gc.copies[1], abs=0.015)
    assert (sites.strand[sites.kind == "TATA"] == "+").all()
    assert (sites.strand[sites.kind == "SRF"] == "-").mean() == pytest.approx(0.5, abs=0.02)


def test_sites_lie_anywhere(grammar, kinds):
    lengths = np.full(20_000, 800)
    sites, _ = lay_out(grammar, {name: kind.width for name, kind in kinds.items()}, lengths, np.random.default_rng(1))
    lone = sites.kind == "SRF"
    tenth = np.bincount(np.clip(sites.start[lone] * 10 // (800 - 16), 0, 9), minlength=10) / lone.sum()
    assert tenth[1:9] == pytest.approx(np.full(8, tenth[1:9].mean()), abs=0.015)


def test_decoys_give_way_where_a_sequence_is_short(grammar, kinds):
    crowded = rules(grammar, length=(320, 330), n=500)
    crowded = rules(crowded, kinds={n: k.model_copy(update={"decoy_presence": 1.0}).model_dump()
                                    for n, k in crowded.kinds.items()})  # fmt: skip
    widths = {name: kind.width for name, kind in kinds.items()}
    sites, left_out = lay_out(crowded, widths, np.full(500, 320), np.random.default_rng(0))
    assert left_out > 0 and (sites.role == "decoy_core").any()
    assert (sites.start[1:] >= sites.end[:-1])[sites.record[1:] == sites.record[:-1]].all()


def test_too_little_room_is_said(grammar, tmp_path):
    with pytest.raises(ConfigError, match=r"at least \d+ bp, found 100 bp"):
        make_synthetic(rules(grammar, length=(100, 200)), tmp_path / "out")
    assert not (tmp_path / "out").exists()

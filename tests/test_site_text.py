"""The bases of sites: drawn above the threshold, decoys well below it."""

import numpy as np
import pytest

from mlx_gsa.data.grammar import Grammar, load_grammar
from mlx_gsa.data.site_text import draw_sites, mutate_cores, score_kinds
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


def test_drawn_sites_pass_the_threshold_and_follow_the_matrix(kinds):
    for kind in kinds.values():
        texts = draw_sites(kind, kinds.values(), 500, np.random.default_rng(0))
        assert texts.shape == (500, kind.width) and texts.max() < 4
        assert (kind.score(texts) >= kind.threshold).all()
        share = np.stack([(texts == base).mean(axis=0) for base in range(4)], axis=1)
        assert (share[kind.motif.counts == 0] == 0).all()
        core = np.argsort(-kind.motif.column_information)[:4]
        assert (share[core].argmax(axis=1) == kind.motif.counts[core].argmax(axis=1)).all()
        assert len(np.unique(texts, axis=0)) > 20, "sites are sampled, not copied"


def test_a_threshold_out_of_reach_is_said(grammar):
    kind = grammar.kinds["CAAT"].model_copy(update={"max_p_value": 1e-9}).model_dump()
    beyond = rules(grammar, kinds=grammar.model_dump()["kinds"] | {"CAAT": kind})
    with pytest.raises(ConfigError, match=r"kinds\.CAAT.*POL004\.1 at max_p_value 1e-09"):
        score_kinds(beyond, np.full(4, 0.25))


def test_an_unknown_motif_is_said(grammar):
    kind = grammar.kinds["SRF"].model_copy(update={"motif": "MA9999.9"}).model_dump()
    with pytest.raises(ConfigError, match=r"kinds\.SRF.*found MA9999\.9"):
        score_kinds(rules(grammar, kinds=grammar.model_dump()["kinds"] | {"SRF": kind}), np.full(4, 0.25))


def test_mutated_cores_score_like_background(kinds, grammar):
    for name, kind in kinds.items():
        rng = np.random.default_rng(1)
        texts = draw_sites(kind, kinds.values(), 300, rng)
        columns = grammar.kinds[name].decoy_columns
        mutated = mutate_cores(kind, texts, columns, rng)
        assert ((mutated != texts).sum(axis=1) == columns).all()
        core = np.argsort(-kind.motif.column_information, kind="stable")[:columns]
        assert (mutated != texts)[:, core].all()
        assert max(kind.score(mutated).max(), kind.score(3 - mutated[:, ::-1]).max()) < kind.threshold - 2


def test_cores_that_cannot_be_broken_are_said(kinds):
    texts = draw_sites(kinds["REST"], kinds.values(), 20, np.random.default_rng(0))
    with pytest.raises(ConfigError, match="decoy_columns = 1"):
        mutate_cores(kinds["REST"], texts, 1, np.random.default_rng(0))

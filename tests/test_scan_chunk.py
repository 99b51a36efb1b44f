"""A chunk of a genome, held against tiles that are scored one by one."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scan_toys import TokensOf, fake_scan, plain_tiles

from mlx_gsa.genomes.grid import Piece, plan_chunks, whole_genome
from mlx_gsa.genomes.scan_chunk import Scorer
from mlx_gsa.genomes.scan_strength import Strength
from mlx_gsa.model.labels import LabelScale

AS_IT_IS = Strength("regression", LabelScale(), 0, False, "")


def scorer(tile=20, stride=5, relevance=True, max_n=0.25):
    return Scorer(fake_scan, AS_IT_IS, tile, stride, relevance, max_n)


def with_n(length, runs, seed=0):
    """Random tokens with runs of N, given as (start, length)."""
    tokens = np.random.default_rng(seed).integers(0, 4, length).astype(np.uint8)
    for start, n in runs:
        tokens[start : start + n] = 4
    return tokens


def expected_relevance(tokens, tiles):
    """Mean over the scored tiles that hold each base, of what `fake_scan` gives."""
    total, n = np.zeros(len(tokens)), np.zeros(len(tokens))
    for start, end, *_, scored in tiles:
        if scored:
            total[start:end] += tokens[start:end] + (tokens[start:end] == 1).sum()
            n[start:end] += 1
    with np.errstate(invalid="ignore"):
        return total / n


runs_of_n = st.lists(st.tuples(st.integers(0, 380), st.integers(1, 120)), max_size=3)


@settings(max_examples=60, deadline=None)
@given(st.integers(50, 400), st.integers(10, 60), st.integers(3, 60), st.integers(20, 500), runs_of_n)
def test_all_chunks_together_are_tiles_one_by_one(length, tile, stride, chunk_bp, runs):
    stride = min(stride, tile)
    genome = TokensOf(a=with_n(length, runs))
    tokens = genome.sequences["a"]
    tiles = plain_tiles(tokens, tile, stride)
    plan = plan_chunks(genome.lengths, whole_genome(genome.lengths), tile, stride, chunk_bp)
    found = [scorer(tile, stride).score(genome, pieces) for pieces in plan]
    rows = [row for one in found for row in zip(one.tile, one.tile_end, one.start, one.end, one.strength, strict=True)]
    assert rows == [(*row[:4], (tokens[row[0] : row[1]] == 1).sum()) for row in tiles if row[4]]
    relevance = np.concatenate([one.relevance for one in found])
    np.testing.assert_allclose(relevance, expected_relevance(tokens, tiles), rtol=1e-5)
    skipped = np.sum([one.skipped for one in found], axis=0)
    assert skipped.tolist() == [sum(not row[4] for row in tiles), sum(row[3] - row[2] for row in tiles if not row[4])]


@pytest.mark.parametrize(("start", "end"), [(0, 400), (0, 1), (37, 38), (120, 222), (399, 400)])
def test_a_region_has_the_values_of_the_whole(start, end):
    genome = TokensOf(a=with_n(400, [(150, 40)]))
    (whole,) = [scorer().score(genome, [Piece("a", 400, 0, 400)])]
    part = scorer().score(genome, [Piece("a", 400, start, end)])
    np.testing.assert_array_equal(part.relevance, whole.relevance[start:end])
    values = np.full(400, np.nan)
    for first, last, value in zip(whole.start, whole.end, whole.strength, strict=True):
        values[first:last] = value
    for first, last, value in zip(part.start, part.end, part.strength, strict=True):
        assert start <= first < last <= end
        np.testing.assert_array_equal(values[first:last], value)
    assert part.skipped[1] == np.isnan(values[start:end]).sum()


def test_tiles_of_n_cost_nothing():
    asked = []

    def counting(tokens, tile, stride):
        asked.append(len(tokens))
        return fake_scan(tokens, tile, stride)

    genome = TokensOf(a=with_n(2000, [(100, 1800)]))
    scores = scorer()._replace(scan=counting).score(genome, [Piece("a", 2000, 0, 2000)])
    assert sum(asked) < 250 and len(scores.strength) < 50
    assert scores.skipped[1] == 2000 - (scores.end - scores.start).sum() > 1700


def test_nothing_but_n_gives_no_tile():
    scores = scorer().score(TokensOf(a=with_n(100, [(0, 100)])), [Piece("a", 100, 0, 100)])
    assert len(scores.strength) == 0 and np.isnan(scores.relevance).all() and scores.skipped[1] == 100


@pytest.mark.parametrize(("n", "scored"), [(5, 1), (6, 0)])
def test_the_limit_of_n_is_a_share_of_the_tile(n, scored):
    scores = scorer().score(TokensOf(a=with_n(20, [(0, n)])), [Piece("a", 20, 0, 20)])
    assert len(scores.strength) == scored


def test_without_relevance_no_neighbouring_tile_is_read():
    genome = TokensOf(a=with_n(1000, []))
    scores = scorer(relevance=False).score(genome, [Piece("a", 1000, 400, 500)])
    assert scores.relevance.size == 0 and genome.longest <= 100 + 2 * 20


def test_pieces_of_several_sequences_are_told_apart():
    genome = TokensOf(a=with_n(60, []), b=with_n(70, [], seed=1))
    pieces = [Piece("a", 60, 0, 60), Piece("b", 70, 0, 70)]
    both = scorer().score(genome, pieces)
    alone = [scorer().score(genome, [piece]) for piece in pieces]
    assert both.piece.tolist() == [0] * len(alone[0].piece) + [1] * len(alone[1].piece)
    for field in ("start", "end", "tile", "tile_end", "strength", "relevance"):
        joined = np.concatenate([getattr(one, field) for one in alone])
        np.testing.assert_array_equal(getattr(both, field), joined)

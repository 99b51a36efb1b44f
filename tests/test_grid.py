"""Tiles and slots, held against a plain loop; plans of chunks that leave nothing out."""

import itertools
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scan_toys import plain_tiles

from mlx_gsa.dna.coordinates import Region
from mlx_gsa.errors import RegionError
from mlx_gsa.genomes.grid import SHORTEST, Grid, Piece, chunk_bp, plan_chunks, wanted_regions, whole_genome

sizes = st.tuples(st.integers(1, 400), st.integers(1, 90), st.integers(1, 90)).filter(lambda s: s[2] <= s[1])


def test_tiles_of_a_small_sequence_by_hand():
    grid = Grid(length=25, tile=10, stride=4)
    assert grid.starts().tolist() == [0, 4, 8, 12, 15]  # the last one ends with the sequence
    assert grid.edges().tolist() == [0, 7, 11, 15, 18, 25]


def test_a_short_sequence_is_one_shorter_tile():
    grid = Grid(length=7, tile=10, stride=4)
    assert (grid.size, grid.starts().tolist(), grid.edges().tolist()) == (7, [0], [0, 7])


@given(sizes)
def test_tiles_are_those_of_a_plain_loop(given):
    length, tile, stride = given
    grid, plain = Grid(length, tile, stride), plain_tiles(np.zeros(length, np.uint8), tile, stride)
    assert grid.n_tiles == len(plain)
    assert grid.starts().tolist() == [row[0] for row in plain]
    assert grid.edges().tolist() == [plain[0][2], *(row[3] for row in plain)]
    assert (np.diff(grid.edges()) > 0).all()


@given(sizes, st.data())
def test_ranges_of_tiles_are_those_of_a_plain_loop(given, data):
    grid = Grid(*given)
    start = data.draw(st.integers(0, grid.length - 1))
    end = data.draw(st.integers(start + 1, grid.length))
    plain = plain_tiles(np.zeros(grid.length, np.uint8), grid.tile, grid.stride)
    speaking = [i for i, row in enumerate(plain) if row[2] < end and start < row[3]]
    covering = [i for i, row in enumerate(plain) if row[0] < end and start < row[1]]
    assert list(range(*grid.speaking(start, end))) == speaking
    assert list(range(*grid.covering(start, end))) == covering


@given(st.dictionaries(st.text("abAB1", min_size=1, max_size=3), st.integers(1, 5000), min_size=1), st.integers(1, 900))
def test_chunks_hold_every_base_once_and_in_order(lengths, size):
    plan = plan_chunks(lengths, whole_genome(lengths), 100, 30, size)
    pieces = [piece for chunk in plan for piece in chunk]
    assert sum(map(chunk_bp, plan)) == sum(length for length in lengths.values() if length >= SHORTEST)
    assert [piece.chrom for piece in pieces] == sorted(piece.chrom for piece in pieces)
    for one, other in itertools.pairwise(pieces):
        assert other.start == (one.end if one.chrom == other.chrom else 0)
    for chunk in plan:
        assert chunk_bp(chunk) <= max(size, 30) + 100 or len(chunk) == 1


def test_chunks_end_where_slots_end():
    plan = plan_chunks({"a": 1000}, whole_genome({"a": 1000}), 100, 20, 300)
    assert [piece.end for chunk in plan for piece in chunk] == [340, 640, 940, 1000]
    assert set(plan[0][0][3:]) <= set(Grid(1000, 100, 20).edges().tolist())


def test_many_small_sequences_share_a_chunk():
    lengths = {f"c{i:03d}": 60 for i in range(100)}
    assert [len(chunk) for chunk in plan_chunks(lengths, whole_genome(lengths), 100, 20, 600)] == [10] * 10


def test_sequences_too_short_to_score_are_left_out():
    lengths = {"a": SHORTEST - 1, "b": SHORTEST}
    assert plan_chunks(lengths, whole_genome(lengths), 100, 20, 600) == [[Piece("b", SHORTEST, 0, SHORTEST)]]


class Names:
    """The part of a genome that places regions."""

    names, path = ["chr1", "chr2"], "genome.fa"
    lengths = {"chr1": 500, "chr2": 200}  # noqa: RUF012 (never changed)

    def resolve(self, chrom):
        """Bring two namings together."""
        name = chrom if chrom.startswith("chr") else f"chr{chrom}"
        return name if name in self.lengths else None


def features(*places):
    return [SimpleNamespace(region=Region(*place), line=number) for number, place in enumerate(places, 1)]


def test_regions_are_merged_under_the_names_of_the_genome():
    found = wanted_regions(Names(), features(("1", 100, 200, "-"), ("chr1", 150, 260), ("2", 0, 9)), "r.bed")
    assert {name: pairs.tolist() for name, pairs in found.items()} == {"chr1": [[100, 260]], "chr2": [[0, 9]]}
    plan = plan_chunks(Names.lengths, found, 100, 50, 1000)
    assert plan == [[Piece("chr1", 500, 100, 260), Piece("chr2", 200, 0, 9)]]


def test_a_region_on_an_unknown_chromosome_is_named():
    message = r"no such chromosome \(r.bed, line 2\): expected one of chr1, chr2, found chr9"
    with pytest.raises(RegionError, match=message):
        wanted_regions(Names(), features(("chr1", 0, 9), ("chr9", 0, 9)), "r.bed")


def test_a_region_past_the_end_is_named():
    with pytest.raises(RegionError, match=r"past its chromosome \(r.bed, line 1\): expected at most 200 on chr2"):
        wanted_regions(Names(), features(("2", 100, 201)), "r.bed")

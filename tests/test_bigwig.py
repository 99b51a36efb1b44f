"""Tracks: what is written is read back by another library, and what goes wrong is said."""

import numpy as np
import pyBigWig
import pytest

from mlx_gsa.errors import GenomeError, SequenceError
from mlx_gsa.genomes.bigwig import bedgraph_text, read_values, relevance_values, strength_values, write_bigwig
from mlx_gsa.genomes.grid import Piece
from mlx_gsa.genomes.scan_chunk import ChunkScores

NAN = float("nan")


@pytest.fixture(autouse=True)
def unfinished(tmp_path):
    """The folder of unfinished files; nothing stays there."""
    folder = tmp_path / "unfinished"
    folder.mkdir()
    yield
    folder.rmdir()


def scores(**columns):
    """A chunk with these columns."""
    return ChunkScores(**dict.fromkeys(ChunkScores._fields) | {k: np.array(v) for k, v in columns.items()})


def test_strength_has_a_value_for_every_slot():
    chunk = scores(piece=[0, 0, 1], start=[0, 7, 0], end=[7, 11, 5], strength=[0.5, 0.25, -1.0])
    pieces = [Piece("a", 11, 0, 11), Piece("b", 5, 0, 5)]
    assert list(strength_values([(pieces, chunk)])) == [("a", 0, 7, 0.5), ("a", 7, 11, 0.25), ("b", 0, 5, -1.0)]


def test_relevance_joins_equal_bases_and_leaves_out_what_is_not_known():
    chunk = scores(relevance=[1.0, 1.0, 2.0, NAN, NAN, 2.0, 3.0])
    pieces = [Piece("a", 90, 10, 15), Piece("b", 2, 0, 2)]
    assert list(relevance_values([(pieces, chunk)])) == [
        ("a", 10, 12, 1.0), ("a", 12, 13, 2.0), ("b", 0, 1, 2.0), ("b", 1, 2, 3.0),
    ]  # fmt: skip


def test_a_file_is_read_back_by_another_library(tmp_path):
    values = [("a", 0, 4, 0.1), ("a", 6, 7, -2.5), ("b", 3, 9, 1e-3)]
    told = []
    lengths = {"a": 10, "b": 9, "none": 5}
    assert write_bigwig(tmp_path / "t.bw", lengths, values, tmp_path / "unfinished", told.append) == 11
    with pyBigWig.open(str(tmp_path / "t.bw")) as track:
        assert track.chroms() == {"a": 10, "b": 9}
        assert track.intervals("a") == ((0, 4, pytest.approx(0.1)), (6, 7, -2.5))
        assert np.isnan(track.values("a", 4, 6)).all()
    with read_values(tmp_path / "t.bw") as read:
        np.testing.assert_allclose(read("a", 3, 8), [0.1, NAN, NAN, -2.5, NAN], rtol=1e-6)
    assert told[-1] == 11 and [path.name for path in tmp_path.glob("*.bw")] == ["t.bw"]


def test_the_same_values_give_the_same_bytes(tmp_path):
    values = [("a", i, i + 1, (i * 7919 % 101) / 7) for i in range(5000)]
    for name in ("one.bw", "two.bw"):
        write_bigwig(tmp_path / name, {"a": 5000}, values, tmp_path / "unfinished")
    assert (tmp_path / "one.bw").read_bytes() == (tmp_path / "two.bw").read_bytes()


def test_an_error_of_the_values_is_passed_on_and_the_older_file_stays(tmp_path):
    def broken():
        yield "a", 0, 1, 1.0
        raise SequenceError("no more bases")

    (tmp_path / "t.bw").write_text("older")
    with pytest.raises(SequenceError, match="no more bases"):
        write_bigwig(tmp_path / "t.bw", {"a": 5}, broken(), tmp_path / "unfinished")
    assert (tmp_path / "t.bw").read_text() == "older"


@pytest.mark.parametrize("values", [[("a", 0, 2, 1.0), ("a", 1, 3, 1.0)], [("b", 0, 2, 1.0)]])
def test_what_the_library_only_prints_is_an_error(tmp_path, values):
    with pytest.raises(GenomeError, match="cannot write the bigWig"):
        write_bigwig(tmp_path / "t.bw", {"a": 5}, values, tmp_path / "unfinished")
    assert not (tmp_path / "t.bw").exists()


def test_bedgraph_is_four_columns():
    assert bedgraph_text([("a", 0, 5, 0.123456789), ("b", 1, 2, -3.0)]) == "a\t0\t5\t0.1234568\nb\t1\t2\t-3\n"

import numpy as np
import pytest
from fake_predictor import predict_one, random_tokens
from hypothesis import given
from hypothesis import strategies as st

from mlx_gsa.dna.alphabet import encode, reverse_complement
from mlx_gsa.dna.coordinates import parse_region
from mlx_gsa.explain.place import Place
from mlx_gsa.explain.spans import find_spans
from mlx_gsa.explain.tracks import (
    UniqueNames,
    bed_lines,
    bedgraph_lines,
    position_lines,
    write_arrays,
    write_lines,
)

PLUS = Place("chr7", 4999, 5009, "+")
MINUS = Place("chr7", 4999, 5009, "-")


def test_positions_of_both_strands():
    assert PLUS.positions([0, 9]).tolist() == [4999, 5008]
    assert MINUS.positions([0, 9]).tolist() == [5008, 4999]
    assert PLUS.interval(2, 5) == (5001, 5004)
    assert MINUS.interval(2, 5) == (5004, 5007)
    assert (MINUS.strand_of("+"), MINUS.strand_of("-"), MINUS.strand_of(".")) == ("-", "+", ".")


@given(st.integers(0, 9), st.integers(1, 10))
def test_intervals_and_positions_agree(start, width):
    end = min(start + width, 10)
    for place in (PLUS, MINUS):
        low, high = place.interval(start, end)
        assert sorted(place.positions(np.arange(start, end)).tolist()) == list(range(low, high))


def test_text_is_one_based_as_in_a_browser():
    assert PLUS.text(0, 10) == "chr7:5,000-5,009"
    assert MINUS.text(0, 3) == "chr7:5,007-5,009"
    assert MINUS.text(9, 10) == "chr7:5,000"
    assert Place.of_record("a", 10).text(0, 3) == "1-3"


@pytest.mark.parametrize(
    ("header", "length", "expected"),
    [
        ("chr7:5,000-7,000(-)", 2001, Place("chr7", 4999, 7000, "-")),
        ("chr7:5,000-7,000(-)", 2000, Place("chr7", 5000, 7000, "-")),
        ("chr7:5,000-7,000(-)", 1234, Place("chr7:5,000-7,000(-)", 0, 1234, ".", False)),
        ("peak1::chr7:10-20(+)", 10, Place("chr7", 10, 20, "+")),
        ("chr7:10-20", 10, Place("chr7", 10, 20, ".")),
        ("my seq", 10, Place("my_seq", 0, 10, ".", False)),
    ],
)
def test_place_of_a_header(header, length, expected):
    assert Place.of_region(parse_region(header, length), header, length) == expected


def test_bed_on_the_minus_strand_by_hand():
    relevance = np.zeros(10)
    relevance[[1, 2, 8]] = [1.0, 3.0, 2.0]
    spans = find_spans(relevance, [1, 2, 8], np.zeros(3))
    # positions 1-2 of the sequence are 5009-1-2 = 5006 and 5007; position 8 is 5000
    assert list(bed_lines(spans, MINUS)) == [
        "chr7\t5000\t5001\tspan2\t0\t-\n",
        "chr7\t5006\t5008\tspan1\t1000\t-\n",
    ]
    assert next(bed_lines(spans, PLUS, prefix="r.")) == "chr7\t5000\t5002\tr.span1\t1000\t+\n"


def test_bedgraph_joins_equal_neighbours_and_turns_round_on_the_minus_strand():
    values = [0.5, 0.5, 0.5, 1, 1, 1, 1, 1, 1, 2]
    assert list(bedgraph_lines(values, PLUS)) == [
        "chr7\t4999\t5002\t0.5\n",
        "chr7\t5002\t5008\t1\n",
        "chr7\t5008\t5009\t2\n",
    ]
    assert list(bedgraph_lines(values, MINUS)) == [
        "chr7\t4999\t5000\t2\n",
        "chr7\t5000\t5006\t1\n",
        "chr7\t5006\t5009\t0.5\n",
    ]
    assert list(bedgraph_lines([], PLUS)) == []


def test_table_of_positions_keeps_the_bases_that_were_read():
    forward = encode("ACGTTGCAAC")[0]
    tokens = reverse_complement(forward)
    rows = [line.rstrip("\n").split("\t") for line in position_lines(tokens, np.arange(10), [3], [0.5], [-2], MINUS)]
    assert rows[0] == ["chrom", "position", "strand", "index", "base", "relevance", "kept", "gate", "contribution"]
    assert rows[1] == ["chr7", "5008", "-", "0", "G", "0", "0", ".", "."]
    assert rows[4] == ["chr7", "5005", "-", "3", "G", "3", "1", "0.5", "-2"]
    # the base of the table is the complement of the genome's base at that position
    genome = {4999 + i: base for i, base in enumerate("ACGTTGCAAC")}
    pairs = {"A": "T", "C": "G", "G": "C", "T": "A"}
    assert all(genome[int(row[1])] == pairs[row[4]] for row in rows[1:])


def test_arrays_come_back(tmp_path):
    tokens = random_tokens(60, sites=[20])
    prediction = predict_one(tokens)
    place = Place("chr7", 100, 160, "-")
    with np.load(write_arrays(tmp_path / "a.npz", prediction, tokens, place)) as arrays:
        assert arrays["kept"].tolist() == prediction.kept.tolist()
        assert arrays["weights"].shape == (6, 6)
        assert arrays["positions"][[0, -1]].tolist() == [159, 100]
        assert str(arrays["chrom"]) == "chr7"
    path = write_arrays(tmp_path / "b.npz", prediction._replace(weights=None), tokens, place)
    with np.load(path) as arrays:
        assert "weights" not in arrays
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.npz", "b.npz"]


def test_a_failing_track_leaves_the_old_file(tmp_path):
    path = write_lines(tmp_path / "t.bed", iter(["old\n"]))

    def broken():
        yield "new\n"
        raise RuntimeError("stop")

    with pytest.raises(RuntimeError):
        write_lines(path, broken())
    assert path.read_text() == "old\n"
    assert list(tmp_path.iterdir()) == [path]


def test_names_are_safe_and_unique():
    name = UniqueNames()
    assert name("chr7:5,000-7,000(-)") == "chr7_5_000-7_000"
    assert name("chr7:5,000-7,000(+)") == "chr7_5_000-7_000_+"
    assert name("../../etc/passwd") == "etc_passwd"
    assert name("a b") == "a_b"
    assert name("A/B") == "A_B_2"  # the same folder on a disk that does not tell case
    assert name("a_b_2") == "a_b_2_2"
    assert name("???") == "record"
    assert len(name("x" * 500)) == 80


@given(st.lists(st.text(max_size=12), max_size=30))
def test_names_never_repeat(ids):
    names = [UniqueNames.__call__(maker, each) for maker in [UniqueNames()] for each in ids]
    assert len({name.lower() for name in names}) == len(ids)
    assert not any("/" in name or name in ("", ".", "..") or name.startswith(".") for name in names)

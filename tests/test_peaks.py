"""Peaks, held against a plain loop; the ten columns of narrowPeak."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from mlx_gsa.dna.bed import read_bed
from mlx_gsa.genomes.grid import Piece
from mlx_gsa.genomes.peaks import Peak, find_peaks, local_maxima, narrowpeak_lines, with_summits
from mlx_gsa.genomes.scan_chunk import ChunkScores


def chunk(*rows, pieces=("a",)):
    """A chunk of rows (piece, tile start, strength), tiles of 100 bp."""
    piece, start, strength = (np.array(column) for column in zip(*rows, strict=True))
    scores = ChunkScores(piece, start, start + 50, start, start + 100, strength.astype(np.float32), None, np.zeros(2))
    return [Piece(name, 10_000, 0, 10_000) for name in pieces], scores


def test_maxima_by_hand():
    starts = np.array([0, 50, 100, 150, 200, 400])
    assert local_maxima(starts, starts + 100, np.array([1, 3, 2, 1, 2.5, 0])).tolist() == [1, 4, 5]


def test_of_equally_strong_tiles_the_first_counts():
    starts = np.arange(6) * 50
    assert local_maxima(starts, starts + 100, np.ones(6)).tolist() == [0, 2, 4]


@given(st.lists(st.integers(0, 4), min_size=1, max_size=30), st.integers(1, 40), st.integers(0, 99))
def test_maxima_are_those_of_a_plain_loop(values, tile, seed):
    steps = np.random.default_rng(seed).integers(1, 20, len(values))
    starts, strength = np.cumsum(steps), np.array(values, dtype=float)
    found = local_maxima(starts, starts + tile, strength).tolist()
    expected, reach = [], -1
    for i, start in enumerate(starts):
        rivals = [v for v, s in zip(values, starts, strict=True) if abs(s - start) < tile]
        if values[i] == max(rivals) and start >= reach:
            expected.append(i)
            reach = start + tile
    assert found == expected


def test_peaks_are_found_across_chunks_but_not_across_sequences():
    chunks = [chunk((0, 0, 1.0), (0, 50, 5.0)), chunk((0, 100, 7.0), (1, 0, 6.0), pieces=("a", "b"))]
    peaks = find_peaks(chunks, top=10, threshold=None)
    assert [(p.rank, p.chrom, p.start, p.end, p.strength, p.summit) for p in peaks] == [
        (1, "a", 100, 200, 7.0, 150), (2, "b", 0, 100, 6.0, 50),
    ]  # fmt: skip


def test_the_strongest_are_kept_in_the_order_of_the_genome():
    rows = [(0, 200 * i, value) for i, value in enumerate([3, 9, 1, 7, 9, 3])]
    assert [(p.rank, p.start) for p in find_peaks([chunk(*rows)], 3, None)] == [(1, 200), (3, 600), (2, 800)]
    assert [p.start for p in find_peaks([chunk(*rows)], 4, None)] == [0, 200, 600, 800]  # of two 3s the first
    assert [p.start for p in find_peaks([chunk(*rows)], 9, 7)] == [200, 600, 800]
    assert find_peaks([chunk(*rows)], 9, 10) == []


def test_a_summit_is_the_most_relevant_base():
    track = np.zeros(300)
    track[:200], track[170] = np.nan, 4.0
    peaks = [Peak(1, "a", 100, 200, 1.0, 150), Peak(2, "a", 0, 100, 0.5, 50)]
    moved = with_summits(peaks, lambda chrom, start, end: track[start:end])
    assert [peak.summit for peak in moved] == [170, 50]


def test_lines_are_narrowpeak(tmp_path):
    peaks = [Peak(2, "chr1", 0, 100, 0.25, 50), Peak(1, "chr2", 10, 110, 0.75, 20)]
    path = tmp_path / "p.narrowPeak"
    path.write_text("".join(narrowpeak_lines(peaks, is_probability=True)))
    assert path.read_text() == (
        "chr1\t0\t100\tpeak_2\t250\t.\t0.25\t-1\t-1\t50\nchr2\t10\t110\tpeak_1\t750\t.\t0.75\t-1\t-1\t10\n"
    )
    assert [(f.name, f.summit, f.signal) for f in read_bed(path)] == [("peak_2", 50, 0.25), ("peak_1", 20, 0.75)]


def test_scores_of_a_regression_go_from_the_weakest_to_the_strongest():
    peaks = [Peak(i, "a", 200 * i, 200 * i + 100, value, 200 * i) for i, value in enumerate([-4.0, -2.0, 4.0])]
    scores = [line.split("\t")[4] for line in narrowpeak_lines(peaks, is_probability=False)]
    assert scores == ["0", "250", "1000"]
    assert [line.split("\t")[4] for line in narrowpeak_lines(peaks[:1], is_probability=False)] == ["1000"]
    assert list(narrowpeak_lines([], is_probability=False)) == []

"""BED and its relatives: what is read, what is counted, and what is refused."""

import gzip
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlx_gsa.dna.bed import BAD_SCORE, NO_STRAND, NO_SUMMIT, SPACES, read_bed
from mlx_gsa.dna.coordinates import Region
from mlx_gsa.errors import RegionError


@pytest.fixture
def read(tmp_path):
    def run(text, name="a.bed", **options):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return list(read_bed(path, **options))

    return run


def test_three_columns(read):
    (one,) = read("chr1\t5\t9\n")
    assert one.region == Region("chr1", 5, 9, ".") and one.line == 1 and one.fields == ("chr1", "5", "9")
    assert (one.name, one.score, one.signal, one.summit) == (None, None, None, None)


def test_six_columns(read):
    (one,) = read("chr1\t5\t9\tpeak\t12.5\t-\n")
    assert (one.region.strand, one.name, one.score) == ("-", "peak", 12.5)


def test_narrow_peak_by_its_columns_and_by_its_name(read):
    line = "chr1\t100\t200\tp\t900\t.\t7.5\t3.2\t-1\t40\n"
    for name in ("a.bed", "a.narrowPeak", "a.narrowPeak.gz"):
        (one,) = read(gzip.compress(line.encode()) if name.endswith("gz") else line, name)
        assert (one.signal, one.summit) == (7.5, 140)


def test_a_summit_of_minus_one_is_none_and_counted(read):
    counts = Counter()
    (one,) = read("chr1\t1\t9\tp\t0\t.\t1\t1\t1\t-1\n", counts=counts)
    assert one.summit is None and counts == {NO_SUMMIT: 1}


def test_broad_peak_is_told_from_bed9(read):
    (broad,) = read("chr1\t1\t9\tp\t0\t+\t4.5\t2.0\t-1\n")
    (nine,) = read("chr1\t1\t9\tp\t0\t+\t1\t9\t255,0,0\n")
    assert broad.signal == 4.5 and nine.signal is None


def test_bed_graph_by_columns_track_line_and_name(read):
    assert read("chr1\t1\t9\t0.5\n")[0].score == 0.5
    assert read("track type=bedGraph name=x\nchr1\t1\t9\t3\n")[0].score == 3
    assert read("chr1\t1\t9\t3\n", "a.bdg")[0].name is None


def test_headers_comments_blank_lines_and_windows_line_ends_are_passed_over(read):
    text = "browser position chr1\r\ntrack name=x\r\n# note\r\nchrom\tstart\tend\r\n\r\nchr1\t1\t9\r\n"
    (one,) = read(text)
    assert one.region == Region("chr1", 1, 9) and one.line == 6


def test_spaces_odd_strands_and_odd_scores_are_counted(read):
    counts = Counter()
    found = read("chr1 1 9 a 7 *\nchr1\t1\t9\tb\tx\t+\n", counts=counts)
    assert [f.region.strand for f in found] == [".", "+"] and found[1].score is None
    assert counts == {SPACES: 1, NO_STRAND: 1, BAD_SCORE: 1}


LINES = st.tuples(st.integers(0, 10**9), st.integers(1, 10**6), st.sampled_from("+-."))


@given(st.lists(LINES, min_size=1, max_size=9))
def test_what_is_written_is_read(tmp_path_factory, rows):
    path = tmp_path_factory.mktemp("bed") / "a.bed"
    path.write_text("".join(f"chr2\t{s}\t{s + n}\tr{i}\t0\t{strand}\n" for i, (s, n, strand) in enumerate(rows)))
    assert [f.region for f in read_bed(path)] == [Region("chr2", s, s + n, strand) for s, n, strand in rows]


@pytest.mark.parametrize(
    ("text", "what", "found"),
    [
        ("chr1\t9\t9\n", "not an interval", "9-9"),
        ("chr1\t9\t5\n", "not an interval", "9-5"),
        ("chr1\t-3\t5\n", "not an interval", "-3-5"),
        ("chr1\t1\t9\nchr1\t5,000\t6000\n", "a coordinate is not a whole number", "5,000"),
        ("chr1\t1e3\t2e3\n", "a coordinate is not a whole number", "1e3"),
        ("chr1\t100\n", "too few columns", "chr1"),
        ("chr1:100-200\n", "too few columns", "chr1:100-200"),
        ("chr1\t10\t20\tp\t0\t.\t1\t1\t1\t10\n", "a summit lies outside its peak", "10"),
        (">chr1\nACGT\n", "not a BED file", "FASTA"),
        ("##fileformat=VCFv4.2\n", "not a BED file", "VCF"),
        ("##gff-version 3\n", "not a BED file", "GFF"),
        ("chr1\thavana\tgene\t11869\t14409\t.\t+\t.\tgene_id\n", "not a BED file", "GTF"),
        ("<!DOCTYPE html>\n", "not a BED file", "HTML"),
        ("@SQ\tSN:chr1\tLN:5\n", "not a BED file", "SAM"),
        ("fixedStep chrom=chr1 start=1 step=1\n1\n", "not a BED file", "wiggle"),
        ("# only a comment\n", "no region in the file", "header lines only"),
        ("", "the file is empty", None),
        (b"\xff\xfec\0h\0", "not a plain text file", "UTF-16"),
        (b"\x26\xfc\x8f\x88\0\0", "not a text file", "bigWig"),
        (gzip.compress(b"chr1\t1\t9\n" * 999)[:40], "the gzip file is cut short", None),
    ],
)
def test_bad_files_are_refused_with_the_reason(read, text, what, found):
    with pytest.raises(RegionError) as caught:
        read(text)
    assert caught.value.what == what and (found is None or found in str(caught.value))


def test_errors_name_the_line(read):
    with pytest.raises(RegionError, match="line 3"):
        read("chr1\t1\t9\n\nchr1\tx\t9\n")

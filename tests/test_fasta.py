"""FASTA: what is read, and one clear error for everything that cannot be."""

import gzip
import io
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlx_gsa.dna.alphabet import decode
from mlx_gsa.dna.fasta import read_fasta
from mlx_gsa.errors import SequenceError

NAMES = st.text(st.characters(codec="ascii", min_codepoint=33, max_codepoint=126), min_size=1, max_size=20)
RECORDS = st.dictionaries(NAMES, st.text("ACGTN", min_size=1, max_size=90), min_size=1, max_size=6)


def read(path, **options):
    return [(r.id, decode(r.tokens)) for r in read_fasta(path, **options)]


def error_of(path, **options):
    with pytest.raises(SequenceError) as caught:
        list(read_fasta(path, **options))
    return caught.value


def written(tmp_path, content, name="x.fa"):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def test_records_come_in_order_with_description_line_and_counts(tmp_path):
    path = written(tmp_path, "\n\n>one first record\nACGT\nacgu\n>two\n\nNN-R\n")
    one, two = read_fasta(path)
    assert (one.id, one.description, one.line, decode(one.tokens)) == ("one", "one first record", 3, "ACGTACGT")
    assert (one.counts.lower, one.counts.uracil) == (4, 1)
    assert (two.id, two.line, decode(two.tokens), two.counts.gaps) == ("two", 6, "NNN", 1)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_any_line_end_and_a_byte_order_mark(tmp_path, end):
    content = "\ufeff" + end.join([">a", "AC", "GT", ">b", "TT"])
    assert read(written(tmp_path, content)) == [("a", "ACGT"), ("b", "TT")]


def test_gzip_is_known_by_content_not_name(tmp_path):
    assert read(written(tmp_path, gzip.compress(b">a\nACGT\n"), "x.fa")) == [("a", "ACGT")]
    assert read(written(tmp_path, ">a\nACGT\n", "plain.fa.gz")) == [("a", "ACGT")]


def test_several_gzip_members_are_one_file(tmp_path):
    packed = gzip.compress(b">a\nAC\n") + gzip.compress(b">b\nGT\n")
    assert read(written(tmp_path, packed)) == [("a", "AC"), ("b", "GT")]


@pytest.mark.parametrize("content", [b">a\nACGT\n", gzip.compress(b">a\nACGT\n")])
def test_standard_input(monkeypatch, content):
    stdin = io.TextIOWrapper(io.BytesIO(content))
    monkeypatch.setattr("sys.stdin", stdin)
    assert read("-") == [("a", "ACGT")]
    assert not stdin.buffer.closed


@settings(max_examples=60)
@given(records=RECORDS, width=st.integers(1, 100), packed=st.booleans())
def test_round_trip(tmp_path_factory, records, width, packed):
    lines = []
    for name, letters in records.items():
        lines += [f">{name} text", *(letters[i : i + width] for i in range(0, len(letters), width))]
    content = "\n".join(lines).encode()
    path = tmp_path_factory.mktemp("fasta") / "x"
    path.write_bytes(gzip.compress(content) if packed else content)
    assert read(path) == list(records.items())


@settings(max_examples=150)
@given(content=st.binary(max_size=300) | st.binary(max_size=200).map(lambda b: b">a\n" + b))
def test_any_bytes_are_records_or_a_sequence_error(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("fasta") / "x"
    path.write_bytes(content)
    try:
        assert read(path)
    except SequenceError as error:
        assert error.what and str(path) in error.where


@pytest.mark.parametrize(
    ("content", "what", "found"),
    [
        (b"", "the file is empty", None),
        (b" \n\n ", "the file is empty", None),
        (gzip.compress(b""), "the file is empty", None),
        (b"ACGTACGT\n", "FASTA without a header", "ACGTACGT"),
        (b"@r1\nACGT\n+\nIIII\n", "not a FASTA file", "FASTQ: @r1"),
        (b"<!DOCTYPE html>\n", "not a FASTA file", "HTML or XML: <!DOCTYPE html>"),
        (b"LOCUS  X  10 bp\n", "not a FASTA file", "GenBank: LOCUS  X  10 bp"),
        (b">a\nAC\0GT\n", "not a text file", "binary data"),
        (b"PK\x03\x04rest", "not a text file", "a zip archive or spreadsheet"),
        (gzip.compress(b"BAM\x01rest"), "not a text file", "a BAM file"),
        (">a\nACGT\n".encode("utf-16"), "not a plain text file", "UTF-16"),
        (b">a\nMKTAYIAKQRQISFVKSHFSRQ\n", "not a DNA sequence", "the letters F I Q"),
        (b">a\nACGT\n>b\nRYKMSWRYKMSWACG\n", "not a DNA sequence", "12 of 15 letters are ambiguity codes"),
        (b">a\nACGT\n>b\n>c\nAC\n", "a record without a sequence", "no letters"),
        (b">a\n----\n", "a record without a sequence", "only gaps"),
        (b">a\nACGT\n>\nACGT\n", "a record without a name", "'>'"),
        (b">a\nACGT\n>a x\nACGT\n", "two records have the same name", "a at line 1 too"),
    ],
)
def test_one_clear_error(tmp_path, content, what, found):
    error = error_of(written(tmp_path, content))
    assert (error.what, error.found) == (what, found)
    assert str(tmp_path / "x.fa") in error.where
    assert error.mend


def test_the_error_names_line_and_record(tmp_path):
    path = written(tmp_path, ">a\nACGT\n\n>b\nACGT\n>c\nACEF\n")
    assert error_of(path).where == f"{path}, line 6, record c"


def test_a_record_above_the_limit_is_refused_without_reading_it_all(tmp_path):
    path = written(tmp_path, ">ok\nACGT\n>chr1\n" + ("A" * 50 + "\n") * 1000)
    error = error_of(path, max_length=100)
    assert (error.what, error.found) == ("a record is too long", "more than 150 bp")
    assert error.where.endswith("line 3, record chr1") and error.expected == "at most 100 bp"


def test_a_record_of_exactly_the_limit_is_read(tmp_path):
    assert read(written(tmp_path, ">a\n" + "AC" * 50), max_length=100) == [("a", "AC" * 50)]
    assert read(written(tmp_path, ">a\n" + "AC" * 50 + "\n"), max_length=100) == [("a", "AC" * 50)]


def test_truncated_and_damaged_gzip(tmp_path):
    letters = "".join(random.Random(0).choices("ACGT", k=90_000))
    packed = gzip.compress(f">a\n{letters}\n".encode())
    cut = error_of(written(tmp_path, packed[:-100]))
    assert cut.what == "the gzip file is cut short" and "again" in cut.mend
    broken = bytearray(packed)
    broken[len(broken) // 2] ^= 255
    assert error_of(written(tmp_path, bytes(broken))).what == "the gzip file is damaged"


def test_a_missing_file_suggests_its_neighbour(tmp_path):
    written(tmp_path, ">a\nAC\n", "peaks.fasta")
    error = error_of(tmp_path / "peaks.fast")
    assert (error.what, error.found) == ("cannot read the file", "no such file")
    assert error.mend == f"Did you mean {tmp_path / 'peaks.fasta'}?"


def test_a_folder_is_not_a_file(tmp_path):
    assert error_of(tmp_path).found == "Is a directory"


def test_progress_ends_at_the_size_of_the_file(tmp_path):
    path, calls = written(tmp_path, ">a\n" + "ACGT\n" * 10_000), []
    list(read_fasta(path, progress=lambda done, total: calls.append((done, total))))
    size = path.stat().st_size
    assert calls[-1] == (size, size) and len(calls) == 3

"""Genomes: the right letters on both strands, names, indexes, unpacked copies, and what is refused."""

import gzip
import os

import numpy as np
import pytest
from Bio import bgzf

from mlx_gsa.dna import genome as module
from mlx_gsa.dna.alphabet import decode
from mlx_gsa.dna.genome import Genome
from mlx_gsa.errors import GenomeError

TEXT = ">chr1 first\nACGTN\nacgtR\nGG\n>chr2\nTTTTT\n"


@pytest.fixture
def fasta(tmp_path, monkeypatch):
    monkeypatch.setenv("GSA_CACHE", str(tmp_path / "cache"))
    (tmp_path / "in").mkdir()

    def write(content=TEXT, name="genome.fa"):
        path = tmp_path / "in" / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


def bgzipped(path, text):
    with bgzf.open(path, "wb") as file:
        file.write(text.encode())
    return path


def test_tokens_and_letters_across_line_ends_and_strands(fasta):
    with Genome.open(fasta()) as genome:
        assert genome.names == ["chr1", "chr2"] and genome.lengths == {"chr1": 12, "chr2": 5}
        assert genome.letters("chr1", 3, 11).tobytes() == b"TNacgtRG"
        assert decode(genome.tokens("chr1", 3, 11)) == "TNACGTNG"
        assert decode(genome.tokens("chr1", 3, 11, "-")) == "CNACGTNA"
        assert genome.tokens("chr1", 4, 4).shape == (0,) and genome.tokens("chr2", 0, 5).dtype == np.uint8


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("width", [1, 3, 7, 50])
def test_every_stretch_is_that_of_the_text(fasta, width, end):
    text = "ACGTTGCAACGGTCA"
    lines = end.join(text[i : i + width] for i in range(0, len(text), width))
    with Genome.open(fasta(f">a{end}{lines}{end}")) as genome:
        for start in range(len(text)):
            for stop in range(start + 1, len(text) + 1):
                assert genome.letters("a", start, stop).tobytes().decode() == text[start:stop]


def test_gzip_and_bgzip_read_as_the_plain_file(fasta, tmp_path):
    packed = fasta(gzip.compress(TEXT.encode()), "genome.fa.gz")
    blocks = bgzipped(tmp_path / "in" / "blocks.fa.gz", TEXT)
    for path in (packed, blocks):
        with Genome.open(path) as genome:
            assert decode(genome.tokens("2", 0, 5)) == "TTTTT" and genome.path == path
    assert sorted(p.name for p in (tmp_path / "in").iterdir()) == ["blocks.fa.gz", "genome.fa.gz"]


def test_a_gzip_file_is_unpacked_once_and_again_when_it_changes(fasta):
    path = fasta(gzip.compress(TEXT.encode()), "genome.fa.gz")
    with Genome.open(path) as first, Genome.open(path) as second:
        assert "unpacked once" in first.prepared[0] and second.prepared == []
    path.write_bytes(gzip.compress(b">chr9\nGGGGGGG\n"))
    with Genome.open(path) as third:
        assert third.names == ["chr9"]


def test_unpacking_reports_its_progress(fasta):
    path, seen = fasta(gzip.compress(TEXT.encode()), "genome.fa.gz"), []
    Genome.open(path, progress=lambda done, total: seen.append((done, total))).close()
    size = path.stat().st_size
    assert seen[-1] == (size, size)


def test_the_index_is_made_once_beside_the_file(fasta):
    path = fasta()
    with Genome.open(path) as first, Genome.open(path) as second:
        assert "index made once" in first.prepared[0] and second.prepared == []
    assert sorted(p.name for p in path.parent.iterdir()) == ["genome.fa", "genome.fa.fai"]


def test_a_stale_index_is_made_anew(fasta):
    path = fasta()
    Genome.open(path).close()
    index = path.with_name("genome.fa.fai")
    path.write_text(">other\nGGGGGGGGGGGG\n")
    os.utime(index, ns=(path.stat().st_mtime_ns - 10**9,) * 2)
    with Genome.open(path) as genome:
        assert genome.names == ["other"] and genome.letters("other", 0, 3).tobytes() == b"GGG"


@pytest.mark.parametrize("foreign", ["chr7\t90000\t6\t60\t61\n", "no index at all\n", "chr1\t12\t3\t5\t6\n"])
def test_an_index_that_does_not_fit_is_made_anew(fasta, foreign):
    path = fasta()
    path.with_name("genome.fa.fai").write_text(foreign)
    with Genome.open(path) as genome:
        assert genome.names == ["chr1", "chr2"] and genome.letters("chr2", 0, 5).tobytes() == b"TTTTT"


def test_in_a_read_only_folder_the_index_goes_to_the_cache(fasta, tmp_path, monkeypatch):
    path = fasta()
    monkeypatch.setattr(module.os, "access", lambda folder, mode: folder != path.parent)
    with Genome.open(path) as first, Genome.open(path) as second:
        assert str(tmp_path / "cache") in first.prepared[0] and second.prepared == []
        assert decode(second.tokens("chr1", 0, 4)) == "ACGT"
    assert [p.name for p in path.parent.iterdir()] == ["genome.fa"]


def test_other_names_are_resolved_and_noted(fasta):
    with Genome.open(fasta()) as genome:
        assert (genome.resolve("NC_000001.11"), genome.resolve("2"), genome.resolve("chr3")) == ("chr1", "chr2", None)
        assert genome.renamed == {"NC_000001.11": "chr1", "2": "chr2"}


@pytest.mark.parametrize(
    ("place", "what"),
    [(("chr3", 0, 1), "no such chromosome"), (("chr1", -1, 3), "outside the chromosome"), (("1", 0, 13), "outside")],
)
def test_places_that_are_not_in_the_genome(fasta, place, what):
    with Genome.open(fasta()) as genome, pytest.raises(GenomeError, match=what):
        genome.tokens(*place)


CUT = gzip.compress(os.urandom(4000))[:900]


@pytest.mark.parametrize(
    ("content", "name", "message"),
    [
        ("", "g.fa", "the file is empty"),
        ("chr1\t5\t9\n", "g.fa", "not a genome.*FASTA"),
        (">chr1\nAC\n>chr1\nGG\n", "g.fa", r"Duplicate key.*chr1[\s\S]*unique"),
        (">chr1\nAC\nACGTA\nAC\n", "g.fa", r"Line length[\s\S]*equally long"),
        (gzip.compress(TEXT.encode() * 900)[:-30], "g.fa.gz", "cannot unpack|cut short"),
        (CUT, "g.fa.gz", "not a text file|cut short|damaged|cannot unpack"),
        (b"PK\x03\x04rest", "g.fa", "zip archive"),
        (b"\xff\xfe>\0c\0", "g.fa", "UTF-16"),
        (">chr1\nMKLVEF\n", "g.fa", "the genome is not DNA.*MKLVEF"),
        (">chr1\n", "g.fa", "no sequence|cannot index"),
    ],
)
def test_what_is_no_genome_is_refused_and_leaves_nothing(fasta, tmp_path, content, name, message):
    path = fasta(content, name)
    with pytest.raises(GenomeError, match=message):
        Genome.open(path)
    left = [p for p in tmp_path.rglob("*") if p.is_file()]
    assert left == [path]


def test_protein_is_refused_when_it_is_read(fasta):
    with Genome.open(fasta(">p\nACGT\nMKLV\n")) as genome, pytest.raises(GenomeError, match="not DNA"):
        genome.tokens("p", 2, 8)


def test_a_missing_file_and_a_folder(tmp_path):
    with pytest.raises(GenomeError, match="no such file"):
        Genome.open(tmp_path / "none.fa")
    with pytest.raises(GenomeError, match="is a folder"):
        Genome.open(tmp_path)

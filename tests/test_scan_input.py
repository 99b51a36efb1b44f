"""Genomes and regions as a scan is given them: index, gzip, standard input, BED."""

import gzip
import hashlib
import io

import pytest

from mlx_gsa.errors import GenomeError, RegionError
from mlx_gsa.genomes.scan_input import genome_identity, open_genome, read_regions


def identity(name):
    with open_genome(str(name)) as genome:
        return genome_identity(genome)


def test_index_gzip_and_standard_input_are_the_same_genome(mock_genome, tmp_path, monkeypatch):
    expected = {
        "sha256": hashlib.sha256(mock_genome.read_bytes()).hexdigest(), "sequences": 8, "bp": 6 * 6000 + 4000 + 600,
    }  # fmt: skip
    packed = tmp_path / "packed.fa.gz"
    packed.write_bytes(gzip.compress(mock_genome.read_bytes()))
    assert identity(mock_genome) == expected
    assert identity(f"{mock_genome}.fai") == expected  # made a line above
    assert identity(packed) == expected
    for content in (mock_genome.read_bytes(), packed.read_bytes()):
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(content)))
        assert identity("-") == expected


def test_nothing_of_standard_input_stays(mock_genome, tmp_path, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(mock_genome.read_bytes())))
    with open_genome("-") as genome:
        assert genome.plain.is_file() and genome.prepared == []
        assert genome.tokens("chr2", 10, 20).size == 10
    assert not genome.plain.exists() and list((tmp_path / "cache").iterdir()) == []


def test_an_index_without_its_fasta_is_named(tmp_path):
    (tmp_path / "g.fa.fai").write_text("chr1\t5\t6\t5\t6\n")
    with pytest.raises(GenomeError, match=r"no FASTA beside the index \(.*g.fa.fai\): expected .*g.fa"):
        identity(tmp_path / "g.fa.fai")


def test_a_missing_empty_or_doubled_genome_is_one_clear_error(tmp_path, monkeypatch):
    monkeypatch.setenv("GSA_CACHE", str(tmp_path / "cache"))
    with pytest.raises(GenomeError, match="no such file"):
        identity(tmp_path / "none.fa")
    (tmp_path / "empty.fa").write_text("")
    with pytest.raises(GenomeError, match="the file is empty"):
        identity(tmp_path / "empty.fa")
    (tmp_path / "two.fa").write_text(">a\nACGT\n>a\nACGT\n")
    with pytest.raises(GenomeError, match="Names must be unique"):
        identity(tmp_path / "two.fa")
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"")))
    with pytest.raises(GenomeError, match=r"the file is empty \(standard input\)"):
        identity("-")


def test_regions_are_merged_and_counted(mock_genome, tmp_path):
    bed = tmp_path / "r.bed"
    bed.write_text("1\t100\t300\nchr1\t200\t400\tname\t0\t-\nchrX\t0\t50\n")
    with open_genome(str(mock_genome)) as genome:
        wanted, facts = read_regions(genome, bed)
        assert {name: pairs.tolist() for name, pairs in wanted.items()} == {"chr1": [[100, 400]], "chrX": [[0, 50]]}
        assert facts == {"file": str(bed), "lines": 3, "merged": 2, "bp": 350}
        assert genome.renamed == {"1": "chr1"}
        bed.write_text("chr1\t1\t2\nchr77\t100\t300\n")
        with pytest.raises(RegionError, match=r"no such chromosome \(.*r.bed, line 2\)"):
            read_regions(genome, bed)

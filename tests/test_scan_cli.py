"""`gsa scan`: killed and run again, piped, on a real genome, and wrong usage."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyBigWig
import pytest
from scan_toys import letters, write_genome

from mlx_gsa.assets import asset_path
from mlx_gsa.dna.bed import read_bed
from mlx_gsa.dna.genome import Genome
from mlx_gsa.inference.predictor import Predictor

CHILD = Path(__file__).with_name("scan_child.py")
FILES = ("strength.bw", "relevance.bw", "peaks.narrowPeak")


@pytest.fixture
def genome(tmp_path):
    """About 100 kb in three sequences, with a gap."""
    texts = {"chr1": letters(42_000, 1) + "N" * 6000 + letters(9000, 2), "chr2": letters(38_000, 3), "short": "ACGTA"}
    return write_genome(tmp_path / "g.fa", texts)


@pytest.fixture
def child(tmp_path):
    """Run `gsa scan GENOME --relevance --out OUT` in a process that dies at a place."""

    def run(place, number, *arguments):
        command = [sys.executable, str(CHILD), place, str(number), "scan", *map(str, arguments)]
        environment = {**os.environ, "COLUMNS": "200", "OPENBLAS_NUM_THREADS": "1"}
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, env=environment)

    return run


@pytest.mark.slow
def test_a_killed_scan_goes_on_to_the_same_bytes(child, genome, tmp_path):
    assert child("never", 0, genome, "--relevance", "--out", "whole", "--workers", 1).returncode == 0
    places = [("after-chunk", 2), ("before-rename", 2), ("in-bigwig", 2), ("before-manifest", 1)]
    for place, number in places:
        killed = child(place, number, genome, "--relevance", "--out", "s", "--workers", 1)
        assert killed.returncode == -9, killed.stderr
        assert not (tmp_path / "s/scan.json").exists()
    last = child("before-cleaning", 1, genome, "--relevance", "--out", "s", "--workers", 1)
    assert last.returncode == -9 and "chunks" in os.listdir(tmp_path / "s")
    made = json.loads((tmp_path / "s/scan.json").read_text())
    assert made["chunks_found"] == made["chunks"] > 4  # all by those that were killed
    again = child("never", 0, genome, "--relevance", "--out", "s", "--workers", 1)
    assert again.returncode == 0 and "finished already" in again.stdout
    assert sorted(os.listdir(tmp_path / "s")) == sorted([*FILES, "scan.json"])
    for name in FILES:
        assert (tmp_path / "s" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


def launch(n, *arguments, cwd):
    """Start `gsa scan` in n processes of this machine, as `mlx.launch` does."""
    code = "from mlx._distributed_utils.launch import main; main()"
    child = [sys.executable, str(CHILD), *map(str, arguments)]
    command = [sys.executable, "-c", code, "-n", str(n), "--backend", "ring", "--", *child]
    environment = {**os.environ, "COLUMNS": "200", "OPENBLAS_NUM_THREADS": "1", "MPLBACKEND": "Agg"}
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, env=environment, timeout=100)


@pytest.mark.slow
def test_two_processes_share_a_scan(child, genome, tmp_path):
    options = ("--relevance", "--workers", 1)
    assert child("never", 0, genome, *options, "--out", "one").returncode == 0
    two = launch(2, "never", 0, "scan", genome, *options, "--out", "two", cwd=tmp_path)
    assert two.stdout.count("2 ranks of 1 worker") == 1, two.stdout + two.stderr
    for name in FILES:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_other_settings_do_not_go_on(gsa, genome):
    assert gsa("scan", genome, "--out", "s", "--workers", 1).exit_code == 0
    before = {path.name: path.read_bytes() for path in Path("s").iterdir()}
    other = gsa("scan", genome, "--out", "s", "--stride", 250, "--workers", 1)
    assert other.exit_code == 1 and "settings.stride = 500" in other.output and "--overwrite" in other.output
    assert {path.name: path.read_bytes() for path in Path("s").iterdir()} == before
    replaced = gsa("scan", genome, "--out", "s", "--stride", 250, "--workers", 1, "--overwrite")
    assert replaced.exit_code == 0
    assert json.loads(Path("s/scan.json").read_text())["identity"]["settings"]["stride"] == 250


def test_after_ctrl_c_it_goes_on(gsa, genome, monkeypatch):
    from mlx_gsa.genomes import scan_output

    def pressed(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(scan_output, "_manifest", pressed)
        stopped = gsa("scan", genome, "--workers", 1)
    assert stopped.exit_code == 130 and "the same command goes on" in stopped.output
    assert not Path("scans/g/scan.json").exists()
    assert gsa("scan", genome, "--workers", 1).exit_code == 0
    made = json.loads(Path("scans/g/scan.json").read_text())
    assert made["chunks_found"] == made["chunks"]


def test_what_is_shown_and_noted(gsa, genome):
    Path("r.bed").write_text("1\t0\t5000\nchr1\t4000\t57000\n")
    done = gsa("scan", genome, "--regions", "r.bed", "--top", 3, "--workers", 1)
    assert done.exit_code == 0, done.output
    for words in ("small model that ships", "1 is chr1", "2 lines, 1 after merging", "skipped, N", "Mbp/s"):
        assert words in done.output
    made = json.loads(Path("scans/g/scan.json").read_text())
    assert made["command"] == f"gsa scan {genome} --regions r.bed --top 3 --workers 1"
    assert made["result"]["peaks"] == 3 and made["shipped_model"]


def test_a_pipe_takes_fasta_and_gives_bedgraph(genome, tmp_path):
    command = [sys.executable, "-m", "mlx_gsa", "scan", "-", "--out", "-", "--workers", "1"]
    settings = {"cwd": tmp_path, "env": {**os.environ, "GSA_CACHE": str(tmp_path / "cache")}}
    done = subprocess.run(command, input=genome.read_text(), capture_output=True, text=True, **settings)
    assert done.returncode == 0, done.stderr
    rows = [line.split("\t") for line in done.stdout.splitlines()]
    assert {len(row) for row in rows} == {4} and {row[0] for row in rows} == {"chr1", "chr2"}
    covered = sum(int(row[2]) - int(row[1]) for row in rows)
    assert 87_000 < covered < 95_000
    assert "small model that ships" in done.stderr
    assert sorted(os.listdir(tmp_path)) == ["cache", "g.fa"] and os.listdir(tmp_path / "cache") == []


def test_wrong_usage_is_said(gsa, genome, tmp_path):
    assert "cannot both" in gsa("scan", "-", "--regions", "-").output
    assert "strength only" in gsa("scan", genome, "--out", "-", "--relevance").output
    missing = gsa("scan", "nothing.fa")
    assert missing.exit_code == 1 and "no such file" in missing.output
    assert "leave bases out" in gsa("scan", genome, "--tile", 100).output
    Path("bad.bed").write_text("chr9\t0\t10\n")
    unknown = gsa("scan", genome, "--regions", "bad.bed")
    assert unknown.exit_code == 1 and "no such chromosome" in unknown.output and "bad.bed, line 1" in unknown.output
    assert not Path("scans").exists()
    helped = gsa("scan", "--help").output
    assert "gsa scan hg38.fa.gz" in helped and "--relevance" in helped


@pytest.fixture(scope="module")
def yeast(shared_data, tmp_path_factory):
    """The yeast genome, unpacked into a folder of its own."""
    cache = tmp_path_factory.mktemp("cache")
    with Genome.open(shared_data / "yeast_promoter_expression/S288C_R64-2-1.fa.gz", cache) as opened:
        yield opened


def check_against_predictions(folder, genome, chroms, n, seed=0):
    """Hold the track, read by another library, against predictions of single tiles and peaks against the track."""
    rng, places = np.random.default_rng(seed), []
    for chrom in chroms:
        last = (genome.lengths[chrom] - 2000) // 500
        places += [(chrom, 500 * int(i)) for i in [0, last, *rng.integers(0, last, n)]]
    tiles = [genome.tokens(chrom, start, start + 2000) for chrom, start in places]
    expected = [found.prediction[0] for found in Predictor.from_folder(asset_path("model")).predict(tiles)]
    with pyBigWig.open(str(folder / "strength.bw")) as track:
        assert track.chroms() == {chrom: genome.lengths[chrom] for chrom in track.chroms()}
        found = [track.values(chrom, start + 999, start + 1001) for chrom, start in places]
        np.testing.assert_allclose(found, np.stack([expected, expected], axis=1), atol=2e-5)
        for peak in read_bed(folder / "peaks.narrowPeak"):
            region = peak.region
            assert track.stats(region.chrom, region.start, region.end, type="max", exact=True)[0] >= peak.signal - 1e-5


def test_two_chromosomes_of_yeast(gsa, yeast, tmp_path):
    chroms = sorted(yeast.names, key=yeast.lengths.get)[:2]
    Path("r.bed").write_text("".join(f"{chrom}\t0\t{yeast.lengths[chrom]}\n" for chrom in chroms))
    done = gsa("scan", yeast.plain, "--regions", "r.bed", "--out", "s", "--relevance", "--workers", 1)
    assert done.exit_code == 0, done.output
    check_against_predictions(tmp_path / "s", yeast, chroms, n=20)
    with pyBigWig.open(str(tmp_path / "s/relevance.bw")) as track:
        assert track.header()["nBasesCovered"] == sum(yeast.lengths[chrom] for chrom in chroms)
        found = track.values(chroms[0], 10_000, 10_500)
    tiles = [yeast.tokens(chroms[0], start, start + 2000) for start in (8500, 9000, 9500, 10_000)]
    parts = [one.relevance for one in Predictor.from_folder(asset_path("model")).predict(tiles)]
    expected = np.mean([part[at : at + 500] for part, at in zip(parts, (1500, 1000, 500, 0), strict=True)], axis=0)
    np.testing.assert_allclose(found, expected, atol=2e-5)


@pytest.mark.slow
def test_the_whole_genome_of_yeast_by_two_workers(gsa, yeast, tmp_path):
    done = gsa("scan", yeast.plain, "--out", "s", "--workers", 2)
    assert done.exit_code == 0, done.output
    check_against_predictions(tmp_path / "s", yeast, yeast.names, n=5)
    made = json.loads((tmp_path / "s/scan.json").read_text())
    assert made["result"]["bp_scored"] == made["identity"]["genome"]["bp"] == sum(yeast.lengths.values())
    one = gsa("scan", yeast.plain, "--out", "-", "--workers", 1, "--quiet")
    assert one.exit_code == 0
    with pyBigWig.open(str(tmp_path / "s/strength.bw")) as track:
        rows = [(c, start, end, value) for c in sorted(track.chroms()) for start, end, value in track.intervals(c)]
    lines = [line.split("\t") for line in one.stdout.splitlines()]
    assert [(line[0], int(line[1]), int(line[2])) for line in lines] == [row[:3] for row in rows]
    np.testing.assert_allclose([float(line[3]) for line in lines], [row[3] for row in rows], rtol=1e-6)

"""`gsa variants` with the model that ships: a GC box broken in a genome, pipes, options and errors."""

import gzip
import json
import shutil
import subprocess
import sys

import numpy as np
import pytest
from toys import toy_config, toy_dataset
from variant_toys import vcf

from mlx_gsa.training.run import finish_run, start_run

BOX = "AGGGGGCGGGGCTG"  # the model that ships learned GC boxes as activating
OPTIONS = ("--motifs", "promoter_elements", "--window", 400)


def error(result):
    """The panel as one line of words."""
    assert result.exit_code == 1 and "Traceback" not in result.output
    return " ".join(result.stderr.replace("│", " ").split())


@pytest.fixture
def genome(tmp_path, monkeypatch):
    monkeypatch.setenv("GSA_CACHE", str(tmp_path / "cache"))
    letters = np.array(list("ACGT"))[np.random.default_rng(3).integers(0, 4, 3000)]
    letters[1500 : 1500 + len(BOX)] = list(BOX)
    (tmp_path / "toy.fa").write_text(f">chrI\n{''.join(letters)}\n>chrII\n{'ACGT' * 10}\n")
    return tmp_path / "toy.fa"


@pytest.fixture
def calls(tmp_path):
    return vcf(tmp_path / "calls.vcf", ("1", 1505, "G", "T"), ("1", 1506, "GC", "G"), ("chrII", 1, "A", "C"),
               ("chrII", 1, "G", "C"))  # fmt: skip


def test_a_broken_gc_box_lowers_the_score_and_is_named(gsa, calls, genome, tmp_path):
    done = gsa("variants", calls, "--genome", genome, *OPTIONS)
    assert done.exit_code == 0, done.output
    lines = (tmp_path / "variants/calls/variants.tsv").read_text().splitlines()
    head, snv, deletion, end, wrong = (line.split("\t") for line in lines)
    row = dict(zip(head, snv, strict=True))
    assert float(row["difference"]) < -0.1 and "GC-box" in row["motif_broken"].split("/")[0]
    assert row["motif_broken"].endswith("/kept")
    assert float(dict(zip(head, deletion, strict=True))["difference"]) < -0.1
    assert end[6] == "." and wrong[6] == "ref_mismatch"
    assert "1 of 4 sites: chrII:1 G is A" in done.output and "model that ships" in done.output
    manifest = json.loads((tmp_path / "variants/calls/manifest.json").read_text())
    assert manifest["shipped_model"] is True and manifest["window"] == 400 and manifest["renamed"] == {"1": "chrI"}
    assert manifest["command"].startswith("gsa variants ") and "--window 400" in manifest["command"]


def test_the_reverse_makes_the_box(gsa, genome, tmp_path):
    text = genome.read_text().replace(BOX, BOX[:4] + "T" + BOX[5:])
    genome.write_text(text)
    calls = vcf(tmp_path / "calls.vcf", ("chrI", 1505, "T", "G"))
    assert gsa("variants", calls, "--genome", genome, *OPTIONS, "--out", "o.vcf").exit_code == 0
    head, row = (line.split("\t") for line in (tmp_path / "o.tsv").read_text().splitlines())
    row = dict(zip(head, row, strict=True))
    assert float(row["difference"]) > 0.1 and "GC-box" in row["motif_made"] and row["motif_broken"] == "."


def test_standard_input_and_output_are_pipes_and_the_rest_goes_to_stderr(genome, calls, tmp_path):
    options = [str(one) for one in OPTIONS]
    command = [sys.executable, "-m", "mlx_gsa", "variants", "-", "--genome", str(genome), *options, "--out", "-"]
    done = subprocess.run(command, input=gzip.compress(calls.read_bytes()), capture_output=True, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.decode().splitlines()
    assert lines[0].startswith("##fileformat=VCF") and len([one for one in lines if one[0] != "#"]) == 4
    assert b"scored alleles" in done.stderr and not (tmp_path / "variants").exists()


def test_batches_and_packing_do_not_change_results(gsa, genome, calls, tmp_path):
    for name, size in (("a.vcf", 1), ("b.vcf.gz", 7)):
        done = gsa("variants", calls, "--genome", genome, *OPTIONS, "--batch-size", size, "--out", name)
        assert done.exit_code == 0
    rows = [[line.split("\t") for line in (tmp_path / name).read_text().splitlines()] for name in ("a.tsv", "b.tsv")]
    for one, other in zip(*rows, strict=True):
        assert one[:7] == other[:7] and one[11:] == other[11:]
        if one[0] != "chrom" and one[6] == ".":
            assert [*map(float, one[7:11])] == pytest.approx([*map(float, other[7:11])], abs=1e-5)


@pytest.mark.parametrize(
    "options, words",
    [
        (("--output", "hk"), ("no such output", "single output", "hk")),
        (("--motifs", "fishes"), ("no such motif file or set", "fishes")),
        (("--run", "nowhere"), ("not a run", "nowhere")),
    ],
)
def test_options_that_do_not_fit_are_errors(gsa, genome, calls, options, words):
    text = error(gsa("variants", calls, "--genome", genome, *options))
    assert all(word in text for word in words)


def test_another_assembly_and_a_bad_line_are_one_panel(gsa, genome, tmp_path):
    wrong = vcf(tmp_path / "wrong.vcf", ("chrII", 1, "G", "C"))
    assert "not those of the genome" in error(gsa("variants", wrong, "--genome", genome, *OPTIONS))
    bad = vcf(tmp_path / "bad.vcf", ("chrII", 1, "A", "C"), ("chrII", "x", "A", "C"))
    assert "line 4" in error(gsa("variants", bad, "--genome", genome, *OPTIONS))
    assert not (tmp_path / "variants").exists()


@pytest.mark.parametrize("task, columns", [("binary", 1), ("multiclass", 3)])
def test_a_run_of_ones_own_says_how_long_windows_are_and_what_is_scored(gsa, genome, calls, tmp_path, task, columns):
    dataset = toy_dataset(tmp_path / "data", n=40, task=task)
    trainer, _ = start_run(toy_config(dataset.path, training__epochs=1), tmp_path / "run")
    finish_run(trainer, trainer.run())
    options = ["--output", "on", "--motifs", "none"] if columns > 1 else []
    done = gsa("variants", calls, "--genome", genome, "--run", "run", *options)
    assert done.exit_code == 0, done.output
    manifest = json.loads((tmp_path / "variants/calls/manifest.json").read_text())
    assert manifest["window"] == 100, "records of 60 to 120 bp, and never less than 100"
    assert manifest["trained_on"] == dataset.data_hash and manifest["motifs"] == ("none" if options else "vertebrates")
    assert ("those of vertebrates are taken" in done.stderr) is not bool(options)
    text = "Predicted probability of on" if columns > 1 else "Predicted probability"
    assert f'"{text} with the reference allele"' in (tmp_path / "variants/calls/variants.vcf").read_text()
    head = (tmp_path / "variants/calls/variants.tsv").read_text().splitlines()[0].split("\t")
    assert sum(name.startswith("score_ref") for name in head) == columns
    shutil.rmtree(tmp_path / "data")
    again = gsa("variants", calls, "--genome", genome, "--run", "run", *options[:2], "--motifs", "none")
    assert again.exit_code == 0 and "data set of the run is not there" in again.stderr


def test_usage(gsa, calls, genome):
    assert gsa("variants", calls).exit_code == 2
    assert gsa("variants", calls, "--genome", genome, "--window", 3).exit_code == 2
    assert gsa("variants", calls, "--genome", "missing.fa").exit_code == 2

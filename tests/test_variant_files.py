"""What is written: a VCF that is the old one plus INFO, a table, a manifest; whole or not at all."""

import gzip
import io
import json

import pytest
from Bio import bgzf
from motif_toys import AP1
from toys import random_tokens
from variant_toys import HEAD, Selecting, TextGenome, vcf

from mlx_gsa.dna.alphabet import decode, encode
from mlx_gsa.errors import VariantError
from mlx_gsa.genomes.variant_files import is_vcf_name, output_paths, score_names, score_text, write_variants
from mlx_gsa.genomes.variant_motifs import VariantMotifs
from mlx_gsa.genomes.variants import VariantScorer
from mlx_gsa.genomes.vcf import open_vcf


@pytest.fixture(scope="module")
def text():
    tokens = random_tokens([400], 4)[0]
    tokens[200:210] = encode("TTGACTCATC")[0]
    return decode(tokens)


@pytest.fixture
def annotate(text):
    def run(calls, out, packed=False, overwrite=False, **settings):
        scorer = VariantScorer(Selecting([AP1]), TextGenome(chr1=text), 100, VariantMotifs([AP1], 1e-5))
        with open_vcf(calls) as (header, sites), output_paths(out, packed=packed, overwrite=overwrite) as paths:
            return write_variants(scorer, header, sites, paths, packed=packed, **settings)

    return run


@pytest.fixture
def calls(tmp_path):
    rows = [("chr1", 205, "C", "T,*"), ("chr1", 204, "AC", "A"), ("chr9", 5, "A", "C"), ("chr1", 205, "C", "<DEL>")]
    return vcf(tmp_path / "calls.vcf", *rows)


def test_a_folder_with_the_old_lines_in_their_order(annotate, calls, tmp_path):
    tally = annotate(calls, tmp_path / "out", source={"command": "gsa variants calls.vcf", "trained_on": "abc"})
    old, new = (path.read_text().splitlines() for path in (calls, tmp_path / "out/variants.vcf"))
    old, new = ([line for line in lines if not line.startswith("##")] for lines in (old, new))
    assert old[0] == new[0] and len(old) == len(new) == 5
    for before, after in zip(old[1:], new[1:], strict=True):
        assert after.startswith(before)
    assert "DP=0;GSA_REF=" in new[1] and ";GSA_DIFF=-4.6" in new[1] and "GSA_SKIP=.,spanning_deletion" in new[1]
    assert f"GSA_MOTIF_BROKEN={AP1.name}/{AP1.id}/-4.7/kept,." in new[1]
    assert new[3].endswith("DP=2;GSA_SKIP=no_chromosome") and new[4].endswith("DP=3;GSA_SKIP=symbolic")
    rows = [line.split("\t") for line in (tmp_path / "out/variants.tsv").read_text().splitlines()]
    assert len(rows) == 6 and len({len(row) for row in rows}) == 1
    manifest = json.loads((tmp_path / "out/manifest.json").read_text())
    assert manifest["format"] == "mlx_gsa.variants" and manifest["command"] == "gsa variants calls.vcf"
    assert manifest["summary"] == json.loads(json.dumps(tally.to_dict())) and manifest["trained_on"] == "abc"
    assert {"versions", "machine", "seed", "window"} <= set(manifest)
    assert manifest["unknown_chromosomes"] == {"chr9": 1}


def test_a_name_of_a_vcf_has_table_and_counts_beside_it_and_is_bgzip(annotate, calls, tmp_path):
    annotate(calls, tmp_path / "new/a.vcf.gz", packed=True)
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == ["a.json", "a.tsv", "a.vcf.gz"]
    with bgzf.BgzfReader(str(tmp_path / "new/a.vcf.gz"), "rb") as blocks:
        assert gzip.decompress((tmp_path / "new/a.vcf.gz").read_bytes()).startswith(blocks.readline())
    with pytest.raises(VariantError, match="will not overwrite"):
        annotate(calls, tmp_path / "new/a.vcf.gz", packed=True)
    annotate(calls, tmp_path / "new/a.vcf.gz", packed=True, overwrite=True)


def test_annotating_again_changes_nothing(annotate, calls, tmp_path):
    annotate(calls, tmp_path / "one.vcf")
    annotate(tmp_path / "one.vcf", tmp_path / "two.vcf")
    assert (tmp_path / "one.vcf").read_text() == (tmp_path / "two.vcf").read_text()


def test_bytes_that_are_no_text_go_through(annotate, tmp_path):
    (tmp_path / "a.vcf").write_bytes(HEAD.encode() + b"chr1\t205\t\xff\xe9\tC\tG\t.\t.\t.\n")
    stream = io.BytesIO()
    annotate(tmp_path / "a.vcf", stream)
    assert b"\nchr1\t205\t\xff\xe9\tC\tG\t.\t.\tGSA_REF=" in stream.getvalue()


def test_a_file_without_variants_keeps_its_header(annotate, tmp_path):
    stream = io.BytesIO()
    tally = annotate(vcf(tmp_path / "a.vcf"), stream)
    assert tally.sites == 0 and stream.getvalue().decode().splitlines()[-1] == HEAD.splitlines()[-1]


def test_a_bad_line_leaves_nothing_behind(annotate, calls, tmp_path):
    with calls.open("a") as file:
        file.write("chr1\tx\t.\tA\tC\t.\t.\t.\n")
    for out in (tmp_path / "out", tmp_path / "deep/er/out.vcf"):
        with pytest.raises(VariantError, match="not a position") as error:
            annotate(calls, out)
        assert error.value.where.endswith("line 7")
    assert [path.name for path in tmp_path.iterdir()] == ["calls.vcf"]


def test_another_genome_leaves_a_pipe_empty(annotate, tmp_path, text):
    rows = [("chr1", i + 1, "A" if text[i] != "A" else "C", "G") for i in range(200)]
    stream = io.BytesIO()
    with pytest.raises(VariantError, match="not those of the genome"):
        annotate(vcf(tmp_path / "a.vcf", *rows), stream)
    assert stream.getvalue() == b""


def test_a_folder_of_something_else_is_left_alone(annotate, calls, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/notes.txt").write_text("x")
    with pytest.raises(VariantError, match="will not overwrite"):
        annotate(calls, tmp_path / "mine")
    annotate(calls, tmp_path / "out")
    annotate(calls, tmp_path / "out")
    assert (tmp_path / "mine/notes.txt").read_text() == "x"


@pytest.mark.parametrize("name, expected", [("a.vcf", True), ("a.VCF.GZ", True), ("a.vcf.d", False), ("out", False)])
def test_names_of_vcf_files(name, expected):
    assert is_vcf_name(name) is expected


def test_how_scores_are_called():
    predictor = Selecting([AP1])
    assert score_names(predictor) is None
    assert score_text("regression", None, 0) == "Predicted value in label units"
    predictor.outputs = ["dev", "hk"]
    assert score_names(predictor) == ["dev", "hk"]
    predictor.task, predictor.classes = "multiclass", ["off", "on"]
    assert score_text("multiclass", score_names(predictor), 1) == "Predicted probability of on"

"""EPDnew: its lists, the headers of its own FASTA, and windows from a genome of the list that was downloaded."""

import pytest
from file_server import running

from mlx_gsa.data.dataset import Dataset
from mlx_gsa.data.epd import LISTS, gene_of, promoter_list, promoter_name
from mlx_gsa.dna.alphabet import decode
from mlx_gsa.errors import ConfigError

LETTERS = "ACGTTGCAAC"


def test_the_default_list_is_the_newest():
    human = promoter_list("H_sapiens")
    assert human.remote.url == "https://epd.expasy.org/ftp/epdnew/H_sapiens/006/Hs_EPDnew_006_hg38.bed"
    assert human.remote.name == "epdnew/H_sapiens/006/Hs_EPDnew_006_hg38.bed"
    assert promoter_list("H_sapiens", assembly="hg19").remote.url.endswith("006/Hs_EPDnew_006_hg19.bed")
    assert promoter_list("M_musculus", "002").assembly == "mm9"
    assert promoter_list("A_thaliana").remote.url.endswith("A_thaliana/current/At_EPDnew.bed")


def test_every_list_has_an_address_of_its_own():
    assert len({each.remote.url for each in LISTS}) == len(LISTS)
    assert all(each.verified for each in LISTS if each.release != "current")


def test_unknown_lists_name_the_known_ones():
    with pytest.raises(ConfigError, match="Did you mean H_sapiens"):
        promoter_list("H_sapien")
    with pytest.raises(ConfigError, match="release 003 on mm10, release 002 on mm9"):
        promoter_list("M_musculus", "009")


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ("FP000001 NOC2L_1 :+U EU:NC; range -499 to 100.", "NOC2L_1"),
        ("FP001162 HLA-DRB1_12 :+S EU:NC; range -249 to 50.", "HLA-DRB1_12"),
        ("NOC2L_1|NC_000001 958757..959356 1-", "NOC2L_1"),
        ("chr1:100-200", None),
        ("FP000001 NOC2L_1", None),
    ],
)
def test_headers_of_epds_own_fasta(header, name):
    assert promoter_name(header) == name


def test_the_gene_is_the_name_without_its_number():
    assert [gene_of(name) for name in ("NOC2L_1", "l(2)gl_12", "AT1G01010")] == ["NOC2L", "l(2)gl", "AT1G01010"]


@pytest.fixture
def genome(tmp_path):
    path = tmp_path / "genome.fa"
    chromosomes = {f"chr{n}": LETTERS * 40 for n in range(1, 7)}
    path.write_text("".join(f">{name}\n{letters}\n" for name, letters in chromosomes.items()))
    return path


def epd_bed():
    """Two promoters a chromosome in EPD's form: -49..+10 of the TSS, thick from it; columns parted by spaces."""
    lines = []
    for n in range(1, 7):
        lines.append(f"chr{n} {100 - 49 + n} {100 + 11 + n} G{n}_1 900 + {100 + n} {111 + n}")
        lines.append(f"chr{n} {300 - 10 + n} {300 + 50 + n} G{n}_2 900 - {290 + n} {301 + n}")
    return "\n".join(lines).encode() + b"\n"


@pytest.fixture
def mirror(monkeypatch, tmp_path):
    monkeypatch.setenv("GSA_CACHE", str(tmp_path / "cache"))
    with running() as server:
        monkeypatch.setenv("GSA_MIRRORS", f"https://epd.expasy.org/ftp/epdnew/={server.url}/")
        yield server


def test_windows_come_from_the_list_that_was_downloaded(gsa, genome, mirror):
    mirror.serve("/S_cerevisiae/002/Sc_EPDnew_002_sacCer3.bed", {"body": epd_bed()})
    done = gsa(
        *("prepare", "epd", "--organism", "S_cerevisiae", "--genome", genome, "--upstream", 30, "--downstream", 10),
        *("--negatives", "segment-swap", "--out", "out"),
    )
    assert done.exit_code == 0, done.output
    dataset = Dataset.open("out")
    records = dataset.records
    plus, minus = records.id.tolist().index("G2_1"), records.id.tolist().index("G2_2")
    assert (records.start[plus], records.end[plus], records.strand[plus]) == (72, 112, "+")
    assert (records.start[minus], records.end[minus], records.strand[minus]) == (293, 333, "-")
    assert decode(dataset.sequence(plus)) == (LETTERS * 40)[72:112]
    origin = dataset.manifest.source["origin"]
    assert (
        origin["release"] == "002"
        and origin["url"].startswith("https://epd.expasy.org")
        and len(origin["sha256"]) == 64
    )
    assert records.label.sum() == 12


def test_a_second_run_does_not_ask_the_server(gsa, genome, mirror):
    mirror.serve("/C_elegans/001/Ce_EPDnew_001_ce6.bed", {"body": epd_bed()})
    run = (
        "prepare",
        "epd",
        "--organism",
        "C_elegans",
        "--genome",
        genome,
        "--upstream",
        30,
        "--negatives",
        "segment-swap",
    )
    assert gsa(*run, "--out", "one").exit_code == 0
    assert gsa(*run, "--offline", "--out", "two").exit_code == 0
    assert len(mirror.asked) == 1


def test_offline_names_the_file_to_put(gsa, genome, mirror):
    done = gsa("prepare", "epd", "--organism", "H_sapiens", "--genome", genome, "--offline", "--negatives", "flank")
    assert done.exit_code == 1
    assert "Hs_EPDnew_006_hg38.bed" in done.output and "--offline" in done.output
    assert not mirror.asked


def test_epds_own_fasta_makes_positives_whose_groups_are_genes(gsa, tmp_path):
    letters = [
        "ACGTTGCATTAACGGATCCATATAAAGGCGTACCGATTAGCACCATGCAATGCGATTACGT"[i:] + "ACGTTAGC" * (i % 5 + 1)
        for i in range(30)
    ]
    path = tmp_path / "epd.fa"
    path.write_text(
        "".join(f">FP{i:06} G{i // 2}_{i % 2 + 1} :+U EU:NC; range -49 to 10.\n{x}\n" for i, x in enumerate(letters))
    )
    done = gsa("prepare", "epd", "--fasta", path, "--negatives", "dinucleotide-shuffle", "--out", "out")
    assert done.exit_code == 0, done.output
    records = Dataset.open("out").records
    assert len(records.id) == 60 and records.label.sum() == 30
    split_of = {}
    for group, split in zip(records.group, records.split, strict=True):
        split_of.setdefault(group, set()).add(split)
    assert all(len(splits) == 1 for splits in split_of.values())
    assert set(records.group) == {f"G{i}" for i in range(15)}


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        ((), "--organism and --genome, or --fasta"),
        (("--organism", "H_sapiens", "--negatives", "flank"), "--genome"),
        (("--fasta", "a.fa"), "give --negatives dinucleotide-shuffle or segment-swap"),
        (("--fasta", "a.fa", "--negatives", "flank"), "flank needs a genome"),
        (("--fasta", "a.fa", "--negatives", "segment-swap", "--upstream", "10"), "--upstream does not go with --fasta"),
        (("--fasta", "a.fa", "--negatives", "segment-swap", "--genome", "g.fa"), "--genome does not go with --fasta"),
    ],
)
def test_wrong_usage(gsa, arguments, word):
    done = gsa("prepare", "epd", *arguments)
    assert done.exit_code == 2 and word in done.output

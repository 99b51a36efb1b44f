"""`gsa prepare regions`: what becomes of each line of a BED file."""

import gzip
import math
from pathlib import Path

import numpy as np
import pytest

from mlx_gsa.data.choose import BELOW_TOP, COPY, EXCLUDED, OVERLAP, PAST_EDGE, UNKNOWN_CHROM
from mlx_gsa.data.dataset import Dataset
from mlx_gsa.data.region_reader import (
    NO_NUMBER,
    NO_SUMMIT_KNOWN,
    NOT_ABOVE_ZERO,
    NOT_STATED,
    PAST_END,
    RENAMED_CHROM,
    REPEATED,
    RegionChoices,
)
from mlx_gsa.data.regions import ON_POSITIVE, dataset_from_regions
from mlx_gsa.data.split_plan import SplitPlan
from mlx_gsa.dna.alphabet import decode, encode, reverse_complement
from mlx_gsa.dna.bed import SPACES
from mlx_gsa.dna.genome import Genome

STARTS = (300, 700, 1300, 2500, 3300, 4300, 5300)


def rows(shift=0, width=101):
    """One region of 101 bp at every start of six chromosomes, strands in turn."""
    return [(f"chr{c}", s + shift, s + shift + width, "+-."[i % 3]) for c in range(1, 7) for i, s in enumerate(STARTS)]


def bed(places, columns=6):
    lines = [(c, s, e, f"p{i}", i + 1, strand)[:columns] for i, (c, s, e, strand) in enumerate(places)]
    return "".join("\t".join(map(str, line)) + "\n" for line in lines)


def peaks(places, summit=20):
    """A narrowPeak file; signalValue is the number of the line, pValue is -1 on the first."""
    lines = [(c, s, e, f"p{i}", 0, strand, i + 1, -1 if i == 0 else i, 5, summit) for i, (c, s, e, strand) in
             enumerate(places)]  # fmt: skip
    return "".join("\t".join(map(str, line)) + "\n" for line in lines)


@pytest.fixture
def prepare(mock_genome, tmp_path):
    def run(text, negatives=None, exclude=None, name="p.bed", choices=None, **options):
        (tmp_path / name).write_bytes(text if isinstance(text, bytes) else text.encode())
        for option, content in (("negatives", negatives), ("exclude", exclude)):
            if content is not None:
                (tmp_path / f"{option}.bed").write_text(content)
                options[option] = [tmp_path / f"{option}.bed"]
        if "activity" not in (choices or {}) and "negatives" not in options and "controls" not in options:
            choices = {"activity": "5", **(choices or {})}
        options["choices"] = RegionChoices(**(choices or {}))
        with Genome.open(mock_genome) as genome:
            return dataset_from_regions(genome, tmp_path / name, tmp_path / "out", **options)

    return run


def test_regions_as_they_are_and_their_strand(prepare, mock_genome_text):
    made = prepare(bed(rows()))
    for i, (chrom, start, end, strand) in enumerate(rows()):
        tokens = encode(mock_genome_text[chrom][start:end])[0]
        assert made.sequence(i).tolist() == (reverse_complement(tokens) if strand == "-" else tokens).tolist()
    assert made.records.id[:2].tolist() == ["p0", "p1"] and made.records.strand[:3].tolist() == ["+", "-", "."]
    forward = prepare(bed(rows()), choices={"strand_aware": False})
    assert decode(forward.sequence(1)) == mock_genome_text["chr1"][700:801].upper()
    assert set(forward.records.strand) == {"."}


def test_variable_lengths(prepare):
    places = [(c, s, e + 20 * (i % 5), strand) for i, (c, s, e, strand) in enumerate(rows())]
    made = prepare(bed(places))
    assert made.lengths.tolist() == [e - s for _, s, e, _ in places]


@pytest.mark.parametrize(
    ("text", "center", "at", "without"),
    [
        (bed(rows()), "summit", 50, 42),
        (bed(rows()), "midpoint", 50, 0),
        (peaks(rows()), "summit", 20, 0),
        (peaks(rows()), "midpoint", 50, 0),
        (peaks(rows(), summit=-1), "summit", 50, 42),
    ],
)
def test_windows_are_centred(prepare, text, center, at, without):
    made = prepare(text, choices={"length": 60, "center": center, "activity": "5"})
    assert made.records.start.tolist() == [s + at - 30 for _, s, _, _ in rows()]
    assert set(made.lengths) == {60} and made.manifest.normalised.get(NO_SUMMIT_KNOWN, 0) == without


def test_activities_by_name_and_number(prepare):
    for name, expected in (("signalValue", 3.0), ("7", 3.0), ("qValue", 5.0), ("score", 0.0)):
        assert prepare(peaks(rows()), choices={"activity": name}).records.label[2] == expected
    made = prepare(peaks(rows()), choices={"activity": "pValue"})
    assert made.manifest.dropped == {NOT_STATED: 1} and len(made) == 41
    graph = "track type=bedGraph\n" + "".join(f"{c}\t{s}\t{e}\t{i / 2}\n" for i, (c, s, e, _) in enumerate(rows()))
    for name in ("value", "score", "4"):
        assert prepare(graph, choices={"activity": name}).records.label[3] == 1.5


def test_logarithms_and_what_is_no_number(prepare):
    lines = peaks(rows()).splitlines()
    lines[4] = lines[4].replace("\t5\t4\t", "\tNA\t4\t")
    lines[5] = lines[5].replace("\t6\t5\t", "\t-2\t5\t")
    lines[6] = lines[6].replace("\t7\t6\t", "\tnan\t6\t")
    made = prepare("\n".join(lines), choices={"activity": "signalValue", "log2": True, "pseudocount": 1.0})
    assert made.manifest.dropped == {NO_NUMBER: 2, NOT_ABOVE_ZERO: 1}
    assert made.records.label[1] == pytest.approx(math.log2(3))


def test_negatives_of_a_file(prepare):
    over = [("chr1", 350, 451, "+"), ("chr2", 1350, 1380, "+")]
    made = prepare(bed(rows()), negatives=bed(rows(shift=150)[::2] + over))
    assert made.task == "binary" and made.classes == ["negative", "positive"]
    assert made.manifest.dropped == {ON_POSITIVE: 2}
    kinds = dict(zip(*np.unique(made.records.extra["kind"].astype(str), return_counts=True), strict=True))
    assert kinds == {"negative": 21, "positive": 42}
    assert made.records.label.tolist() == [1.0] * 42 + [0.0] * 21
    assert len(set(made.records.id)) == 63


def test_top_counts_positives_only_and_takes_the_best(prepare):
    made = prepare(bed(rows()), negatives=bed(rows(shift=150)), top=20, plan=SplitPlan("random"))
    assert made.records.label.sum() == 20 and (made.records.label == 0).sum() == 42
    assert set(made.records.id[:20]) == {f"p{i}" for i in range(22, 42)}
    assert made.manifest.dropped[BELOW_TOP.format(n=20)] == 22


def test_overlaps_exclusions_distance_and_repeated_lines(prepare):
    more = bed([("chr1", 340, 441, "+"), ("chr1", 300, 401, ".")]).replace("p0\t1", "x\t900").replace("p1\t2", "y\t0")
    text = bed(rows()) + more + bed(rows()[:1])
    made = prepare(text, exclude="chr2\t750\t760\nchr9\t5\t9\n")
    assert made.manifest.dropped == {REPEATED: 1, OVERLAP: 2, EXCLUDED: 1}
    assert "x" in made.records.id and "p0" not in made.records.id
    kept = prepare(text, overlaps="keep")
    assert kept.manifest.dropped == {REPEATED: 1} and len(kept) == 44
    assert prepare(bed(rows()), min_distance=300).manifest.dropped == {"window nearer than 300 bp to a better one": 6}


def test_the_same_window_twice_is_a_copy(prepare):
    text = bed(rows()) + "chr1\t300\t401\tother\t1\t+\n"
    assert prepare(text).manifest.dropped == {COPY: 1}


def test_other_names_of_chromosomes_are_mapped_and_said(prepare):
    plain = bed([(c.removeprefix("chr"), *place) for c, *place in rows()])
    made = prepare(plain)
    assert made.manifest.normalised[RENAMED_CHROM] == 42 and set(made.records.chrom) == {f"chr{i}" for i in range(1, 7)}
    assert made.manifest.source["chromosome_names"]["3"] == "chr3"
    refseq = bed([(f"NC_00000{c[3:]}.11", *place) for c, *place in rows()])
    mixed = prepare("".join(line for i in range(42) for line in [[plain, refseq][i % 2].splitlines(True)[i]]))
    assert mixed.records.start.tolist() == made.records.start.tolist()


def test_coordinates_of_another_assembly_are_counted_and_said(prepare):
    far = [("chr1", 5950, 6100, "+"), ("chr2", 90_000, 90_100, "+"), ("chr77", 5, 100, "+")]
    made = prepare(bed(rows() + far))
    assert made.manifest.dropped == {PAST_END: 2, UNKNOWN_CHROM: 1}
    (warning,) = made.manifest.source["warnings"]
    assert "2 of 45 regions end past their chromosome" in warning and "another assembly" in warning


def test_windows_past_an_edge_are_counted_not_moved(prepare):
    made = prepare(bed([*rows(), ("chr1", 10, 30, "+"), ("chr2", 5980, 5999, ".")]), choices={"length": 100})
    assert made.manifest.dropped == {PAST_EDGE: 2} and made.manifest.source["warnings"] == []


def test_starts_that_may_count_from_one_are_doubted(prepare):
    made = prepare(bed([(c, s + 1, s + 100, strand) for c, s, _, strand in rows()]))
    assert "99 bp long" in made.manifest.source["warnings"][0]


def test_names_that_are_not_unique_become_places(prepare):
    made = prepare(bed(rows()).replace("\tp1\t", "\tp0\t"))
    assert made.records.id[:3].tolist() == ["chr1:300-401(+)", "chr1:700-801(-)", "p2"]
    assert prepare(bed(rows(), columns=3), choices={"length": 50}, negatives=bed(rows(shift=150))).records.id[0] == (
        "chr1:325-375"
    )


def test_headers_spaces_gzip_and_windows_line_ends_read_the_same(prepare):
    text = bed(rows())
    plain = prepare(text).data_hash
    spaced = prepare(text.replace("\t", " "))
    assert spaced.data_hash == plain and spaced.manifest.normalised == {SPACES: 42}
    assert prepare("browser x\ntrack name=a\n#c\n" + text.replace("\n", "\r\n")).data_hash == plain
    assert prepare(gzip.compress(text.encode()), name="p.bed.gz").data_hash == plain


def test_the_command(gsa, mock_genome, tmp_path):
    Path("peaks.narrowPeak").write_text(peaks([(c[3:], *place) for c, *place in rows()]))
    Path("black.bed").write_text("chr1\t300\t310\n")
    done = gsa(
        *("prepare", "regions", "--genome", mock_genome, "--positives", "peaks.narrowPeak", "--length", 80),
        *("--negatives", "random-genomic", "--negatives", "dinucleotide-shuffle:0.5", "--blacklist", "black.bed"),
    )
    assert done.exit_code == 0, done.output
    made = Dataset.open("data/peaks")
    assert "index made once" in done.output and "Chromosome names: 1 is chr1" in done.output
    assert EXCLUDED in done.output and len(made.manifest.source["controls"]) == 2
    assert {"positive", "random-genomic", "dinucleotide-shuffle"} == set(made.records.extra["kind"])
    assert (made.records.label == 1).sum() == 41


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (("--length", "70"), {"length": 70}),
        (("--center", "midpoint"), {"center": "midpoint"}),
        (("--log2", "--pseudocount", "1"), {"log2": True, "pseudocount": 1.0}),
        (("--forward",), {"strand_aware": False}),
        (("--overlaps", "keep"), {"overlaps": "keep"}),
        (("--min-distance", "5"), {"min_distance": 5}),
        (("--top", "30"), {"top": 30}),
        (("--max-n-fraction", "0.5"), {"max_n_fraction": 0.5}),
        (("--name", "mine"), {}),
    ],
)
def test_every_option_reaches_the_library(gsa, mock_genome, options, expected):
    Path("p.narrowPeak").write_text(peaks(rows()))
    place = () if "--name" in options else ("--out", "data/mine")
    basis = ("--genome", mock_genome, "--positives", "p.narrowPeak", "--activity", "signalValue")
    done = gsa("prepare", "regions", *basis, *options, *place)
    assert done.exit_code == 0, done.output
    source = Dataset.open("data/mine").manifest.source
    said = source | source["windows"] | source["limits"]
    assert {name: said[name] for name in expected} == expected and said["activity"] == "signalValue"


def test_negatives_are_a_file_or_a_kind(gsa, mock_genome):
    Path("p.bed").write_text(bed(rows()))
    basis = ("prepare", "regions", "--genome", mock_genome, "--positives", "p.bed", "--negatives")
    done = gsa(*basis, "random-genmic")
    assert done.exit_code == 2 and "random-genomic" in done.output
    done = gsa(*basis, "none.bed")
    assert done.exit_code == 1 and "no such file" in done.output
    assert gsa("prepare", "regions", *basis[2:6], "--log2").exit_code == 2

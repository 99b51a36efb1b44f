"""Promoter data sets: the right bases on both strands, activities joined, groups kept together, wrong files refused."""

import gzip
import random
import re

import numpy as np
import pytest

from mlx_gsa.data.activity import NOT_JOINED, VERSIONLESS
from mlx_gsa.data.choose import RENAMED_CHROM, RENAMED_ID
from mlx_gsa.data.controls import parse_controls
from mlx_gsa.data.dataset import Dataset
from mlx_gsa.data.promoters import FURTHER, SAME_PLACE
from mlx_gsa.data.split_plan import SplitPlan
from mlx_gsa.data.tss import (
    NO_ACTIVITY,
    PAST_THE_END,
    SEVERAL_CHROMOSOMES,
    UNKNOWN_CHROMOSOME,
    ActivityTable,
    dataset_from_tss,
    excluded_regions,
)
from mlx_gsa.dna.alphabet import decode, encode, reverse_complement
from mlx_gsa.dna.annotation import Choices
from mlx_gsa.dna.annotation_lines import NO_STRAND
from mlx_gsa.dna.genome import Genome
from mlx_gsa.errors import DatasetError, GsaError, RegionError, TableError

RANDOM = random.Random(0)
CHROMOSOMES = {f"chr{i}": "".join(RANDOM.choices("ACGT", k=1000)) for i in range(1, 7)}
HEADER = "chrom\ttss\tstrand\tgene\n"
# Five starts a chromosome, 150 bp apart, strands in turn.
ROWS = [(chrom, 120 + 150 * k, "+-"[k % 2], f"{chrom}_{k}") for chrom in CHROMOSOMES for k in range(5)]


def table(rows=ROWS):
    return HEADER + "".join("\t".join(map(str, row)) + "\n" for row in rows)


def activities(rows=ROWS):
    return "id\tactivity\n" + "".join(f"{row[3]}\t{i}\n" for i, row in enumerate(rows))


@pytest.fixture
def fasta(tmp_path):
    path = tmp_path / "genome.fa"
    path.write_text("".join(f">{name}\n{sequence}\n" for name, sequence in CHROMOSOMES.items()))
    return path


@pytest.fixture
def prepare(tmp_path, fasta):
    def run(text=None, activity="default", exclude="", **options):
        (tmp_path / "tss.tsv").write_text(table() if text is None else text)
        if activity is not None and "controls" not in options:
            (tmp_path / "activity.tsv").write_text(activities() if activity == "default" else activity)
            options["activity"] = ActivityTable(tmp_path / "activity.tsv", **options.pop("table", {}))
        (tmp_path / "exclude.bed").write_text(exclude)
        options = {"upstream": 30, "downstream": 20, **options}
        with Genome.open(fasta) as genome:
            regions = excluded_regions([tmp_path / "exclude.bed"] if exclude else [], genome)
            return dataset_from_tss(genome, tmp_path / "tss.tsv", tmp_path / "out", exclude=regions, **options)

    return run


def by_id(made):
    return {name: i for i, name in enumerate(made.records.id)}


def test_promoters_read_in_the_direction_of_their_genes(prepare):
    made = prepare()
    at = by_id(made)
    for number, (chrom, tss, strand, name) in enumerate(ROWS):
        i, whole = at[name], CHROMOSOMES[chrom]
        if strand == "+":
            expected = whole[tss - 30 : tss + 20]
        else:
            expected = decode(reverse_complement(encode(whole[tss - 19 : tss + 31])[0]))
        assert decode(made.sequence(i)) == expected
        assert made.records.label[i] == number and made.records.strand[i] == strand
    assert made.manifest.task == "regression" and made.manifest.source["kind"] == "tss"


def test_five_chromosomes_are_enough_to_split_by_them(prepare):
    made = prepare()
    assert made.manifest.source["split_by"] == "chromosome"
    assert all(len(set(made.records.split[made.records.chrom == chrom])) == 1 for chrom in CHROMOSOMES)


def test_chromosomes_given_and_more_folds_than_chromosomes(prepare):
    made = prepare(plan=SplitPlan(test_chroms=("chr2",), val_chroms=("3",)))
    assert set(made.records.chrom[made.records.split == "test"]) == {"chr2"}
    assert set(made.records.chrom[made.records.split == "val"]) == {"chr3"}
    assert prepare(plan=SplitPlan(folds=7)).manifest.source["fold_by"] == "group"


def test_with_fewer_chromosomes_genes_and_overlapping_windows_stay_together(prepare):
    rows = [("chr1", 60 + 40 * k, "+", f"a{k // 2}") for k in range(12)]  # windows of 50 bp, 40 bp apart: one chain
    rows += [("chr2", 100 + 60 * k, "+", f"b{k % 3}") for k in range(12)]  # apart, three genes
    rows += [("chr3", 100 + 60 * k, "+", f"c{k}") for k in range(12)]
    made = prepare(table(rows), "id\tactivity\n" + "".join(f"{gene}\t{i}\n" for i, (*_, gene) in enumerate(rows)))
    table_of = made.records
    assert made.manifest.source["split_by"] == "group"
    assert set(table_of.group) == {"a0", "b0", "b1", "b2", *(f"c{k}" for k in range(12))}
    assert all(len(set(table_of.split[table_of.group == group])) == 1 for group in set(table_of.group))


@pytest.mark.parametrize("name", ["{}", "chr{}"])
def test_chromosomes_by_any_name(prepare, name):
    made = prepare(table([(name.format(c[3:]), *rest) for c, *rest in ROWS]))
    assert len(made) == 30 and set(made.records.chrom) == set(CHROMOSOMES)
    assert made.manifest.normalised.get(RENAMED_CHROM, 0) == (30 if name == "{}" else 0)


def test_one_based_tables(prepare):
    shifted = [(c, tss + 1, *rest) for c, tss, *rest in ROWS]
    one, other = prepare(), prepare(table(shifted), choices=Choices("one-based"))
    assert one.sequence(3).tolist() == other.sequence(3).tolist()


def test_windows_past_the_edges_and_excluded_ones_are_counted(prepare):
    rows = [*ROWS, ("chr1", 10, "+", "e1"), ("chr1", 10, "-", "e2"), ("chr1", 995, "+", "e3"), ("chr1", 995, "-", "e4")]
    made = prepare(table(rows), activities(rows))
    assert len(made) == 30 and sum(made.manifest.dropped.values()) == 4
    made = prepare(exclude="chr1\t139\t140\n2\t0\t1000\n")
    assert len(made) == 24 and sum(made.manifest.dropped.values()) == 6  # chr1: the last base of the first window


def test_a_blacklist_of_another_genome(prepare):
    with pytest.raises(RegionError, match="no region to exclude is on a chromosome of the genome"):
        prepare(exclude="scaffold_3\t5\t9\n")


def test_starts_that_cannot_be_placed_are_counted(prepare):
    rows = [*ROWS, ("chr9", 5, "+", "x"), ("chr1", 1000, "+", "y"), ("chr1", 500, ".", "z"), ROWS[0]]
    made = prepare(table(rows))
    expected = {UNKNOWN_CHROMOSOME: 1, PAST_THE_END: 1, NO_STRAND: 1, SAME_PLACE: 1}
    assert {reason: made.manifest.dropped.get(reason) for reason in expected} == expected and len(made) == 30


def test_activities_are_joined_and_misses_on_both_sides_counted(prepare):
    text = activities(ROWS[:20]) + f"{ROWS[0][3]}\t10\nnobody\t3\n{ROWS[20][3]}.4\t7\n"
    made = prepare(activity=text)
    dropped, at = made.manifest.dropped, by_id(made)
    assert len(made) == 21 and dropped[NO_ACTIVITY] == 9 and dropped[NOT_JOINED] == 1
    assert made.records.label[at["chr1_0"]] == 5 and made.records.label[at["chr5_0"]] == 7
    assert made.manifest.normalised[VERSIONLESS] == 1


def test_activity_by_gene_goes_to_every_start_of_it(prepare):
    rows = [(*ROWS[i][:3], f"g{i % 20}") for i in range(30)]
    made = prepare(table(rows), "id\tactivity\n" + "".join(f"g{i}\t{i}\n" for i in range(20)))
    assert len(made) == 30 and made.manifest.normalised[RENAMED_ID] == 20
    assert made.manifest.normalised[SEVERAL_CHROMOSOMES] == 10
    assert made.records.label[made.records.extra["gene"] == "g3"].tolist() == [3, 3]
    assert "g19" in made.records.id and "g0" not in made.records.id  # the latter has two starts


def test_genes_that_share_a_start_are_kept_and_one_start_of_each_may_be_chosen(prepare):
    rows = [("chr1", 500, "+", "weak"), ("chr1", 500, "+", "strong"), *ROWS]
    made = prepare(table(rows), activities(rows))
    assert len(made) == 32 and made.manifest.duplicates["the same, but with another label"] == 1
    assert made.records.group[:2].tolist() == ["weak", "weak"]
    made = prepare(table([("chr1", 100, "+", "a"), ("chr1", 50, "+", "a"), *ROWS]), per_gene="first", activity=None,
                   controls=parse_controls(["dinucleotide-shuffle"]))  # fmt: skip
    assert made.manifest.dropped[FURTHER] == 1 and made.records.start[by_id(made)["a"]] == 20


def test_controls_make_it_binary_with_a_kind_for_each_record(prepare):
    made = prepare(controls=parse_controls(["dinucleotide-shuffle", "segment-swap:2"]))
    kinds = made.records.extra["kind"]
    assert made.manifest.task == "binary" and len(made) == 30 * 4
    assert dict(zip(*np.unique(kinds.astype(str), return_counts=True), strict=True)) == {
        "positive": 30, "dinucleotide-shuffle": 30, "segment-swap": 60,
    }  # fmt: skip
    assert set(made.records.label[kinds == "positive"]) == {1} and made.records.label.sum() == 30


def test_all_on_the_minus_strand(prepare):
    made = prepare(table([(c, tss, "-", name) for c, tss, _, name in ROWS]))
    assert set(made.records.strand) == {"-"} and len(made) == 30


@pytest.mark.parametrize(
    ("options", "kind", "message"),
    [
        ({"activity": None}, DatasetError, r"nothing to learn from.*activities or controls[\s\S]*--negatives"),
        ({"upstream": 0, "downstream": 0}, DatasetError, "a window without a base.*0 bp upstream and 0 downstream"),
        ({"per_gene": "last"}, DatasetError, "unknown choice of TSS.*all, first, strongest.*'last'"),
        ({"per_gene": "strongest", "text": table([*ROWS, ("chr1", 5, "+", "chr1_0")])}, TableError, "nothing tells"),
        ({"activity": "id\tactivity\nx\t1\n"}, TableError, r"no TSS has an activity.*chr1_0.*found x\n.*--id-column"),
        ({"table": {"column": "fpkm"}}, TableError, "no column 'fpkm'"),
        ({"text": table([("scaffold_7", *r) for _, *r in ROWS])}, TableError, "no TSS lies on the genome.*scaffold_7"),
        ({"text": table([(c, 10**6, *r) for c, _, *r in ROWS])}, TableError, "no TSS lies on the genome.*30 TSS past"),
        ({"text": table([(c, t, ".", n) for c, t, _, n in ROWS])}, TableError, "30 no strand"),
        ({"text": table([(c, t, "+") for c, t, *_ in ROWS])}, TableError, "another number of columns"),
        ({"text": ">chr1\nACGT\n"}, TableError, "found a FASTA file"),
        ({"text": "##fileformat=VCFv4.2\n"}, TableError, "found a VCF file"),
        ({"text": ""}, TableError, "the file is empty"),
        ({"upstream": 5000}, GsaError, "no window lies in the genome.*30 past an edge"),
    ],
)  # fmt: skip
def test_wrong_requests_and_files_give_one_clear_error_and_leave_the_disk_alone(
    prepare, tmp_path, options, kind, message
):
    before = prepare()
    with pytest.raises(kind, match=message):
        prepare(**options)
    assert Dataset.open(tmp_path / "out").manifest == before.manifest


def test_both_activities_and_controls(prepare, tmp_path, fasta):
    (tmp_path / "tss.tsv").write_text(table())
    table_of, controls = ActivityTable(tmp_path / "tss.tsv", "tss"), parse_controls(["flank"])
    with Genome.open(fasta) as genome, pytest.raises(DatasetError, match="both activities and controls"):
        dataset_from_tss(genome, tmp_path / "tss.tsv", tmp_path / "out", activity=table_of, controls=controls)


def test_the_command(gsa, tmp_path, fasta):
    (tmp_path / "p.tsv").write_text(table([(c[3:], t + 1, *r) for c, t, *r in ROWS]))
    (tmp_path / "a.csv").write_text("orf,x,y\n" + "".join(f"{row[3]},{2**i},0\n" for i, row in enumerate(ROWS)))
    activity = ("--activity", "a.csv", "--activity-column", "x", "--log2")
    done = gsa("prepare", "tss", "--genome", fasta, "--tss", "p.tsv", "--one-based", "--upstream", 30, *activity)
    assert done.exit_code == 0, done.output
    assert "Chromosome names: 1 is chr1" in done.output
    made = Dataset.open(tmp_path / "data" / "p")
    i = by_id(made)["chr1_0"]
    assert decode(made.sequence(i)) == CHROMOSOMES["chr1"][90:120] and made.records.label[i] == 0
    said = made.manifest.source
    assert (said["upstream"], said["downstream"], said["counting"], said["format"]) == (30, 0, "one-based", "table")


def test_every_option_reaches_the_library(gsa, tmp_path, fasta, monkeypatch):
    asked = {}

    def stand_in(genome, tss, out, **options):
        asked.update(options, tss=tss, out=str(out), genome=genome.path)
        raise DatasetError("seen enough")

    monkeypatch.setattr("mlx_gsa.data.tss.dataset_from_tss", stand_in)
    (tmp_path / "x.bed").write_text("1\t5\t9\n")
    done = gsa(
        *("prepare", "tss", "--genome", fasta, "--tss", "g.gtf", "--upstream", 7, "--downstream", 9, "--format", "gtf"),
        *("--feature", "transcript", "--gene-type", "protein_coding,lncRNA", "--bed-edges", "--tss-per-gene", "first"),
        *("--activity", "a", "--activity-column", "b", "--id-column", "c", "--log2", "--pseudocount", 0.5),
        *("--negatives", "flank:2", "--exclude", "x.bed", "--split", "group", "--seed", 3, "--min-length", 4),
        *("--out", "here"),
    )
    assert "seen enough" in done.output and (asked["tss"], asked["out"], asked["genome"]) == ("g.gtf", "here", fasta)
    assert (asked["upstream"], asked["downstream"], asked["kind"], asked["per_gene"]) == (7, 9, "gtf", "first")
    assert asked["choices"] == Choices("bed-edges", "transcript", ("protein_coding", "lncRNA"))
    assert asked["activity"] == ActivityTable("a", "b", "c", True, 0.5)
    assert asked["controls"] == parse_controls(["flank:2"]) and asked["exclude"].overlaps("chr1", 8, 20)
    assert (asked["plan"].by, asked["plan"].seed, asked["limits"].min_length) == ("group", 3, 4)


def test_the_command_refuses(gsa, tmp_path, fasta):
    (tmp_path / "p.tsv").write_text(table())
    common = ("prepare", "tss", "--genome", fasta, "--tss", "p.tsv")
    assert "nothing to learn from" in gsa(*common).output and gsa(*common).exit_code == 1
    done = gsa(*common, "--log2", "--negatives", "flank")
    assert done.exit_code == 2 and "need --activity TABLE" in done.output


def _yeast(shared_data):
    folder = shared_data / "yeast_promoter_expression"
    with gzip.open(folder / "yeast_tss_promoters.tsv.gz", "rt") as lines:
        header, *rows = [line.rstrip("\n").split("\t") for line in lines]
    return folder, [dict(zip(header, row, strict=True)) for row in rows]


@pytest.fixture(scope="module")
def yeast(shared_data, tmp_path_factory):
    """Promoters -1000..+500 of the yeast genome; in that table TSS are BED's starts on + and ends on -."""
    folder, rows = _yeast(shared_data)
    promoters = folder / "yeast_tss_promoters.tsv.gz"
    cache = tmp_path_factory.mktemp("cache")
    with Genome.open(folder / "S288C_R64-2-1.fa.gz", cache=cache) as genome:
        made = dataset_from_tss(
            genome, promoters, tmp_path_factory.mktemp("yeast") / "out", upstream=1000, downstream=500,
            choices=Choices("bed-edges"), activity=ActivityTable(promoters, "fpkm", "orf", log2=True, pseudocount=1.0),
        )  # fmt: skip
    return made, rows


def test_yeast_promoters_are_those_of_the_table(yeast):
    made, rows = yeast
    at, by_orf = by_id(made), {row["orf"]: row for row in rows}
    assert len(made) == len(rows) == 6270
    wrong = [name for name, i in at.items() if decode(made.sequence(i)) != by_orf[name]["seq_-1000_+500"].upper()]
    assert wrong == []
    expected = np.log2([float(by_orf[name]["fpkm"]) + 1 for name in at])
    assert np.allclose(made.records.label, expected, atol=1e-5)


def test_yeast_tata_boxes_lie_50_to_100_bp_before_the_start(yeast):
    made, rows = yeast
    table_of, bins = made.records, np.zeros(30, dtype=int)
    starts = np.where(table_of.strand == "+", table_of.start + 1000, table_of.end - 1000)  # as the table counts
    at = {place: i for i, place in enumerate(zip(table_of.chrom, starts.tolist(), table_of.strand, strict=True))}
    for row in rows:  # by place, as ORFs that share a start share a record
        if row["qualifier"] == "Verified":
            sequence = decode(made.sequence(at[row["chrom"], int(row["tss"]), row["strand"]]))
            np.add.at(bins, [hit.start() // 50 for hit in re.finditer("TATA[AT]A[AT][AG]", sequence)], 1)
    assert bins.argmax() == 18 and (bins[18], bins[19]) == (667, 256)  # bin 18: -100 to -51, 19: -50 to -1

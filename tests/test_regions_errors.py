"""Wrong inputs of `gsa prepare regions`: one clear error or a counted drop, nothing silent, nothing left behind."""

import gzip
from pathlib import Path

import pytest
from test_regions import bed, peaks, rows

from mlx_gsa.data.choose import COPY, PAST_EDGE, UNKNOWN_CHROM
from mlx_gsa.data.dataset import Dataset
from mlx_gsa.data.region_reader import NO_NUMBER, NO_SUMMIT_KNOWN, PAST_END, RENAMED_CHROM, REPEATED
from mlx_gsa.dna.bed import BAD_SCORE, NO_STRAND, SPACES

GOOD = bed(rows())
CUT = gzip.compress(b">chr1\nACGT\n" * 99)[:-9]
GTF = "chr1\thavana\tgene\t11869\t14409\t.\t+\t.\tgene_id x;\n"


@pytest.fixture
def prepare(gsa, mock_genome, tmp_path):
    """Run the command on files of the given content; returns Click's result and what is new on the disk."""

    def run(positives=GOOD, *options, negatives=None, genome=None, activity=True, name="p.bed", genome_name="g.fa"):
        Path(name).write_bytes(positives if isinstance(positives, bytes) else positives.encode())
        if genome is not None:
            path = Path(genome_name)
            path.write_bytes(genome if isinstance(genome, bytes) else genome.encode())
        if negatives is not None:
            Path("n.bed").write_text(negatives)
            options += ("--negatives", "n.bed")
        elif activity and "--activity" not in options and "--negatives" not in options:
            options += ("--activity", "5")
        before = set(tmp_path.rglob("*"))
        fasta = mock_genome if genome is None else genome_name
        done = gsa("prepare", "regions", "--genome", fasta, "--positives", name, "--out", "new/out", *options)
        index = {Path(f"{mock_genome}.fai")}
        return done, {path for path in tmp_path.rglob("*") if "cache" not in path.parts} - before - index

    return run


def flat(text):
    """The words of a panel, without its frame and its line breaks."""
    return " ".join("".join(c if c not in "│╭╮╰╯─" else " " for c in text).split())


ERRORS = {
    "end before start": (GOOD + "chr1\t90\t80\n", "line 43", "not an interval"),
    "end equals start": (GOOD + "chr1\t90\t90\n", "line 43", "leaves the end out"),
    "negative start": (GOOD + "chr1\t-9\t80\n", "line 43", "0 <= start < end"),
    "thousands separated": (GOOD + "chr1\t1,000\t2,000\n", "line 43", "Write 5000, not 5,000"),
    "decimals": (GOOD + "chr1\t10.0\t20.0\n", "line 43", "not a whole number"),
    "two columns": ("chr1\t90\n", "line 1", "too few columns"),
    "one column": ("chr1:100-200\n", "line 1", "too few columns"),
    "commas": ("chr1,100,200\n", "line 1", "too few columns"),
    "summit outside": (peaks(rows(), summit=101), "line 1", "a summit lies outside its peak"),
    "GTF": (GTF, "GTF", "gsa prepare tss"),
    "GTF behind a comment": ("#!genome-build x\n" + GTF, "GFF or GTF", "gsa prepare tss"),
    "VCF": ("##fileformat=VCFv4.2\n", "VCF", "Give regions"),
    "FASTA": (">chr1\nACGT\n", "FASTA", "gsa prepare fasta"),
    "SAM": ("@SQ\tSN:chr1\tLN:5\n", "SAM", "bamtobed"),
    "BAM": (gzip.compress(b"BAM\x01\0\0\0\0"), "a BAM file", "not a text file"),
    "bigWig": (b"\x26\xfc\x8f\x88\x04\0\0\0", "not a text file", "bigWig"),
    "bigBed": (b"\xeb\xf2\x89\x87\x04\0\0\0", "not a text file", "bigBed"),
    "wiggle": ("fixedStep chrom=chr1 start=1 step=1\n1\n", "wiggle", "bedGraph"),
    "HTML": ("<!DOCTYPE html>\n<html>", "HTML", "web page"),
    "empty": ("", "the file is empty", ""),
    "header only": ("track name=x\n# nothing\n", "no region in the file", "header lines only"),
    "truncated gzip": (gzip.compress(GOOD.encode())[:-20], "gzip file is cut short", "download it again"),
    "damaged gzip": (gzip.compress(GOOD.encode())[:30] + b"\xff" * 60, "gzip file is damaged", ""),
    "binary": (b"chr1\0\x01\x02", "binary data", ""),
    "zip": (b"PK\x03\x04xxxx", "a zip archive", "tab-separated"),
    "UTF-16": ("\ufeffchr1\t1\t9\n".encode("utf-16-le"), "UTF-16", "UTF-8"),
    "unknown chromosomes only": (
        bed([("chr77", 5, 90, "+")]),
        "1 chromosome that the genome does not have",
        "assembly",
    ),
    "past the end only": (
        bed([("chr1", 90_000, 90_500, "+")]),
        "1 region past the end",
        "probably of another assembly",
    ),
}


@pytest.mark.parametrize("case", ERRORS)
def test_a_wrong_file_is_one_clear_error(prepare, case):
    content, *words = ERRORS[case]
    done, new = prepare(content)
    assert done.exit_code == 1 and new == set(), done.output
    assert all(word in flat(done.output) for word in words), done.output
    assert "Traceback" not in done.output and done.output.count("─ Error ─") == 1


REQUESTS = {
    "positives alone": ({"activity": False}, (), "--negatives random-genomic"),
    "both tasks": ({}, ("--activity", "5", "--negatives", "flank"), "two tasks"),
    "no such column": ({}, ("--activity", "signal"), "signalValue"),
    "column absent": ({}, ("--activity", "signalValue"), "6 columns"),
    "column without numbers": ({}, ("--activity", "4"), NO_NUMBER),
    "all negatives on positives": ({"negatives": GOOD}, (), "42 that overlap a positive"),
    "length above the chromosome": ({}, ("--length", "7000"), "42 past an edge"),
    "distance and kept overlaps": ({}, ("--overlaps", "keep", "--min-distance", "9"), "does not go with"),
    "nothing within the limits": ({}, ("--min-length", "500"), "42 shorter than 500 bp"),
    "blacklist of another genome": ({}, ("--exclude", "scaffolds.bed"), "no region to exclude is on a chromosome"),
    "blacklist is missing": ({}, ("--exclude", "none.bed"), "no such file"),
    "one file twice": ({}, ("--negatives", "p.bed"), "positives and negatives are the same file"),
    "everything is blacklisted": ({}, ("--exclude", "all.bed"), "no usable record"),
    "genome is a BED": ({"genome": GOOD}, (), "not a genome"),
    "genome is empty": ({"genome": ""}, (), "the file is empty"),
    "genome with a name twice": ({"genome": ">chr1\nAC\n>chr1\nGT\n"}, (), "Names must be unique"),
    "genome is protein": ({"genome": ">chr1\n" + "MKLV" * 2000 + "\n", "positives": bed(rows()[:6])}, (), "not DNA"),
    "genome cut short": (
        {"genome": gzip.compress(b">chr1\nACGT\n" * 99)[:-9], "genome_name": "g.fa.gz"},
        (),
        "cut short",
    ),
    "genome is a web page": ({"genome": "<html>\n"}, (), "not a genome"),
    "genome of uneven lines": ({"genome": ">chr1\nAC\nACGT\nA\n"}, (), "equally long"),
}


@pytest.mark.parametrize("case", REQUESTS)
def test_a_wrong_request_is_one_clear_error(prepare, case):
    options, arguments, word = REQUESTS[case]
    Path("scaffolds.bed").write_text("scaffold_7\t5\t9\n")
    Path("all.bed").write_text("".join(f"chr{i}\t0\t6000\n" for i in range(1, 7)))
    options = {"positives": GOOD, **options}
    done, new = prepare(options.pop("positives"), *arguments, **options)
    assert done.exit_code in (1, 2) and new == set(), (done.output, new)
    assert word in flat(done.output) and "Traceback" not in done.output, done.output


def test_a_missing_genome_names_its_neighbour(gsa, mock_genome):
    Path("p.bed").write_text(GOOD)
    missing = mock_genome.with_name("mok.fa")
    done = gsa("prepare", "regions", "--genome", missing, "--positives", "p.bed", "--activity", "5")
    assert done.exit_code == 1 and "Did you mean" in done.output and not Path("data").exists()


COUNTED = {
    "unknown chromosome": (GOOD + "chr77\t5\t90\tx\t1\t+\n", (), "dropped", UNKNOWN_CHROM),
    "past the end": (GOOD + "chr1\t5990\t6001\tx\t1\t+\n", (), "dropped", PAST_END),
    "window past the edge": (GOOD + "chr1\t1\t9\tx\t1\t+\n", ("--length", "60"), "dropped", PAST_EDGE),
    "duplicate line": (GOOD + bed(rows()[:1]), (), "dropped", REPEATED),
    "duplicate region": (GOOD + "chr1\t300\t401\tx\t1\t+\n", (), "dropped", COPY),
    "strand *": (GOOD.replace("p3\t4\t+", "p3\t4\t*"), (), "normalised", NO_STRAND),
    "mixed naming": (GOOD.replace("chr1\t300\t", "1\t300\t"), (), "normalised", RENAMED_CHROM),
    "spaces for tabs": (GOOD.replace("chr1\t300\t401\tp0\t1\t+", "chr1 300 401 p0 1 +"), (), "normalised", SPACES),
    "score is no number": (GOOD + "chr1\t2700\t2790\tx\tNA\t+\n", (), "dropped", NO_NUMBER),
    "N": (GOOD + "chr1\t2005\t2095\tx\t1\t+\n", (), "dropped", "more than 10% N"),
    "no summit": (peaks(rows()) + peaks([("chr1", 100, 190, "+")], -1), ("--length", "60"), "normalised",
                  NO_SUMMIT_KNOWN),
}  # fmt: skip


@pytest.mark.parametrize("case", COUNTED)
def test_a_wrong_line_is_counted_and_shown(prepare, case):
    content, options, counter, reason = COUNTED[case]
    done, _ = prepare(content, *options)
    assert done.exit_code == 0, done.output
    made = Dataset.open("new/out")
    assert getattr(made.manifest, counter)[reason] == 1
    assert reason in flat(done.output)


def test_a_score_that_is_no_number_and_not_needed_is_counted(prepare):
    done, _ = prepare(GOOD.replace("p3\t4\t", "p3\tNA\t"), negatives=bed(rows(shift=150)))
    assert done.exit_code == 0, done.output
    assert Dataset.open("new/out").manifest.normalised[BAD_SCORE] == 1


def test_a_failed_run_leaves_the_older_data_set(prepare):
    done, _ = prepare()
    before = {p: p.read_bytes() for p in Path("new/out").iterdir()}
    done, new = prepare("chr77\t1\t9\n")
    assert done.exit_code == 1 and new == set()
    assert {p: p.read_bytes() for p in Path("new/out").iterdir()} == before

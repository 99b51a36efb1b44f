"""Annotations: every format gives the same starts, counted by hand, and files without starts say why."""

import gzip
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlx_gsa.dna.annotation import Choices, kind_of, read_tss
from mlx_gsa.dna.annotation_lines import NO_STRAND, NO_TYPE, parse_fps
from mlx_gsa.dna.annotation_table import NO_POSITION
from mlx_gsa.errors import TableError

# NOC2L (-) and KLHL17 (+) in hg38: EPD places their first transcribed bases at 959,256 and 960,633, from 1.
EPD_BED = (
    "chr1\t959245\t959305\tNOC2L_1\t900\t-\t959245\t959256\nchr1\t960583\t960643\tKLHL17_1\t900\t+\t960632\t960643\n"
)
SGA = "NC_000001.11\tTSS\t959256\t-\t1\tNOC2L_1\nNC_000001.11\tTSS\t960633\t+\t1\tKLHL17_1\n"
FPS = (
    "FP   NOC2L_1             :+U  EU:NC_000001.11      1-    959256;     1.\n"
    "FP   KLHL17_1            :+U  EU:NC_000001.11      1+    960633;     2.\n"
)
BED = "chr1\t940000\t959256\tNOC2L\t0\t-\nchr1\t960632\t965719\tKLHL17\t0\t+\n"
GTF = (
    '#!genome-build GRCh38\nchr1\tHAVANA\tgene\t940001\t959256\t.\t-\t.\tgene_id "NOC2L"; gene_type "protein_coding";\n'
    'chr1\tHAVANA\texon\t940001\t959256\t.\t-\t.\tgene_id "NOC2L"; gene_type "protein_coding";\n'
    'chr1\tHAVANA\tgene\t960633\t965719\t.\t+\t.\tgene_id "KLHL17"; gene_type "lncRNA"; gene_name "K17";\n'
)
GFF3 = (
    "##gff-version 3\nchr1\t.\tgene\t940001\t959256\t.\t-\t.\tID=gene:NOC2L;biotype=protein_coding\n"
    "chr1\t.\tmRNA\t940001\t959000\t.\t-\t.\tID=transcript:N1;Parent=gene:NOC2L\n"
    "chr1\t.\tgene\t960633\t965719\t.\t+\t.\tID=gene:KLHL17;Name=K%3B17;biotype=lncRNA\n##FASTA\n>chr1\nACGT\n"
)
HEADER = "chrom\ttss\tstrand\tgene\n"
TABLE = HEADER + "chr1\t959255\t-\tNOC2L\nchr1\t960632\t+\tKLHL17\n"
COMMA = 'chrom,tss,strand,gene\nchr1,959255,-,NOC2L\nchr1,"960,632",+,KLHL17\n'
SAME = {
    "epd-bed": EPD_BED,
    "sga": SGA,
    "fps": FPS,
    "bed": BED,
    "gtf": GTF,
    "gff3": GFF3,
    "table": TABLE,
}


@pytest.fixture
def file(tmp_path):
    def write(text):
        path = tmp_path / "annotation.txt"
        path.write_text(text)
        return path

    return write


def starts(path, kind=None, **choices):
    return [(one.position, one.strand, one.gene) for one in read_tss(path, kind, choices=Choices(**choices))]


@pytest.mark.parametrize("kind", SAME)
def test_every_format_gives_the_same_starts_and_is_known_by_its_content(file, kind):
    path = file(SAME[kind])
    assert kind_of(path) == kind
    assert starts(path) == [(959_255, "-", "NOC2L"), (960_632, "+", "KLHL17")]


@pytest.mark.parametrize("text", [COMMA, TABLE.replace("chrom", "#chrom", 1), EPD_BED.replace("\t", " ")])
def test_commas_a_hash_before_the_header_and_blanks_in_bed(file, text):
    assert starts(file(text)) == [(959_255, "-", "NOC2L"), (960_632, "+", "KLHL17")]


def test_names_and_lines(file):
    first, second = read_tss(file("track name=x\n# comment\n" + EPD_BED))
    assert (first.id, first.gene, first.line, first.score) == ("NOC2L_1", "NOC2L", 3, 900)
    assert (second.chrom, second.line) == ("chr1", 4)
    first, second = read_tss(file(SGA))
    assert (first.chrom, first.id, first.score) == ("NC_000001.11", "NOC2L_1", 1)
    first, second = read_tss(file(GFF3))
    assert (first.id, second.names) == ("NOC2L", ("K;17",))
    assert list(read_tss(file(GTF)))[1].names == ("K17", "KLHL17")


def test_a_start_without_a_name_is_called_after_its_place(file):
    (one,) = read_tss(file("NC_000001.11\tTSS\t959256\t-\t1\n"))
    assert one.id == one.gene == "NC_000001.11:959255(-)"


def test_gzip_by_content(tmp_path):
    path = tmp_path / "promoters"
    path.write_bytes(gzip.compress(EPD_BED.encode()))
    assert len(starts(path)) == 2


def test_thick_parts_of_other_bed_files_are_coding_regions_not_starts(file):
    twelve = "chr1\t100\t900\tgene\t0\t+\t150\t900\t0\t1\t800,\t0,\n"
    assert kind_of(file(twelve)) == "bed"
    assert starts(file(twelve)) == [(100, "+", "gene")]
    assert starts(file(twelve), "epd-bed") == [(150, "+", "gene")]


def test_one_line_drawn_otherwise_does_not_change_what_a_file_is(file):
    odd = "chr1\t0\t40\tODD_1\t900\t+\t29\t40\n"
    assert kind_of(file(odd + EPD_BED)) == "epd-bed" and starts(file(odd + EPD_BED))[0] == (29, "+", "ODD")
    assert kind_of(file(odd + BED + EPD_BED)) == "bed"


def test_the_main_start_of_a_fantom_cluster(file):
    cluster = "chr1\t564571\t564600\tchr1:564571..564600,+\t239\t+\t564585\t564586\t0,0,0\n"
    assert starts(file(cluster)) == [(564585, "+", "chr1:564571..564600,+")]


def test_one_based_tables_and_bed(file):
    assert starts(file(TABLE), counting="one-based")[0][0] == 959_254
    assert [at for at, *_ in starts(file(TABLE), counting="bed-edges")] == [959_254, 960_632]
    assert starts(file("chr1\t100\t100\tg\t0\t+\n"), counting="one-based") == [(99, "+", "g")]


def test_positions_of_a_data_frame_with_gaps(file):
    dropped = Counter()
    text = HEADER + "c\t2169.0\t-\ta\nc\t\t+\tb\nc\tNaN\t+\td\n"
    assert [one.position for one in read_tss(file(text), dropped=dropped)] == [2169] and dropped == {NO_POSITION: 2}


def test_a_table_of_genes_starts_at_the_end_on_the_minus_strand(file):
    text = "gene,chrom,start,end,strand\na,I,100,200,+\nb,I,100,200,-\n"
    assert starts(file(text)) == [(100, "+", "a"), (199, "-", "b")]
    assert starts(file(text), counting="one-based") == [(99, "+", "a"), (199, "-", "b")]


def test_transcripts_and_gene_types(file):
    (one,) = read_tss(file(GFF3), choices=Choices(feature="transcript"))
    assert (one.position, one.id, one.gene) == (958_999, "N1", "NOC2L")
    dropped = Counter()
    kept = list(read_tss(file(GTF), choices=Choices(gene_types=("protein_coding",)), dropped=dropped))
    assert [one.gene for one in kept] == ["NOC2L"] and dropped == {NO_TYPE: 1}


def test_a_line_without_a_strand_is_counted_or_raises(file):
    path, dropped = file(BED.replace("\t+\n", "\t.\n")), Counter()
    assert len(list(read_tss(path, dropped=dropped))) == 1 and dropped == {NO_STRAND: 1}
    with pytest.raises(TableError, match=r"line 2.*no strand"):
        list(read_tss(path))


def test_fps_entries_with_the_columns_of_epd_and_without_orientation(file):
    myc = "FP   Hs c-myc         P2+:+S  EU:NC_000008.9       1+ 128817660; 11148.053 010*2\n"
    one = parse_fps(myc, 1, Choices())
    assert (one.chrom, one.position, one.strand, one.id) == ("NC_000008.9", 128_817_659, "+", "Hs c-myc P2+")
    dropped = Counter()
    both = FPS + "FP   X_1                 :+U0 EU:NC_000001.11      1+       100;     3.\nDO   a comment\n"
    assert len(list(read_tss(file(both), dropped=dropped))) == 2 and dropped == {NO_STRAND: 1}


WRONG = {
    ">chr1\nACGT\n": "line 1.*found a FASTA file",
    "##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\n": "found a VCF file",
    "@HD\tVN:1.6\n": "found a SAM file",
    "<!DOCTYPE html>\n": "found HTML or XML",
    "": "the file is empty",
    "# only\n# comments\n": "found only comments",
    "hello world\n": "not a file of transcription start sites.*'hello world'",
    "chrom tss strand gene\nchr1 100 + a\n": "Separate the columns with tabs",
    "chr1\t100\t200\tname\t0\n": "BED without a strand column.*at least 6 columns, found 5",
    "chr1\t100\t100\tname\t0\t+\n": "an interval without a base.*--one-based",
    "chr1\t100\t200\ta\t0\t+\nchr1\t100\n": "BED without a strand column.*line 2",
    "chr1\t100\t200\ta\t0\t+\nchr1\tx\t200\ta\t0\t+\n": "start is not a whole number.*line 2.*'x'",
    "chr1\t100\t200\ta\t0\t.\n": "no usable transcription start site.*1 no strand.*gsa prepare regions",
    "chrom\ttss\tgene\nchr1\t100\ta\n": "no column for strands.*expected strand, found chrom, tss, gene",
    "chrom\tstrand\tgene\nchr1\t+\ta\n": "no column for positions.*tss or position",
    "chrom\ttss\tstrand\nchr1\t5\t+\n": "no column for names",
    "chrom\ttss\tstrand\tgene\nchr1\t5\t+\n": "another number of columns.*line 2.*expected 4, found 3",
    "chrom\ttss\tstrand\tgene\n": "no usable transcription start site.*no line of a TSS",
    "chrom\ttss\tstrand\tgene\nchr1\t5.5\t+\ta\n": "position is not a whole number.*'5.5'",
    "FP   broken\n": "not an FP line",
    'c\ts\texon\t1\t9\t.\t+\t.\tgene_id "a";\n': "no gene; features: exon.*full annotation",
    'c\ts\ttranscript\t1\t9\t.\t+\t.\tgene_id "a";\n': "features: transcript.*--feature transcript",
    "c\ts\tgene\t1\t9\t.\t+\t.\tID=a\nc\ts\tgene\n": "line 2.*9 columns separated by tabs, found 3",
    "NC_1\tTSS\t0\t+\t1\ta\n": "1 TSS before the first base",
}


@pytest.mark.parametrize("text", WRONG, ids=[text[:24].strip() or "empty" for text in WRONG])
def test_files_without_starts_give_one_clear_error(file, text):
    with pytest.raises(TableError, match=f"(?s){WRONG[text]}"):
        list(read_tss(file(text), dropped=Counter()))


def test_a_gene_type_that_does_not_occur_lists_those_that_do(file):
    with pytest.raises(TableError, match=r"(?s)2 gene of another type.*Gene types in the file: protein_coding, lncRNA"):
        list(read_tss(file(GTF), choices=Choices(gene_types=("coding",)), dropped=Counter()))


def test_a_missing_thick_part_says_so(file):
    with pytest.raises(TableError, match=r"(?s)no thick part.*--format bed"):
        list(read_tss(file(BED), "epd-bed"))


@given(
    st.lists(st.tuples(st.integers(0, 10**8), st.sampled_from("+-"), st.text("abcXYZ019-", min_size=1, max_size=12)))
)
def test_bed_epd_bed_sga_and_fps_of_the_same_starts_agree(tmp_path_factory, rows):
    path = tmp_path_factory.mktemp("tss") / "file"
    rows = [(position + 100, strand, f"{name}_1") for position, strand, name in rows] or [(100, "+", "x_1")]
    texts = {"bed": "", "epd-bed": "", "sga": "", "fps": ""}
    for number, (position, strand, name) in enumerate(rows, 1):
        thick = (position, position + 11) if strand == "+" else (position - 10, position + 1)
        span = (position - 49, position + 11) if strand == "+" else (position - 10, position + 50)
        texts["bed"] += f"c\t{position}\t{position + 1}\t{name}\t0\t{strand}\n"
        texts["epd-bed"] += f"c\t{span[0]}\t{span[1]}\t{name}\t900\t{strand}\t{thick[0]}\t{thick[1]}\n"
        texts["sga"] += f"c\tTSS\t{position + 1}\t{strand}\t1\t{name}\n"
        texts["fps"] += f"FP   {name:<20}:+U  EU:{'c':<18}1{strand}{position + 1:>10};{number:>6}.\n"
    for kind, text in texts.items():
        path.write_text(text)
        assert kind_of(path) == kind
        assert [(one.position, one.strand, one.id) for one in read_tss(path)] == rows

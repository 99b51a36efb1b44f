"""VCF: what is read, what is refused with its line, and that the rest of a line stays as it was."""

import gzip

import pytest
from hypothesis import given
from hypothesis import strategies as st
from variant_toys import HEAD, site

from mlx_gsa.errors import VariantError
from mlx_gsa.genomes.vcf import Header, Site, allele_kind, escape, open_vcf


@pytest.fixture
def read(tmp_path):
    def run(text):
        path = tmp_path / "a.vcf"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        with open_vcf(path) as (header, sites):
            return header, list(sites)

    return run


def test_header_and_sites(read):
    header, sites = read(HEAD + "chr1\t5\trs1\ta\tC,<DEL>\t.\tPASS\tDP=3\n\n2\t0\t.\tN\tNT\t1\t.\t.\n")
    assert header == Header(("##fileformat=VCFv4.2",), "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO")
    assert [(one.chrom, one.start, one.ref, one.alts, one.number) for one in sites] == [
        ("chr1", 4, "a", ["C", "<DEL>"], 3), ("2", -1, "N", ["NT"], 5)
    ]  # fmt: skip


def test_gzip_of_one_and_more_members(read):
    data, more = (HEAD + "chr1\t5\t.\tA\tC\t.\t.\t.\n").encode(), b"chr1\t6\t.\tA\tC\t.\t.\t.\n"
    assert [one.start for one in read(gzip.compress(data))[1]] == [4]
    assert [one.start for one in read(gzip.compress(data) + gzip.compress(more))[1]] == [4, 5]


def test_windows_line_ends_and_samples(read):
    text = HEAD.replace("INFO\n", "INFO\tFORMAT\tS\n") + "chr1\t5\t.\tA\tC\t.\t.\t.\tGT\t0/1\n"
    assert read(text.replace("\n", "\r\n"))[1][0].fields[-1] == "0/1"


def test_no_variant_is_no_error(read):
    assert read(HEAD)[1] == []


@pytest.mark.parametrize(
    "text, where, words",
    [
        (">chr1\nACGT\n", "line 1", ("not a VCF", "##fileformat=VCF", "'>chr1'")),
        ("##fileformat=VCFv4.2\nchr1\t5\t.\tA\tC\t.\t.\t.\n", "line 2", ("no line of column names",)),
        ("##fileformat=VCFv4.2\n", "a.vcf", ("no line of column names",)),
        (HEAD + "chr1\t5\t.\tA\tC\t.\t.\n", "line 3", ("another width", "8 columns", "7")),
        (HEAD + "chr1\t5\t.\tA\tC\t.\t.\t.\nchr1 6 . A C . . .\n", "line 4", ("another width",)),
        (HEAD + "chr1\tfive\t.\tA\tC\t.\t.\t.\n", "line 3", ("not a position", "'five'")),
        (HEAD + "chr1\t-5\t.\tA\tC\t.\t.\t.\n", "line 3", ("not a position", "'-5'")),
        (HEAD + "chr1\t5\t.\tA1\tC\t.\t.\t.\n", "line 3", ("not a reference allele", "'A1'")),
        (HEAD + "chr1\t5\t.\t.\tC\t.\t.\t.\n", "line 3", ("not a reference allele",)),
        (HEAD + "chr1\t5\t.\tA\tC,\t.\t.\t.\n", "line 3", ("not an allele",)),
        (HEAD + "chr1\t5\t.\tA\tC;G\t.\t.\t.\n", "line 3", ("not an allele", "'C;G'")),
    ],
)
def test_what_is_no_vcf_is_named_with_its_line(read, text, where, words):
    with pytest.raises(VariantError) as error:
        read(text)
    assert where in error.value.where
    assert all(word in str(error.value) for word in words)


@pytest.mark.parametrize(
    "alt, kind",
    [
        ("A", None), ("acgtn", None), ("R", None), (".", "missing"), ("*", "spanning_deletion"), ("<DEL>", "symbolic"),
        ("<DUP:TANDEM>", "symbolic"), ("G]17:198982]", "breakend"), ("]13:123456]T", "breakend"),
        ("[<ctg1>:7[A", "breakend"), (".TGCA", "breakend"), ("G.", "breakend"),
    ],
)  # fmt: skip
def test_kinds_of_alleles(alt, kind):
    assert allele_kind(alt) == kind


def test_info_is_added_and_an_older_one_of_the_same_name_replaced():
    one = site("chr1", 5, "A", "C", info="DP=3;GSA_REF=9;DB;GSA_REFX=1")
    line = one.line({"GSA_REF": "1", "GSA_ALT": "2"}, ("GSA_REF", "GSA_ALT", "GSA_SKIP"))
    assert line == "chr1\t5\tid\tA\tC\t.\tPASS\tDP=3;DB;GSA_REFX=1;GSA_REF=1;GSA_ALT=2"
    assert site("chr1", 5, "A", "C").line({"X": "1"}, ()).endswith("\tPASS\tX=1")
    assert site("chr1", 5, "A", "C").line({}, ()).endswith("\tPASS\t.")


TEXT = st.text(st.characters(codec="ascii", exclude_characters="\t\n\r"), min_size=1)


@given(st.lists(TEXT, min_size=9, max_size=12))
def test_other_columns_stay_as_they_were(fields):
    made = Site(tuple(fields), 1).line({"GSA_X": "1"}, ("GSA_X",)).split("\t")
    assert made[:7] == fields[:7] and made[8:] == fields[8:]


def test_a_header_declares_a_field_once():
    header = Header(("##fileformat=VCFv4.2", "##INFO=<ID=GSA_REF,Number=1>", "##INFO=<ID=DP,Number=1>"), "#CHROM")
    assert header.lines(["##INFO=<ID=GSA_REF,Number=A>"], ["GSA_REF"]) == [
        "##fileformat=VCFv4.2", "##INFO=<ID=DP,Number=1>", "##INFO=<ID=GSA_REF,Number=A>", "#CHROM"
    ]  # fmt: skip


@given(st.text())
def test_an_escaped_name_has_nothing_that_ends_a_value(text):
    assert not set(escape(text)) & set(",;=| /\t\n") and escape("FOS::JUN(var.2)") == "FOS::JUN(var.2)"

"""Activities: rows averaged, logarithms taken after, ids found with and without versions, misses counted."""

import math
from collections import Counter

import pytest

from mlx_gsa.data.activity import AVERAGED, read_activities
from mlx_gsa.errors import TableError


@pytest.fixture
def read(tmp_path):
    def run(text, *options, **more):
        path = tmp_path / "activity.tsv"
        path.write_text(text)
        counts = {"dropped": Counter(), "normalised": Counter(), **more}
        found = read_activities(path, *options, **counts)
        return found, counts

    return run


TABLE = "gene\tfpkm\tother\na\t1\t5\nb\t4\t6\na\t3\tx\nc\tNA\t7\n"


def test_rows_of_one_id_are_averaged_and_missing_ones_counted(read):
    found, counts = read(TABLE, "fpkm")
    assert found.values == {"a": 2.0, "b": 4.0}
    assert counts["dropped"] == {"activity row: missing label": 1} and counts["normalised"][AVERAGED] == 2


def test_the_mean_comes_before_the_logarithm(read):
    found, _ = read(TABLE, "fpkm", log2=True, pseudocount=1.0)
    assert found.values["a"] == pytest.approx(math.log2(3))
    found, counts = read("id,x\na,0\nb,8\n", "x", log2=True)
    assert found.values == {"b": 3.0} and sum(counts["dropped"].values()) == 1


def test_ids_are_found_by_the_first_name_then_without_version(read):
    found, _ = read("id\tactivity\nENSG1.2\t1\nb\t2\nc\t3\n")
    assert found.find(("x", "c", "b")) == (3.0, False)
    assert found.find(("ENSG1.7",)) == (1.0, True) and found.find(("ENSG1",)) == (1.0, True)
    assert found.find(("y", "")) is None and found.unused == 1


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        (TABLE, (), r"no column 'activity' for activities.*expected one of gene, fpkm, other"),
        (TABLE, ("fpmk",), r"no column 'fpmk'[\s\S]*Did you mean 'fpkm'"),
        (TABLE, ("fpkm", "ids"), r"no column 'ids' for ids"),
        ("probe\tactivity\na\t1\n", (), r"no column 'id' for ids"),
        ("id\tactivity\na\tx\nb\ty\n", (), r"no usable activity.*column activity.*2 activity row: label is not a num"),
        ("", (), r"the file is empty"),
    ],
)
def test_wrong_tables(read, text, options, message):
    with pytest.raises(TableError, match=message):
        read(text, *options)

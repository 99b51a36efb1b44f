"""Which matrices suit a data set."""

import sys
from types import SimpleNamespace

import pytest

from mlx_gsa.errors import MotifError
from mlx_gsa.motifs.sources import choose_motifs, taxon_of

TRANSFAC = """VV  EXAMPLE
XX
//
ID  F$GCN4_X
NA  GCN4
P0      A      C      G      T
01      1      0      0     19      T
02      0      0     20      0      G
03     20      0      0      0      A
04      0     18      2      0      C
05      0      0      0     20      T
06      0     20      0      0      C
07     20      0      0      0      A
XX
//
"""


def dataset(**source):
    return SimpleNamespace(path="data/it", manifest=SimpleNamespace(source=source))


@pytest.mark.parametrize(
    ("source", "taxon"),
    [
        ({"type": "synthetic"}, "vertebrates"),
        ({"organism": "Saccharomyces cerevisiae"}, "fungi"),
        ({"origin": {"database": "EPDnew", "organism": "D_melanogaster"}}, "insects"),
        ({"origin": {"database": "EPDnew", "organism": "A_thaliana"}}, "plants"),
        ({"kind": "table", "file": "human_tata_vs_downstream.tsv.gz"}, "vertebrates"),
        ({"kind": "table", "file": "jores2021_test_leaf.tsv.gz"}, "plants"),
        ({"kind": "table", "file": "ctcf_vs_pu1.tsv.gz"}, "vertebrates"),
    ],
)
def test_the_taxon_is_told_from_where_the_data_came_from(source, taxon):
    assert taxon_of(dataset(**source))[0] == taxon


@pytest.mark.parametrize(
    "source", [{}, {"file": "mine.tsv"}, {"organism": "Escherichia coli"}, {"organism": "human, fly"}]
)
def test_an_unknown_organism_is_asked_for(source):
    with pytest.raises(MotifError, match="which motifs suit the data set is not known") as error:
        choose_motifs(dataset(**source))
    assert "--taxon" in error.value.mend and error.value.where == "data/it"


def test_every_taxon_has_the_promoter_elements_too_and_all_taxa_have_each_matrix_once():
    chosen = choose_motifs(dataset(type="synthetic"))
    ids = [motif.id for motif in chosen.motifs]
    assert "POL012.1" in ids and "MA0139.2" in ids and "promoter elements" in chosen.name
    everything = [motif.id for motif in choose_motifs(dataset(), "all").motifs]
    assert len(everything) == len(set(everything)) > 2000
    assert "POL012.1" in [motif.id for motif in choose_motifs(dataset(), "plants").motifs]


def test_a_file_in_transfac_format_is_read(tmp_path):
    path = tmp_path / "mine.transfac"
    path.write_text(TRANSFAC)
    chosen = choose_motifs(dataset(), file=path)
    assert [(m.id, m.name, m.consensus) for m in chosen.motifs] == [("F$GCN4_X", "GCN4", "TGACTCA")]
    assert chosen.name == str(path)


def test_another_release_needs_pyjaspar(monkeypatch):
    monkeypatch.setitem(sys.modules, "pyjaspar", None)
    with pytest.raises(MotifError, match="needs pyjaspar") as error:
        choose_motifs(dataset(), "plants", release="JASPAR2024")
    assert "mlx_gsa[jaspar]" in error.value.mend


def test_another_release_comes_from_pyjaspar(monkeypatch):
    asked = {}

    class Database:
        def __init__(self, release):
            if release != "JASPAR2024":
                raise ValueError("unknown release")

        def fetch_motifs(self, **options):
            asked.update(options)
            counts = {"A": [9, 0, 0], "C": [1, 0, 9], "G": [0, 10, 1], "T": [0, 0, 0]}
            return [SimpleNamespace(matrix_id="MA1.1", name="ONE", counts=counts)]

    monkeypatch.setitem(sys.modules, "pyjaspar", SimpleNamespace(jaspardb=Database))
    chosen = choose_motifs(dataset(), "plants", release="JASPAR2024")
    assert [motif.consensus for motif in chosen.motifs] == ["AGC"] and chosen.name.startswith("JASPAR2024")
    assert asked == {"collection": "CORE", "tax_group": ["plants"]}
    with pytest.raises(MotifError, match="no such release"):
        choose_motifs(dataset(), "plants", release="JASPAR1999")

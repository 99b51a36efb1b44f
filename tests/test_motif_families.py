"""Alike matrices put together, and families that match the same bases."""

import numpy as np
import pytest

from mlx_gsa.dna.motifs import Motif, load_motifs
from mlx_gsa.evaluation.bootstrap import Interval
from mlx_gsa.motifs.enrichment import Against, MotifRow
from mlx_gsa.motifs.families import ALIKE, families_of, find_echoes, group_alike, similarity
from mlx_gsa.motifs.hits import HitTable, Look, Pool


@pytest.fixture(scope="module")
def jaspar():
    return {motif.name: motif for motif in load_motifs("vertebrates")}


def motif(id, word, other=1.0):
    return Motif(id, id.lower(), np.array([[97.0 if b == base else other for b in "ACGT"] for base in word]))


def row(id, cut="kept", q=0.001, observed=10):
    one = Against(1.0, Interval(2.0, 1.5, 2.5), 0.001, q, q)
    return MotifRow(id, id.lower(), 8, cut, 100, 50, 20, 1000, observed, one, one, one)


def test_similarity_finds_the_offset_and_the_strand():
    one, shifted, reverse, other = (
        motif("A", "TGACTCA"),
        motif("B", "GGTGACTCA"),
        motif("C", "TGAGTCA"),
        motif("D", "CCCCC"),
    )
    found = similarity([one, shifted, reverse, other])
    assert np.diag(found) == pytest.approx(1, abs=1e-5) and np.allclose(found, found.T)
    assert found[0, 1] == pytest.approx(np.sqrt(7 / 9), abs=0.01)  # seven of nine columns are shared
    assert found[0, 2] == pytest.approx(1, abs=1e-5)
    assert found[0, 3] < 0.5


def test_it_agrees_with_a_plain_loop(jaspar):
    first, second = jaspar["ETS1"], jaspar["CTCF"]
    best = -1.0
    for ppm in (second.ppm() - 0.25, (second.ppm() - 0.25)[::-1, ::-1]):
        for shift in range(-len(ppm), first.width + 1):
            total = sum(
                (first.ppm()[i] - 0.25) @ ppm[i - shift] for i in range(first.width) if 0 <= i - shift < len(ppm)
            )
            best = max(best, total / np.linalg.norm(first.ppm() - 0.25) / np.linalg.norm(ppm))
    assert similarity([first, second])[0, 1] == pytest.approx(best, abs=1e-5)


def test_factors_of_one_family_come_together(jaspar):
    names = ["ETS1", "ELK4", "GABPA", "FLI1", "SP1", "KLF5", "SP3", "CTCF", "TBP", "NRF1", "FOS::JUN", "JUNB"]
    chosen = [jaspar[name] for name in names if name in jaspar]
    group = dict(zip((one.name for one in chosen), group_alike(chosen).tolist(), strict=True))
    assert group["ETS1"] == group["ELK4"] == group["GABPA"] == group["FLI1"]
    assert group["SP1"] == group["SP3"] and group["FOS::JUN"] == group["JUNB"]
    assert len({group[name] for name in ("ETS1", "SP1", "CTCF", "TBP", "JUNB")}) == 5


def test_all_matrices_are_grouped_in_seconds(jaspar):
    groups = group_alike(list(jaspar.values()))
    assert 100 < len(set(groups.tolist())) < len(jaspar) * 0.8 and 0 < ALIKE < 1


def test_one_family_is_one_row_and_the_best_stands_for_it():
    motifs = [motif("A", "TGACTCAT"), motif("B", "TGACTCAC"), motif("C", "GGGGCCCC"), motif("D", "ATATATAT")]
    rows = [row("B", q=1e-5), row("C", q=1e-4), row("A", q=1e-3), row("B", "top 1 %", 0.01), row("C", "top 1 %", 0.5)]
    families = families_of(rows, motifs)
    assert [family.best.motif_id for family in families] == ["B", "C"]
    assert families[0].names == ["a"] and [r.family for r in families[0].rows] == ["B", "B", "B"]
    assert families[0].enriched and families_of([], motifs) == []


def test_a_family_at_the_sites_of_a_larger_one_is_its_echo():
    motifs = (motif("A", "GTTAATGATTAAC"), motif("B", "TTAAT"), motif("C", "GGGCGG"))
    hits = [(0, 10, 23), (0, 40, 53), (1, 12, 17), (1, 43, 48), (2, 70, 76)]
    number, start, end = (np.array(column) for column in zip(*hits, strict=True))
    table = HitTable(number * 0, number, start, end, number.astype(str), number * 1.0)
    pool = Pool.of([np.zeros(100, np.uint8)])
    focus = {"kept": np.array([10, 13, 14, 41, 45, 71])}

    class Study:
        pass

    study = Study()
    study.motifs, study.hits, study.pool, study.look = motifs, table, pool, Look(None, [], [], focus)
    families = families_of([row("B"), row("A"), row("C")], motifs)
    marked = find_echoes(families, study)
    assert [family.repeats for family in marked] == [1.0] * 3  # a pool of A alone
    echoes = {family.best.motif_id: family.echo for family in marked}
    assert echoes == {"B": "a", "A": "", "C": ""}

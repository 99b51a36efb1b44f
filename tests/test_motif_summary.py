"""Motifs in the kept positions of many records, beside chance and beside another class."""

import numpy as np
import pytest
from fake_predictor import FakePredictor, random_tokens
from scipy.stats import fisher_exact

from mlx_gsa.dna.motifs import Motif, MotifHit, MotifScanner
from mlx_gsa.explain.explain import explain_records
from mlx_gsa.explain.motif_matches import scan_many
from mlx_gsa.explain.motif_summary import COLUMNS, MotifTally, write_motif_table
from mlx_gsa.explain.place import Place
from mlx_gsa.explain.records import Record
from mlx_gsa.explain.spans import Span


def motif(id, word):
    return Motif(id, id.lower(), np.array([[97.0 if b == base else 1.0 for b in "ACGT"] for base in word]))


A, B, C = motif("A", "ACGTACGT"), motif("B", "TTTT"), motif("C", "GGGGGGGG")


def hit(which, start, score=9.0):
    return MotifHit(which, start, start + which.width, "+", score, 1e-5)


def spans(*peaks):
    return [Span(p, p + 1, p, 1, 1.0, 1.0, 0.0, 0.0, rank) for rank, p in enumerate(peaks, 1)]


def test_a_record_counts_if_a_peak_lies_in_a_site():
    tally = MotifTally([A, B])
    for peak in (9, 10, 17, 18):  # a site covers 10 to 17
        tally.add([hit(A, 10)], 100, spans(peak))
    for _ in range(8):
        tally.add([hit(A, 10), hit(B, 40)], 100, spans(12, 60))
    rows = {row.motif_id: row for row in tally.rows()}
    assert (rows["A"].hit, rows["A"].records, rows["B"].hit) == (10, 12, 0)
    # one random position of 100 lies in a site of 8 with 8 %; one of two at least with 1 - C(92, 2) / C(100, 2)
    assert rows["A"].expected == pytest.approx(4 * 0.08 + 8 * (1 - 92 * 91 / (100 * 99)))
    assert rows["A"].enrichment == pytest.approx(10 / rows["A"].expected)
    assert rows["B"].log_p == 0 and tally.rows()[0].motif_id == "A"


def test_overlapping_sites_cover_their_union():
    tally = MotifTally([A])
    for _ in range(10):
        tally.add([hit(A, 10), hit(A, 12), hit(A, 50)], 100, spans(1))
    (row,) = tally.rows()
    assert row.expected == pytest.approx(10 * 0.18) and row.hit == 0


def test_only_the_best_spans_count():
    tally = MotifTally([A])
    for _ in range(10):
        tally.add([hit(A, 50)], 100, spans(1, 2, 3, 52))
    assert tally.rows()[0].hit == 0
    longer = MotifTally([A])
    for _ in range(10):
        longer.add([hit(A, 50)], 800, spans(1, 2, 3, 52))  # one span more for 800 bp
    assert longer.rows()[0].hit == 10


def test_another_class_is_compared_by_fishers_test():
    tally = MotifTally([A, B])
    for i in range(20):
        tally.add([hit(A, 10)] if i < 15 else [], 100, spans(12))
    for i in range(30):
        tally.add([hit(A, 10)] if i < 6 else [], 100, spans(12), other=True)
    row = tally.rows()[0]
    assert (row.hit, row.other_hit, row.other_records) == (15, 6, 30)
    assert np.exp(row.log_p) == pytest.approx(fisher_exact([[15, 5], [6, 24]], alternative="greater")[1])
    assert row.enrichment == pytest.approx(0.75 / 0.2) and row.q == pytest.approx(2 * np.exp(row.log_p))
    assert row.expected == pytest.approx(15 * 0.01 * 8)  # chance sees the first class only


def test_a_motif_the_other_class_lacks_has_a_finite_enrichment():
    tally = MotifTally([A])
    for other in (False, True):
        for _ in range(10):
            tally.add([] if other else [hit(A, 10)], 100, spans(12), other)
    assert tally.rows()[0].enrichment == pytest.approx(1 / (0.5 / 10))


def test_motifs_at_the_same_places_are_one_family():
    tally = MotifTally([A, B, C])
    for i in range(40):
        found = [hit(A, 10), hit(C, 60)] + ([hit(B, 12)] if i < 30 else [])
        tally.add(found, 100, spans(13, 62))
        tally.add([], 100, spans(13, 62), other=True)
    families = {row.motif_id: row.family for row in tally.rows()}
    assert families == {"A": "A", "C": "C", "B": "A"}


def test_few_records_say_nothing():
    tally = MotifTally([A])
    for _ in range(9):
        tally.add([hit(A, 10)], 100, spans(12))
    assert tally.rows() == []


def test_the_table_writes_p_values_too_small_for_a_float(tmp_path):
    tally = MotifTally([A, B])
    for other in (False, True):
        for _ in range(3000):
            tally.add([] if other else [hit(A, 10)], 100, spans(12), other)
    path = write_motif_table(tmp_path / "motifs.tsv", tally.rows())
    header, first, last = [line.split("\t") for line in path.read_text().splitlines()]
    assert tuple(header) == COLUMNS and first[:3] == ["1", "A", "a"]
    cells = dict(zip(header, first, strict=True))
    exponent = int(cells["p"].split("e")[1])
    assert -1820 < exponent < -1790  # C(6000, 3000) is about 10^1804
    assert (cells["hit"], cells["rate"], cells["other_rate"]) == ("3000", "1", "0")
    assert dict(zip(header, last, strict=True))["p"] == "1"


def test_scanning_many_is_scanning_each():
    rng = np.random.default_rng(0)
    sequences = [rng.integers(0, 4, n).astype(np.uint8) for n in (3, 500, 8, 200)]
    scanner = MotifScanner([A, B, C], p_value=0.01)
    together = scan_many(scanner, sequences)
    assert together == [scanner.scan(tokens) for tokens in sequences] and len(together[1]) > 5
    assert scan_many(scanner, []) == [] and scan_many(MotifScanner([]), sequences) == [[]] * 4


TATA = motif("TATA", "TATAAA")


def records(n, with_sites, prefix="r"):
    for i in range(n):
        tokens = random_tokens(120, seed=i, sites=[30, 80] if with_sites else [])
        yield Record(f"{prefix}{i}", tokens, Place.of_record(f"{prefix}{i}", 120), float(with_sites))


def table(path):
    header, *rows = [line.split("\t") for line in path.read_text().splitlines()]
    return [dict(zip(header, row, strict=True)) for row in rows]


def test_explaining_leaves_the_table(tmp_path):
    tally = MotifTally([A, TATA])
    stream = explain_records(
        FakePredictor(), records(12, True), tmp_path / "o", motifs=[A, TATA], heatmaps=0, record_files=False,
        tally=tally, others=records(15, False, "s"),
    )  # fmt: skip
    assert len(list(stream)) == 12
    first = table(tmp_path / "o/motifs.tsv")[0]
    assert (first["motif_id"], first["records"], first["hit"]) == ("TATA", "12", "12")
    assert (first["other_records"], first["other_hit"]) == ("15", "0")
    assert float(first["shuffled_rate"]) < 0.35 and float(first["q"]) < 1e-6
    assert len(table(tmp_path / "o/summary.tsv")) == 12  # those compared with are not explained


def test_records_of_both_classes_are_told_apart(tmp_path):
    tally = MotifTally([TATA])
    both = [*records(11, True), *records(13, False, "s")]
    list(explain_records(FakePredictor(), both, tmp_path / "o", motifs=[TATA], heatmaps=0, tally=tally,
                         is_other=lambda record: record.label == 0))  # fmt: skip
    (row,) = tally.rows()
    assert (row.records, row.hit, row.other_records, row.other_hit) == (11, 11, 13, 0)


def test_few_records_leave_no_table(tmp_path):
    list(explain_records(FakePredictor(), records(3, True), tmp_path / "o", motifs=[TATA], heatmaps=0,
                         tally=MotifTally([TATA])))  # fmt: skip
    assert not (tmp_path / "o/motifs.tsv").exists()

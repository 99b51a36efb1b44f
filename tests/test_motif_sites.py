"""Sequences end to end, hits as arrays, positions looked at, and how many of them lie in sites."""

import numpy as np
import pytest
from fake_predictor import FakePredictor, random_tokens

from mlx_gsa.dna.motifs import Motif, MotifScanner
from mlx_gsa.errors import RunError
from mlx_gsa.motifs.hits import HitTable, Pool, cut_names, find_hits, look
from mlx_gsa.motifs.sites import count_in_sites, cover_of, mark


def motif(id, word):
    return Motif(id, id.lower(), np.array([[97.0 if b == base else 1.0 for b in "ACGT"] for base in word]))


TATA, PALINDROME = motif("T", "TATAAAGC"), motif("P", "GGATCC")


def records():
    return [random_tokens(200, 1, sites=(20, 100)), random_tokens(90, 2), random_tokens(150, 3, sites=(140,))]


def test_hits_are_in_positions_of_the_pool():
    words = motif("W", "TATAAA")
    pool = Pool.of(records())
    hits = find_hits(pool, MotifScanner([PALINDROME, words], 2.5e-4))
    mine = (hits.motif == 1) & (hits.strand == "+")
    assert hits.start[mine].tolist() == [20, 100, 290 + 140] and hits.record[mine].tolist() == [0, 0, 2]
    assert (hits.end - hits.start)[mine].tolist() == [6, 6, 6]
    assert len(pool) == 3 and pool.lengths.tolist() == [200, 90, 150]
    assert pool.composition()[0] == pool.composition()[3] and sum(pool.composition()) == pytest.approx(1)


@pytest.mark.parametrize("at", np.linspace(0, 1, 23))
def test_every_composition_can_be_scanned_under(at):
    tokens = np.where(np.random.default_rng(0).random(1000) < at, 0, 2).astype(np.uint8)
    background = Pool.of([tokens]).composition()
    assert np.float32(background).sum() == 1 and background[0] == pytest.approx(at / 2, abs=0.02)
    MotifScanner([TATA], 1e-3, background)


def table(*rows):
    record, motifs, start, end = (np.array(column) for column in zip(*rows, strict=True))
    return HitTable(record, motifs, start, end, np.full(len(rows), "+"), np.ones(len(rows)))


def test_a_position_in_two_overlapping_hits_counts_once():
    pool = Pool.of([np.zeros(50, np.uint8)] * 2)
    cover = cover_of(table((0, 0, 10, 16), (0, 0, 10, 16), (0, 0, 13, 19), (1, 0, 60, 66), (0, 1, 12, 18)), pool, 3)
    runs = zip(cover.motif, cover.record, cover.start, cover.end, strict=True)
    assert sorted(runs) == [(0, 0, 10, 19), (0, 1, 60, 66), (1, 0, 12, 18)]
    counts = count_in_sites(cover, mark(np.array([10, 14, 18, 19, 65]), 100))
    assert counts.tolist() == [[3, 1, 0], [1, 0, 0]]
    assert count_in_sites(cover, np.full(100, 0.5))[0].tolist() == [4.5, 3, 0]


def test_no_hit_at_all_counts_nothing():
    pool = Pool.of([np.zeros(50, np.uint8)])
    hits = find_hits(pool, MotifScanner([motif("G", "GGGCGGGC")], 1e-4))
    cover = cover_of(hits, pool, 1)
    assert len(hits.start) == 0 and count_in_sites(cover, np.ones(50)).tolist() == [[0.0]]


def test_a_look_holds_the_kept_and_the_top_of_the_ranking():
    pool = Pool.of(records())
    seen = look(FakePredictor(), pool, top=0.01)
    assert list(seen.focus) == ["kept", "top 1 %"] == list(cut_names(0.01))
    assert seen.focus["top 1 %"].tolist()[:2] == [22, 102]  # the third base of each TATAAA
    assert 290 + 142 in seen.focus["top 1 %"] and len(seen.focus["top 1 %"]) == 2 + 1 + 2
    assert len(seen.focus["kept"]) == 20 + 9 + 15 and np.all(np.diff(seen.focus["kept"]) > 0)
    assert cut_names(None) == ("kept",) and list(look(FakePredictor(), pool, top=None).focus) == ["kept"]


def test_relevance_that_is_no_number_is_an_error():
    class Broken(FakePredictor):
        def predict(self, sequences, batch_size=32):
            for one in super().predict(sequences, batch_size):
                yield one._replace(relevance=one.relevance * np.nan)

    with pytest.raises(RunError, match="relevance is not a finite number"):
        look(Broken(), Pool.of(records()))

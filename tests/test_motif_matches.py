import numpy as np
import pytest
from fake_predictor import random_tokens

from mlx_gsa.dna.alphabet import encode, reverse_complement
from mlx_gsa.dna.motifs import Motif, MotifScanner
from mlx_gsa.explain.motif_matches import match_spans, window_p_value
from mlx_gsa.explain.spans import find_spans


def _motif(name, text):
    counts = np.full((len(text), 4), 1.0)
    counts[np.arange(len(text)), encode(text)[0]] = 97.0
    return Motif(f"MA_{name}", name, counts)


def _spans(length, positions):
    relevance = np.zeros(length)
    relevance[positions] = np.arange(len(positions), 0, -1)
    return find_spans(relevance, sorted(positions), np.zeros(len(positions)))


@pytest.fixture(scope="module")
def scanner():
    return MotifScanner([_motif("one", "TGACTCAGGC"), _motif("two", "CCGGAAGTGA")], p_value=1e-4)


def test_a_window_of_many_places():
    assert window_p_value(0.5, 2) == pytest.approx(0.75)
    assert window_p_value(1e-12, 40) == pytest.approx(4e-11)
    assert 0 <= window_p_value(1.0, 3) <= 1


def test_sites_are_found_beside_the_kept_position_on_both_strands(scanner):
    tokens = random_tokens(200, seed=3)
    tokens[50:60] = encode("TGACTCAGGC")[0]
    tokens[120:130] = reverse_complement(encode("CCGGAAGTGA")[0])
    found = match_spans(tokens, _spans(200, [48, 131]), scanner, flank=12)
    first, second = found[1][0], found[2][0]
    assert (first.name, first.start, first.end, first.strand) == ("one", 50, 60, "+")
    assert (second.name, second.start, second.end, second.strand) == ("two", 120, 130, "-")
    places = 2 * (25 - 10 + 1)
    tests = 2 * 2
    worst = max(window_p_value(match.p_value, places) for match in (first, second))
    assert max(first.q_value, second.q_value) == pytest.approx(min(1, worst * tests / 2))


def test_a_site_outside_the_flank_is_not_reported(scanner):
    tokens = random_tokens(200, seed=4)
    tokens[100:110] = encode("TGACTCAGGC")[0]
    assert match_spans(tokens, _spans(200, [80]), scanner, flank=12) == {1: []}
    assert match_spans(tokens, _spans(200, [80]), scanner, flank=30)[1][0].start == 100


def test_neighbouring_windows_do_not_make_a_site_between_them(scanner):
    tokens = random_tokens(200, seed=5)
    half = encode("TGACTCAGGC")[0]
    tokens[45:50], tokens[120:125] = half[:5], half[5:]  # the windows end and begin with one half each
    spans = _spans(200, [49, 120])
    assert match_spans(tokens, spans, scanner, flank=0) == {1: [], 2: []}


def test_one_site_per_motif_and_the_best_first():
    motifs = [_motif("long", "TGACTCAGGC"), _motif("short", "TGACTCAG")]
    tokens = random_tokens(120, seed=6)
    tokens[50:60] = encode("TGACTCAGGC")[0]
    tokens[65:73] = encode("TGACTCAG")[0]
    rows = match_spans(tokens, _spans(120, [60]), MotifScanner(motifs, p_value=1e-3), flank=14)[1]
    assert [row.name for row in rows] == ["long", "short"]
    assert rows[0].p_value < rows[1].p_value
    assert len(match_spans(tokens, _spans(120, [60]), MotifScanner(motifs, p_value=1e-3), flank=14, best=1)[1]) == 1


def test_without_spans_or_motifs(scanner):
    tokens = random_tokens(50)
    assert match_spans(tokens, [], scanner) == {}
    assert match_spans(tokens, _spans(50, [10]), MotifScanner([])) == {1: []}

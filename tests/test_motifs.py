"""Motif matrices and scanning, held against plain references."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlx_gsa.dna.alphabet import PAD, encode, reverse_complement
from mlx_gsa.dna.motifs import SHIPPED, Motif, MotifScanner, load_motifs
from mlx_gsa.errors import MotifError

COUNTS = np.array([[9, 1, 0, 0], [0, 0, 10, 0], [6, 0, 0, 4], [0, 8, 2, 0], [0, 0, 10, 0]], float)


@pytest.fixture(scope="module")
def toy():
    return Motif("T1", "toy", COUNTS)


def exact_p_value(pwm, score):
    """Share of all words that score as high: what a p-value is."""
    words = np.array(list(itertools.product(range(4), repeat=len(pwm))))
    return (pwm[np.arange(len(pwm)), words].sum(axis=1) >= score - 1e-4).mean()


def plain_scan(motif, tokens, p_value):
    """All hits by the definition, one window at a time."""
    hits = set()
    for strand, pwm in (("+", motif.pwm()), ("-", motif.reverse_complement().pwm())):
        for start in range(len(tokens) - motif.width + 1):
            window = tokens[start : start + motif.width]
            if (window < 4).all():
                score = pwm[np.arange(motif.width), window].sum()
                if exact_p_value(pwm, score) <= p_value:
                    hits.add((start, strand))
    return hits


def test_matrix_by_hand(toy):
    assert toy.width == 5 and toy.consensus == "AGACG"
    assert toy.ppm()[0] == pytest.approx([0.9, 0.1, 0, 0])
    assert toy.ppm(pseudocount=2)[1] == pytest.approx([0.5 / 12, 0.5 / 12, 10.5 / 12, 0.5 / 12])
    assert toy.column_information[[1, 2]] == pytest.approx([2, 1.029], abs=1e-3)
    assert toy.pwm(pseudocount=0)[2, :2] == pytest.approx([np.log2(2.4), -np.inf])
    skewed = toy.pwm(background=(0.4, 0.1, 0.1, 0.4), pseudocount=0)
    assert skewed[1, 2] == pytest.approx(np.log2(10))


def test_reverse_complement_of_a_motif(toy):
    assert toy.reverse_complement().consensus == "CGTCT"
    assert (toy.reverse_complement().reverse_complement().counts == toy.counts).all()


@pytest.mark.parametrize("counts", [[[1, 2, 3]], [], [[1, 1, 1, -1]], [[0, 0, 0, 0]], [[1, 1, 1, np.nan]]])
def test_a_matrix_that_is_none_is_refused(counts):
    with pytest.raises(MotifError, match="not a motif matrix"):
        Motif("bad", "bad", counts)


@settings(max_examples=25, deadline=None)
@given(st.text("ACGTN", max_size=60), st.sampled_from([0.002, 0.01]))
def test_scan_finds_what_the_definition_says(text, p_value):
    motif = Motif("T1", "toy", COUNTS)
    tokens = encode(text)[0] if text else np.zeros(0, np.uint8)
    found = {(hit.start, hit.strand) for hit in MotifScanner([motif], p_value).scan(tokens)}
    assert found == plain_scan(motif, tokens, p_value)


def test_hits_carry_score_and_p_value(toy):
    tokens = encode("TTTTAGACGTTTTCGTCTTTTT")[0]
    forward, reverse = MotifScanner([toy], 0.001).scan(tokens)
    assert (forward.start, forward.end, forward.strand) == (4, 9, "+")
    assert (reverse.start, reverse.end, reverse.strand) == (13, 18, "-")
    best = toy.pwm().max(axis=1).sum()
    assert forward.score == pytest.approx(best, abs=1e-4) and reverse.score == pytest.approx(best, abs=1e-4)
    assert forward.p_value == pytest.approx(4.0**-5)
    assert forward.motif is toy


def test_a_perfect_match_has_a_p_value_above_0():
    nfya = next(motif for motif in load_motifs("vertebrates") if motif.id == "MA0060.4")
    (hit,) = MotifScanner([nfya], 1e-4).scan(encode("G" * 10 + nfya.consensus + "G" * 10)[0])
    assert hit.p_value == pytest.approx(4.0**-8)


def test_the_background_moves_p_values(toy):
    (hit,) = MotifScanner([toy], 0.001, background=(0.4, 0.1, 0.1, 0.4)).scan(encode("AGACG")[0])
    assert hit.p_value == pytest.approx(0.4 * 0.1 * 0.4 * 0.1 * 0.1, rel=1e-3)


def test_strands_mirror_each_other():
    motifs = load_motifs("promoter_elements")
    tokens = np.random.default_rng(0).integers(0, 4, 3000).astype(np.uint8)
    scanner = MotifScanner(motifs, 1e-3)
    mirrored = {
        (hit.motif.id, 3000 - hit.end, "+-"[hit.strand == "+"]) for hit in scanner.scan(reverse_complement(tokens))
    }
    found = {(hit.motif.id, hit.start, hit.strand) for hit in scanner.scan(tokens)}
    assert found == mirrored and len(found) > 20


def test_n_and_pad_never_match(toy):
    scanner = MotifScanner([toy], 0.9)
    assert scanner.scan(np.full(50, 4, np.uint8)) == []
    assert scanner.scan(np.full(50, PAD, np.uint8)) == []
    assert scanner.scan(encode("AGAC")[0]) == []


def test_a_motif_too_weak_for_the_p_value_has_no_hits(toy):
    assert MotifScanner([toy], 1e-6).scan(encode("AGACG")[0]) == []
    with pytest.raises(MotifError, match="between 0 and 1"):
        MotifScanner([toy], 0)


def test_best_in_spans(toy):
    tokens = encode("TTTTAGACGTTTTTTTTTTTCGACGTTT")[0]
    scanner = MotifScanner([toy], 0.01)
    exact, nothing, weaker, apart = scanner.best_in(tokens, [(2, 10), (10, 18), (18, 27), (0, 5)])
    assert exact.start == 4 and nothing is None and weaker.start == 20 and apart is None
    assert weaker.p_value > exact.p_value
    assert scanner.best_in(tokens, [(6, 8)])[0].start == 4  # a short span inside a site


@pytest.mark.parametrize(
    ("name", "count"),
    [("vertebrates", 1019), ("insects", 296), ("fungi", 193), ("plants", 927), ("promoter_elements", 13)],
)
def test_shipped_sets(name, count):
    motifs = load_motifs(name)
    assert len(motifs) == count == len({motif.id for motif in motifs})
    assert all(motif.name and motif.width >= 4 for motif in motifs)


def test_shipped_matrices_are_those_of_jaspar():
    motifs = {motif.id: motif for name in SHIPPED for motif in load_motifs(name)}
    assert motifs["MA0046.3"].name == "HNF1A" and motifs["MA0046.3"].consensus == "GTTAATGATTAAC"
    assert motifs["MA0140.3"].name == "GATA1::TAL1"
    assert motifs["POL012.1"].name == "TATA-Box" and motifs["POL012.1"].consensus == "GTATAAAAGGCGGGG"
    # counts of the first position of POL012.1 in JASPAR: A 61, C 145, G 152, T 31
    assert motifs["POL012.1"].counts[0] == pytest.approx([61, 145, 152, 31], abs=0.1)


FORMATS = {
    "jaspar": ">T1 toy\nA [9 0 6 0 0]\nC [1 0 0 8 0]\nG [0 10 0 2 10]\nT [0 0 4 0 0]\n",
    "transfac": "ID  T1\nXX\nP0  A C G T\n01  9 1 0 0\n02  0 0 10 0\n03  6 0 0 4\n04  0 8 2 0\n05  0 0 10 0\nXX\n//\n",
    "meme": "MEME version 4\n\nALPHABET= ACGT\n\nBackground letter frequencies\nA 0.25 C 0.25 G 0.25 T 0.25\n\n"
    "MOTIF T1 toy\nletter-probability matrix: alength= 4 w= 5 nsites= 10 E= 0\n"
    "0.9 0.1 0 0\n0 0 1 0\n0.6 0 0 0.4\n0 0.8 0.2 0\n0 0 1 0\n\n",
}


@pytest.mark.parametrize("format", FORMATS)
def test_a_users_file(tmp_path, format):
    path = tmp_path / "motifs.txt"
    path.write_text(FORMATS[format])
    (motif,) = load_motifs(path)
    assert motif.id == "T1"
    assert motif.counts == pytest.approx(COUNTS)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "unknown motif format"),
        ("hello", "unknown motif format"),
        (">seq1\nACGTACGT\n", "motif file|no motif"),
        ("MEME version 4\n\nALPHABET= ACGT\n", "motif file|no motif"),
        (">T1 toy\nA [9 0]\nC [1 x]\n", "motif file|no motif"),
    ],
)
def test_bad_files_are_refused(tmp_path, content, message):
    path = tmp_path / "motifs.txt"
    path.write_text(content)
    with pytest.raises(MotifError, match=message):
        load_motifs(path)


def test_binary_and_missing_files_are_refused(tmp_path):
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00\x80")
    with pytest.raises(MotifError, match="unreadable"):
        load_motifs(tmp_path / "binary")
    with pytest.raises(MotifError, match="vertebrates"):
        load_motifs("vertebrate")


def test_every_composition_is_taken_for_a_background(toy):
    """lightmotif refuses what does not add up to exactly 1 in single precision: about one composition in thirty."""
    rng = np.random.default_rng(0)
    for counts in rng.integers(1000, 5000, (300, 4)):
        shares = tuple(((counts + counts[::-1]) / (2 * counts.sum())).tolist())
        MotifScanner([toy], 0.01, shares)
    with pytest.raises(ValueError, match="background"):
        MotifScanner([toy], 0.01, (0.5, 0.5, 0.5, 0.5))

"""How alike matrices are, worked out by hand."""

import numpy as np
import pytest
from motif_toys import AP1, EBOX, ETS, motif_of

from mlx_gsa.dna.motifs import Motif
from mlx_gsa.errors import MotifError
from mlx_gsa.motifs.alignment import agreement, align, best_agreement, leave_out, merge, named


def test_a_motif_is_like_itself_and_its_reverse_complement():
    assert align(AP1, AP1).similarity == pytest.approx(1) and align(AP1, AP1).offset == 0
    other = align(AP1, AP1.reverse_complement())
    assert other.similarity == pytest.approx(1) and other.reverse


def test_offset_counts_columns_of_the_first():
    part = Motif("part", "part", AP1.counts[3:])
    found = align(AP1, part)
    # Seven of ten equal columns: the cosine is 7 / sqrt(7 * 10).
    assert (found.offset, found.reverse) == (3, False)
    assert found.similarity == pytest.approx(np.sqrt(0.7))
    assert align(part, AP1).offset == -3


def test_unlike_motifs_are_unlike():
    assert align(AP1, ETS).similarity < 0.6 and align(AP1, EBOX).similarity < 0.6


def test_agreement_counts_columns_that_were_not_found_as_nothing():
    truth = motif_of("NNTTGACTCATCNN")
    found = agreement(Motif("a", "a", truth.counts[2:12][::-1, ::-1]), truth)
    assert found.alignment.reverse
    assert found.full == pytest.approx(1) and found.informative == pytest.approx(1) and found.found == 1
    assert found.columns == pytest.approx(10 / 14)  # an even column agrees with nothing
    half = agreement(Motif("b", "b", truth.counts[2:7]), truth)
    assert half.informative == pytest.approx(0.5) and half.found == 0.5 and half.full == pytest.approx(np.sqrt(0.5))


def test_agreement_is_pearson_of_the_probabilities():
    rng = np.random.default_rng(0)
    one, other = (Motif(name, name, rng.random((8, 4)) ** 4) for name in "ab")
    found = agreement(other, one)
    theirs = other.reverse_complement() if found.alignment.reverse else other
    laid = np.full((8, 4), 0.25)
    for column, values in enumerate(theirs.ppm(), start=found.alignment.offset):
        if 0 <= column < 8:
            laid[column] = values
    assert found.full == pytest.approx(np.corrcoef(laid.ravel(), one.ppm().ravel())[0, 1])
    single = [np.corrcoef(a, b)[0, 1] if a.std() > 0 else 0 for a, b in zip(laid, one.ppm(), strict=True)]
    assert found.columns == pytest.approx(np.mean(single))


def test_best_agreement_chooses_motif_and_truth():
    motif, best = best_agreement([ETS, AP1], [EBOX, AP1])
    assert motif is AP1 and best.full == pytest.approx(1)
    assert best_agreement([], [AP1]) is None and best_agreement([AP1], []) is None


def test_leaving_out_takes_relatives_too():
    relative = Motif("MA1.2", "JUN", AP1.counts[1:])
    kept, gone = leave_out([AP1, ETS, relative, EBOX], ["jun"])
    assert [motif.id for motif in kept] == [ETS.id, EBOX.id] and [motif.id for motif in gone] == [AP1.id, "MA1.2"]
    assert leave_out([AP1, ETS], []) == ([AP1, ETS], [])


def test_an_unknown_name_cannot_be_left_out():
    with pytest.raises(MotifError, match=r"no such motif to leave out.*found FOO"):
        leave_out([AP1], ["FOO"])


def test_names_with_and_without_version():
    motifs = [Motif("MA0001.2", "AGL3", AP1.counts), ETS]
    assert named(motifs, "ma0001") == named(motifs, "MA0001.2") == named(motifs, "agl3") == motifs[:1]
    assert named(motifs, "") == []


def test_merging_adds_counts_where_they_align():
    part = Motif("part", "part", AP1.counts[2:6][::-1, ::-1])
    merged = merge(AP1, part)
    np.testing.assert_allclose(merged.counts[2:6], 2 * AP1.counts[2:6])
    np.testing.assert_allclose(merged.counts[6:], AP1.counts[6:])

"""Motifs made and broken: planted ones, by substitutions and indels, on either strand, and none by chance."""

import numpy as np
import pytest
from motif_toys import AP1, EBOX, ETS, motif_of
from toys import random_tokens

from mlx_gsa.dna.alphabet import decode, encode, reverse_complement
from mlx_gsa.errors import MotifError
from mlx_gsa.genomes.variant_motifs import VariantMotifs, best_score, touches
from mlx_gsa.genomes.variant_windows import change_of, cut_windows

NOTHING = np.zeros(0, int)
STRICT = 1e-5  # a perfect site of 10 bp has 1e-6, one with a wrong base 3e-5


def around(word, flip=False, seed=0):
    tokens = random_tokens([80], seed)[0]
    tokens[35:45] = reverse_complement(encode(word)[0]) if flip else encode(word)[0]
    return tokens


def compare(motifs, tokens, start, ref, alt, kept=(NOTHING, NOTHING), p_value=STRICT, **settings):
    assert decode(tokens[start : start + len(ref)]) == ref
    pair = cut_windows(change_of(start, ref, alt), lambda s, e: tokens[s:e], len(tokens), 60)
    return VariantMotifs(motifs, p_value, **settings).compare([pair], [kept])[0]


@pytest.mark.parametrize("flip", [False, True])
def test_a_substitution_breaks_a_planted_site_and_its_reverse_makes_it(flip):
    tokens = around("TTGACTCATC", flip)
    old = decode(tokens[39:40])
    new = {"C": "G", "G": "C", "A": "T", "T": "A"}[old]
    (found,) = compare([AP1, ETS, EBOX], tokens, 39, old, new)
    assert (found.what, found.name, found.strand) == ("broken", "TTGACTCATC", "-" if flip else "+")
    assert found.end - found.start == 10 and found.p_value <= STRICT
    # 0.9 against 0.1 / 3 in one column
    assert found.difference == pytest.approx(AP1.pwm().min() - AP1.pwm().max())
    changed = tokens.copy()
    changed[39] = encode(new)[0][0]
    (back,) = compare([AP1, ETS, EBOX], changed, 39, new, old)
    assert back.what == "made" and back.difference == pytest.approx(-found.difference)
    assert (back.start, back.end, back.strand) == (found.start, found.end, found.strand)


def test_a_deletion_breaks_a_site_and_an_insertion_makes_one():
    tokens = around("TTGACTCATC")
    (found,) = compare([AP1], tokens, 38, "ACT", "A")
    assert found.what == "broken" and found.difference < -5
    without = np.delete(tokens, [39, 40])
    (back,) = compare([AP1], without, 38, "A", "ACT")
    assert back.what == "made" and back.difference == pytest.approx(-found.difference)


def test_an_insertion_into_the_middle_of_a_site_breaks_it():
    (found,) = compare([AP1], around("TTGACTCATC"), 39, "C", "CG")
    assert found.what == "broken"


def test_a_site_that_stays_is_neither_made_nor_broken():
    tokens = around("TTGACTCATC")
    before, behind = decode(tokens[34:35]), decode(tokens[45:46])
    for start, ref in ((34, before), (45, behind)):
        alt = "A" if ref != "A" else "C"
        assert compare([AP1], tokens, start, ref, alt) == []
        assert compare([AP1], tokens, start, ref, ref + "GG" if start == 45 else "GG" + ref) == []


def test_a_base_that_the_motif_does_not_care_for_changes_nothing():
    loose = motif_of("TTGANTCATC")
    assert compare([loose], around("TTGACTCATC"), 39, "C", "G") == []


def test_a_second_copy_elsewhere_does_not_hide_a_broken_one():
    tokens = around("TTGACTCATC")
    tokens[22:32] = encode("TTGACTCATC")[0]
    assert [one.what for one in compare([AP1], tokens, 39, "C", "G")] == ["broken"]


def test_alike_matrices_are_one_family_named_after_the_strongest():
    short, other = motif_of("TGACTCATC", "short"), motif_of("ACCGGAAGTG", "other")
    tokens = around("TTGACTCATC")
    (found,) = compare([short, AP1, other], tokens, 39, "C", "G")
    assert found.motif_id == AP1.id and found.alike == ("TGACTCATC",)


def test_only_the_best_few_families_are_reported():
    tokens = around("TTGACTCATC")
    many = [AP1, motif_of(decode(tokens[30:40]), "before")]
    both = compare(many, tokens, 39, "C", "G")
    assert [one.motif_id for one in both] == ["before", AP1.id], "equally strong: by place"
    assert compare(many, tokens, 39, "C", "G", best=1) == both[:1]


@pytest.mark.parametrize("inside, kept", [(2, True), (9, True), (10, False), (-1, False)])
def test_whether_the_model_keeps_a_position_in_the_site(inside, kept):
    tokens = around("TTGACTCATC")
    pair = cut_windows(change_of(39, "C", "G"), lambda s, e: tokens[s:e], len(tokens), 60)
    start = pair.ref_span[0] - 4
    (found,) = VariantMotifs([AP1], STRICT).compare([pair], [(np.array([start + inside]), NOTHING)])[0]
    assert found.start == start and found.kept is kept


def test_many_variants_in_one_scan_are_as_each_alone():
    tokens = [around(word, seed=seed) for seed, word in enumerate(("TTGACTCATC", "ACCGGAAGTG", "GCCACGTGAC"))]
    pairs = [cut_windows(change_of(39, decode(each[39:40]), "T"), lambda s, e, t=each: t[s:e], 80, 60)
             for each in tokens]  # fmt: skip
    motifs, kept = VariantMotifs([AP1, ETS, EBOX], STRICT), (NOTHING, NOTHING)
    together = motifs.compare(pairs, [kept] * 3)
    assert together == [motifs.compare([pair], [kept])[0] for pair in pairs]
    assert [one[0].name for one in together] == ["TTGACTCATC", "ACCGGAAGTG", "GCCACGTGAC"]


def test_without_motifs_or_with_a_bad_p_value():
    assert compare([], around("TTGACTCATC"), 39, "C", "G") == []
    with pytest.raises(MotifError, match="p-value"):
        VariantMotifs([AP1], p_value=0)


def test_a_site_touches_the_change_or_has_the_seam_inside():
    assert touches(3, 6, (5, 6)) and not touches(3, 5, (5, 6)) and not touches(6, 9, (5, 6))
    assert touches(3, 6, (5, 5)) and not touches(5, 8, (5, 5)) and not touches(2, 5, (5, 5))


def test_the_best_score_needs_room_and_known_bases():
    pwm, tokens = AP1.pwm(), around("TTGACTCATC")
    assert best_score(pwm, tokens, (39, 40)) == pytest.approx(pwm.max(1).sum())
    assert best_score(pwm, tokens[:9], (3, 4)) == -np.inf
    unknown = tokens.copy()
    unknown[39] = 4
    assert best_score(pwm, unknown, (39, 40)) == -np.inf
    assert best_score(pwm, tokens[:45], (44, 45)) == pytest.approx(pwm.max(1).sum())

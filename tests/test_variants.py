"""Scoring variants: planted sites broken and made, what is skipped and why, batches, and genomes that do not fit."""

import numpy as np
import pytest
from motif_toys import AP1, ETS
from toys import random_tokens
from variant_toys import Selecting, TextGenome, site

from mlx_gsa.config import ModelConfig
from mlx_gsa.dna.alphabet import decode, encode
from mlx_gsa.errors import VariantError
from mlx_gsa.genomes.variant_motifs import VariantMotifs
from mlx_gsa.genomes.variants import AT_ONCE, VariantScorer, default_window

SITE, WINDOW = 500, 120  # where the site begins, 0-based


@pytest.fixture(scope="module")
def text():
    tokens = random_tokens([1000], 4)[0]
    tokens[SITE : SITE + 10] = encode("TTGACTCATC")[0]
    return decode(tokens)


@pytest.fixture
def scorer(text):
    genome = TextGenome(chr1=text, chr2="ACGTNNNNNNACGT", chr3=text[:60])
    return VariantScorer(Selecting([AP1]), genome, WINDOW, VariantMotifs([AP1, ETS], 1e-5))


def effects(scorer, *sites):
    return [effect for _, of_site in scorer.score(sites) for effect in of_site]


def changed(text, start, ref, alt):
    assert text[start : start + len(ref)] == ref
    return text[:start] + alt + text[start + len(ref) :]


def test_a_broken_site_is_named_and_lowers_the_score_and_its_reverse_does_the_opposite(scorer, text):
    position = SITE + 5  # 1-based: the fifth base of the site, C
    (there,) = effects(scorer, site("chr1", position, "C", "G"))
    assert there.difference[0] < -1 and there.skip is None and there.kind == "snv"
    assert [(one.what, one.name, one.kept) for one in there.motifs] == [("broken", AP1.name, True)]
    assert there.kept.moved >= 1 and there.kept.near_ref <= 3
    other = TextGenome(chr1=changed(text, position - 1, "C", "G"))
    (back,) = effects(VariantScorer(Selecting([AP1]), other, WINDOW, scorer.motifs), site("chr1", position, "G", "C"))
    assert back.difference[0] == pytest.approx(-there.difference[0])
    assert [(one.what, one.name, one.kept) for one in back.motifs] == [("made", AP1.name, True)]
    assert (back.kept.lost, back.kept.gained) == (there.kept.gained, there.kept.lost)


def test_scores_are_those_of_the_windows_alone(scorer, text):
    (one,) = effects(scorer, site("chr1", 301, text[300], "A" if text[300] != "A" else "C"))
    window = text[300 - 59 : 300 + 61]
    (expected,) = Selecting([AP1]).predict([encode(window)[0]])
    assert len(window) == WINDOW and one.ref == pytest.approx(expected.prediction)
    alt = window[:59] + one.alt_text + window[60:]
    (expected,) = Selecting([AP1]).predict([encode(alt)[0]])
    assert one.alt == pytest.approx(expected.prediction)


def test_an_indel_in_the_site_breaks_it_and_one_beside_it_does_not(scorer, text):
    inside, beside = effects(
        scorer, site("chr1", SITE + 4, "AC", "A"), site("chr1", SITE - 20, text[SITE - 21], text[SITE - 21] + "GG")
    )
    assert inside.kind == "deletion" and [one.what for one in inside.motifs] == ["broken"] and inside.difference[0] < -1
    assert beside.kind == "insertion" and beside.motifs == [] and abs(beside.difference[0]) < 1


def test_every_allele_of_a_site_gets_its_own_effect(scorer):
    found = effects(scorer, site("chr1", SITE + 5, "C", "G,*,<DEL>,CA,C,G]chr2:4],N"))
    assert [one.skip for one in found] == [None, "spanning_deletion", "symbolic", None, "same", "breakend", None]
    assert [one.kind for one in found] == ["snv", None, None, "insertion", None, None, "snv"]
    assert found[6].difference[0] < -1, "an unknown base breaks the site too"


def test_what_cannot_be_scored_is_said_and_counted(scorer, text):
    good = site("chr1", SITE + 5, "C", "G")
    wrong = "A" if text[10] != "A" else "C"
    found = effects(
        scorer, good, site("chr1", 11, wrong, "G,T"), site("chrUn", 5, "A", "C"), site("chr1", 0, "A", "C"),
        site("chr1", 1000, text[999] + "A", "C"), site("chr1", 5, "N", "."), site("chr1", 601, text[600], "A" * 100),
    )  # fmt: skip
    reasons = [one.skip for one in found]
    assert reasons == [None, *["ref_mismatch"] * 2, "no_chromosome", "outside", "outside", "missing", "too_long"]
    assert (scorer.checked, scorer.mismatched, scorer.unknown) == (3, 1, {"chrUn": 1})
    assert scorer.mismatches[0]._asdict() == {"chrom": "chr1", "position": 11, "ref": wrong, "genome": text[10]}


def test_case_other_names_n_and_ends_of_chromosomes(scorer, text):
    found = effects(
        scorer, site("1", SITE + 5, "c", "g"), site("chr2", 5, "N", "A"), site("chr2", 1, "A", "ACC"),
        site("chr2", 14, "T", "G"), site("chr3", 60, text[59], "A" if text[59] != "A" else "C"),
    )  # fmt: skip
    assert [one.skip for one in found] == [None] * 5 and found[0].motifs[0].what == "broken"
    assert all(np.isfinite(one.difference).all() for one in found)


def test_memory_is_that_of_a_batch_and_the_reference_window_is_predicted_once(scorer):
    read = []

    def many():
        for number in range(3 * AT_ONCE):
            read.append(number)
            yield site("chr1", SITE + 5, "C", "G,T,A")

    stream = scorer.score(many())
    next(stream)
    assert len(read) == AT_ONCE
    assert scorer.predictor.asked == 4
    assert sum(1 for _ in stream) == 3 * AT_ONCE - 1


def test_results_do_not_depend_on_what_stands_beside(scorer, text):
    sites = [site("chr1", 200 + 5 * i, text[199 + 5 * i], "A" if text[199 + 5 * i] != "A" else "C") for i in range(9)]
    together = effects(scorer, *sites)
    for one, alone in zip(together, sites, strict=True):
        (expected,) = effects(scorer, alone)
        assert (one.difference, one.kept, one.motifs) == (expected.difference, expected.kept, expected.motifs)


def test_progress_and_no_site(scorer):
    done = []
    assert list(scorer.score([site("chr1", SITE + 5, "C", "G")] * (AT_ONCE + 1), done.append))
    assert done == [AT_ONCE, AT_ONCE + 1] and list(scorer.score([])) == []


def test_another_assembly_is_an_error_before_the_first_effect(scorer, text):
    wrong = [site("chr1", i + 1, "A" if text[i] != "A" else "C", "G") for i in range(AT_ONCE)]
    with pytest.raises(VariantError, match="not those of the genome") as error:
        next(scorer.score(wrong))
    assert "all 128 sites differ" in str(error.value) and "assembly" in error.value.mend
    with pytest.raises(VariantError, match="not those of the genome"):
        effects(scorer, wrong[0])


def test_chromosomes_of_another_genome_are_an_error(scorer):
    with pytest.raises(VariantError, match="no chromosome") as error:
        effects(scorer, site("scaffold_7", 5, "A", "C"), site("chr1", 5, "A", "."))
    assert error.value.found == "scaffold_7"


def test_without_motifs_or_a_selector_there_is_nothing_to_say_of_them(text):
    predictor = Selecting([AP1])
    predictor.selects = False
    (one,) = effects(VariantScorer(predictor, TextGenome(chr1=text), WINDOW), site("chr1", SITE + 5, "C", "G"))
    assert one.kept is None and one.motifs is None and one.difference[0] < -1


def test_the_default_window_is_what_the_model_was_trained_on():
    assert default_window(ModelConfig(), np.array([200, 300, 500])) == 300
    assert default_window(ModelConfig(reference_length=2500)) == 2500
    assert default_window(ModelConfig(sparsity=0.1, reference_budget=60)) == 600
    assert default_window(ModelConfig()) == 1000
    assert default_window(ModelConfig(), np.array([50])) == 100
    assert default_window(ModelConfig(), np.array([10**6])) == 10_000

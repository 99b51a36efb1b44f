"""Enrichment against three controls: a planted motif is found, a random selector finds nothing."""

from types import SimpleNamespace

import numpy as np
import pytest
from fake_predictor import FakePredictor, Prediction

from mlx_gsa.dna.alphabet import encode
from mlx_gsa.dna.motifs import Motif
from mlx_gsa.errors import DatasetError, GsaError, MotifError
from mlx_gsa.motifs.controls import by_group
from mlx_gsa.motifs.enrichment import CONTROLS, enriched_motifs, study_motifs


def motif(id, word):
    return Motif(id, id.lower(), np.array([[97.0 if b == base else 1.0 for b in "ACGT"] for base in word]))


PLANTED = motif("PLANTED", "TATAAAG")


def others(n=40, width=7, seed=0):
    rng = np.random.default_rng(seed)
    words = ["".join(rng.choice(list("ACGT"), width)) for _ in range(2 * n)]
    unlike = [word for word in words if not any(part in word for part in ("TATA", "ATAA", "TTAT", "AAAG", "CTTT"))]
    return [motif(f"M{i}", word) for i, word in enumerate(unlike[:n])]


class RandomSelector:
    """Relevance by chance, the same for the same sequence and seed."""

    def __init__(self, seed, sparsity=0.1):
        self.seed, self.sparsity = seed, sparsity

    def predict(self, sequences, batch_size=32):
        for tokens in sequences:
            rng = np.random.default_rng([self.seed, int(tokens.astype(np.int64) @ np.arange(1, len(tokens) + 1))])
            relevance = rng.random(len(tokens))
            kept = np.sort(np.argsort(-relevance)[: int(self.sparsity * len(tokens))])
            yield Prediction(np.zeros(1), np.zeros(1), relevance, kept, None, None, None)


def data(n=60, length=200, planted=True, seed=0, groups=None):
    """Random sequences, each with a site of the planted motif."""
    rng, word = np.random.default_rng(seed), encode("TATAAAG")[0]
    sequences = [rng.integers(0, 4, length).astype(np.uint8) for _ in range(n)]
    for tokens in sequences if planted else ():
        start = rng.integers(0, length - len(word))
        tokens[start : start + len(word)] = word
    group = np.arange(n).astype(str) if groups is None else groups
    return SimpleNamespace(sequence=sequences.__getitem__, records=SimpleNamespace(group=group))


def study(predictor, dataset, motifs, n=60, **options):
    options = {
        "p_value": 2e-4,
        "untrained": [RandomSelector(i) for i in range(100, 110)],
        "permutations": 300,
    } | options
    return study_motifs(predictor, dataset, range(n), motifs, **options)


def test_a_planted_motif_is_enriched_against_all_three():
    found = study(FakePredictor(), data(), [*others(), PLANTED])
    best = found.rows[0]
    assert best.motif_id == "PLANTED" and best.enriched and best.q < 1e-4
    assert all(one.enrichment.low > 1 and one.p_counted == 1 / 301 for one in best.against.values())
    assert {row.motif_id for row in found.rows if row.enriched} == {"PLANTED"}
    assert best.with_site == 60 and best.found == 60 and best.rate == 1
    assert set(found.matching) == {"kept", "top 1 %"} and found.matching["kept"].matched > 0.9 * 1200


def test_counts_are_those_of_a_plain_loop():
    found = study(FakePredictor(), data(n=20), [PLANTED], n=20)
    row = next(row for row in found.rows if row.cut == "top 1 %")
    hits, expected = found.hits, 0
    for position in found.look.focus["top 1 %"].tolist():
        expected += bool(((hits.start <= position) & (position < hits.end)).any())
    assert row.observed == expected and row.positions == 40
    untrained = [study(RandomSelector(i), data(n=20), [PLANTED], n=20) for i in (100, 101)]
    means = [next(r for r in one.rows if r.cut == "top 1 %").observed for one in untrained]
    again = study(FakePredictor(), data(n=20), [PLANTED], n=20, untrained=[RandomSelector(100), RandomSelector(101)])
    row = next(row for row in again.rows if row.cut == "top 1 %")
    assert row.untrained.expected == pytest.approx(np.mean(means), abs=1e-5)


def test_a_random_selector_finds_nothing():
    motifs, called, p_values = others(60, width=5), 0, {name: [] for name in CONTROLS}
    for seed in range(12):
        # The planted motif is in every record: commoner than in shuffled ones, but not where this selector looks.
        rows = study(RandomSelector(seed), data(seed=seed), [*motifs, PLANTED], resamples=0, p_value=1e-3).rows
        called += sum(row.q < 0.05 for row in rows)
        for name in CONTROLS:
            p_values[name] += [row.against[name].p for row in rows if row.motif_id != "PLANTED"]
    assert called == 0
    for name in CONTROLS:
        assert len(p_values[name]) > 200 and np.mean(np.array(p_values[name]) < 0.05) < 0.07, name


def test_the_same_seed_gives_the_same_rows():
    first, second = (study(FakePredictor(), data(), others(10), seed=3).rows for _ in range(2))
    assert first == second


def test_records_of_a_group_are_permuted_together():
    assert by_group(np.array([[1.0], [2.0], [4.0]]), ["b", "a", "b"]).tolist() == [[2.0], [5.0]]
    grouped = data(groups=np.repeat(["a", "b", "c"], 20))
    row = next(row for row in study(FakePredictor(), grouped, [PLANTED]).rows if row.cut == "kept")
    assert row.matched.p >= 0.125 and not row.enriched  # three groups have eight patterns of signs


def test_motifs_without_enough_sites_are_not_tested():
    rare = motif("RARE", "ACGTTGCATGCAAC")
    found = study(FakePredictor(), data(), [PLANTED, rare])
    assert found.tested == 1 and {row.motif_id for row in found.rows} == {"PLANTED"}
    nothing = study(FakePredictor(), data(), [rare])
    assert nothing.rows == [] and nothing.tested == 0


def test_errors_say_what_is_missing():
    with pytest.raises(DatasetError, match="no record to look for motifs in"):
        study(FakePredictor(), data(), [PLANTED], n=0)
    with pytest.raises(DatasetError, match="records cannot be permuted"):
        study(FakePredictor(), data(groups=np.full(60, "a")), [PLANTED])
    with pytest.raises(MotifError, match="twice: PLANTED"):
        study(FakePredictor(), data(), [PLANTED, PLANTED])
    with pytest.raises(MotifError, match="found none"):
        enriched_motifs(FakePredictor(), data(), range(60), [], untrained=[RandomSelector(0), RandomSelector(1)])
    with pytest.raises(GsaError, match="too few controls"):
        study(FakePredictor(), data(), [PLANTED], untrained=[RandomSelector(0)])

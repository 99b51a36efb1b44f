"""Spacing: a planted distance is recovered, random distances are not taken for one."""

import json

import numpy as np
import pytest
from motif_toys import AP1, EBOX, ETS, SitePredictor, draw_site
from toys import random_tokens, write_toy

from mlx_gsa.errors import GsaError
from mlx_gsa.motifs.pair_sites import Pairs
from mlx_gsa.motifs.spacing import measure_spacing
from mlx_gsa.motifs.spacing_files import enriched_pairs, peak_text, save_spacing, spacing_rows, spacing_table
from mlx_gsa.motifs.spacing_null import Profile, _count_tail, attention_profile

GAP = (12, 20)


def dataset_of(folder, n=300, rule=True, anchored=False, seed=0):
    """Records with AP1 and ETS: AP1 upstream of ETS on its strand, by a gap of 12-20 bp; or anywhere."""
    rng = np.random.default_rng([seed, 9])
    sequences = random_tokens([200] * n, seed)
    for tokens in sequences:
        if anchored:  # each motif keeps to its own place, but they do not know of each other
            starts = 60 + rng.integers(0, 20), 110 + rng.integers(0, 20)
        elif rule:
            first = rng.integers(20, 100)
            starts = first, first + 10 + rng.integers(GAP[0], GAP[1] + 1)
        else:
            starts = rng.integers(0, 90), rng.integers(100, 190)
            starts = starts if rng.random() < 0.5 else starts[::-1]
        one, other = draw_site(AP1, rng), ETS.counts.argmax(axis=1)
        tokens[starts[0] : starts[0] + 10], tokens[starts[1] : starts[1] + 10] = one, other
        if not anchored and rng.random() < 0.5:
            tokens[:] = 3 - tokens[::-1]
    return write_toy(folder, sequences, rng.standard_normal(n))


class Attentive(SitePredictor):
    """Attends three times as much within 40 bp as elsewhere."""

    def predict(self, sequences, batch_size=32, attention=False):
        """Yield predictions with weights that fall with distance."""
        for found in super().predict(sequences, batch_size, attention):
            if attention:
                near = np.abs(found.kept[:, None] - found.kept) <= 40
                weights = np.where(near, 3.0, 1.0)
                found = found._replace(weights=weights / weights.sum(axis=1, keepdims=True))
            yield found


def measured(dataset, predictor=None, pairs=((AP1, ETS),), **options):
    """Measure with few permutations."""
    predictor = predictor or SitePredictor([AP1, ETS])
    return measure_spacing(predictor, dataset, range(len(dataset)), pairs, permutations=200, **options)


@pytest.mark.parametrize("null", ["records", "shift"])
def test_a_planted_distance_is_recovered(tmp_path, null):
    (found,) = measured(dataset_of(tmp_path / "d"), null=null)
    (peak,) = found.peaks
    assert peak.mode < 0  # upstream, on either strand of the record
    assert (peak.gap_low, peak.gap_high) == GAP and GAP[0] <= peak.gap_mode <= GAP[1]
    assert peak.low <= -(GAP[1] + 10) and peak.high >= -(GAP[0] + 10)
    assert peak.enrichment > 3 and peak.q < 1e-6 and 0.35 < peak.same < 0.65
    assert found.records > 150 and found.present.sum() >= found.selected.observed.sum() == found.pairs


def test_the_other_order_has_the_other_sign(tmp_path):
    dataset = dataset_of(tmp_path / "d")
    # ETS always reads forward, so its own strand settles upstream; AP1's strand is random: half each way.
    (found,) = measured(dataset, pairs=[(ETS, AP1)])
    assert len(found.peaks) == 2 and {np.sign(peak.mode) for peak in found.peaks} == {-1, 1}


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_motifs_anywhere_have_no_peak(tmp_path, seed):
    for null in ("records", "shift"):
        (found,) = measured(dataset_of(tmp_path / null, rule=False, seed=seed), null=null, seed=seed)
        assert found.tested and found.peaks == []


def test_a_common_anchor_is_no_spacing_but_looks_like_one_when_shifted(tmp_path):
    dataset = dataset_of(tmp_path / "d", anchored=True)
    (by_record,), (by_shift,) = measured(dataset), measured(dataset, null="shift")
    assert by_shift.peaks and by_shift.peaks[0].q < 1e-6
    assert by_record.tested and by_record.peaks == []


def test_attention_falls_with_distance(tmp_path):
    (found,) = measured(dataset_of(tmp_path / "d", rule=False), Attentive([AP1, ETS]), bin_bp=10)
    middle = (found.edges[:-1] + found.edges[1:]) / 2
    near = np.abs(middle) <= 30
    assert np.nanmin(found.attention.observed[near]) > np.nanmean(found.attention.observed[~near]) + 0.5
    assert (found.attention.q[near & np.isfinite(found.attention.observed)] < 0.05).any()
    (even,) = measured(dataset_of(tmp_path / "e", rule=False), bin_bp=10)
    np.testing.assert_allclose(even.attention.observed[np.isfinite(even.attention.observed)], 0, atol=1e-6)
    assert (even.attention.q > 0.05).all()


def test_too_few_pairs_are_not_tested(tmp_path):
    (found,) = measured(dataset_of(tmp_path / "d", n=30), pairs=[(AP1, EBOX)])
    assert not found.tested and found.peaks == [] and (found.selected.q == 1).all()
    assert "too few" in peak_text(found)


def test_the_same_seed_gives_the_same_numbers(tmp_path):
    dataset = dataset_of(tmp_path / "d", n=80)
    (one,), (other,) = measured(dataset, seed=4), measured(dataset, seed=4)
    np.testing.assert_array_equal(one.selected.p, other.selected.p)
    np.testing.assert_array_equal(one.attention.p, other.attention.p)


def test_an_unknown_null_is_refused(tmp_path):
    dataset = dataset_of(tmp_path / "d", n=20)
    with pytest.raises(GsaError, match="expected records or shift"):
        measured(dataset, null="none")
    with pytest.raises(GsaError, match="bins of 200 bp"):
        measured(dataset, bin_bp=200)


def test_tails_beyond_the_permutations():
    assert _count_tail(np.array([3.0]), np.array([1.0]), np.array([0.5]))[0] == pytest.approx(0.0803014, rel=1e-4)
    # A null that varies more than a Poisson one has a heavier tail.
    assert _count_tail(np.array([9.0]), np.array([2.0]), np.array([6.0]))[0] > 20 * 0.000237447


def test_attention_of_one_distance_is_no_profile():
    pairs = Pairs(np.arange(30), np.arange(30), np.full(30, 12.0))
    found = attention_profile(np.full(30, 2.0), pairs, np.arange(-20, 25, 5.0), 50, np.random.default_rng(0))
    assert found.observed[6] == 1 and np.isnan(np.delete(found.observed, 6)).all() and (found.p == 1).all()
    assert isinstance(found, Profile)


def test_files_and_rows(tmp_path):
    results = measured(dataset_of(tmp_path / "d"))
    manifest = {"format": "x", "run": "runs/a", "seed": 0}
    paths = save_spacing(results, tmp_path / "out", manifest)
    found = json.loads(paths[0].read_text())
    assert found["manifest"]["format"] == "mlx_gsa.spacing" and found["pairs"][0]["tested"]
    assert found["pairs"][0]["peaks"][0]["gap_low"] == GAP[0]
    table = [line.split("\t") for line in spacing_table(results).splitlines()]
    assert table[0][:4] == ["first", "second", "bin_low", "bin_high"] and len(table) == len(results[0].edges)
    assert {len(row) for row in table} == {len(table[0])}
    (row,) = spacing_rows(results)
    assert "12–20 bp between the sites" in row["note"] and row["first"] == AP1.name


def test_pairs_of_a_list():
    assert enriched_pairs([AP1, ETS, EBOX]) == [(AP1, ETS), (AP1, EBOX), (ETS, EBOX)]
    assert len(enriched_pairs([AP1, ETS, EBOX], most=2)) == 1 and enriched_pairs([AP1]) == []

"""Agreement of two selections, by hand."""

import numpy as np
import pytest

from mlx_gsa.audit.agreement import Pair, agreement
from mlx_gsa.audit.masks import marked, scattered


def test_the_same_selection_agrees_wholly():
    masks = [scattered(100, 10, np.random.default_rng(i)) for i in range(20)]
    found = agreement([Pair(mask, mask) for mask in masks], bootstrap=50)
    assert {found[name].value for name in ("jaccard", "overlap", "near", "overlap_corrected")} == {1.0}
    assert "motifs" not in found


def test_counts_by_hand():
    found = agreement([Pair(marked(100, [10, 20, 30]), marked(100, [10, 24, 60]))], bootstrap=0)
    assert found["jaccard"].value == pytest.approx(1 / 5)
    assert found["overlap"].value == pytest.approx(1 / 3)
    assert found["near"].value == pytest.approx(4 / 6)  # 10 and 10, 20 and 24


@pytest.mark.parametrize("distance, near", [(5, 1.0), (6, 0.0)])
def test_near_means_five_bp(distance, near):
    found = agreement([Pair(marked(50, [20]), marked(50, [20 + distance]))], bootstrap=0)
    assert found["near"].value == near


def test_independent_selections_agree_as_chance_does():
    rng = np.random.default_rng(0)
    pairs = [Pair(scattered(200, 20, rng), scattered(200, 20, rng)) for _ in range(300)]
    found = agreement(pairs, bootstrap=200)
    assert found["overlap"].value == pytest.approx(0.1, abs=0.01)
    assert found["overlap_chance"].value == pytest.approx(0.1, abs=0.01)
    assert all(found[f"{name}_corrected"].low < 0.01 for name in ("jaccard", "overlap", "near"))


def test_sites_are_touched_within_five_bp_and_shared_ones_counted():
    sites = (np.array([10, 50, 80]), np.array([18, 58, 88]), np.array([0, 1, 2]))
    found = agreement([Pair(marked(100, [5, 55]), marked(100, [15, 92]), sites)], bootstrap=0)
    assert found["motifs"].value == pytest.approx(1 / 3)  # of sites 0, 1, 2 both touch the first


def test_sites_beyond_the_ends_are_not_touched():
    sites = (np.array([-40, 90]), np.array([-30, 140]), np.array([0, 1]))
    found = agreement([Pair(marked(100, [0, 99]), marked(100, [99]), sites)], bootstrap=0)
    assert found["motifs"].value == 1.0

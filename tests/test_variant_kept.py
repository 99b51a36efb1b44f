"""Kept positions of two alleles: which stand out, and what is lost, gained and near."""

from types import SimpleNamespace

import numpy as np
import pytest

from mlx_gsa.genomes.variant_kept import compare_kept, standing_out
from mlx_gsa.genomes.variant_windows import Windows

SNV = Windows(np.zeros(20, np.uint8), np.zeros(20, np.uint8), (9, 10), (9, 10))
DELETION = Windows(np.zeros(20, np.uint8), np.zeros(20, np.uint8), (8, 12), (10, 10))


def prediction(relevance, kept):
    return SimpleNamespace(relevance=np.array(relevance, float), kept=np.array(kept))


def test_positions_that_only_fill_the_budget_are_left_out_with_one_limit():
    ref = prediction([0, 0, 5, 0, 0, 0.04], [1, 2, 5])
    alt = prediction([0, 0, 2, 0, 0.06, 0], [0, 2, 4])
    out = standing_out(ref, alt)  # typical 0, highest 5: the limit is 0.05
    assert [each.tolist() for each in out] == [[2], [2, 4]]


def test_a_model_without_a_selector_keeps_all():
    both = SimpleNamespace(relevance=None, kept=np.arange(4))
    assert all(each.tolist() == [0, 1, 2, 3] for each in standing_out(both, both))


def test_an_snv_moves_one_of_four():
    kept = compare_kept(SNV, np.array([2, 9, 12, 15]), np.array([2, 9, 12, 16]))
    assert (kept.lost, kept.gained, kept.moved) == (1, 1, 1)
    assert kept.common == pytest.approx(3 / 5) and (kept.near_ref, kept.near_alt) == (0, 0)


def test_the_same_bases_are_the_same_through_a_deletion():
    kept = compare_kept(DELETION, np.array([2, 6, 15]), np.array([4, 8, 13]))
    assert (kept.lost, kept.gained, kept.common) == (0, 0, 1.0)
    assert (kept.near_ref, kept.near_alt) == (2, 2)


def test_a_kept_base_that_is_deleted_is_lost_and_n_at_the_ends_does_not_count():
    kept = compare_kept(DELETION, np.array([9]), np.array([0, 19]))
    assert (kept.lost, kept.gained, kept.common, kept.near_ref) == (1, 0, 0.0, 0)


def test_distances_are_counted_from_the_nearest_changed_base():
    kept = compare_kept(SNV, np.array([6, 18]), np.array([11]))
    assert (kept.near_ref, kept.near_alt) == (3, 2)
    assert (kept.lost, kept.gained, kept.moved) == (2, 1, 2)


def test_nothing_kept_is_all_in_common_and_nowhere_near():
    kept = compare_kept(SNV, np.zeros(0, int), np.zeros(0, int))
    assert (kept.moved, kept.common, kept.near_ref, kept.near_alt) == (0, 1.0, None, None)

"""Masks of what is shown of a sequence: independent of its letters, never empty."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from mlx_gsa.audit.masks import MaskSource, marked, scattered, window_share


def _source(least=0.1):
    lengths = np.array([40, 60, 50])
    return MaskSource(least, lengths, [np.array([0, 1]), np.array([58, 59]), np.array([10, 20])])


@given(st.integers(1, 80), st.integers(0, 2**32))
def test_a_mask_has_the_length_of_the_sequence_and_shows_something(length, seed):
    mask = _source().draw(length, np.random.default_rng(seed))
    assert mask.shape == (length,) and mask.dtype == bool and mask.any()


def test_masks_are_of_three_kinds():
    rng = np.random.default_rng(0)
    shown = [int(_source().draw(60, rng).sum()) for _ in range(400)]
    full, borrowed = (np.mean([n == size for n in shown]) for size in (60, 2))
    assert 0.06 < full < 0.2  # a tenth, and scattered masks that show nearly all
    assert 0.4 < borrowed < 0.6


def test_a_borrowed_mask_keeps_its_distance_from_one_of_the_ends():
    source = MaskSource(0.1, np.array([40]), [np.array([0, 39])])
    masks = {tuple(np.flatnonzero(source.borrow(50, np.random.default_rng(seed)))) for seed in range(20)}
    assert masks == {(0, 39), (10, 49)}
    assert tuple(np.flatnonzero(source.borrow(30, np.random.default_rng(0)))) in {(0,), (29,)}


def test_only_records_of_like_length_lend():
    lengths = np.r_[np.full(50, 100), np.full(50, 300)]
    source = MaskSource(0.1, lengths, [np.array([0])] * 50 + [np.array([200])] * 50)
    rng = np.random.default_rng(0)
    assert all(source.borrow(100, rng)[[0]].all() for _ in range(50))


def test_scattered_positions_are_distinct():
    assert scattered(10, 10, np.random.default_rng(0)).all()
    assert scattered(1000, 7, np.random.default_rng(0)).sum() == 7


def test_window_share_counts_the_bases_that_a_filter_reads():
    assert window_share(marked(100, [50]), 20) == 0.2
    assert window_share(marked(100, [0]), 20) == 0.11  # 9 bp reach over the start
    assert window_share(marked(100, [99]), 20) == 0.1
    assert window_share(marked(100, [50, 51]), 1) == 0.02
    assert window_share(np.zeros(30, bool), 20) == 0.0

"""The positional profile: bumps by hand, nothing at the start, the anchor where it was said to be."""

import mlx.core as mx
import numpy as np
import pytest

from mlx_gsa.model.profile import N_BUMPS, PositionalProfile


def made(anchor, reference_length=31.0):
    return PositionalProfile(2, anchor, reference_length)


@pytest.mark.parametrize("anchor", ["start", "end", "centre"])
def test_a_profile_starts_without_effect(anchor):
    features = mx.random.uniform(shape=(2, 40, 2))
    np.testing.assert_array_equal(made(anchor)(features, mx.array([40, 7])), features)


@pytest.mark.parametrize("anchor", ["start", "end", "centre"])
def test_the_bumps_share_1(anchor):
    bumps = np.array(made(anchor).bumps(50, mx.array([50, 20, 1])))
    assert bumps.shape == (3, 50, N_BUMPS) and (bumps >= 0).all()
    np.testing.assert_allclose(bumps.sum(axis=-1), 1, atol=1e-5)


def test_bumps_by_hand():
    bumps = np.array(made("start").bumps(40, mx.array([40])))[0]  # 31 bp, 16 bumps: one every second position
    assert bumps[0, 0] == 1 and bumps[2, 1] == 1 and bumps[30, 15] == 1
    np.testing.assert_allclose(bumps[1, :2], 0.5, atol=1e-6)
    assert (bumps[31:, 15] == 1).all()  # beyond the reference length the last one


@pytest.mark.parametrize("anchor, same", [("start", slice(0, 15)), ("end", slice(-15, None)), ("centre", slice(8, 23))])
def test_the_anchor_decides_what_is_the_same_place(anchor, same):
    profile = made(anchor)
    profile.weight = mx.random.normal(profile.weight.shape)
    long, short = (profile(mx.ones((1, n, 2)), mx.array([n])) for n in (31, 15))
    np.testing.assert_allclose(np.array(long)[0, same], np.array(short)[0], atol=1e-5)


def test_a_factor_belongs_to_one_filter_and_one_place():
    profile = made("end")
    profile.weight[0, 1] = 2.0
    scaled = np.array(profile(mx.ones((1, 31, 2)), mx.array([31])))[0]
    assert (scaled[:, 0] == 1).all() and scaled[-1, 1] == 3 and scaled[-2, 1] == 2 and (scaled[:-2, 1] == 1).all()

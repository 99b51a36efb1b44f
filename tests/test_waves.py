"""Waves: against float64 from the first base pair to the last megabase, and the same wherever a pair lies."""

import mlx.core as mx
import numpy as np
import pytest

from mlx_gsa.model.waves import FREQUENCIES, N_WAVES, WAVELENGTHS, waves

NOMINAL = 2 * np.pi / np.geomspace(*WAVELENGTHS, N_WAVES)
EXACT = FREQUENCIES * 2 * np.pi


def test_the_wavelengths_are_those_of_the_scale():
    np.testing.assert_allclose(EXACT, NOMINAL, rtol=2.5e-6)


@pytest.mark.parametrize("end, atol", [(2_000, 5e-6), (20_000, 2e-5)])
def test_short_sequences_have_the_nominal_waves(end, atol):
    places = np.arange(end, dtype=np.int32)
    for found, function in zip(waves(mx.array(places)), (np.cos, np.sin), strict=True):
        np.testing.assert_allclose(found, function(places[:, None] * NOMINAL), atol=atol)


@pytest.mark.parametrize("start", [0, 250_000, 1_000_000, 16_000_000, 2_000_000_000])
def test_precision_does_not_depend_on_the_place(start):
    places = start + np.arange(5_000, dtype=np.int64)
    for found, function in zip(waves(mx.array(places.astype(np.int32))), (np.cos, np.sin), strict=True):
        np.testing.assert_allclose(found, function(places[:, None] * EXACT), atol=2e-6)


@pytest.mark.parametrize("shift", [1, 4_000, 999_999, 123_456_789])
def test_what_stands_between_two_places_is_the_same_anywhere(shift):
    places = mx.array(np.random.default_rng(0).integers(0, 1_000_000, 200).astype(np.int32))
    products = []
    for moved in (places, places + shift):
        cosine, sine = (np.array(wave, np.float64) for wave in waves(moved))
        products.append(cosine[:, None] * cosine + sine[:, None] * sine)
    np.testing.assert_allclose(*products, atol=1e-6)

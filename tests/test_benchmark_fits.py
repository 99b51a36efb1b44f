"""How a cost grows with length: exponents of power laws."""

import numpy as np
import pytest

from mlx_gsa.benchmark.fits import exponent


def test_an_exact_power_is_found():
    lengths = [100, 200, 400, 800]
    found = exponent(lengths, [3e-6 * x**1.5 for x in lengths])
    assert found["value"] == pytest.approx(1.5) and found["high"] - found["low"] < 1e-6


def test_noise_widens_the_interval_and_it_holds_the_truth():
    rng, held = np.random.default_rng(0), 0
    for _ in range(200):
        lengths = np.array([100, 200, 400, 800, 1600])
        found = exponent(lengths, lengths**2.0 * np.exp(0.1 * rng.normal(size=5)))
        held += found["low"] <= 2 <= found["high"]
    assert 180 <= held <= 200

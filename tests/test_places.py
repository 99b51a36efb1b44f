"""What the places of kept positions tell without a letter."""

import numpy as np
from toys import random_tokens, write_toy

from mlx_gsa.audit.explained import Yardstick
from mlx_gsa.audit.places import explained_by_places, occupancy


def _explained(tmp_path, telling):
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, 200)
    dataset = write_toy(tmp_path / "data", random_tokens([100] * 200), labels, "binary", ["off", "on"])
    starts = labels * 90 if telling else rng.integers(0, 91, 200)
    kept = [np.arange(start, start + 10, dtype=np.int32) for start in starts]
    parts = [(rows, [kept[i] for i in rows]) for rows in (dataset.indices("train"), dataset.indices("test"))]
    return explained_by_places(dataset, Yardstick(dataset, 1), *parts)


def test_places_that_tell_the_label_are_found(tmp_path):
    assert _explained(tmp_path, telling=True) > 0.95


def test_random_places_explain_nothing(tmp_path):
    assert _explained(tmp_path, telling=False) < 0.05


def test_occupancy_counts_by_twentieths():
    shares = occupancy([np.array([0, 1, 99])], np.array([100]))
    np.testing.assert_allclose(shares[0, [0, 19]], [2 / 3, 1 / 3])
    assert shares.shape == (1, 20)

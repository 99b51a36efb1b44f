"""What a database explains."""

import numpy as np
import pytest
from motif_toys import AP1, EBOX, ETS, draw_site
from toys import random_tokens

from mlx_gsa.dna.motifs import MotifScanner
from mlx_gsa.motifs import database
from mlx_gsa.motifs.database import closest_motif, explained_windows

EVEN = (0.25,) * 4


def test_the_closest_motif_is_named():
    found = closest_motif(AP1.reverse_complement(), [ETS, AP1, EBOX])
    assert found.id == AP1.id and found.similarity == pytest.approx(1) and found.alike
    assert not closest_motif(AP1, [ETS]).alike
    assert closest_motif(AP1, []) is None


def test_windows_with_a_site_near_the_middle_are_explained(monkeypatch):
    monkeypatch.setattr(database, "AT_ONCE", 7)  # several portions
    windows = np.stack(random_tokens([49] * 20, 0))
    consensus = AP1.counts.argmax(axis=1).astype(np.uint8)
    windows[3, 20:30], windows[9, 20:30], windows[12, 0:10] = consensus, 3 - consensus[::-1], consensus
    found = explained_windows(windows, 12, [ETS, AP1], EVEN, 1e-5)
    assert np.flatnonzero(found).tolist() == [3, 9]


def test_explained_windows_are_those_of_the_scanner():
    rng, windows = np.random.default_rng(1), np.stack(random_tokens([30] * 200, 1))
    for row in range(0, 200, 3):
        windows[row, 10:20] = draw_site(AP1, rng)
    found = explained_windows(windows, 10, [AP1], EVEN, 1e-4)
    scanner = MotifScanner([AP1], 1e-4)
    expected = [any(abs((h.start + h.end) / 2 - 15) <= 10 for h in scanner.scan(window)) for window in windows]
    assert found.tolist() == expected and 30 < sum(expected) < 70


def test_a_matrix_too_weak_for_the_p_value_explains_nothing():
    short = type(AP1)("short", "short", AP1.counts[:4])
    windows = np.stack(random_tokens([49] * 50, 0))
    assert not explained_windows(windows, 24, [short], EVEN, 1e-6).any()
    assert explained_windows(windows, 24, [short], EVEN, 1e-2).any()


def test_an_empty_database_explains_nothing():
    assert not explained_windows(np.stack(random_tokens([49] * 5, 0)), 12, [], EVEN).any()
    assert explained_windows(np.zeros((0, 49), np.uint8), 12, [AP1], EVEN).shape == (0,)

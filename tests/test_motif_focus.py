"""Peaks of relevance and windows around them."""

import numpy as np
from motif_toys import AP1, SitePredictor, planted_dataset

from mlx_gsa.dna.alphabet import N
from mlx_gsa.motifs.focus import Peaks, find_peaks, random_places, windows_at


def test_peaks_lie_at_the_sites(tmp_path):
    dataset = planted_dataset(tmp_path / "d", [AP1], n=60, share=1.0)
    predictor = SitePredictor([AP1])
    peaks = find_peaks(predictor, dataset, range(60), most=1)
    best = [int(predictor.relevance(dataset.sequence(i)).argmax()) for i in range(60)]
    assert peaks.record.tolist() == list(range(60)) and peaks.position.tolist() == best
    assert peaks.weight.min() >= 0.25 and peaks.weight.max() <= 4 and np.median(peaks.weight) == 1


def test_positions_that_only_fill_the_budget_are_no_peaks(tmp_path):
    dataset = planted_dataset(tmp_path / "d", [AP1], n=30, share=1.0)
    every = find_peaks(SitePredictor([AP1], sparsity=0.5), dataset, range(30))
    relevance = [SitePredictor([AP1]).relevance(dataset.sequence(i)) for i in every.record]
    assert all(values[place] > 2.0 for values, place in zip(relevance, every.position, strict=True))


def test_windows_are_padded_at_the_ends(tmp_path):
    dataset = planted_dataset(tmp_path / "d", [AP1], n=10, length=60)
    windows = windows_at(dataset, np.array([3, 3, 4]), np.array([0, 59, 30]), 4)
    tokens = dataset.sequence(3)
    np.testing.assert_array_equal(windows[0], [N] * 4 + tokens[:5].tolist())
    np.testing.assert_array_equal(windows[1], tokens[-5:].tolist() + [N] * 4)
    np.testing.assert_array_equal(windows[2], dataset.sequence(4)[26:35])


def test_random_places_keep_away_while_there_is_room(tmp_path):
    dataset = planted_dataset(tmp_path / "d", [AP1], n=10, length=60)
    record, position = np.array([0, 0, 5]), np.array([10, 40, 30])
    peaks = Peaks(record, position, np.ones(3))
    for seed in range(20):
        places = random_places(dataset, peaks, np.random.default_rng(seed), away=10)
        assert (np.abs(places[:2, None] - position[:2]) >= 10).all() and abs(places[2] - 30) >= 10
        assert ((places >= 0) & (places < 60)).all()
    crowded = random_places(dataset, peaks, np.random.default_rng(0), away=500)
    assert ((crowded >= 0) & (crowded < 60)).all()
    assert len(random_places(dataset, peaks.select(np.zeros(3, bool)), np.random.default_rng(0))) == 0

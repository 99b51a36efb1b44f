"""A mixture of motifs fitted by expectation maximisation, beside a plain reference."""

import numpy as np
import pytest
from motif_toys import AP1, ETS, draw_site, motif_of
from toys import random_tokens

from mlx_gsa.dna.alphabet import N
from mlx_gsa.motifs.refine import Mixture, Windows, base_counts, fit_mixture, information

EVEN = np.full(4, 0.25)


def reference(tokens, mixture, width):
    """Posterior of each motif, strand and start in one window, by the formula."""
    starts = len(tokens) - width + 1
    odds = np.zeros((len(mixture.ppm), 2, starts))
    for m, ppm in enumerate(mixture.ppm):
        for strand, matrix in enumerate((ppm, ppm[::-1, ::-1])):
            for start in range(starts):
                text = tokens[start : start + width]
                ratio = [matrix[i, base] / 0.25 for i, base in enumerate(text) if base < N]
                odds[m, strand, start] = mixture.shares[m] / (2 * starts) * np.prod(ratio)
    return odds / (odds.sum() + 1 - mixture.shares.sum())


def test_expectation_is_the_formula():
    rng = np.random.default_rng(0)
    tokens = np.stack(random_tokens([9] * 5, 3))
    tokens[1, :3] = N
    ppm = rng.random((2, 4, 4)) + 0.05
    mixture = Mixture(ppm / ppm.sum(axis=2, keepdims=True), np.array([0.2, 0.3]))
    found = Windows(tokens, width=4).expectation(mixture, EVEN)
    for row, window in zip(found, tokens, strict=True):
        np.testing.assert_allclose(row, reference(window, mixture, 4), rtol=2e-5)


def test_a_step_counts_bases_by_their_posterior():
    tokens = np.stack(random_tokens([7] * 6, 1))
    mixture = Mixture(AP1.ppm()[None, :4] * 0.9 + 0.025, np.array([0.4]))
    windows = Windows(tokens, width=4)
    posterior, counts = windows.expectation(mixture, EVEN), np.zeros((4, 4))
    for row, window in enumerate(tokens):
        for start in range(4):
            text = window[start : start + 4]
            counts[np.arange(4), text] += posterior[row, 0, 0, start]
            counts[np.arange(4), 3 - text[::-1]] += posterior[row, 0, 1, start]
    counts += EVEN
    stepped = windows.step(mixture, EVEN)
    np.testing.assert_allclose(stepped.ppm[0], counts / counts.sum(axis=1, keepdims=True), rtol=1e-5)
    assert stepped.shares[0] == pytest.approx(posterior.sum() / 6, rel=1e-5)


def test_two_motifs_do_not_take_each_others_sites():
    rng = np.random.default_rng(2)
    tokens, start = np.stack(random_tokens([30] * 400, 2)), 10
    for row in range(200):
        tokens[row, start : start + 10] = draw_site((AP1, ETS)[row % 2], rng)
    blurred = np.stack([0.6 * motif.ppm() + 0.1 for motif in (AP1, ETS)])
    windows = Windows(tokens, width=10)
    mixture = fit_mixture(windows, Mixture(blurred, np.array([0.1, 0.1])), EVEN, 15)
    np.testing.assert_allclose(mixture.shares, 0.25, atol=0.04)
    for ppm, motif in zip(mixture.ppm, (AP1, ETS), strict=True):
        assert np.corrcoef(ppm.ravel(), motif.ppm().ravel())[0, 1] > 0.99
    sites = windows.sites(mixture, EVEN)
    assert (sites.motif[:200] == np.arange(200) % 2).mean() > 0.97 and (sites.start[:200] == start).mean() > 0.97
    assert (sites.posterior[:200] > 0.5).mean() > 0.85 > 0.1 > (sites.posterior[200:] > 0.5).mean()


def test_a_matrix_is_moved_to_its_middle():
    ppm = np.concatenate([AP1.ppm()[:4], np.tile(EVEN, (6, 1))])
    moved = Mixture(ppm[None], np.array([0.1])).centred(EVEN).ppm[0]
    np.testing.assert_allclose(moved[3:7], ppm[:4])
    np.testing.assert_allclose(np.delete(moved, np.s_[3:7], 0), 0.25)


def test_information_is_beside_background():
    composition = np.array([0.1, 0.4, 0.4, 0.1])
    bits = information(np.array([composition, [0, 1, 0, 0]]), composition)
    np.testing.assert_allclose(bits, [0, np.log2(1 / 0.4)], atol=1e-6)


def test_sites_are_cut_out_as_read_on_their_strand():
    windows = Windows(np.array([[0, 1, 2, 4, 3]], np.uint8), width=3)
    rows, start = np.array([0, 0]), np.array([0, 1])
    texts = windows.aligned(rows, start, np.array([False, True]))
    assert texts.tolist() == [[0, 1, 2], [4, 1, 2]]
    np.testing.assert_array_equal(base_counts(texts), [[1, 0, 0, 0], [0, 2, 0, 0], [0, 0, 2, 0]])


def test_the_share_of_windows_with_a_site_stays_below_one():
    tokens = np.tile(motif_of("TTGACTCATC").counts.argmax(axis=1).astype(np.uint8), (50, 1))
    mixture = fit_mixture(Windows(tokens, width=10), Mixture(AP1.ppm()[None], np.array([0.9])), EVEN, 5)
    assert mixture.shares[0] <= 0.95 and np.isfinite(mixture.ppm).all()

"""Motifs from windows alone: over-represented words, aligned windows around them, clusters, a mixture of matrices."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from mlx_gsa.dna.motifs import Motif
from mlx_gsa.motifs.alignment import align, merge
from mlx_gsa.motifs.refine import WIDTH, Mixture, Windows, base_counts, fit_mixture, information
from mlx_gsa.motifs.seeds import WordCounts, next_seed

FLANK = WIDTH // 2  # a site whose middle is in a window reaches at most so far beyond it (bp)
SITE = 0.5  # posterior from which a window counts as having a site
FEWEST_SITES = 20
TRIM = 0.25  # bits beside background that the outermost columns of a matrix have at least
SAME = 0.7  # similarity from which what two words, or two components, stand for is one motif
ENOUGH = 8000  # windows on which the mixture is fitted at first
FEWEST_WORDS = 8  # occurrences from which a word is followed up


class Raw(NamedTuple):
    """A motif found in windows.

    ``whole`` has 25 columns, ``trimmed`` the informative ones; ``z`` is the over-representation of its best word;
    ``start`` is that of the trimmed matrix in each window, on the strand that ``reverse`` says, and ``chosen`` says
    which windows have a site.
    """

    whole: Motif
    trimmed: Motif
    z: float
    start: np.ndarray
    reverse: np.ndarray
    chosen: np.ndarray


def discover(
    windows, weights, controls, *, k=7, least_z=6.0, words=150, most=24, seed=0, progress: Callable | None = None
) -> list[Raw]:
    """Find motifs that windows hold more often than controls do.

    Parameters
    ----------
    windows : np.ndarray, shape (n, W + 24), uint8
        Windows of W bp with 12 bp of flank on either side: the middle of a site lies in the window, its ends may
        reach into the flanks.
    weights : np.ndarray, shape (n,)
        What each window counts when words are counted.
    controls : sequence of np.ndarray, each shape (m, W + 24), uint8
        Windows to compare with.
    k : int
        Length of the words (bp).
    least_z : float
        Over-representation of a word from which it is followed up (sd).
    words, most : int
        Words that are followed up, and motifs they may make.
    seed : int
    progress : callable, optional
        ``progress(done, total, note)``.

    Returns
    -------
    list of Raw
        The most over-represented word first.
    """
    composition = _composition(controls)
    clusters = _word_clusters(windows, weights, controls, k, least_z, words, progress)[:most]
    if not clusters:
        return []
    ppm = np.stack([motif.ppm(1.0, composition) for _, motif in clusters])
    shares = np.array([motif.counts[0].sum() / len(windows) for _, motif in clusters])
    mixture = Mixture(ppm, shares * min(1.0, 0.9 / shares.sum())).centred(composition)
    z = np.array([z for z, _ in clusters])
    few = np.random.default_rng(seed).permutation(len(windows))[:ENOUGH]
    mixture, z = _fit(Windows(windows[few]), mixture, z, composition)
    every = Windows(windows)
    mixture = fit_mixture(every, mixture, composition, 3)
    return _cut(every, mixture, z, composition)


def _composition(controls):
    """Return the share of each base, the same on both strands; shape (4,)."""
    counts = sum(np.bincount(control.ravel(), minlength=5)[:4] for control in controls) + 1.0
    counts = counts + counts[::-1]
    return counts / counts.sum()


def _word_clusters(windows, weights, controls, k, least_z, words, progress):
    """Follow up over-represented words; return (z, Motif of 25 columns) per cluster, the best first.

    Each word stands for the windows that hold it, aligned at it; words whose aligned windows are alike join.
    """
    inner = slice(FLANK, windows.shape[1] - FLANK)
    counts = WordCounts(windows[:, inner].copy(), k, weights)
    beside = [WordCounts(control[:, inner].copy(), k) for control in controls]
    scored, clusters = Windows(windows), []
    for number in range(words):
        found = next_seed(counts, beside)
        if found is None or found.z < least_z:
            break
        if len(found.rows) >= FEWEST_WORDS:
            _join(clusters, found.z, _aligned_at(scored, found, k))
        code = int(counts.codes[found.rows[0], found.starts[0]])
        for each in (counts, *beside):
            each.erase(code)
        if progress:
            progress(number + 1, words, "following up words")
    return clusters


def _aligned_at(scored, found, k):
    """Count the bases around a word, over 25 columns with the word in their middle."""
    # The word begins in the window at found.starts; in the window with flanks FLANK further on.
    lead = (WIDTH - k) // 2
    before = np.where(found.reverse, WIDTH - lead - k, lead)
    start = found.starts + FLANK - before
    fits = (start >= 0) & (start < scored.n_starts)
    texts = scored.aligned(found.rows[fits], start[fits], found.reverse[fits])
    return Motif("word", "word", base_counts(texts) + 1e-3)


def _join(clusters, z, motif):
    """Add the matrix of a word to the cluster it is most like, or begin one."""
    alike = [align(known, motif).similarity for _, known in clusters]
    if alike and max(alike) >= SAME:
        place = int(np.argmax(alike))
        clusters[place] = (clusters[place][0], merge(clusters[place][1], motif))
    else:
        clusters.append((z, motif))


def _fit(windows, mixture, z, composition, rounds=4):
    """Fit a mixture in rounds; after each, matrices move to their middle, like ones join, rare ones go."""
    for number in range(rounds):
        mixture = fit_mixture(windows, mixture, composition)
        last = number + 1 == rounds
        kept = _distinct(mixture, z, len(windows))
        mixture, z = mixture.select(kept), z[kept]
        if not last:
            mixture = mixture.centred(composition)
    return mixture, z


def _distinct(mixture, z, n):
    """Say which matrices to keep: the commonest of those that are alike, and none that hardly occurs."""
    motifs = [Motif("m", "m", ppm) for ppm in mixture.ppm]
    kept: list[int] = []
    for i in np.argsort(-mixture.shares):
        rare = mixture.shares[i] * n < 5
        if not rare and all(align(motifs[j], motifs[i]).similarity < SAME for j in kept):
            kept.append(int(i))
    return np.sort(kept).astype(int)


def _cut(windows, mixture, z, composition) -> list[Raw]:
    """Cut the sites out of the windows and trim the matrices that they make."""
    sites, done = windows.sites(mixture, composition), []
    for number in range(len(z)):
        chosen = (sites.motif == number) & (sites.posterior >= SITE)
        if chosen.sum() < FEWEST_SITES:
            continue
        rows = np.flatnonzero(chosen)
        counts = base_counts(windows.aligned(rows, sites.start[rows], sites.reverse[rows])) + 1e-3
        first, last = trim_range(counts / counts.sum(axis=1, keepdims=True), composition)
        start = sites.start + np.where(sites.reverse, WIDTH - last, first)
        whole, trimmed = Motif("whole", "whole", counts), Motif("trimmed", "trimmed", counts[first:last])
        done.append(Raw(whole, trimmed, float(z[number]), start, sites.reverse, chosen))
    return sorted(done, key=lambda raw: -raw.z)


def trim_range(ppm, composition, least=TRIM):
    """Return first and one-past-last column between which a matrix is informative beside background."""
    informative = np.flatnonzero(information(ppm, composition) >= least)
    if not len(informative):
        return 0, len(ppm)
    return int(informative[0]), int(informative[-1]) + 1

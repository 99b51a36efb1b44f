"""From rough matrices to fine ones: a mixture of motifs, fitted together, so that none takes another's sites.

Each window holds one site of one motif, on either strand, or none.
"""

from typing import NamedTuple

import numpy as np

WIDTH = 25  # columns of a matrix while it is refined; trimmed afterwards
PSEUDOCOUNT = 1.0
MOST_SHARE = 0.95  # of windows that may hold a site


class Mixture(NamedTuple):
    """Matrices as probabilities ``ppm``, shape (M, W, 4), and the ``shares`` of windows that hold each, shape (M,)."""

    ppm: np.ndarray
    shares: np.ndarray

    def centred(self, composition) -> "Mixture":
        """Return each matrix moved so that its information beside background lies in its middle."""
        return Mixture(np.stack([_centred(ppm, composition) for ppm in self.ppm]), self.shares)

    def select(self, chosen) -> "Mixture":
        """Return the matrices that a boolean mask picks."""
        return Mixture(self.ppm[chosen], self.shares[chosen])


class Sites(NamedTuple):
    """The likeliest site of each window, shape (n,) each.

    ``motif`` is its number, ``start`` its first column in the window, ``reverse`` whether it is on the other strand,
    ``posterior`` the probability that the window holds a site of this motif.
    """

    motif: np.ndarray
    start: np.ndarray
    reverse: np.ndarray
    posterior: np.ndarray


def information(ppm, composition):
    """Return the information of each column beside background, in bits; shape (W,)."""
    return (ppm * np.log2(np.maximum(ppm, 1e-9) / composition)).sum(axis=-1)


def _centred(ppm, composition):
    """Move a matrix so that its information lies in the middle; columns that come in look like background."""
    bits, width = information(ppm, composition), len(ppm)
    middle = (bits * np.arange(width)).sum() / max(bits.sum(), 1e-9)
    shift = round((width - 1) / 2 - middle)
    moved = np.tile(composition, (width, 1))
    kept = np.arange(max(-shift, 0), width - max(shift, 0))
    moved[kept + shift] = ppm[kept]
    return moved


class Windows:
    """Windows in the form in which matrices are scored: one matrix product for all motifs, starts and strands.

    Parameters
    ----------
    tokens : np.ndarray, shape (n, W), uint8
        N scores nothing.
    width : int
        Of the matrices (bp).
    """

    def __init__(self, tokens, width=WIDTH):
        self.tokens, self.width = tokens, width
        self.n_starts = tokens.shape[1] - width + 1
        self._one_hot = (tokens[:, :, None] == np.arange(4)).reshape(len(tokens), -1).astype(np.float32)

    def __len__(self):
        return len(self.tokens)

    def expectation(self, mixture: Mixture, composition):
        """Return the probability of a site of each motif at each start; shape (n, M, 2, starts), float32.

        The third axis is the strand: forward, reverse.
        """
        log_odds = np.log(mixture.ppm / composition)
        bank = np.zeros((len(log_odds), 2, self.n_starts, self.tokens.shape[1], 4), np.float32)
        for start in range(self.n_starts):
            bank[:, 0, start, start : start + self.width] = log_odds
            bank[:, 1, start, start : start + self.width] = log_odds[:, ::-1, ::-1]
        scores = self._one_hot @ bank.reshape(2 * len(log_odds) * self.n_starts, -1).T
        # The window without a site has log-odds 0; none of the exponentials can overflow.
        highest = np.maximum(scores.max(axis=1, keepdims=True), 0.0)
        np.exp(scores - highest, out=scores)
        shaped = scores.reshape(len(self), len(log_odds), 2, self.n_starts)
        shaped *= (mixture.shares / (2 * self.n_starts)).astype(np.float32)[:, None, None]
        nothing = (1 - mixture.shares.sum()) * np.exp(-highest[:, 0])
        shaped /= (shaped.sum(axis=(1, 2, 3)) + nothing)[:, None, None, None]
        return shaped

    def step(self, mixture: Mixture, composition) -> Mixture:
        """Make one step of expectation maximisation."""
        posterior = self.expectation(mixture, composition)
        n, n_motifs = posterior.shape[:2]
        sums = (self._one_hot.T @ posterior.reshape(n, -1)).reshape(-1, 4, n_motifs, 2, self.n_starts)
        counts = np.zeros((n_motifs, self.width, 4))
        for start in range(self.n_starts):
            part = sums[start : start + self.width, :, :, :, start].transpose(3, 2, 0, 1)
            counts += part[0] + part[1][:, ::-1, ::-1]
        counts += PSEUDOCOUNT * composition
        shares = posterior.sum(axis=(0, 2, 3)) / n
        shares *= min(1.0, MOST_SHARE / max(shares.sum(), 1e-9))
        return Mixture(counts / counts.sum(axis=2, keepdims=True), np.maximum(shares, 1e-6))

    def sites(self, mixture: Mixture, composition) -> Sites:
        """Find the likeliest site of each window."""
        posterior = self.expectation(mixture, composition)
        flat = posterior.reshape(len(self), -1)
        motif, strand, start = np.unravel_index(flat.argmax(axis=1), posterior.shape[1:])
        of_motif = posterior.sum(axis=(2, 3))[np.arange(len(self)), motif]
        return Sites(motif, start, strand == 1, of_motif)

    def aligned(self, rows, start, reverse):
        """Cut sites out of windows, all as read on their own strand; shape (m, matrix width), uint8."""
        texts = self.tokens[rows[:, None], start[:, None] + np.arange(self.width)]
        flipped = np.where(texts < 4, 3 - texts.astype(np.int16), 4)[:, ::-1]
        return np.where(reverse[:, None], flipped, texts).astype(np.uint8)


def base_counts(texts) -> np.ndarray:
    """Count the bases at each column of aligned sites, shape (m, W); returns shape (W, 4)."""
    return (texts[:, :, None] == np.arange(4)).sum(axis=0).astype(float)


def fit_mixture(windows: Windows, mixture: Mixture, composition, steps=5) -> Mixture:
    """Fit a mixture by expectation maximisation.

    Parameters
    ----------
    windows : Windows
    mixture : Mixture
        To begin with.
    composition : np.ndarray, shape (4,)
    steps : int

    Returns
    -------
    Mixture

    Source: Bailey & Elkan 1994 (MEME), zero or one occurrence per sequence; here with several motifs at once.
    """
    for _ in range(steps):
        mixture = windows.step(mixture, composition)
    return mixture

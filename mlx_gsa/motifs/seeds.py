"""Over-represented words: what windows around peaks hold more often than matched windows do, one word at a time."""

from typing import NamedTuple

import numpy as np

from mlx_gsa.dna.alphabet import N

NONE = -1  # a window start at which no word can be read


class Seed(NamedTuple):
    """A word of `tokens`, shape (k,), in windows `rows` at `starts`, on the other strand where `reverse`.

    It is ``z`` standard deviations above expectation.
    """

    tokens: np.ndarray
    z: float
    rows: np.ndarray
    starts: np.ndarray
    reverse: np.ndarray


def word_codes(windows: np.ndarray, k: int) -> np.ndarray:
    """Read the word at each start, the same number for a word and its reverse complement.

    Parameters
    ----------
    windows : np.ndarray, shape (n, W), uint8
    k : int
        Length of a word (bp).

    Returns
    -------
    np.ndarray of int32, shape (n, W - k + 1)
        The smaller of the two base-4 numbers; -1 where there is an N.
    """
    width = windows.shape[1] - k + 1
    forward, reverse = np.zeros((2, len(windows), width), np.int32)
    valid = np.ones((len(windows), width), bool)
    for i in range(k):
        column = windows[:, i : i + width].astype(np.int32)
        valid &= column < N
        forward = forward * 4 + column
        reverse += (3 - column) * np.int32(4**i)
    return np.where(valid, np.minimum(forward, reverse), NONE)


class WordCounts:
    """How many windows hold each word, on either strand, kept up to date while words are erased.

    Parameters
    ----------
    windows : np.ndarray, shape (n, W), uint8
        Changed in place by `erase`.
    k : int
        Length of the words (bp).
    weights : np.ndarray, shape (n,), optional
        What each window counts.
    """

    def __init__(self, windows, k, weights=None):
        self.windows, self.k = windows, k
        self.weights = np.ones(len(windows)) if weights is None else np.asarray(weights, float)
        self.codes = word_codes(windows, k)
        self.total, self.squares = self.weights.sum(), (self.weights**2).sum()
        self.counts = self._count(np.arange(len(windows)))

    def _count(self, rows):
        """Sum the weights of those windows that hold each word, shape (4**k,)."""
        codes = np.sort(self.codes[rows], axis=1)
        codes[:, 1:][codes[:, 1:] == codes[:, :-1]] = NONE
        inside, columns = np.nonzero(codes >= 0)
        return np.bincount(codes[inside, columns], self.weights[rows[inside]], 4**self.k)

    def find(self, code):
        """Return row and start of each place where a word stands."""
        return np.nonzero(self.codes == code)

    def erase(self, code):
        """Write N over a word wherever it stands."""
        rows, starts = self.find(code)
        touched = np.unique(rows)
        self.counts -= self._count(touched)
        self.windows[rows[:, None], starts[:, None] + np.arange(self.k)] = N
        self.codes[touched] = word_codes(self.windows[touched], self.k)
        self.counts += self._count(touched)


def next_seed(counts: WordCounts, controls: list[WordCounts]) -> Seed | None:
    """Find the word that windows hold most above expectation.

    Parameters
    ----------
    counts : WordCounts
        Of the windows.
    controls : list of WordCounts
        The expected share of each word is the largest over these.

    Returns
    -------
    Seed or None
        None without any word. ``z`` takes the sampling error of the expected share into account.
    """
    if not len(counts.windows) or counts.counts.max() <= 0:
        return None
    expected, error = np.zeros(4**counts.k), np.zeros(4**counts.k)
    for control in controls:
        share = (control.counts + 0.5) / (control.total + 1)
        error = np.where(share > expected, share / (control.total + 1), error)
        expected = np.maximum(share, expected)
    variance = counts.squares * expected + counts.total**2 * error
    z = (counts.counts - counts.total * expected) / np.sqrt(variance)
    best = int(z.argmax())
    tokens = np.array([best // 4**i % 4 for i in reversed(range(counts.k))], np.uint8)
    rows, starts = counts.find(best)
    texts = counts.windows[rows[:, None], starts[:, None] + np.arange(counts.k)]
    return Seed(tokens, float(z[best]), rows, starts, ~(texts == tokens).all(axis=1))

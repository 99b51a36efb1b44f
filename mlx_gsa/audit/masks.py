"""What is shown of a sequence: masks of positions drawn without regard to its letters or its label."""

import numpy as np

NEIGHBOURS = 32  # a mask is lent between records of about the same length: this many ranks up or down
_FULL, _SCATTERED = 0.1, 0.5  # shares of training rows that show all positions, and that show scattered ones


class MaskSource:
    """Draws masks for records, independent of what the records say.

    A tenth of the masks shows everything; four tenths show positions scattered at random, of a share between half of
    the least and all; the others are selections of *other* records of about the same length. So a predictor trained
    on these masks has met the shapes that the selection takes, but never together with what the shape might say of
    the label: of all masks, a predictor that knows them can only use the letters they show.

    Parameters
    ----------
    least : float
        Share of positions in the sparsest selection.
    lengths : np.ndarray of int, shape (n,)
        Lengths of the records whose selections are lent, in bp.
    selections : list of np.ndarray
        Kept positions of each.
    """

    def __init__(self, least: float, lengths, selections):
        self.least = min(max(least / 2, 1e-3), 1.0)
        order = np.argsort(lengths, kind="stable")
        self.lengths = np.asarray(lengths)[order]
        self.selections = [selections[i] for i in order]

    def draw(self, length: int, generator) -> np.ndarray:
        """Draw a mask for a training row; boolean (length,), at least one position shown."""
        chance = generator.random()
        if chance < _FULL:
            return np.ones(length, bool)
        if chance < _SCATTERED:
            share = np.exp(generator.uniform(np.log(self.least), 0))
            return scattered(length, max(1, round(share * length)), generator)
        return self.borrow(length, generator)

    def borrow(self, length: int, generator) -> np.ndarray:
        """Return the selection of another record of about this length; its start or its end, at random, is kept.

        Returns
        -------
        np.ndarray of bool, shape (length,)
            At least one position.
        """
        here = np.searchsorted(self.lengths, length)
        low, high = max(0, here - NEIGHBOURS), min(len(self.lengths), here + NEIGHBOURS)
        # among many records of one length, all may lend
        low = min(low, int(np.searchsorted(self.lengths, length, "left")))
        high = max(high, int(np.searchsorted(self.lengths, length, "right")))
        number = int(generator.integers(low, high))
        shift = length - self.lengths[number] if generator.random() < 0.5 else 0
        places = self.selections[number] + shift
        mask = marked(length, places[(places >= 0) & (places < length)])
        return mask if mask.any() else scattered(length, 1, generator)


def marked(length: int, positions) -> np.ndarray:
    """Mark positions of a sequence: boolean (length,)."""
    mask = np.zeros(length, bool)
    mask[positions] = True
    return mask


def scattered(length: int, number: int, generator) -> np.ndarray:
    """Mark `number` positions drawn at random without replacement."""
    return marked(length, generator.permutation(length)[:number])


def window_share(mask: np.ndarray, width: int) -> float:
    """Return the share of bases that lie in a filter's window of `width` bp around a marked position."""
    left = (width - 1) // 2
    covered = np.convolve(mask.astype(np.int64), np.ones(width, np.int64))
    # window of position p is [p - left, p - left + width): entry j of the convolution counts p in (j - width, j]
    return float((covered[left : left + len(mask)] > 0).mean()) if len(mask) else 0.0

"""Pairs of records that share seeds, and the score of each pair."""

from dataclasses import dataclass

import numpy as np

from mlx_gsa.dna.diagonals import (
    DIAGONALS,
    GAP_COST,
    NEAR,
    NEAR_SCORE,
    local_scores,
    overlap_on_diagonal,
)

NEIGHBOURS = 4  # others with the same seed that a seed is compared with; the rest follow through them
_MATCHES_AT_ONCE = 1 << 20


@dataclass(frozen=True, eq=False)
class Pairs:
    """Pairs of records and how alike they are, one entry per pair.

    Attributes
    ----------
    first, second : np.ndarray of int64, shape (p,)
        Record numbers.
    scores : np.ndarray of int64, shape (p,)
        Matches less mismatches of the best stretch, in bp; further diagonals (gaps) add what they have above
        `GAP_COST`. At most the length of the shorter record.
    """

    first: np.ndarray
    second: np.ndarray
    scores: np.ndarray

    def shorter(self, lengths):
        """Return the length of the shorter record of each pair, in bp."""
        return np.minimum(lengths[self.first], lengths[self.second])


def similar_pairs(tokens, offsets, seeds, others=None):
    """Find pairs of records that share seeds, and score them.

    A seed is compared with its next few holders in the order of the records, not with all, so that a seed of a
    repeat costs no more than another, and every family of near-copies is still connected.

    Parameters
    ----------
    tokens : np.ndarray, shape (bases,), uint8
    offsets : np.ndarray, shape (n + 1,), int64
    seeds : Seeds
    others : Seeds, optional
        Look for partners of `seeds` here, instead of among themselves.

    Returns
    -------
    Pairs
        Each pair once; `first` is of `seeds`.
    """
    search = _Search(tokens, offsets)
    matches = _own_matches(seeds) if others is None else _cross_matches(seeds, others)
    for a, b in matches:
        search.add(seeds, a, seeds if others is None else others, b)
    return search.pairs()


def _own_matches(seeds):
    """Yield numbers of seeds with the same word, in pieces."""
    order = _sorted(seeds)
    words = seeds.word[order]
    for distance in range(1, NEIGHBOURS + 1):
        for low in range(0, max(len(words) - distance, 0), _MATCHES_AT_ONCE):
            high = min(low + _MATCHES_AT_ONCE, len(words) - distance)
            same = low + np.flatnonzero(words[low:high] == words[low + distance : high + distance])
            yield order[same], order[same + distance]


def _cross_matches(seeds, others):
    """Yield numbers of seeds, and of others with the same word, in pieces; holders are taken evenly."""
    order, asking = _sorted(others), _sorted(seeds)  # in order, a search goes through memory once
    words = others.word[order]
    for low in range(0, len(asking), _MATCHES_AT_ONCE):
        rows = asking[low : low + _MATCHES_AT_ONCE]
        asked = seeds.word[rows]
        begin, end = np.searchsorted(words, asked, "left"), np.searchsorted(words, asked, "right")
        for take in range(NEIGHBOURS):
            more = np.flatnonzero(end - begin > take)
            holders = end[more] - begin[more]
            step = np.where(holders <= NEIGHBOURS, take, holders * take // NEIGHBOURS)
            yield rows[more], order[begin[more] + step]


def _sorted(seeds):
    """Return the order of seeds by word, those of one word in the order of the file; uint32 numbers."""
    keys = (seeds.word.astype(np.uint64) << np.uint64(32)) | np.arange(len(seeds), dtype=np.uint64)
    keys.sort()
    return (keys & np.uint64(0xFFFFFFFF)).astype(np.uint32)


class _Search:
    """Gathers the diagonals that pairs share, and scores them."""

    def __init__(self, tokens, offsets):
        self.tokens, self.offsets, self.lengths = tokens, offsets, np.diff(offsets)
        self.n, self.reach = len(self.lengths), int(self.lengths.max(initial=0)) + 1
        self.found = []

    def add(self, seeds, a, others, b):
        """Take matches: seed numbers a of `seeds`, b of `others`."""
        first, second = seeds.record[a].astype(np.int64), others.record[b].astype(np.int64)
        apart = first != second
        a, b, first, second = a[apart], b[apart], first[apart], second[apart]
        opposite = seeds.reverse[a] != others.reverse[b]
        start_a, start_b = seeds.start[a], others.start[b]
        start_b = np.where(opposite, self.lengths[second] - others.span - start_b, start_b)
        keys = self._pack(first, second, opposite, start_a - start_b)
        keys, row = np.unique(keys, return_index=True)
        if len(keys):
            self.found.append(keys[self._near(keys, start_a[row] + seeds.span // 2)])

    def _pack(self, first, second, opposite, diagonal):
        """Return one number for a pair and a diagonal, pairs in order."""
        return ((first * self.n + second) * 2 + opposite) * (2 * self.reach) + diagonal + self.reach

    def _unpack(self, keys):
        """Return first, second, opposite, diagonal."""
        pair, diagonal = np.divmod(keys, 2 * self.reach)
        pair, opposite = np.divmod(pair, 2)
        first, second = np.divmod(pair, self.n)
        return first, second, opposite.astype(bool), diagonal - self.reach

    def _near(self, keys, middle):
        """Say which diagonals are worth a look at their whole: those alike around the seed."""
        first, second, opposite, diagonal = self._unpack(keys)
        start, _, length = overlap_on_diagonal(self.lengths[first], self.lengths[second], diagonal)
        low, high = np.maximum(middle - NEAR, start), np.minimum(middle + NEAR, start + length)
        worth = length <= 2 * NEAR
        far = np.flatnonzero(~worth)
        scores = self._score(first[far], second[far], opposite[far], diagonal[far], low[far], (high - low)[far])
        worth[far] = scores >= NEAR_SCORE
        return worth

    def _score(self, first, second, opposite, diagonal, start, length):
        """Score the strips of diagonals that begin at `start` in the first record."""
        place = start - diagonal
        place = np.where(opposite, self.lengths[second] - 1 - place, place)
        return local_scores(
            self.tokens, self.offsets[first] + start, self.offsets[second] + place, length, opposite
        )

    def pairs(self):
        """Return every pair with its score."""
        keys = np.unique(np.concatenate([np.zeros(0, dtype=np.int64), *self.found]))
        first, second, opposite, diagonal = self._unpack(keys)
        start, _, length = overlap_on_diagonal(self.lengths[first], self.lengths[second], diagonal)
        scores = self._score(first, second, opposite, diagonal, start, length)
        first, second, scores = _over_diagonals(first, second, opposite, scores, self.n)
        return Pairs(first, second, np.minimum(scores, np.minimum(self.lengths[first], self.lengths[second])))


def _over_diagonals(first, second, opposite, scores, n):
    """Add up the best diagonals of each pair and strand; return the better strand of each pair."""
    pair = (first * n + second) * 2 + opposite
    order = np.lexsort((-scores, pair))
    pair, scores = pair[order], scores[order]
    begins = np.flatnonzero(np.diff(pair, prepend=-1))
    if not len(begins):
        return first, second, scores
    rank = np.arange(len(pair)) - np.repeat(begins, np.diff([*begins, len(pair)]))
    further = np.maximum(scores - GAP_COST, 0) * (rank < DIAGONALS)
    total = np.add.reduceat(np.where(rank == 0, scores, further), begins)
    both, number = np.unique(pair[begins] // 2, return_inverse=True)
    best = np.zeros(len(both), dtype=np.int64)
    np.maximum.at(best, number, total)
    return both // n, both % n, best

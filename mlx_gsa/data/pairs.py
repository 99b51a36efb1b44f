"""Pairs of records that share seeds, and the score of each pair."""

from dataclasses import dataclass

import numpy as np

from mlx_gsa.dna.diagonals import (
    DIAGONALS,
    GAP_COST,
    NEAR,
    local_scores,
    near_score,
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


def similar_pairs(tokens, offsets, seeds, others=None, part=None):
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
    part : np.ndarray of int, shape (n,), optional
        Look among themselves, but only for pairs of records with different numbers here, such as folds.

    Returns
    -------
    Pairs
        Each pair once; `first` is of `seeds`, or the lower number where there is no other side.
    """
    search = _Search(tokens, offsets)
    if part is not None:
        matches = _matches_across(seeds, part)
    else:
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


def _matches_across(seeds, part):
    """Yield numbers of seeds with the same word in records of different parts; holders are taken evenly."""
    part = part[seeds.record].astype(np.int64)
    order = np.lexsort((np.arange(len(seeds)), part, seeds.word))
    words, parts = seeds.word[order], part[order]
    first = np.concatenate([[True], words[1:] != words[:-1]])[: len(words)]
    fresh = first | np.concatenate([[True], parts[1:] != parts[:-1]])[: len(words)]
    begin, end = _runs(first)
    mine, mine_end = _runs(fresh)
    holders = (end - begin) - (mine_end - mine)
    for take in range(NEIGHBOURS):
        for low in range(0, len(order), _MATCHES_AT_ONCE):
            rows = low + np.flatnonzero(holders[low : low + _MATCHES_AT_ONCE] > take)
            step = np.where(holders[rows] <= NEIGHBOURS, take, holders[rows] * take // NEIGHBOURS)
            at = begin[rows] + step
            at += np.where(at >= mine[rows], mine_end[rows] - mine[rows], 0)
            one, other = order[rows], order[at]
            swap = seeds.record[one] > seeds.record[other]
            yield np.where(swap, other, one), np.where(swap, one, other)


def _runs(first):
    """Return where the run of each entry begins and ends, given which entries begin one."""
    starts = np.flatnonzero(first)
    lengths = np.diff([*starts, len(first)])
    begin = np.repeat(starts, lengths)
    return begin, begin + np.repeat(lengths, lengths)


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
        self.keys, self.near = [], []

    def add(self, seeds, a, others, b):
        """Take matches: seed numbers a of `seeds`, b of `others`."""
        first, second = seeds.record[a].astype(np.int64), others.record[b].astype(np.int64)
        apart = first != second
        a, b, first, second = a[apart], b[apart], first[apart], second[apart]
        opposite = seeds.reverse[a] != others.reverse[b]
        start_a, start_b = seeds.start[a].astype(np.int64), others.start[b].astype(np.int64)
        start_b = np.where(opposite, self.lengths[second] - others.span - start_b, start_b)
        keys = self._pack(first, second, opposite, start_a - start_b)
        keys, row = np.unique(keys, return_index=True)
        if len(keys):
            self._keep(keys, start_a[row] + seeds.span // 2)

    def _pack(self, first, second, opposite, diagonal):
        """Return one number for a pair and a diagonal, pairs in order."""
        return ((first * self.n + second) * 2 + opposite) * (2 * self.reach) + diagonal + self.reach

    def _unpack(self, keys):
        """Return first, second, opposite, diagonal."""
        pair, diagonal = np.divmod(keys, 2 * self.reach)
        pair, opposite = np.divmod(pair, 2)
        first, second = np.divmod(pair, self.n)
        return first, second, opposite.astype(bool), diagonal - self.reach

    def _keep(self, keys, middle):
        """Keep the diagonals that are alike around the seed, or all along if they are short; note the score."""
        first, second, opposite, diagonal = self._unpack(keys)
        start, length = overlap_on_diagonal(self.lengths[first], self.lengths[second], diagonal)
        far = length > 2 * NEAR
        low = np.where(far, np.maximum(middle - NEAR, start), start)
        high = np.where(far, np.minimum(middle + NEAR, start + length), start + length)
        scores = self._score(first, second, opposite, diagonal, low, high - low)
        worth = ~far | (scores >= near_score(np.minimum(self.lengths[first], self.lengths[second])))
        self.keys.append(keys[worth])
        self.near.append(scores[worth])

    def _score(self, first, second, opposite, diagonal, start, length):
        """Score the strips of diagonals that begin at `start` in the first record."""
        place = start - diagonal
        place = np.where(opposite, self.lengths[second] - 1 - place, place)
        return local_scores(
            self.tokens, self.offsets[first] + start, self.offsets[second] + place, length, opposite
        )

    def pairs(self):
        """Return every pair with its score."""
        keys, scores = (np.concatenate([np.zeros(0, dtype=np.int64), *part]) for part in (self.keys, self.near))
        pair = keys // (2 * self.reach)
        order = np.lexsort((keys, -scores, pair))
        order = order[_is_new(keys[order])]
        order = order[_rank(pair[order]) < DIAGONALS]
        keys, scores = keys[order], scores[order]
        first, second, opposite, diagonal = self._unpack(keys)
        start, length = overlap_on_diagonal(self.lengths[first], self.lengths[second], diagonal)
        far = np.flatnonzero(length > 2 * NEAR)
        scores[far] = self._score(first[far], second[far], opposite[far], diagonal[far], start[far], length[far])
        first, second, scores = _over_diagonals(first, second, opposite, scores, self.n)
        return Pairs(first, second, np.minimum(scores, np.minimum(self.lengths[first], self.lengths[second])))


def _is_new(keys):
    """Say which entries are the first with their value."""
    new = np.zeros(len(keys), dtype=bool)
    new[np.unique(keys, return_index=True)[1]] = True
    return new


def _rank(pair):
    """Number the entries of each pair 0, 1, 2 ...; those of a pair stand together."""
    begins = np.flatnonzero(np.diff(pair, prepend=-1))
    return np.arange(len(pair)) - np.repeat(begins, np.diff([*begins, len(pair)]))


def _over_diagonals(first, second, opposite, scores, n):
    """Add up the best diagonals of each pair and strand; return the better strand of each pair."""
    pair = (first * n + second) * 2 + opposite
    order = np.lexsort((-scores, pair))
    pair, scores = pair[order], scores[order]
    begins = np.flatnonzero(np.diff(pair, prepend=-1))
    if not len(begins):
        return first, second, scores
    rank = _rank(pair)
    further = np.maximum(scores - GAP_COST, 0) * (rank < DIAGONALS)
    total = np.add.reduceat(np.where(rank == 0, scores, further), begins)
    both, number = np.unique(pair[begins] // 2, return_inverse=True)
    best = np.zeros(len(both), dtype=np.int64)
    np.maximum.at(best, number, total)
    return both // n, both % n, best

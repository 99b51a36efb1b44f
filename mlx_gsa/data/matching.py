"""Windows of a chromosome that are like given ones in length, GC and repeats, and overlap nothing."""

import numpy as np
from scipy.spatial import cKDTree

GC_TOLERANCE, REPEAT_TOLERANCE = 0.02, 0.1
BIN = 16  # bp between the stored sums
PIECE = 1 << 24  # bp read at once
POOL, LEAST_POOL, LARGEST_POOL = 16, 20_000, 1_000_000  # windows drawn: per wanted one, at least, at most
ROUNDS, NEIGHBOURS = 8, 8
LENGTH_STEP = 1.1  # lengths within 10 % share a pool
JITTER = 0.1  # of the tolerance; else all positives of one GC would ask for the same few windows
_GC, _MASKED, _KNOWN = 1, 1 << 8, 1 << 16


def _base_table():
    """Build the table byte -> GC, soft-masked and known, each in a byte of its own."""
    table = np.zeros(256, dtype=np.int32)
    for letter in b"ACGTacgt":
        table[letter] = _KNOWN + _GC * (letter in b"GCgc") + _MASKED * (letter in b"acgt")
    return table


_TABLE = _base_table()


class BaseCounts:
    """Numbers of G and C, of soft-masked and of known bases in any window of a chromosome.

    Sums are stored every 16 bp and completed from the letters: exact, in about 2 bytes per bp.

    Parameters
    ----------
    genome : Genome
    chrom : str
    """

    def __init__(self, genome, chrom):
        self.length = genome.lengths[chrom]
        bins = self.length // BIN + 1
        self._letters = np.zeros((bins, BIN), dtype=np.uint8)
        sums = np.zeros((3, bins + 1), dtype=np.int32)
        flat = self._letters.reshape(-1)
        for start in range(0, self.length, PIECE):
            end = min(start + PIECE, self.length)
            flat[start:end] = genome.letters(chrom, start, end)
            first, last = start // BIN, -(-end // BIN)
            sums[:, first + 1 : last + 1] = _unpack(_TABLE[self._letters[first:last]].sum(1, dtype=np.int32))
        self._sums = np.cumsum(sums, axis=1, out=sums)

    def __call__(self, start, end):
        """Count in windows.

        Parameters
        ----------
        start, end : np.ndarray of int64, shape (n,)
            0-based, half-open, in bp.

        Returns
        -------
        np.ndarray, shape (3, n)
            G and C; soft-masked; known bases.
        """
        return self._before(end) - self._before(start)

    def _before(self, position):
        """Count before each position."""
        number, rest = np.divmod(position, BIN)
        more = np.zeros(len(position), dtype=np.int32)
        for i in range(BIN - 1):
            more += np.where(i < rest, _TABLE[self._letters[number, i]], 0)
        return self._sums[:, number] + _unpack(more)


def _unpack(packed):
    """Take apart sums of up to 16 entries of the base table; shape (3, n)."""
    return np.stack([packed & 255, (packed >> 8) & 255, packed >> 16])


class Taken:
    """Intervals of one chromosome that are not free; those taken later never overlap any before."""

    def __init__(self):
        self._start = self._reach = np.zeros(0, dtype=np.int64)

    def add(self, start, end):
        """Add intervals, overlapping or not; arrays of shape (n,), bp."""
        order = np.argsort(np.concatenate([self._start, start]), kind="stable")
        self._start = np.concatenate([self._start, start])[order]
        self._reach = np.maximum.accumulate(np.concatenate([self._reach, end])[order])

    def free(self, start, end):
        """Say which of the intervals overlap nothing that is taken; arrays of shape (n,), bp."""
        begun = np.searchsorted(self._start, end, side="left")  # intervals that begin before the end
        return (begun == 0) | (np.append(self._reach, 0)[begun - 1] <= start)

    def take(self, start, end):
        """Take those intervals that are free, and of overlapping ones the one that ends first.

        Parameters
        ----------
        start, end : np.ndarray of int64, shape (n,)

        Returns
        -------
        np.ndarray of bool, shape (n,)
            Which were taken.
        """
        rows = np.flatnonzero(self.free(start, end))
        accepted, reach = np.zeros(len(start), dtype=bool), -1
        rows = rows[np.argsort(end[rows], kind="stable")]
        for row, a, b in zip(rows.tolist(), start[rows].tolist(), end[rows].tolist(), strict=True):
            if a >= reach:
                accepted[row], reach = True, b
        self.add(start[accepted], end[accepted])
        return accepted


def match_windows(genome, chrom, start, end, taken, rng, tolerances=(GC_TOLERANCE, REPEAT_TOLERANCE)):
    """Find for each window another one of its length that is like it in GC and repeats, known in every base.

    Random windows are drawn in several rounds; of the eight nearest in GC and repeats the nearest is taken that
    is within both tolerances and free.

    Parameters
    ----------
    genome : Genome
    chrom : str
        As the genome names it.
    start, end : np.ndarray of int64, shape (n,)
        0-based, half-open, in bp; a window may be there repeatedly.
    taken : Taken
        Not to be overlapped; gains the windows found.
    rng : np.random.Generator
    tolerances : (float, float)
        Largest difference in the share of G and C among known bases, and of soft-masked ones.

    Returns
    -------
    np.ndarray of int64, shape (n,)
        Starts of the windows; -1 where none is free within the tolerances.
    """
    counts, found = BaseCounts(genome, chrom), np.full(len(start), -1)
    wanted, sizes = _shares(counts(start, end)) / np.array(tolerances)[:, None], end - start
    steps = np.floor(np.log(np.maximum(sizes, 1)) / np.log(LENGTH_STEP)).astype(int)
    for step in np.unique(steps)[::-1]:  # long ones first, as they are hardest to place
        rows = np.flatnonzero(steps == step)
        found[rows] = _match(counts, wanted[:, rows], sizes[rows], taken, rng, tolerances)
    return found


def _shares(counts):
    """Turn counts into shares of G and C, and of soft-masked bases, among known ones; shape (2, n)."""
    return counts[:2] / np.maximum(counts[2], 1)


def _match(counts, wanted, sizes, taken, rng, tolerances):
    """Find windows for positives of about one length; starts, -1 where there is none."""
    found, longest = np.full(len(sizes), -1), int(sizes.max())
    places = counts.length - longest + 1
    pool = int(min(np.clip(POOL * len(sizes), LEAST_POOL, LARGEST_POOL), max(places, 0)))
    for _ in range(ROUNDS if pool else 0):
        rows = np.flatnonzero(found < 0)
        if not rows.size:
            break
        starts = rng.integers(0, places, pool)
        numbers = counts(starts, starts + longest)
        usable = (numbers[2] == longest) & taken.free(starts, starts + longest)
        starts, shares = starts[usable], _shares(numbers[:, usable]) / np.array(tolerances)[:, None]
        if len(starts):
            options = _nearest(shares, wanted[:, rows], rng)
            found[rows] = _choose(counts, starts, options, wanted[:, rows], sizes[rows], taken, tolerances)
    return found


def _nearest(shares, wanted, rng):
    """Return the numbers of the nearest windows for each positive; shape (n, 8), -1 where there are fewer."""
    blurred = [(points + rng.uniform(-JITTER, JITTER, points.shape)).T for points in (shares, wanted)]
    _, options = cKDTree(blurred[0]).query(blurred[1], NEIGHBOURS, p=np.inf, distance_upper_bound=1.5)
    return np.where(options < shares.shape[1], options, -1)


def _choose(counts, starts, options, wanted, sizes, taken, tolerances):
    """Take for each positive the nearest window that is still free and within the tolerances."""
    begin = starts[np.maximum(options, 0)]
    exact = _shares(counts(begin.ravel(), (begin + sizes[:, None]).ravel())).reshape(2, *begin.shape)
    far = np.abs(exact / np.array(tolerances)[:, None, None] - wanted[:, :, None]).max(0)
    far[options < 0] = np.inf
    found = np.full(len(sizes), -1)
    for column in np.argsort(far, axis=1).T:
        rows = np.flatnonzero(found < 0)
        rows = rows[far[rows, column[rows]] <= 1]
        first = begin[rows, column[rows]]
        accepted = taken.take(first, first + sizes[rows])
        found[rows[accepted]] = first[accepted]
    return found

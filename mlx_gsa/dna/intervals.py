"""Sets of genome intervals: merged, sorted, and asked by binary search."""

import numpy as np

from mlx_gsa.errors import RegionError

_NOTHING = np.zeros(0, dtype=np.int64)


class IntervalSet:
    """A set of positions of the genome, kept as merged intervals per chromosome; strands do not matter.

    Make one with `IntervalSet.of`. ``len()`` is the number of merged intervals, `bp` what they cover. Names of
    chromosomes are compared as they are; `mlx_gsa.dna.genome.Genome.resolve` brings two namings together.

    Parameters
    ----------
    intervals : dict of str to (starts, ends)
        Per chromosome, sorted, neither overlapping nor touching; 0-based, half-open, in bp.
    """

    def __init__(self, intervals=None):
        self._intervals = dict(intervals or {})
        self._covered = {
            chrom: np.concatenate([[0], np.cumsum(ends - starts)]) for chrom, (starts, ends) in self._intervals.items()
        }

    @classmethod
    def of(cls, regions):
        """Make a set of regions, in any order, overlapping or not.

        Parameters
        ----------
        regions : iterable of Region
            Or of anything with ``chrom``, ``start`` and ``end``.

        Raises
        ------
        RegionError
            A region is empty or begins before its chromosome.
        """
        places = {}
        for region in regions:
            if region.end <= region.start or region.start < 0:
                raise RegionError("not an interval", expected="0 <= start < end", found=str(region))
            places.setdefault(region.chrom, []).append((region.start, region.end))
        return cls({chrom: _merge(np.array(pairs, dtype=np.int64)) for chrom, pairs in sorted(places.items())})

    @classmethod
    def on_one(cls, chrom, start, end):
        """Make a set of the intervals of one chromosome, in any order, overlapping or not.

        Parameters
        ----------
        chrom : str
        start, end : np.ndarray, shape (n,)
            0-based, half-open, in bp.
        """
        return cls({chrom: _merge(np.stack([start, end], axis=1).astype(np.int64))})

    def __len__(self):
        return sum(len(starts) for starts, _ in self._intervals.values())

    @property
    def bp(self):
        """Return the number of positions in the set."""
        return int(sum(covered[-1] for covered in self._covered.values()))

    @property
    def chroms(self):
        """Return the names of the chromosomes with at least one interval, in alphabetical order."""
        return list(self._intervals)

    def on(self, chrom):
        """Return the merged intervals of one chromosome.

        Returns
        -------
        starts, ends : np.ndarray, shape (n,), int64
        """
        return self._intervals.get(chrom, (_NOTHING, _NOTHING))

    def overlaps(self, chrom, start, end):
        """Say whether at least one position of an interval is in the set.

        Parameters
        ----------
        chrom : str
        start, end : int or np.ndarray, shape (n,)
            0-based, half-open, in bp.

        Returns
        -------
        bool or np.ndarray of bool, shape (n,)
        """
        found = np.asarray(self.overlap_bp(chrom, start, end)) > 0
        return found if found.ndim else bool(found)

    def overlap_bp(self, chrom, start, end):
        """Count the positions of an interval that are in the set.

        Parameters
        ----------
        chrom : str
        start, end : int or np.ndarray, shape (n,)
            0-based, half-open, in bp.

        Returns
        -------
        int or np.ndarray of int64, shape (n,)
        """
        start, end = np.asarray(start, dtype=np.int64), np.asarray(end, dtype=np.int64)
        common = np.maximum(self._before(chrom, end) - self._before(chrom, start), 0)
        return common if common.ndim else int(common)

    def nearest_gap(self, chrom, start, end):
        """Return the distance from an interval to the nearest one of the set.

        Parameters
        ----------
        chrom : str
        start, end : int
            0-based, half-open, in bp.

        Returns
        -------
        int or None
            In bp; 0 if they overlap or touch, None if the set has nothing on this chromosome.
        """
        starts, ends = self.on(chrom)
        if not len(starts):
            return None
        after = int(np.searchsorted(ends, start, side="right"))  # the first interval that ends behind `start`
        gaps = [int(start - ends[after - 1])] if after else []
        gaps += [int(starts[after] - end)] if after < len(starts) else []
        return max(min(gaps), 0)

    def widened(self, bp):
        """Return the set with every interval longer by `bp` on either side, never before position 0."""
        wider = {c: (np.maximum(starts - bp, 0), ends + bp) for c, (starts, ends) in self._intervals.items()}
        return IntervalSet({c: _merge(np.stack(pair, axis=1)) for c, pair in wider.items()})

    def union(self, other):
        """Return the positions that are in this set, in the other, or in both."""
        chroms = sorted({*self._intervals, *other._intervals})
        pairs = {c: np.concatenate([np.stack(one.on(c), axis=1) for one in (self, other)]) for c in chroms}
        return IntervalSet({c: _merge(pair) for c, pair in pairs.items()})

    def _before(self, chrom, position):
        """Count the positions of the set before a position, or before each of several."""
        starts, ends = self.on(chrom)
        if not len(starts):
            return np.zeros_like(position)
        begun = np.searchsorted(starts, position, side="left")  # intervals with a start before the position
        behind = np.maximum(ends[np.maximum(begun - 1, 0)] - position, 0)
        return self._covered[chrom][begun] - np.where(begun > 0, behind, 0)


def _merge(pairs):
    """Sort intervals, shape (n, 2), and join those that overlap or touch; return starts and ends."""
    starts, ends = pairs[np.argsort(pairs[:, 0], kind="stable")].T
    reach = np.maximum.accumulate(ends)
    first = np.append(True, starts[1:] > reach[:-1])
    return starts[first].copy(), reach[np.append(np.flatnonzero(first)[1:] - 1, len(reach) - 1)]

"""Choose among windows of a genome before any sequence is read: edges, exclusions, copies, overlaps, the best."""

import itertools
from bisect import bisect
from collections import Counter
from dataclasses import dataclass, field, replace

from mlx_gsa.data.controls import KIND, POSITIVE
from mlx_gsa.dna.coordinates import Region
from mlx_gsa.errors import ConfigError, RegionError

UNKNOWN_CHROM = "chromosome that the genome does not have"
PAST_EDGE = "window past the edge of its chromosome"
BEYOND = "window wholly behind the end of its chromosome: probably of another assembly"
EXCLUDED = "window that touches an excluded region"
COPY = "same window as an earlier one"
OVERLAP = "window that overlaps a better one"
NEAR = "window nearer than {bp:,} bp to a better one"
BELOW_TOP = "score below the best {n:,}"
RENAMED_CHROM = "windows whose chromosome has another name in the genome"
RENAMED_ID = "windows whose name another one has, named after their place"
ASSEMBLY = "The BED is probably of another assembly than the genome."


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of the genome that is to become a record.

    Attributes
    ----------
    region : Region
        Its chromosome under any usual name; on strand ``-`` the record is the reverse complement.
    id : str
    label : float
    group : str, optional
        Windows of one group never come to different splits.
    extra : dict
        Values of further columns; the same columns for every window.
    score : float, optional
        The best of overlapping windows is kept; those without one come last, else in the order given.
    """

    region: Region
    id: str
    label: float
    group: str | None = None
    extra: dict = field(default_factory=dict)
    score: float | None = None


def on_genome(windows, genome, dropped, normalised):
    """Keep the windows that lie within a chromosome of the genome, under the genome's name of it.

    Parameters
    ----------
    windows : iterable of Window
    genome : Genome
    dropped, normalised : Counter
        Gain what was left out and renamed.

    Returns
    -------
    list of Window

    Raises
    ------
    RegionError
        There is none, or none of them lies in the genome.
    """
    kept, seen = [], 0
    for seen, window in enumerate(windows, 1):  # noqa: B007
        region, name = window.region, genome.resolve(window.region.chrom)
        reason = _reason_against(region, genome.lengths.get(name))
        if reason:
            dropped[reason] += 1
            continue
        if name != region.chrom:
            normalised[RENAMED_CHROM] += 1
            window = replace(window, region=Region(name, region.start, region.end, region.strand))
        kept.append(window)
    if not kept:
        raise _none_fits(genome, seen, dropped)
    return kept


def _reason_against(region, length):
    """Return why a region is not within a chromosome of this length, or None."""
    if length is None:
        return UNKNOWN_CHROM
    if region.start >= length:
        return BEYOND
    return PAST_EDGE if region.start < 0 or region.end > length else None


def _none_fits(genome, seen, dropped):
    """Make the error for windows of which none lies in the genome."""
    unknown, beyond, edge = (dropped[reason] for reason in (UNKNOWN_CHROM, BEYOND, PAST_EDGE))
    found = f"{unknown:,} on unknown chromosomes, {beyond:,} behind the end, {edge:,} past an edge"
    names = ", ".join(genome.names[:5]) + (", ..." if len(genome.names) > 5 else "")
    mend = ASSEMBLY if unknown + beyond else "Take shorter windows, or a genome with longer chromosomes."
    return RegionError(
        "no usable record, as no window lies in the genome",
        where=str(genome.path),
        expected=f"chromosomes such as {names}" if unknown else "windows within their chromosomes",
        found=found if seen else "no window at all",
        mend=mend if seen else None,
    )


def choose_windows(windows, dropped, *, exclude=None, min_distance=0, overlaps="drop", top=None):
    """Leave out windows that touch an excluded region, copy, overlap or crowd a better one, or are not of the best.

    A positive is better than a negative, then the higher score, then the earlier one. Strands do not matter.

    Parameters
    ----------
    windows : list of Window
    dropped : Counter
        Gains what was left out.
    exclude : IntervalSet, optional
    min_distance : int
        Smallest gap between two windows, in bp.
    overlaps : str
        ``drop``, or ``keep``, which keeps copies too.
    top : int, optional
        Keep no more than so many positives.

    Returns
    -------
    list of Window
        In the order given.
    """
    check_overlaps(overlaps, min_distance)
    crowd = _Crowd(min_distance) if overlaps == "drop" else None
    kept, places, best = [], set(), 0
    for number in sorted(range(len(windows)), key=lambda i: _rank(windows[i], i)):
        region = windows[number].region
        reason = _reason_to_drop(windows[number], exclude, places, crowd)
        positive = _is_positive(windows[number])
        if reason is None and top is not None and positive and best >= top:
            reason = BELOW_TOP.format(n=top)
        if reason:
            dropped[reason] += 1
            continue
        kept.append(number)
        best += positive
        places.add(region)
        if crowd is not None:
            crowd.add(region)
    return [windows[number] for number in sorted(kept)]


def check_overlaps(overlaps, min_distance):
    """Raise `ConfigError` unless the two choices are known and go together."""
    if overlaps not in ("drop", "keep"):
        raise ConfigError("unknown way with overlaps", expected="drop or keep", found=repr(overlaps))
    if overlaps == "keep" and min_distance:
        mend = "Leave out one of the two."
        raise ConfigError("a minimum distance does not go with overlaps that are kept", mend=mend)


def _rank(window, number):
    """Return what to sort windows by, best first: positives first, windows without a score last."""
    return (not _is_positive(window), window.score is None, -(window.score or 0.0), number)


def _is_positive(window):
    """Say whether a window is no negative."""
    return window.extra.get(KIND, POSITIVE) == POSITIVE


def _reason_to_drop(window, exclude, places, crowd):
    """Return why a window is left out beside those that are kept already, or None."""
    region = window.region
    if exclude is not None and exclude.overlaps(region.chrom, region.start, region.end):
        return EXCLUDED
    if crowd is None:
        return None
    return COPY if region in places else crowd.reason_against(region)


class _Crowd:
    """Windows that keep their distance: no two overlap, so a new one need be held against two neighbours only."""

    def __init__(self, distance):
        self.distance, self._starts, self._ends = distance, {}, {}

    def reason_against(self, region):
        """Return why a region is too near to those in here, or None."""
        starts, ends = self._starts.get(region.chrom, ()), self._ends.get(region.chrom, ())
        after = bisect(starts, region.start)
        gaps = [region.start - ends[after - 1]] if after else []
        gaps += [starts[after] - region.end] if after < len(starts) else []
        nearest = min(gaps, default=self.distance)
        if nearest < 0:
            return OVERLAP
        return NEAR.format(bp=self.distance) if nearest < self.distance else None

    def add(self, region):
        """Take a region that is not too near."""
        starts = self._starts.setdefault(region.chrom, [])
        place = bisect(starts, region.start)
        starts.insert(place, region.start)
        self._ends.setdefault(region.chrom, []).insert(place, region.end)


def unique_ids(windows, normalised):
    """Give windows whose name is not theirs alone that of their place; count how many.

    A positive keeps its name if only negatives have the same.

    Parameters
    ----------
    windows : list of Window
    normalised : Counter

    Returns
    -------
    list of Window
    """
    times = Counter((_is_positive(window), window.id) for window in windows)
    named = {window.id for window in windows if _is_alone(window, times)}
    result = []
    for window in windows:
        if not _is_alone(window, times):
            normalised[RENAMED_ID] += 1
            name = base = str(window.region)
            for copy in itertools.count(2):
                if name not in named:
                    break
                name = f"{base}#{copy}"
            named.add(name)
            window = replace(window, id=name)
        result.append(window)
    return result


def _is_alone(window, times):
    """Say whether a window may keep its name, given how often positives and negatives have each."""
    positive = _is_positive(window)
    return times[positive, window.id] == 1 and (positive or not times[True, window.id])

"""Axes in bp of the sequence whose tick labels are coordinates of the genome, on either strand."""

from matplotlib.ticker import FixedFormatter, FixedLocator, MaxNLocator

from mlx_gsa.explain.place import Place


def coordinate_ticks(place: Place, start: float, end: float, n: int = 5) -> tuple[list[float], list[str]]:
    """Choose ticks at round coordinates for a stretch of the sequence.

    Parameters
    ----------
    place : Place
        Where the sequence lies.
    start, end : float
        The stretch, 0-based and half-open within the sequence (bp).
    n : int
        About how many ticks.

    Returns
    -------
    positions : list of float
        Where the ticks go: the middle of the base, in bp of the sequence.
    labels : list of str
        1-based coordinates with thousands separators, as genome browsers show them.
    """
    first, last = place.interval(start, end)
    locator = MaxNLocator(nbins=n, steps=[1, 2, 2.5, 5, 10], integer=True)
    shown = [int(value) for value in locator.tick_values(first + 1, last) if first + 1 <= value <= last]
    offset = (lambda c: place.end - c) if place.strand == "-" else (lambda c: c - 1 - place.start)
    ticks = sorted((offset(value) + 0.5, f"{value:,}") for value in shown)
    return [tick for tick, _ in ticks], [label for _, label in ticks]


def set_coordinate_ticks(axis, place: Place, start: float, end: float, n: int = 5) -> None:
    """Give a matplotlib axis the ticks of :func:`coordinate_ticks`."""
    positions, labels = coordinate_ticks(place, start, end, n)
    axis.set_major_locator(FixedLocator(positions))
    axis.set_major_formatter(FixedFormatter(labels))


def coordinate_label(place: Place) -> str:
    """Name the coordinates: the chromosome and the direction of reading, or the position in the sequence."""
    if not place.genomic:
        return "position in the sequence (bp)"
    strands = {"-": "; minus strand, read right to left on the genome", "+": "; plus strand"}
    return f"{place.chrom} (bp{strands.get(place.strand, '')})"

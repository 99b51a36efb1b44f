"""The bases of a span, as letters whose height is their relevance."""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from matplotlib.font_manager import FontProperties
from matplotlib.patches import PathPatch, Rectangle
from matplotlib.textpath import TextPath
from matplotlib.transforms import Affine2D

from mlx_gsa.dna.alphabet import decode
from mlx_gsa.explain.figures.coordinates import set_coordinate_ticks
from mlx_gsa.explain.figures.style import BASE_COLOURS, GREY, INK
from mlx_gsa.explain.figures.tracks import role_colour

WINDOW = 31
ROW = 0.24  # height of the row of equal letters, in the units of the scaled ones


def choose_windows(spans: Sequence, length: int, count: int = 3, window: int = WINDOW) -> list[tuple]:
    """Choose the best spans that do not show the same bases twice.

    Parameters
    ----------
    spans : sequence of Span
        Best first.
    length : int
        L (bp).
    count : int
        Windows wanted at most.
    window : int
        Bases in a window (bp).

    Returns
    -------
    list of (Span, int, int)
        The span and the half-open window around its peak, best first.
    """
    chosen: list[tuple] = []
    for span in spans:
        first = max(0, min(span.peak - window // 2, length - window))
        last = min(length, first + window)
        if not any(a <= span.peak < b for _, a, b in chosen):
            chosen.append((span, first, last))
        if len(chosen) == count:
            break
    return chosen


@lru_cache(maxsize=8)
def _letter(base: str):
    """Return the outline of a letter in the unit square."""
    path = TextPath((0, 0), base, size=1, prop=FontProperties(family="DejaVu Sans", weight="bold"))
    box = path.get_extents()
    return Affine2D().translate(-box.x0, -box.y0).scale(1 / box.width, 1 / box.height).transform_path(path)


def draw_zoom(axes, shown, span, first: int, last: int, number: int) -> None:
    """Draw one window of bases.

    Parameters
    ----------
    axes : Axes
        Empty.
    shown : HeatmapInput
        The record.
    span : Span
        The span in the window.
    first, last : int
        The window, half-open within the sequence (bp).
    number : int
        The number the span has in the relevance track.
    """
    relevance = np.asarray(shown.prediction.relevance, dtype=float)
    low = float(np.median(relevance))
    heights = np.clip((relevance[first:last] - low) / ((relevance.max() - low) or 1.0), 0, 1)
    kept = set(np.asarray(shown.prediction.kept).tolist())
    for i, (base, height) in enumerate(zip(decode(shown.tokens[first:last]), heights, strict=True), first):
        _put(axes, base, i, -ROW, ROW * 0.8, alpha=1.0 if i in kept else 0.5)
        if height > 0.01:
            _put(axes, base, i, 0.02, height)
        if i in kept:
            axes.add_patch(Rectangle((i, -ROW - 0.03), 1, ROW + 0.02, fc="#D9D9D9", ec="none", zorder=0))
    _site_bars(axes, shown.sites, first, last)
    _finish(axes, shown, span, first, last, number)


def _put(axes, base, x, y, height, alpha=1.0):
    shape = Affine2D().scale(0.86, height).translate(x + 0.07, y).transform_path(_letter(base))
    axes.add_patch(PathPatch(shape, fc=BASE_COLOURS.get(base, GREY), ec="none", alpha=alpha, zorder=2))


def _site_bars(axes, sites, first, last):
    for site in sites:
        left, right = max(site.start, first), min(site.end, last)
        if left < right:
            tall = 0.03 if site.role == "accidental" else 0.07
            box = Rectangle((left, -ROW - 0.14), right - left, tall, fc=role_colour(site.role), ec=INK, lw=0.3)
            axes.add_patch(box)


def _finish(axes, shown, span, first, last, number):
    axes.set(xlim=(first, last), ylim=(-ROW - 0.18, 1.08), yticks=[0, 1])
    axes.set_yticklabels(["median", "max"] if number == 1 else ["", ""])
    if number == 1:
        axes.set_ylabel("relevance", labelpad=2)
    wide = len(f"{shown.place.end:,}") > 7
    set_coordinate_ticks(axes.xaxis, shown.place, first, last, n=2 if wide else 3)
    label = shown.span_labels.get(span.rank, "")
    axes.set_title(f"{number}  {label}" if label else f"{number}", fontsize=8)

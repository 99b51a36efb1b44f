"""What the figures of results share: looks that stay apart without colour, intervals, a grid, panels."""

import textwrap

import numpy as np

from mlx_gsa.explain.figures.style import BLACK, BLUE, GREEN, GRID, INK, ORANGE, PURPLE, SKY, VERMILION

# Colour and marker together: apart in grey print and for every eye.
LOOKS = [
    (BLUE, "o"), (VERMILION, "s"), (GREEN, "^"), (ORANGE, "D"), (PURPLE, "v"), (SKY, "P"), (BLACK, "X"),
]  # fmt: skip


def look(number):
    """Give the colour and marker of one series of several."""
    return LOOKS[number % len(LOOKS)]


def bounds(interval) -> tuple[float, float, float]:
    """Return value, low and high of an interval (a dict); an absent bound is nan."""
    parts = (interval.get(key) for key in ("value", "low", "high"))
    return tuple(np.nan if part is None else float(part) for part in parts)


def draw_intervals(axes, at, intervals, colour, marker="o", horizontal=False, label=None, size=4.5):
    """Draw values with their intervals; a value without one is drawn without.

    Parameters
    ----------
    axes : Axes
    at : sequence of float
        Places on the other axis.
    intervals : sequence of dict
        With value, low, high.
    colour, marker : str
    horizontal : bool
        Values on the x-axis.
    label : str, optional
    size : float
        Of the marker (points).
    """
    values, low, high = np.array([bounds(each) for each in intervals]).reshape(-1, 3).T
    errors = np.nan_to_num(np.clip([values - low, high - values], 0, None))
    looks = {"fmt": marker, "color": colour, "ecolor": colour, "elinewidth": 1, "capsize": 2, "ms": size}
    options = {"mec": "white", "mew": 0.5, "label": label, "zorder": 4} | looks
    if horizontal:
        axes.errorbar(values, at, xerr=errors, **options)
    else:
        axes.errorbar(at, values, yerr=errors, **options)


def panel_title(text: str, width: int = 34) -> str:
    """Break a long title of a panel into lines."""
    return textwrap.fill(text, width)


def draw_grid(axes, axis="y"):
    """Draw thin lines behind the data."""
    axes.grid(True, axis=axis, color=GRID, lw=0.5)
    axes.set_axisbelow(True)


def draw_reference(axes, value, text, horizontal=True, colour=INK):
    """Draw a dashed line that values are held against, named at its end."""
    line = axes.axhline if horizontal else axes.axvline
    line(value, color=colour, lw=0.8, ls=(0, (4, 2)), zorder=2)
    place = axes.get_yaxis_transform() if horizontal else axes.get_xaxis_transform()
    at = (1.0, value) if horizontal else (value, 1.0)
    shift, align = ((-2, 2), ("right", "bottom")) if horizontal else ((2, -2), ("left", "top"))
    options = {"textcoords": "offset points", "fontsize": 6.5, "color": colour}
    axes.annotate(text, at, shift, xycoords=place, ha=align[0], va=align[1], **options)

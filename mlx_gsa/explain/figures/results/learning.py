"""Learning curves: validation score by epoch, one line per variant, its seeds or folds as a band."""

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from mlx_gsa.explain.figures.results.marks import draw_grid, look, panel_title
from mlx_gsa.explain.figures.style import house_style, new_figure


def build_learning(panels) -> Figure:
    """Build the picture: one panel per data set.

    Parameters
    ----------
    panels : sequence of dict
        ``title``, ``metric`` and ``variants``: ``label`` and ``curves``, one list of validation scores (by epoch, from
        the first) per run. The line is the mean of the runs that got so far, the band reaches from the lowest to the
        highest.

    Returns
    -------
    Figure
        Axes are labelled ``learning 0``, ``learning 1`` ...
    """
    with house_style():
        figure = new_figure(3.4 * max(len(panels), 1), 3.0, layout="constrained")
        for number, panel in enumerate(panels):
            axes = figure.add_subplot(1, len(panels), number + 1, label=f"learning {number}")
            for place, variant in enumerate(panel["variants"]):
                _draw(axes, variant, place)
            draw_grid(axes)
            axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
            axes.set(xlabel="epoch", ylabel=f"validation {panel['metric']}", title=panel_title(panel["title"]))
            axes.legend(loc="lower right")
    return figure


def _draw(axes, variant, place):
    colour, marker = look(place)
    longest = max(len(curve) for curve in variant["curves"])
    padded = np.full((len(variant["curves"]), longest), np.nan)
    for row, curve in zip(padded, variant["curves"], strict=True):
        row[: len(curve)] = [np.nan if value is None else value for value in curve]
    epochs = np.arange(1, longest + 1)
    known = np.isfinite(padded).any(axis=0)
    epochs, padded = epochs[known], padded[:, known]
    axes.fill_between(epochs, np.nanmin(padded, axis=0), np.nanmax(padded, axis=0), color=colour, alpha=0.15, lw=0)
    axes.plot(epochs, np.nanmean(padded, axis=0), color=colour, marker=marker, ms=3, lw=1.1, label=variant["label"])

"""Retention by sparsity: how much of full attention's score is left when fewer positions are kept."""

from matplotlib.figure import Figure
from matplotlib.ticker import FixedFormatter, FixedLocator, NullLocator

from mlx_gsa.explain.figures.results.marks import draw_grid, draw_intervals, draw_reference, look, panel_title
from mlx_gsa.explain.figures.style import GREY, house_style, new_figure


def build_retention(series, margins=(0.95, 0.90)) -> Figure:
    """Build the picture: share kept to the right (log), retention upwards, one line per data set.

    Parameters
    ----------
    series : sequence of dict
        ``label`` and ``points``: ``kept`` (share of positions, 0 to 1) and ``retention`` (value, low, high).
    margins : sequence of float
        Lines that retention is held against.

    Returns
    -------
    Figure
        Its axes are labelled ``retention``.
    """
    with house_style():
        figure = new_figure(4.6, 3.1, layout="constrained")
        axes = figure.add_subplot(label="retention")
        axes.set_xscale("log")
        draw_grid(axes)
        axes.axhline(1, color=GREY, lw=0.8)
        for number, each in enumerate(series):
            colour, marker = look(number)
            points = sorted(each["points"], key=lambda point: point["kept"])
            # Slightly apart, so that the intervals of several data sets can be read.
            shift = 1.03 ** (number - (len(series) - 1) / 2)
            places = [100 * point["kept"] * shift for point in points]
            values = [point["retention"] for point in points]
            axes.plot(places, [value["value"] for value in values], color=colour, lw=0.9, alpha=0.7)
            draw_intervals(axes, places, values, colour, marker, label=panel_title(each["label"], 28))
        for margin in margins:
            draw_reference(axes, margin, f"{margin:.2f} of full attention")
        _ticks(axes, series)
        axes.set(xlabel="positions kept (%)", ylabel="score / score of full attention")
        if len(series) > 1:
            figure.legend(loc="outside right upper")
    return figure


def _ticks(axes, series):
    """Write the shares that were run, and nothing else."""
    kept = [100 * point["kept"] for each in series for point in each["points"]]
    shares = sorted({float(round(share)) if share >= 0.95 else float(f"{share:.1g}") for share in kept})
    axes.xaxis.set_major_locator(FixedLocator(shares))
    axes.xaxis.set_major_formatter(FixedFormatter([f"{share:g}" for share in shares]))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.margins(x=0.08)

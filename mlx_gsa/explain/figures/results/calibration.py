"""Calibration: of the records that were given a probability, how many were positive."""

from matplotlib.figure import Figure

from mlx_gsa.explain.figures.results.marks import draw_grid, draw_intervals, look, panel_title
from mlx_gsa.explain.figures.style import GREY, house_style, new_figure


def build_calibration(series) -> Figure:
    """Build the picture: mean predicted probability to the right, observed share upwards.

    Parameters
    ----------
    series : sequence of dict
        ``label`` and ``bins``: ``predicted`` (mean probability), ``observed`` (value, low, high) and ``n``.

    Returns
    -------
    Figure
        Axes are labelled ``calibration 0``, ``calibration 1`` ..., at most three in a row.
    """
    columns = min(max(len(series), 1), 3)
    rows = -(-max(len(series), 1) // columns)
    with house_style():
        figure = new_figure(2.5 * columns, 2.9 * rows, layout="constrained")
        for number, each in enumerate(series):
            axes = figure.add_subplot(rows, columns, number + 1, label=f"calibration {number}")
            draw_grid(axes, "both")
            axes.plot([0, 1], [0, 1], color=GREY, lw=0.8)
            colour, marker = look(0)
            places = [part["predicted"] for part in each["bins"]]
            draw_intervals(axes, places, [part["observed"] for part in each["bins"]], colour, marker, size=4)
            axes.plot(places, [part["observed"]["value"] for part in each["bins"]], color=colour, lw=0.8, alpha=0.6)
            axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), aspect="equal", title=panel_title(each["label"], 24))
            axes.set(xlabel="predicted probability", ylabel="observed share")
    return figure

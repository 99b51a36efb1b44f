"""What each part is worth: differences from the model as it is, with their intervals."""

from matplotlib.figure import Figure

from mlx_gsa.explain.figures.results.marks import bounds, draw_grid, draw_intervals
from mlx_gsa.explain.figures.style import BLUE, GREY, INK, VERMILION, house_style, new_figure


def build_ablation(rows, metric, reference) -> Figure:
    """Build the picture: one row per variant, difference of the score to the right.

    Parameters
    ----------
    rows : sequence of dict
        ``label`` and ``difference`` (value, low, high): variant less reference.
    metric, reference : str
        Name of the score; label of what the variants are compared with.

    Returns
    -------
    Figure
        Its axes are labelled ``ablation``. Filled marks: the interval leaves out zero.
    """
    rows = sorted(rows, key=lambda row: row["difference"]["value"])
    with house_style():
        figure = new_figure(7.0, 0.9 + 0.24 * max(len(rows), 1), layout="constrained")
        axes = figure.add_subplot(label="ablation")
        draw_grid(axes, "x")
        axes.axvline(0, color=INK, lw=0.8)
        for place, row in enumerate(rows):
            _, low, high = bounds(row["difference"])
            colour = VERMILION if high < 0 else (BLUE if low > 0 else GREY)
            marker = "s" if high < 0 else ("o" if low > 0 else "D")
            draw_intervals(axes, [place], [row["difference"]], colour, marker, horizontal=True)
            text = f"{row['difference']['value']:+.3f}  ({low:+.3f} to {high:+.3f})"
            axes.annotate(text, (1.02, place), xycoords=axes.get_yaxis_transform(), fontsize=6.5, va="center")
        axes.set_yticks(range(len(rows)), [row["label"] for row in rows])
        axes.tick_params(axis="y", length=0)
        axes.set(ylim=(-0.7, len(rows) - 0.3), xlabel=f"{metric} less that of “{reference}”")
    return figure

"""Motifs discovered at kept positions: a logo each, the matrix of the database that is closest, support and tests."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from mlx_gsa.explain.figures.motif_logos import draw_logo, require_logomaker
from mlx_gsa.explain.figures.style import GREEN, GREY, INK, PALE, house_style, new_figure, save_figure

ROW, FRAME, WIDTH = 0.62, 0.75, 7.0  # inches
MOST = 12
COLUMNS = (0.012, 0.2, 0.49, 0.70, 0.89)
HEADINGS = ("motif", "found", "closest known, similarity", "on the test records", "label")


def novel_motifs_figure(rows: Sequence[dict], path, title: str = ""):
    """Draw discovered motifs, one row each, and write the figure.

    Parameters
    ----------
    rows : sequence of dict
        Drawn from top to bottom, twelve at most: ``label`` and ``note`` (two lines of text), ``ppm`` (W, 4),
        ``novel`` (bool), ``closest`` (two lines of text), ``closest_ppm`` (W, 4) or None, ``test`` and ``effect``
        (two lines of text each).
    path : path or sequence of paths
        ``.png``, ``.svg`` or ``.pdf``.
    title : str

    Returns
    -------
    list of Path

    Raises
    ------
    GsaError
        logomaker is not installed.
    """
    return save_figure(build_novel_motifs(rows, title), path)


def build_novel_motifs(rows: Sequence[dict], title: str = "") -> Figure:
    """Build the figure; each logo's axes are labelled ``found 0``, ``closest 0`` and so on."""
    require_logomaker()
    rows = list(rows)[:MOST]
    with house_style():
        height = FRAME + ROW * max(len(rows), 1)
        figure = new_figure(WIDTH, height)
        figure.text(COLUMNS[0], 1 - 0.18 / height, title, va="center", weight="bold", fontsize=9)
        for x, heading in zip(COLUMNS, HEADINGS, strict=True):
            figure.text(x, 1 - 0.48 / height, heading, va="center", color=GREY)
        top = 1 - 0.62 / height
        for number, row in enumerate(rows):
            _row(figure, number, row, top - (number + 1) * ROW / height, ROW / height)
        if not rows:
            figure.text(0.5, 0.3, "No motif was discovered.", ha="center", color=GREY)
    return figure


def _row(figure, number, row, low, each):
    """Draw one motif between `low` and `low + each` of the figure's height."""
    if number % 2 == 0:
        box = figure.add_axes((0, low, 1, each), zorder=-1, label=f"band {number}")
        box.set_axis_off()
        box.axhspan(0, 1, color=PALE, alpha=0.5, lw=0)
        box.set(xlim=(0, 1), ylim=(0, 1))
    colour = GREEN if row["novel"] else INK
    _text(figure, COLUMNS[0], low, each, row["label"], row["note"], colour)
    _logo(figure, (COLUMNS[1] - 0.01, low + 0.1 * each, 0.27, 0.8 * each), row["ppm"], f"found {number}")
    if row["closest_ppm"] is not None:
        _logo(figure, (COLUMNS[2], low + 0.3 * each, 0.19, 0.65 * each), row["closest_ppm"], f"closest {number}")
    figure.text(
        COLUMNS[2], low + 0.15 * each, ", ".join(filter(None, row["closest"])), va="center", color=GREY, fontsize=6.5
    )
    _text(figure, COLUMNS[3], low, each, *row["test"])
    _text(figure, COLUMNS[4], low, each, *row["effect"])


def _text(figure, x, low, each, first, second, colour=INK):
    """Write two lines."""
    figure.text(x, low + 0.64 * each, first, va="center", color=colour, weight="bold" if x == COLUMNS[0] else "normal")
    figure.text(x, low + 0.28 * each, second, va="center", color=GREY, fontsize=6.5)


def _logo(figure, box, ppm, label):
    """Draw a logo in a box of the figure."""
    axes = figure.add_axes(box, label=label)
    draw_logo(axes, np.asarray(ppm, float))

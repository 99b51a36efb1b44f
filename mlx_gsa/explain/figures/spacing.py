"""Spacing of motif pairs as a figure: kept pairs and attention against distance, beside what chance gives."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from mlx_gsa.explain.figures.style import BLUE, GREY, INK, ORANGE, PALE, house_style, new_figure, save_figure

WIDTH, ROW, FRAME = 7.0, 1.75, 0.65  # inches
MOST = 6
ALPHA = 0.01


def spacing_figure(rows: Sequence[dict], path, title: str = ""):
    """Draw pairs of motifs, one row each, and write the figure.

    Parameters
    ----------
    rows : sequence of dict
        Six at most: ``first`` and ``second`` (names), ``edges`` (n + 1,), ``selected`` and ``attention``, each a dict
        of arrays ``observed``, ``expected``, ``low``, ``high``, ``q`` (n,), and ``note``, a line on the peak.
    path : path or sequence of paths
        ``.png``, ``.svg`` or ``.pdf``.
    title : str

    Returns
    -------
    list of Path
    """
    return save_figure(build_spacing(rows, title), path)


def build_spacing(rows: Sequence[dict], title: str = "") -> Figure:
    """Build the figure; axes are labelled ``selected 0``, ``attention 0`` and so on."""
    rows = list(rows)[:MOST]
    with house_style():
        height = FRAME + ROW * max(len(rows), 1)
        figure = new_figure(WIDTH, height)
        figure.text(0.012, 1 - 0.18 / height, title, va="center", weight="bold", fontsize=9)
        for number, row in enumerate(rows):
            low = 1 - (0.3 + (number + 1) * ROW - 0.5) / height
            box = (ROW - 0.95) / height
            left = figure.add_axes((0.085, low, 0.40, box), label=f"selected {number}")
            right = figure.add_axes((0.575, low, 0.41, box), label=f"attention {number}")
            _selected(left, row)
            _attention(right, row)
            figure.text(0.012, low + box + 0.17 / height, f"{row['first']} – {row['second']}", weight="bold")
            figure.text(0.985, low + box + 0.17 / height, row["note"], ha="right", color=GREY, fontsize=7)
        if not rows:
            figure.text(0.5, 0.4, "No pair of motifs was measured.", ha="center", color=GREY)
        else:
            _legend(figure, height)
    return figure


def _selected(axes, row):
    """Draw the number of kept pairs by bin; filled where they are more than in the null."""
    edges, part = np.asarray(row["edges"], float), row["selected"]
    good = np.asarray(part["q"]) < ALPHA
    colours = np.where(good, BLUE, "#B8C9D6")
    axes.bar(edges[:-1], part["observed"], np.diff(edges), align="edge", color=colours, lw=0)
    _null(axes, edges, part)
    axes.set(ylabel="pairs, both kept", ylim=(0, None))
    _distance(axes, row, edges)


def _attention(axes, row):
    """Draw the mean attention of each bin; filled where it is not what the other distances have."""
    edges, part = np.asarray(row["edges"], float), row["attention"]
    middle, observed = (edges[:-1] + edges[1:]) / 2, np.array(part["observed"], float)
    good = np.asarray(part["q"]) < ALPHA
    _null(axes, edges, part, known=np.isfinite(observed))
    axes.plot(middle[~good], observed[~good], "o", ms=2.6, mfc="white", mec=ORANGE, mew=0.7)
    axes.plot(middle[good], observed[good], "o", ms=3.0, color=ORANGE)
    axes.axhline(0, color=GREY, lw=0.5, ls=":")
    shown = np.concatenate([observed, *(np.array(part[name], float) for name in ("low", "high"))])
    shown = shown[np.tile(np.isfinite(observed), 3)]
    if len(shown):
        room = 0.08 * max(np.ptp(shown), 1.0)
        axes.set_ylim(min(shown.min(), 0) - room, max(shown.max(), 0) + room)
    axes.set(ylabel="attention (log2)")
    _distance(axes, row, edges)


def _null(axes, edges, part, known=None):
    """Draw the mean of the null and its central 95 %, in the known bins."""
    shown = np.ones(len(edges) - 1, bool) if known is None else known
    mean, low, high = (np.array(part[name], float)[shown] for name in ("expected", "low", "high"))
    left, right = edges[:-1][shown], edges[1:][shown]
    axes.bar(left, high - low, right - left, bottom=low, align="edge", color=GREY, alpha=0.3, lw=0)
    axes.hlines(mean, left, right, color=INK, lw=0.8)


def _distance(axes, row, edges):
    """Label the axis of distance, and mark where the middles coincide."""
    axes.set(xlim=(edges[0], edges[-1]), xlabel=f"{row['first']} from {row['second']} (bp; negative: upstream)")
    axes.axvline(0, color=PALE, lw=1.2, zorder=0)


def _legend(figure, height):
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    handles = [
        Patch(color=BLUE, label="more than the null (q < 0.01)"),
        Line2D([], [], marker="o", color=ORANGE, lw=0, ms=3, label="not as at other distances (q < 0.01)"),
        Line2D([], [], color=INK, lw=0.8, label="null, mean"),
        Patch(color=GREY, alpha=0.3, lw=0, label="null, 95 %"),
    ]
    figure.legend(handles=handles, loc="lower center", bbox_to_anchor=(0.5, 0.0), ncols=4, columnspacing=1.4)

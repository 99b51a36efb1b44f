"""Enriched motifs as a publication figure: logos, and enrichment against three controls with intervals."""

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullFormatter

from mlx_gsa.errors import GsaError
from mlx_gsa.explain.figures.style import (
    BASE_COLOURS,
    BLUE,
    GREEN,
    GREY,
    GRID,
    INK,
    VERMILION,
    house_style,
    new_figure,
    save_figure,
)

CONTROLS = (
    ("matched", BLUE, "o", "random positions, matched for GC and location"),
    ("shuffled", VERMILION, "s", "dinucleotide-shuffled sequence"),
    ("untrained", GREEN, "^", "untrained selectors"),
)
ROW, FRAME = 0.46, 1.25  # inches
HIGHEST, LOWEST = 100.0, 0.2  # enrichment drawn


def require_logomaker():
    """Return logomaker.

    Raises
    ------
    GsaError
        It is not installed.
    """
    try:
        import logomaker
    except ImportError:
        mend = "Install it: pip install 'mlx_gsa[motifs]'."
        raise GsaError("logos need logomaker", mend=mend) from None
    return logomaker


def motif_enrichment_figure(rows: Sequence[dict], path, title: str = ""):
    """Draw families of motifs with their logos and enrichment, and write the figure.

    Parameters
    ----------
    rows : sequence of dict
        One per family, drawn from top to bottom: ``label`` and ``note`` (one or two lines), ``ppm`` (W, 4), base
        probabilities, or None for no logo; for each of ``matched``, ``shuffled`` and ``untrained`` a dict of
        ``enrichment`` (value, low, high) and ``q``.
    path : path or sequence of paths
        ``.png``, ``.svg`` or ``.pdf``.
    title : str

    Returns
    -------
    list of Path
        What was written.

    Raises
    ------
    GsaError
        logomaker is not installed.
    """
    return save_figure(build_motif_enrichment(rows, title), path)


def build_motif_enrichment(rows: Sequence[dict], title: str = "") -> Figure:
    """Build the figure; its right-hand axes are labelled ``enrichment``, each logo's ``logo 0`` and so on."""
    logomaker = require_logomaker()
    with house_style():
        height = FRAME + ROW * max(len(rows), 1)
        figure = new_figure(7.0, height)
        top, bottom = 1 - 0.72 / height, 0.46 / height
        axes = figure.add_axes((0.60, bottom, 0.375, top - bottom), label="enrichment")
        _points(axes, rows)
        each = (top - bottom) / max(len(rows), 1)
        for number, row in enumerate(rows):
            low = top - (number + 1) * each
            figure.text(0.012, low + 0.76 * each, row["label"], va="center", weight="bold")
            figure.text(0.012, low + 0.56 * each, row["note"], va="top", color=GREY, fontsize=6.3)
            if row["ppm"] is not None:
                box = figure.add_axes((0.31, low + 0.08 * each, 0.27, 0.84 * each), label=f"logo {number}")
                _logo(logomaker, box, np.asarray(row["ppm"], float))
        figure.text(0.012, 1 - 0.16 / height, title, va="center", weight="bold", fontsize=9)
        _legend(figure, height)
    return figure


def draw_logo(axes, ppm) -> None:
    """Draw a sequence logo in bits (0-2) on axes, without a frame.

    Parameters
    ----------
    axes : matplotlib Axes
    ppm : np.ndarray, shape (W, 4)
        Probabilities of A, C, G, T.

    Raises
    ------
    GsaError
        logomaker is not installed.
    """
    with house_style():
        _logo(require_logomaker(), axes, np.asarray(ppm, float))


def _logo(logomaker, axes, ppm):
    import pandas

    information = 2 + (ppm * np.log2(np.where(ppm > 0, ppm, 1))).sum(1, keepdims=True)
    heights = pandas.DataFrame(ppm * information, columns=list("ACGT"))
    colours = {base: BASE_COLOURS[base] for base in "ACGT"}
    logomaker.Logo(heights, ax=axes, color_scheme=colours, font_name="DejaVu Sans", show_spines=False)
    # Letters of short and long matrices are equally wide: 20 positions fill the box.
    axes.set(xlim=(-0.6, max(len(ppm), 20) - 0.4), ylim=(0, 2.05), xticks=[], yticks=[])
    axes.axhline(0, color=INK, lw=0.5)
    axes.patch.set_visible(False)


def _points(axes, rows):
    """Draw value and interval of each control; filled where q < 0.01."""
    most = 1.5
    for number, row in enumerate(rows):
        if number % 2 == 0:
            axes.axhspan(number - 0.5, number + 0.5, color="#F6F6F6", lw=0, zorder=0)
        for shift, (name, colour, marker, _) in zip((-0.24, 0.0, 0.24), CONTROLS, strict=True):
            value, low, high = (_within(part) for part in row[name]["enrichment"])
            y, filled = number + shift, row[name]["q"] < 0.01
            axes.plot([low, high], [y, y], color=colour, lw=1.1, solid_capstyle="butt", zorder=2)
            axes.plot([value], [y], marker, color=colour, mfc=colour if filled else "white", ms=4, mew=0.9, zorder=3)
            most = max(most, high)
    axes.axvline(1, color=INK, lw=0.7, zorder=1)
    axes.set(xscale="log", ylim=(max(len(rows), 1) - 0.5, -0.5), xlabel="enrichment (times the control)")
    least = min([0.8, *(_within(row[name]["enrichment"][1]) for row in rows for name, *_ in CONTROLS)])
    axes.set_xlim(least * 0.9, most * 1.15)
    ticks = [t for t in (0.2, 0.5, 1, 2, 5, 10, 20, 50, 100) if least * 0.9 <= t <= most * 1.15]
    axes.set_xticks(ticks)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.xaxis.grid(True, color=GRID, lw=0.6)
    axes.set_axisbelow(True)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)


def _within(value) -> float:
    """Keep a value inside what is drawn; what is not a number lies at 1."""
    return 1.0 if value is None or not math.isfinite(value) else float(np.clip(value, LOWEST, HIGHEST))


def _legend(figure, height):
    from matplotlib.lines import Line2D

    handles = [
        Line2D([], [], color=colour, marker=marker, ms=4, lw=1.1, label=text) for _, colour, marker, text in CONTROLS
    ]
    handles.append(Line2D([], [], color=GREY, marker="o", mfc="white", ms=4, lw=0, label="open: q ≥ 0.01"))
    y = 1 - 0.42 / height
    figure.legend(
        handles=handles, loc="center left", bbox_to_anchor=(0.0, y), ncols=4, columnspacing=1.2, handlelength=1.4
    )

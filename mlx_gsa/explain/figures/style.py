"""One look for every picture: colours that colour-blind readers can tell apart, small type, no clutter.

Figures are built as :class:`matplotlib.figure.Figure` objects on the Agg canvas, without pyplot: nothing is
kept alive behind the reader's back, and a thread or a server can draw them.
"""

import io
from collections.abc import Iterable
from contextlib import contextmanager
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from mlx_gsa.data.atomic import atomic_write_bytes

# Okabe and Ito (2008), "Color universal design".
BLACK, ORANGE, SKY, GREEN = "#000000", "#E69F00", "#56B4E9", "#009E73"
YELLOW, BLUE, VERMILION, PURPLE = "#F0E442", "#0072B2", "#D55E00", "#CC79A7"
INK, GREY, PALE, GRID = "#262626", "#7A7A7A", "#ECECEC", "#E4E4E4"
CYCLE = (BLUE, VERMILION, GREEN, ORANGE, PURPLE, SKY, GREY, BLACK)
SPLIT_COLOURS = {"train": BLUE, "val": ORANGE, "test": GREEN}
BASE_COLOURS = {"A": GREEN, "C": BLUE, "G": ORANGE, "T": VERMILION, "N": GREY}

STYLE = {
    "font.family": "sans-serif",
    "font.sans-serif": ["Helvetica", "Arial", "DejaVu Sans"],
    "font.size": 8,
    "axes.titlesize": 9,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.labelsize": 8,
    "axes.linewidth": 0.6,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.major.size": 3,
    "ytick.major.size": 3,
    "legend.fontsize": 7,
    "legend.frameon": False,
    "lines.linewidth": 1.3,
    "pdf.fonttype": 42,
    "svg.hashsalt": "mlx_gsa",
    "figure.facecolor": "white",
}
PNG_DPI = 200


@contextmanager
def house_style():
    """Draw in the house style; the caller's matplotlib settings come back afterwards."""
    # A missing Helvetica is normal on Linux and matplotlib would warn for each text.
    fonts = [name for name in STYLE["font.sans-serif"] if name in _installed_fonts()]
    with matplotlib.rc_context({**STYLE, "font.sans-serif": fonts}):
        yield


def _installed_fonts() -> set[str]:
    from matplotlib.font_manager import fontManager

    return {font.name for font in fontManager.ttflist}


def new_figure(width: float, height: float, **options) -> Figure:
    """Return an empty figure of a size in inches, with an Agg canvas of its own."""
    figure = Figure(figsize=(width, height), **options)
    FigureCanvasAgg(figure)
    return figure


def save_figure(figure: Figure, paths: Iterable[Path] | Path | str, dpi: int = PNG_DPI) -> list[Path]:
    """Write a figure to each path, the format taken from its suffix, and free the figure.

    Parameters
    ----------
    figure : Figure
        Cleared afterwards: do not use it again.
    paths : path or iterable of paths
        ``.png``, ``.svg`` or ``.pdf``; each is written beside and renamed.
    dpi : int
        Resolution of PNG, and of the raster parts of vector files (dots per inch).

    Returns
    -------
    list of Path
        What was written.
    """
    paths = [Path(paths)] if isinstance(paths, str | Path) else [Path(path) for path in paths]
    with house_style():
        for path in paths:
            buffer = io.BytesIO()
            kind = path.suffix.lstrip(".").lower()
            # No date inside: the same picture is the same file.
            metadata = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}.get(kind)
            figure.savefig(buffer, format=kind, dpi=dpi, metadata=metadata)
            atomic_write_bytes(path, buffer.getvalue())
    figure.clear()
    return paths


def thousands(axis) -> None:
    """Write the ticks of an axis with thousands separators."""
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.10g}"))


def spread(positions, width: float, low: float, high: float) -> np.ndarray:
    """Move points apart until neighbours are at least ``width`` apart, each as little as possible.

    Parameters
    ----------
    positions : ndarray
        Shape (n,), wanted positions, ascending.
    width : float
        Least distance of neighbours.
    low, high : float
        Limits; with more points than fit, the points are spaced evenly between them.

    Returns
    -------
    ndarray
        Shape (n,), ascending.

    Source
    ------
    Isotonic least squares by pooling adjacent violators, on positions less their rank times ``width``.
    """
    positions = np.asarray(positions, dtype=np.float64)
    n = len(positions)
    if n * width >= high - low:
        return np.linspace(low, high, n) if n > 1 else np.full(n, (low + high) / 2)
    blocks: list[list[float]] = []
    for value in positions - width * np.arange(n):
        blocks.append([value, 1])
        while len(blocks) > 1 and blocks[-2][0] > blocks[-1][0]:
            (a, m), (b, k) = blocks[-2], blocks.pop()
            blocks[-1] = [(a * m + b * k) / (m + k), m + k]
    pooled = np.repeat([value for value, _ in blocks], [int(count) for _, count in blocks])
    return np.clip(pooled, low, high - width * (n - 1)) + width * np.arange(n)

"""Scaling: how seconds and operations of a forward pass grow with the length of the sequence."""

from matplotlib.figure import Figure
from matplotlib.ticker import FixedFormatter, FixedLocator, NullLocator

from mlx_gsa.explain.figures.results.marks import draw_grid, look
from mlx_gsa.explain.figures.style import house_style, new_figure

MANY = 3  # series that leave room for a legend within the axes


def build_scaling(series, intervals: bool = False, height: float = 3.2) -> Figure:
    """Build the picture: seconds, operations and peak memory per sequence over length, both logarithmic.

    Parameters
    ----------
    series : sequence of dict
        As `benchmark.speed` measures them: ``label``, ``batch_size``, ``rows`` (``length``, ``seconds``, ``flops``,
        ``peak_bytes``), and ``time``, ``flops`` and ``memory``, the fitted exponents (value, low, high).
    intervals : bool
        Write the interval of each exponent beside it.
    height : float
        Inches; more where there are many series.

    Returns
    -------
    Figure
        Axes are labelled ``time``, ``flops`` and ``memory``; the legend of each names the fitted exponents.
    """
    with house_style():
        figure = new_figure(9.0, height, layout="constrained")
        panels = figure.subplot_mosaic([["time", "flops", "memory"]])
        drawn = (("time", "seconds", "seconds per sequence"), ("flops", "flops", "operations per sequence"))
        for name, key, label in (*drawn, ("memory", "peak_bytes", "peak memory per sequence (MB)")):
            axes = panels[name]
            axes.set_label(name)
            axes.set(xscale="log", yscale="log", xlabel="length (bp)", ylabel=label)
            for number, each in enumerate(series):
                _draw(axes, each, name, key, number, intervals)
            draw_grid(axes)
            _ticks(axes, series)
            _legend(axes, beside=len(series) > MANY)
            bottom, top = axes.get_ylim()
            axes.set_ylim(bottom, top * (top / bottom) ** (0.0 if len(series) > MANY else 0.45))
    return figure


def _legend(axes, beside):
    """Name exponents within the axes, or below them where there are too many."""
    place = {"loc": "upper center", "bbox_to_anchor": (0.5, -0.21)} if beside else {"loc": "upper left"}
    axes.legend(title="exponent", title_fontsize=6.5, fontsize=6.5, borderaxespad=0.2, **place)


def _draw(axes, each, name, key, number, intervals):
    colour, marker = look(number)
    # Operations are counted for one sequence, time and memory for a batch.
    share = {"seconds": each["batch_size"], "flops": 1, "peak_bytes": each["batch_size"] * 1e6}[key]
    lengths, values = ([row[field] for row in each["rows"]] for field in ("length", key))
    fit = each[name]
    width = f" ({fit['low']:.2f} to {fit['high']:.2f})" if intervals else ""
    label = f"{fit['value']:.2f}{width}  {each['label']}"
    axes.plot(lengths, [value / share for value in values], color=colour, marker=marker, ms=4, lw=1.1, label=label)


def _ticks(axes, series):
    lengths = sorted({row["length"] for each in series for row in each["rows"]})
    axes.xaxis.set_major_locator(FixedLocator(lengths))
    axes.xaxis.set_major_formatter(FixedFormatter([f"{length:,}" for length in lengths]))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.tick_params(axis="x", labelrotation=45)

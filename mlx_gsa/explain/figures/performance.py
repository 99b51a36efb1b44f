"""Pictures of a benchmark: the roofline of the machine, and what time is bought with."""

import numpy as np
from matplotlib.figure import Figure

from mlx_gsa.explain.figures.results.marks import draw_grid, look
from mlx_gsa.explain.figures.style import GREY, INK, house_style, new_figure


def build_roofline(points, gflops: float, bandwidth: float) -> Figure:
    """Build the picture: operations per second over operations per byte, both logarithmic, under the machine's roof.

    Parameters
    ----------
    points : sequence of dict
        ``label``, ``flops`` and ``bytes`` of one sequence, ``seconds``; points of one label share a look.
    gflops, bandwidth : float
        Of a matrix product (10^9 operations per second) and of memory (10^9 bytes per second).

    Returns
    -------
    Figure
        The axes are labelled ``roofline``.
    """
    with house_style():
        figure = new_figure(6.4, 3.6, layout="constrained")
        axes = figure.add_subplot(label="roofline")
        axes.set(xscale="log", yscale="log", xlabel="operations per byte", ylabel="10$^9$ operations per second")
        intensity = [point["flops"] / point["bytes"] for point in points] or [1.0]
        span = np.geomspace(min(intensity) / 4, max(*intensity, gflops / bandwidth) * 4, 200)
        axes.plot(span, np.minimum(gflops, bandwidth * span), color=INK, lw=1.2, label="bound of this machine")
        axes.annotate(f"matrix product {gflops:.0f} GFLOP/s", (span[-1], gflops), (-4, 3), ha="right", fontsize=6.5,
                      textcoords="offset points")  # fmt: skip
        axes.annotate(f"memory {bandwidth:.0f} GB/s", (span[0], bandwidth * span[0]), (6, -4), fontsize=6.5,
                      textcoords="offset points", va="top")  # fmt: skip
        for number, (label, group) in enumerate(_by_label(points).items()):
            colour, marker = look(number)
            at = [(each["flops"] / each["bytes"], each["flops"] / each["seconds"] / 1e9) for each in group]
            axes.plot(*zip(*at, strict=True), color=colour, marker=marker, ms=5, lw=0.8, ls=(0, (3, 2)), label=label)
        draw_grid(axes)
        axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), fontsize=6.5)
    return figure


def build_costs(rivals, shares) -> Figure:
    """Build the picture: seconds against peak memory of every rival, and seconds over the share of positions kept.

    Parameters
    ----------
    rivals : sequence of dict
        ``label``, ``seconds`` and ``bytes`` of one sequence. The line joins those that none beats in both.
    shares : dict of str to sequence of (float, float)
        Share kept and seconds per sequence, by label.

    Returns
    -------
    Figure
        Axes are labelled ``memory`` and ``shares``.
    """
    with house_style():
        figure = new_figure(8.4, 3.4, layout="constrained")
        memory, kept = figure.add_subplot(1, 2, 1, label="memory"), figure.add_subplot(1, 2, 2, label="shares")
        memory.set(xscale="log", yscale="log", xlabel="peak memory per sequence (MB)", ylabel="seconds per sequence")
        front = sorted(_undominated(rivals), key=lambda each: each["bytes"])
        line = [(each["bytes"] / 1e6, each["seconds"]) for each in front]
        memory.plot(*zip(*line, strict=True), color=GREY, lw=0.9, ls=(0, (3, 2)))
        for number, each in enumerate(rivals):
            colour, marker = look(number)
            memory.plot(each["bytes"] / 1e6, each["seconds"], color=colour, marker=marker, ls="", label=each["label"])
        kept.set(xscale="log", yscale="log", xlabel="share of positions kept", ylabel="seconds per sequence")
        for number, (label, points) in enumerate(shares.items()):
            colour, marker = look(number)
            kept.plot(*zip(*sorted(points), strict=True), color=colour, marker=marker, ms=4, lw=1.1, label=label)
        for axes in (memory, kept):
            draw_grid(axes)
            axes.margins(0.15)
            if axes.get_legend_handles_labels()[0]:
                axes.legend(loc="best", fontsize=6.5)
    return figure


def _by_label(points):
    groups = {}
    for point in points:
        groups.setdefault(point["label"], []).append(point)
    return groups


def _undominated(rivals):
    """Return those beside which no other is better in both time and memory."""
    return [
        one for one in rivals
        if not any(other["seconds"] < one["seconds"] and other["bytes"] < one["bytes"] for other in rivals)
    ]  # fmt: skip

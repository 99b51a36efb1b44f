"""Selection over planted sites: the share of each kind that is found, beside chance and beside its decoys."""

import numpy as np
from matplotlib.figure import Figure

from mlx_gsa.explain.figures.results.marks import bounds, draw_grid, draw_intervals
from mlx_gsa.explain.figures.style import BLUE, INK, VERMILION, house_style, new_figure


def build_planted(panels) -> Figure:
    """Build the picture: one panel per cut of the ranking, one row per kind.

    Parameters
    ----------
    panels : sequence of dict
        ``title`` and ``kinds``: ``kind``, ``n``, ``recall`` and ``decoy`` (value, low, high; decoy may be None) and
        ``chance`` (share that as many random positions touch).

    Returns
    -------
    Figure
        Axes are labelled ``planted 0``, ``planted 1`` ...
    """
    rows = max((len(panel["kinds"]) for panel in panels), default=1)
    with house_style():
        figure = new_figure(1.2 + 3.0 * max(len(panels), 1), 1.2 + 0.3 * rows, layout="constrained")
        for number, panel in enumerate(panels):
            axes = figure.add_subplot(1, len(panels), number + 1, label=f"planted {number}")
            _draw(axes, panel)
            if number:
                axes.set_yticklabels([])
        if panels:
            handles, names = figure.axes[0].get_legend_handles_labels()
            figure.legend(handles, names, loc="outside lower center", ncols=3)
    return figure


def _draw(axes, panel):
    kinds = panel["kinds"]
    places = np.arange(len(kinds), dtype=float)
    draw_grid(axes, "x")
    chance = 100 * np.array([kind["chance"] for kind in kinds], dtype=float)
    axes.vlines(chance, places - 0.32, places + 0.32, color=INK, lw=1.4, label="chance, same number of positions")
    draw_intervals(axes, places - 0.13, [_percent(k["recall"]) for k in kinds], BLUE, "o", True, "functional sites")
    decoys = [(place, kind["decoy"]) for place, kind in zip(places, kinds, strict=True) if kind.get("decoy")]
    if decoys:
        at, values = [place + 0.13 for place, _ in decoys], [_percent(value) for _, value in decoys]
        draw_intervals(axes, at, values, VERMILION, "s", True, "decoys (mutated core)")
    axes.set_yticks(places, [f"{kind['kind']}  (n = {kind['n']:,})" for kind in kinds])
    axes.tick_params(axis="y", length=0)
    axes.set(xlim=(-2, 104), ylim=(len(kinds) - 0.5, -0.5), xlabel="sites touched (%)", title=panel["title"])


def _percent(interval):
    value, low, high = bounds(interval)
    return {"value": 100 * value, "low": 100 * low, "high": 100 * high}

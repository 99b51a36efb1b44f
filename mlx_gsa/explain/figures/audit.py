"""Pictures of an audit: what the kept positions carry, deletion and insertion, stability of the selection."""

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from mlx_gsa.explain.figures.style import (
    BLUE,
    GREEN,
    GREY,
    INK,
    ORANGE,
    PURPLE,
    SKY,
    VERMILION,
    house_style,
    new_figure,
    save_figure,
)

SHOWN = {
    "model": "the model itself", "selection": "kept positions", "random": "random positions",
    "borrowed": "another record's", "everything": "all positions",
}  # fmt: skip
RANKINGS = {
    "relevance": (BLUE, "-", "relevance"), "contribution": (SKY, "-", "contribution"),
    "mutagenesis": (GREEN, "-", "mutagenesis"), "moved": (GREY, "--", "relevance, moved"),
    "random": (GREY, ":", "random bases"), "GC": (ORANGE, ":", "G and C"),
}  # fmt: skip
MEASURES = {"overlap": "positions", "near": "within 5 bp", "motifs": "motif sites"}


def audit_figures(checks, folder, suffixes=(".png", ".svg")) -> list[Path]:
    """Draw what was tested of an audit.

    Parameters
    ----------
    checks : list of Check
        With the ``name`` and ``numbers`` of `mlx_gsa.audit`.
    folder : Path
    suffixes : sequence of str

    Returns
    -------
    list of Path
        leak, faithfulness and stability, as far as there are numbers.
    """
    builders = {"label leak": build_leak, "faithfulness": build_faithfulness, "stability": build_stability}
    paths = []
    for check in checks:
        if check.name in builders and check.numbers:
            name = check.name.split()[-1]
            paths += save_figure(builders[check.name](check.numbers), [Path(folder) / f"{name}{s}" for s in suffixes])
    return paths


def build_leak(numbers) -> Figure:
    """Build bars of the variance explained from each way of showing positions; axes labelled ``leak``.

    Parameters
    ----------
    numbers : dict
        Of the check "label leak".
    """
    with house_style():
        figure = new_figure(4.6, 2.4, layout="constrained")
        axes = figure.add_subplot(label="leak")
        colours = (INK, BLUE, GREY, GREY, GREEN)
        for row, (name, colour) in enumerate(zip(SHOWN, colours, strict=True)):
            _bar(axes, row, numbers[name], colour, 0.6)
        axes.set_yticks(range(len(SHOWN)), SHOWN.values())
        axes.invert_yaxis()
        axes.axvline(0, color=INK, lw=0.6)
        axes.set(xlabel="share of the labels' variance explained", title="a fresh predictor, shown only ...")
        return figure


def build_faithfulness(numbers) -> Figure:
    """Build the deletion and the insertion curve; axes labelled ``deletion`` and ``insertion``.

    Parameters
    ----------
    numbers : dict
        Of the check "faithfulness".
    """
    with house_style():
        figure = new_figure(8.2, 2.8, layout="constrained")
        axes = figure.subplots(1, 2, sharey=True)
        shares = 100 * np.asarray(numbers["fractions"], float)
        for each, way in zip(axes, ("deletion", "insertion"), strict=True):
            each.set_label(way)
            for name, (colour, dash, words) in RANKINGS.items():
                areas = (numbers[f"{side}_area"][name].value for side in ("deletion", "insertion"))
                label = f"{words} ({' / '.join(f'{area:.2f}' for area in areas)})"
                each.plot(shares, numbers[way][name], color=colour, ls=dash, label=label)
            each.axhline(0, color=INK, lw=0.6)
            each.set_xscale("symlog", linthresh=1)
            each.set_xticks([0, 1, 2, 5, 10, 20, 50, 100], [0, 1, 2, 5, 10, 20, 50, 100])
            each.set_xlim(0, 100)
            each.minorticks_off()
        axes[0].set(xlabel="bases replaced (%)", ylabel="effect left (1: as predicted)", title="deletion")
        axes[1].set(xlabel="bases kept (%)", title="insertion")
        title = "order (area under deletion / insertion)"
        axes[1].legend(title=title, title_fontsize=7, loc="center left", bbox_to_anchor=(1.0, 0.5))
        return figure


def build_stability(numbers) -> Figure:
    """Build bars of the agreement with each other selection, chance as a tick; axes labelled ``stability``.

    Parameters
    ----------
    numbers : dict
        Of the check "stability".
    """
    found = numbers["agreement"]
    with house_style():
        figure = new_figure(5.4, 0.9 + 0.42 * len(found), layout="constrained")
        axes = figure.add_subplot(label="stability")
        colours = dict(zip(MEASURES, (BLUE, SKY, PURPLE), strict=True))
        for row, measures in enumerate(found.values()):
            for number, (name, words) in enumerate(MEASURES.items()):
                if name in measures:
                    at = row + 0.26 * (number - 1)
                    _bar(axes, at, measures[name], colours[name], 0.22, words if row == 0 else None)
                    chance = measures[f"{name}_chance"].value
                    axes.plot([chance, chance], [at - 0.12, at + 0.12], color=VERMILION, lw=1.5)
        axes.plot([], [], color=VERMILION, lw=1.5, label="chance")
        axes.set_yticks(range(len(found)), list(found))
        axes.invert_yaxis()
        axes.set(xlim=(0, 1.02), xlabel="agreement (1: the same)", title="positions kept by choice")
        axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
        return figure


def _bar(axes, row, interval, colour, height, label=None):
    """Draw one horizontal bar with its interval."""
    axes.barh(row, interval.value, height, color=colour, alpha=0.85, lw=0, label=label)
    if np.isfinite(interval.low):
        axes.plot([interval.low, interval.high], [row, row], color=INK, lw=1)

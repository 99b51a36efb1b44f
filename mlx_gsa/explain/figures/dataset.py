"""What is in a data set: lengths, GC and labels of each split."""

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from mlx_gsa.explain.figures.style import BLUE, SPLIT_COLOURS, house_style, new_figure, save_figure, thousands

PERCENT = FuncFormatter(lambda value, _: f"{100 * value:.3g} %")


def dataset_figure(summary, path):
    """Draw histograms of lengths, GC and labels per split and write them.

    Parameters
    ----------
    summary : DatasetSummary
        From :func:`mlx_gsa.data.summary.summarise`; ``lengths``, ``gc`` and ``labels`` by split, ``task`` and
        ``classes`` are read.
    path : path or sequence of paths
        ``.png``, ``.svg`` or ``.pdf``.

    Returns
    -------
    list of Path
        What was written.
    """
    return save_figure(build_dataset(summary), path)


def build_dataset(summary) -> Figure:
    """Build the histograms; axes are labelled ``lengths``, ``gc`` and ``labels``."""
    with house_style():
        figure = new_figure(9.2, 3.0, layout="constrained")
        lengths, gc, labels = figure.subplots(1, 3)
        _histogram(lengths, summary.lengths)
        lengths.set(title="length", xlabel="length (bp)", ylabel="share of the split's records")
        thousands(lengths.xaxis)
        _histogram(gc, summary.gc)
        gc.xaxis.set_major_formatter(PERCENT)
        gc.set(title="base composition", xlabel="G and C among known bases")
        _draw_labels(labels, summary)
        for axes, name in zip((lengths, gc, labels), ("lengths", "gc", "labels"), strict=True):
            axes.set_label(name)
            axes.yaxis.set_major_formatter(PERCENT)
        handles, names = lengths.get_legend_handles_labels()
        figure.legend(handles, names, loc="outside upper right", ncols=3)
    return figure


def _draw_labels(axes, summary):
    if summary.task == "regression":
        _histogram(axes, summary.labels)
        axes.set(title="label", xlabel="label")
        return
    names = summary.classes or ["0", "1"]
    width = 0.8 / max(len(summary.labels), 1)
    for i, (split, values) in enumerate(summary.labels.items()):
        shares = np.bincount(np.asarray(values, dtype=int), minlength=len(names)) / max(len(values), 1)
        places = np.arange(len(names)) + width * (i - (len(summary.labels) - 1) / 2)
        axes.bar(places, shares, width * 0.92, color=SPLIT_COLOURS.get(split, BLUE))
    crowded = sum(map(len, names)) > 24
    axes.set_xticks(range(len(names)), names, rotation=35 if crowded else 0, ha="right" if crowded else "center")
    axes.set(title="class", xlabel="class")


def _histogram(axes, by_split):
    """Draw one outline per split on shared bins, the first one filled; all equal values get one bar."""
    finite = {split: np.asarray(v, dtype=float)[np.isfinite(v)] for split, v in by_split.items()}
    everything = np.concatenate([*finite.values(), np.zeros(0)])
    if not len(everything):
        return
    low, high = everything.min(), everything.max()
    bins = int(np.clip(2 * min(len(values) for values in finite.values()) ** 0.5, 8, 40))
    edges = np.linspace(low, high, bins + 1) if high > low else np.array([low - 0.5, low + 0.5])
    for i, (split, values) in enumerate(finite.items()):
        colour, label = SPLIT_COLOURS.get(split, BLUE), f"{split} ({len(by_split[split]):,})"
        shares = np.histogram(values, edges)[0] / max(len(values), 1)
        if i == 0:
            axes.stairs(shares, edges, fill=True, color=colour, alpha=0.25, lw=0)
        axes.stairs(shares, edges, color=colour, label=label, lw=1.2)
    axes.set_ylim(bottom=0)
    if high == low:
        axes.set_xlim(low - 2, high + 2)
        axes.set_xticks([low])

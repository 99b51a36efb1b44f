"""What is in a data set: lengths, GC and labels of each split; lengths and GC of each class, and what they tell."""

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from mlx_gsa.data.shortcuts import ALL, AUROC_ALARM, R_ALARM
from mlx_gsa.explain.figures.style import (
    BLACK,
    BLUE,
    GREY,
    INK,
    PALE,
    PURPLE,
    SKY,
    SPLIT_COLOURS,
    VERMILION,
    house_style,
    new_figure,
    save_figure,
    thousands,
)

PERCENT = FuncFormatter(lambda value, _: f"{100 * value:.3g} %")
# Colour and dashes: kinds stay apart in print and for every eye.
CLASS_LOOKS = [(VERMILION, "-"), (BLACK, "-"), (PURPLE, (0, (4, 1.2))), (SKY, (0, (1.2, 1))), (GREY, (0, (5, 1, 1, 1)))]


def dataset_figure(summary, path):
    """Draw histograms of lengths, GC and labels per split, and of lengths and GC per class, and write them.

    Parameters
    ----------
    summary : DatasetSummary
        From :func:`mlx_gsa.data.summary.summarise`.
    path : path or sequence of paths
        ``.png``, ``.svg`` or ``.pdf``.

    Returns
    -------
    list of Path
        What was written.
    """
    return save_figure(build_dataset(summary), path)


def build_dataset(summary) -> Figure:
    """Build the picture; axes are labelled by what they show.

    ``lengths``, ``gc``, ``labels``: per split. Below, for classes: ``class lengths``, ``class gc`` and ``shortcuts``,
    what GC and length alone tell of the classes. For a regression: ``gc and label``, in the upper row.
    """
    with house_style():
        names = [["lengths", "gc", "labels"]]
        if summary.groups:
            names += [["class lengths", "class gc", "shortcuts"]]
        elif summary.shortcuts:
            names[0] += ["gc and label"]
        figure = new_figure(9.2 if len(names[0]) == 3 else 11.6, 3.0 * len(names) - 0.2, layout="constrained")
        panels = figure.subplot_mosaic(names)
        for name, axes in panels.items():
            axes.set_label(name)
        _draw_splits(figure, panels, summary)
        if summary.groups:
            _draw_classes(figure, panels, summary)
        elif summary.shortcuts:
            _draw_gc_and_label(panels["gc and label"], summary)
    return figure


def _draw_splits(figure, panels, summary):
    """Draw the row of the splits, with its legend above."""
    looks = {split: (SPLIT_COLOURS.get(split, BLUE), "-") for split in summary.lengths}
    _draw_lengths(panels["lengths"], summary.lengths, looks, "share of the split's records")
    _draw_gc(panels["gc"], summary.gc, summary.lengths, looks)
    _draw_labels(panels["labels"], summary, looks)
    for name in ("lengths", "gc", "labels"):
        panels[name].yaxis.set_major_formatter(PERCENT)
    handles, names = panels["lengths"].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside upper right", ncols=3)


def _draw_classes(figure, panels, summary):
    """Draw the row of the classes, with its legend below."""
    looks = {group.name: CLASS_LOOKS[i % len(CLASS_LOOKS)] for i, group in enumerate(summary.groups)}
    lengths = {group.name: group.lengths for group in summary.groups}
    _draw_lengths(panels["class lengths"], lengths, looks, "share of the class's records")
    _draw_gc(panels["class gc"], {group.name: group.gc for group in summary.groups}, lengths, looks)
    for name in ("class lengths", "class gc"):
        panels[name].set_title(f"{panels[name].get_title(loc='left')}, by class")
        panels[name].yaxis.set_major_formatter(PERCENT)
    _draw_shortcuts(panels["shortcuts"], summary)
    handles, names = panels["class lengths"].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower left", ncols=min(len(names), 5))


def _draw_lengths(axes, values, looks, ylabel):
    _histogram(axes, values, looks)
    axes.set(title="length", xlabel="length (bp)", ylabel=ylabel)
    thousands(axes.xaxis)


def _draw_gc(axes, values, lengths, looks):
    # GC moves in steps of one base: without its width, some bins would hold more of the possible values than others.
    _histogram(axes, values, looks, {name: 1 / np.asarray(sizes, dtype=float) for name, sizes in lengths.items()})
    axes.xaxis.set_major_formatter(PERCENT)
    axes.set(title="base composition", xlabel="G and C among known bases")


def _draw_labels(axes, summary, looks):
    if summary.task == "regression":
        _histogram(axes, summary.labels, looks)
        axes.set(title="label", xlabel="label")
        return
    names = summary.classes or ["0", "1"]
    width = 0.8 / max(len(summary.labels), 1)
    for i, (split, values) in enumerate(summary.labels.items()):
        shares = np.bincount(np.asarray(values, dtype=int), minlength=len(names)) / max(len(values), 1)
        places = np.arange(len(names)) + width * (i - (len(summary.labels) - 1) / 2)
        axes.bar(places, shares, width * 0.92, color=looks[split][0])
    crowded = sum(map(len, names)) > 24
    axes.set_xticks(range(len(names)), names, rotation=35 if crowded else 0, ha="right" if crowded else "center")
    axes.set(title="class", xlabel="class")


def _draw_shortcuts(axes, summary):
    """Draw one row per kind: what GC (dot) and length (square) alone tell; the alarming range is shaded."""
    rows = np.arange(len(summary.shortcuts))[::-1]
    highest = 0.75
    for what, name, marker, shift in (("gc", "GC alone", "o", 0.12), ("length", "length alone", "s", -0.12)):
        values = np.array([getattr(shortcut, what) for shortcut in summary.shortcuts])
        highest = max(highest, np.nanmax(values, initial=0))
        axes.plot(values, rows + shift, marker, ms=5, color=INK, mfc=INK if what == "gc" else "white", label=name)
        for value, row in zip(values, rows + shift, strict=True):
            if np.isfinite(value):
                axes.annotate(
                    f"{value:.2f}", (value, row), (5, 0), textcoords="offset points", va="center", fontsize=6.5
                )
    right = min(highest + 0.08, 1.08)
    axes.axvspan(AUROC_ALARM, right, color=PALE, lw=0, zorder=0)
    axes.axvline(0.5, color=GREY, lw=0.6, zorder=0)
    names = ["all negatives" if s.name == ALL else _wrapped(s.name) for s in summary.shortcuts]
    axes.set_yticks(rows, names)
    axes.set(xlim=(0.48, right), ylim=(-0.6, len(rows) + 0.1), xlabel="AUROC; shaded: tells too much")
    axes.set_title("told from the positives by" if summary.task == "binary" else "told from the others by")
    axes.legend(loc="upper right", ncols=2, handletextpad=0.2, columnspacing=1.2, borderaxespad=0)


def _wrapped(name):
    """Break a long name at its hyphen."""
    return name.replace("-", "-\n", 1) if len(name) > 12 else name


def _draw_gc_and_label(axes, summary):
    """Draw how the label of a regression follows GC."""
    gc, label = (np.concatenate([np.asarray(v, dtype=float) for v in x.values()]) for x in (summary.gc, summary.labels))
    known = np.isfinite(gc)
    r = summary.shortcuts[0].gc
    if known.any():
        axes.hexbin(gc[known], label[known], gridsize=28, mincnt=1, bins="log", cmap="Greys", linewidths=0.1)
    axes.xaxis.set_major_formatter(PERCENT)
    axes.set(xlabel="G and C among known bases", ylabel="label")
    axes.set_title(f"GC alone: r = {r:.2f}" if np.isfinite(r) else "GC and label")
    if abs(r) > R_ALARM:
        axes.title.set_color(VERMILION)


def _histogram(axes, by_name, looks, widths=None):
    """Draw one outline per split or class on shared bins, the first one filled; all equal values get one bar.

    A value may have a width, over which it is spread evenly.
    """
    known = {name: np.isfinite(np.asarray(v, dtype=float)) for name, v in by_name.items()}
    finite = {name: np.asarray(v, dtype=float)[known[name]] for name, v in by_name.items()}
    everything = np.concatenate([*finite.values(), np.zeros(0)])
    if not len(everything):
        return
    low, high = everything.min(), everything.max()
    bins = int(np.clip(2 * min(len(values) for values in finite.values()) ** 0.5, 8, 40))
    edges = np.linspace(low, high, bins + 1) if high > low else np.array([low - 0.5, low + 0.5])
    for i, (name, values) in enumerate(finite.items()):
        (colour, dashes), label = looks[name], f"{name} ({len(by_name[name]):,})"
        shares = _shares(values, edges, widths and widths[name][known[name]])
        if i == 0:
            axes.stairs(shares, edges, fill=True, color=colour, alpha=0.25, lw=0)
        axes.stairs(shares, edges, color=colour, ls=dashes, label=label, lw=1.2)
    axes.set_ylim(bottom=0)
    if high == low:
        axes.set_xlim(low - 2, high + 2)
        axes.set_xticks([low])


def _shares(values, edges, widths):
    """Return the share of the values in each bin, counting of a value with a width what lies in the bin."""
    if widths is None or not len(values):
        return np.histogram(values, edges)[0] / max(len(values), 1)
    below = np.array([np.clip((edge - values) / widths + 0.5, 0, 1).mean() for edge in edges])
    below[[0, -1]] = 0, 1
    return np.diff(below)

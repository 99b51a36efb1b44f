"""How training went: loss, validation metric, budget and rates, gradients."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from mlx_gsa.explain.figures.style import (
    BLUE,
    CYCLE,
    GREY,
    ORANGE,
    VERMILION,
    house_style,
    new_figure,
    save_figure,
)


def training_figure(metrics_rows: Sequence[dict], path):
    """Draw the training curves and write them.

    Parameters
    ----------
    metrics_rows : sequence of dict
        Rows of ``metrics.jsonl``. Of those with ``kind`` = ``epoch``, the keys epoch, train_loss, val_loss,
        val_metric, metric_name, sparsity, learning_rate and grad_norm (a number per organ) are drawn;
        whatever is missing leaves a gap.
    path : path or sequence of paths
        ``.png``, ``.svg`` or ``.pdf``.

    Returns
    -------
    list of Path
        What was written.
    """
    return save_figure(build_training(metrics_rows), path)


def build_training(metrics_rows: Sequence[dict]) -> Figure:
    """Build the training curves; axes are labelled ``loss``, ``metric``, ``schedule``, ``gradients``."""
    rows = [row for row in metrics_rows if row.get("kind", "epoch") == "epoch"]
    epochs = np.array([row.get("epoch", i) for i, row in enumerate(rows)], dtype=float)
    with house_style():
        figure = new_figure(7.6, 5.0, layout="constrained")
        panels = figure.subplot_mosaic([["loss", "metric"], ["schedule", "gradients"]])
        for axes in panels.values():
            if len(epochs):
                axes.set_xlim(min(0.5, epochs.min() - 0.2), max(epochs.max(), 2) + 0.3)
            axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
            axes.set_xlabel("epoch")
        _draw_loss(panels["loss"], epochs, rows)
        _draw_metric(panels["metric"], epochs, rows)
        _draw_schedule(panels["schedule"], epochs, rows)
        _draw_gradients(panels["gradients"], epochs, rows)
        if not rows:
            figure.suptitle("no finished epoch yet", color=GREY)
    return figure


def _column(rows, *names) -> np.ndarray:
    """Return the first of the named keys of each row as numbers, NaN where missing or not a number."""
    return np.array([next((_number(row[n]) for n in names if n in row), np.nan) for row in rows], dtype=float)


def _number(value) -> float:
    return float(value) if isinstance(value, int | float) else np.nan


def _line(axes, epochs, values, colour, label):
    """Draw a line, with its points marked while they are few; nothing if there is no value."""
    if np.isfinite(values).any():
        axes.plot(epochs, values, color=colour, label=label, marker="o" if len(values) <= 40 else None, ms=2.5)


def _draw_loss(axes, epochs, rows):
    _line(axes, epochs, _column(rows, "train_loss"), BLUE, "training")
    _line(axes, epochs, _column(rows, "val_loss"), VERMILION, "validation")
    axes.set(title="loss", ylabel="loss")
    _legend(axes)


def _draw_metric(axes, epochs, rows):
    names = [row["metric_name"] for row in rows if row.get("metric_name")]
    name = names[-1] if names else "metric"
    values = _column(rows, "val_metric")
    _line(axes, epochs, values, VERMILION, "validation")
    if np.isfinite(values).any():
        best = int(np.nanargmax(values))
        axes.plot(epochs[best], values[best], "o", ms=7, mfc="none", mec=VERMILION, mew=1)
        title = f"{name}: best {values[best]:.3f}, epoch {epochs[best]:g}"
    else:
        title = f"validation {name}"
    axes.set(title=title, ylabel=name)


def _draw_schedule(axes, epochs, rows):
    share = 100 * _column(rows, "sparsity")
    _line(axes, epochs, share, BLUE, "positions kept")
    axes.set(title="schedules", ylabel="positions kept (%)")
    if np.isfinite(share).any():
        axes.set_ylim(0, 1.15 * np.nanmax(share))
    rates = _column(rows, "learning_rate")
    if not np.isfinite(rates).any():
        return
    other = axes.twinx()
    other.set_label("rate")
    other.spines["right"].set_visible(True)
    _line(other, epochs, rates, ORANGE, "learning rate")
    other.set(ylabel="learning rate (per step)", ylim=(0, 1.15 * np.nanmax(rates) or 1))
    other.ticklabel_format(axis="y", style="sci", scilimits=(-2, 2), useMathText=True)
    handles = axes.get_lines() + other.get_lines()
    axes.legend(handles, [line.get_label() for line in handles], loc="lower left")


def _draw_gradients(axes, epochs, rows):
    norms = [row["grad_norm"] if isinstance(row.get("grad_norm"), dict) else {} for row in rows]
    organs = list(dict.fromkeys(name for norm in norms for name in norm))
    for organ, colour in zip(organs, CYCLE * 3, strict=False):
        _line(axes, epochs, _column(norms, organ), colour, organ.replace("_", " "))
    if any((_column(norms, organ) > 0).any() for organ in organs):
        axes.set_yscale("log")
    axes.set(title="gradients, before clipping", ylabel="norm, mean over steps")
    _legend(axes, loc="center left", bbox_to_anchor=(1, 0.5))


def _legend(axes, **options):
    if axes.get_legend_handles_labels()[0]:
        axes.legend(**options)

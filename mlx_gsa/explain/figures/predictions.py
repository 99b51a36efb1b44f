"""How good predictions are: scatter, ROC and precision-recall, or confusion."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from mlx_gsa.explain.figures.style import BLUE, GREY, VERMILION, house_style, new_figure, save_figure


def prediction_figure(labels, predictions, task, metrics, path, classes: Sequence[str] | None = None):
    """Draw how predictions compare with labels and write it.

    Parameters
    ----------
    labels : ndarray
        Shape (n,): values, or class numbers.
    predictions : ndarray
        Shape (n,) or (n, 1): values, or probability of class 1; (n, n_classes) for several classes.
    task : {'regression', 'binary', 'multiclass'}
        Decides the picture: scatter; ROC and precision-recall; confusion.
    metrics : dict
        Name to number, or to an object with ``value``, ``low`` and ``high``: written into the picture.
    path : path or sequence of paths
        ``.png``, ``.svg`` or ``.pdf``.
    classes : sequence of str, optional
        Names of the classes.

    Returns
    -------
    list of Path
        What was written.
    """
    return save_figure(build_prediction(labels, predictions, task, metrics, classes), path)


def build_prediction(labels, predictions, task, metrics=None, classes=None) -> Figure:
    """Build the picture; axes are labelled ``scatter``, or ``roc`` and ``precision``, or ``confusion``.

    Raises
    ------
    ValueError
        If the task is unknown or labels and predictions differ in number.
    """
    draw = {"regression": _regression, "binary": _binary, "multiclass": _multiclass}
    labels, predictions = np.asarray(labels, dtype=float), np.asarray(predictions, dtype=float)
    if task not in draw:
        raise ValueError(f"unknown task {task!r}, expected one of {', '.join(draw)}")
    if len(labels) != len(predictions):
        raise ValueError(f"{len(labels)} labels but {len(predictions)} predictions")
    if task != "multiclass":
        predictions = predictions.reshape(-1)
    with house_style():
        return draw[task](labels, predictions, metrics or {}, classes)


def metric_lines(metrics: dict) -> str:
    """Write metrics one per line, with their intervals where they have one."""
    lines = []
    for name, entry in metrics.items():
        value, low, high = (getattr(entry, key, None) for key in ("value", "low", "high"))
        if value is None:
            lines.append(f"{name} {entry:.3f}" if isinstance(entry, int | float) else f"{name} {entry}")
        else:
            lines.append(f"{name} {value:.3f}" + (f" ({low:.3f} to {high:.3f})" if low is not None else ""))
    return "\n".join(lines)


def _regression(labels, predictions, metrics, classes):
    figure = new_figure(4.6, 4.4, layout="constrained")
    axes = figure.add_subplot(label="scatter")
    both = np.concatenate([labels, predictions])
    low, high = (float(both.min()), float(both.max())) if len(both) else (0.0, 1.0)
    pad = 0.04 * ((high - low) or 1.0)
    limits = (low - pad, high + pad)
    axes.plot(limits, limits, color=GREY, lw=0.8, zorder=3)
    if len(labels) > 2500:
        image = axes.hexbin(labels, predictions, gridsize=55, extent=limits * 2, mincnt=1, bins="log", cmap="viridis_r")
        figure.colorbar(image, ax=axes, label="records per cell", shrink=0.6)
    else:
        alpha = float(np.clip(250 / max(len(labels), 1), 0.2, 0.8))
        axes.scatter(labels, predictions, s=9, color=BLUE, alpha=alpha, lw=0, rasterized=len(labels) > 500)
    axes.set(xlim=limits, ylim=limits, aspect="equal", xlabel="label", ylabel="prediction")
    axes.set_title(f"predicted and measured (n = {len(labels):,})")
    _note(axes, metrics, 0.03, 0.97)
    return figure


def _binary(labels, predictions, metrics, classes):
    figure = new_figure(7.4, 3.9, layout="constrained")
    roc, precision = figure.subplots(1, 2)
    roc.set_label("roc")
    precision.set_label("precision")
    found, false, correct = _curves(labels > 0.5, predictions)
    share = float((labels > 0.5).mean()) if len(labels) else 0.0
    roc.plot([0, 1], [0, 1], color=GREY, lw=0.8)
    roc.plot(false, found, color=BLUE)
    roc.set(xlabel="false positive rate", ylabel="true positive rate", title=f"ROC (n = {len(labels):,})")
    precision.axhline(share, color=GREY, lw=0.8)
    precision.annotate("share of positives", (0.02, share), (0, 3), textcoords="offset points", color=GREY, fontsize=7)
    precision.plot(found[1:], correct[1:], color=VERMILION, drawstyle="steps-post")
    precision.set(xlabel="recall", ylabel="precision", title="precision and recall")
    for axes in (roc, precision):
        axes.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.02), aspect="equal")
    _note(roc, metrics, 0.97, 0.05)
    return figure


def _curves(positive, scores):
    """Return true positive rate, false positive rate and precision at every threshold, ties joined."""
    order = np.argsort(-scores, kind="stable")
    ends = np.r_[np.flatnonzero(np.diff(scores[order])), len(scores) - 1] if len(scores) else np.array([], int)
    hits = np.cumsum(positive[order])[ends] if len(scores) else np.array([])
    misses = ends + 1 - hits
    n_positive, n_negative = max(int(positive.sum()), 1), max(int((~positive).sum()), 1)
    return (
        np.r_[0, hits / n_positive],
        np.r_[0, misses / n_negative],
        np.r_[1, hits / np.maximum(ends + 1, 1)],
    )


def _multiclass(labels, predictions, metrics, classes):
    n = predictions.shape[1]
    names = list(classes) if classes else [str(i) for i in range(n)]
    counts = np.zeros((n, n), dtype=int)
    np.add.at(counts, (labels.astype(int), predictions.argmax(axis=1)), 1)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    side = float(np.clip(0.55 * n + 1.8, 3.6, 9))
    figure = new_figure(side + 1.2, side + 0.5, layout="constrained")
    axes = figure.add_subplot(label="confusion")
    image = axes.imshow(shares, cmap="cividis_r", vmin=0, vmax=1)
    for (i, j), count in np.ndenumerate(counts) if n <= 15 else ():
        text = f"{100 * shares[i, j]:.0f} %\n{count:,}"
        axes.text(j, i, text, ha="center", va="center", fontsize=7, color="white" if shares[i, j] > 0.5 else "black")
    axes.set_xticks(range(n), names, rotation=40, ha="right", rotation_mode="anchor")
    axes.set_yticks(range(n), names)
    axes.set(xlabel="predicted class", ylabel="true class")
    axes.set_title("  ".join(metric_lines(metrics).split("\n")[:2]), fontsize=8, fontweight="normal")
    figure.colorbar(image, ax=axes, label="share of the true class", shrink=0.7)
    return figure


def _note(axes, metrics, x, y):
    align = {"ha": "left" if x < 0.5 else "right", "va": "top" if y > 0.5 else "bottom"}
    box = {"fc": "white", "ec": "none", "alpha": 0.8, "pad": 1.5}
    axes.text(x, y, metric_lines(metrics), transform=axes.transAxes, fontsize=7, bbox=box, zorder=4, **align)

"""Reliability: what was predicted beside what was found, in bins of alike predictions."""

import numpy as np
from matplotlib.figure import Figure

from mlx_gsa.explain.figures.style import BLUE, GREY, house_style, new_figure, save_figure

LABELS = {
    "probability": ("predicted probability of class 1", "share of class 1"),
    "top label": ("predicted probability of the class called", "share called right"),
    "value": ("predicted value", "mean label"),
}


def calibration_figure(calibration, path, title=""):
    """Draw a reliability picture and write it.

    Parameters
    ----------
    calibration : Calibration
        Of `evaluation.calibration`; read here: ``kind``, ``n``, ``numbers`` and ``points``.
    path : path or sequence of paths
        ``.png``, ``.svg`` or ``.pdf``.
    title : str
        Such as the name of an output.

    Returns
    -------
    list of Path
        What was written.
    """
    return save_figure(build_calibration(calibration, title), path)


def build_calibration(calibration, title="") -> Figure:
    """Build the picture: one axes labelled ``reliability``, a point and its interval per bin, and the diagonal."""
    with house_style():
        figure = new_figure(4.2, 4.2, layout="constrained")
        axes = figure.add_subplot(label="reliability")
        x, (y, low, high) = _columns(calibration.points)
        limits = _limits(calibration, np.concatenate([x, low, high]))
        axes.plot(limits, limits, color=GREY, lw=0.8, zorder=1, label="calibrated")
        axes.plot(x, y, color=BLUE, lw=0.8, alpha=0.5, zorder=2)
        bars = {"fmt": "o", "ms": 4, "color": BLUE, "elinewidth": 1, "capsize": 2, "zorder": 3}
        axes.errorbar(x, y, [y - low, high - y], label="bins of records, 95 % intervals", **bars)
        axes.legend(loc="lower right")
        names = LABELS[calibration.kind]
        axes.set(xlim=limits, ylim=limits, aspect="equal", xlabel=names[0], ylabel=names[1])
        axes.set_title(f"reliability{f' of {title}' if title else ''} (n = {calibration.n:,})")
        box = {"fc": "white", "ec": "none", "alpha": 0.8, "pad": 1.5}
        axes.text(0.03, 0.97, _note(calibration.numbers), transform=axes.transAxes, fontsize=7, va="top", bbox=box)
        return figure


def _columns(points):
    """Return predictions, shape (bins,), and observed value, low and high, shape (3, bins); no bound: the value."""
    predicted = np.array([point.predicted for point in points], float)
    observed = np.array([tuple(point.observed) for point in points], float).reshape(-1, 3).T
    return predicted, np.where(np.isfinite(observed), observed, observed[:1])


def _limits(calibration, values):
    if calibration.kind != "value":
        return (-0.02, 1.02)
    low, high = (float(values.min()), float(values.max())) if len(values) else (0.0, 1.0)
    pad = 0.05 * ((high - low) or 1.0)
    return (low - pad, high + pad)


def _note(numbers):
    if "ece" in numbers:
        chance = numbers["ece_if_calibrated"]
        lines = [f"ECE {numbers['ece']:.3f}", f"if calibrated {chance.value:.3f} ({chance.low:.3f}–{chance.high:.3f})"]
        return "\n".join([*lines, f"Brier {numbers['brier']:.3f}"])
    parts = ((name, numbers[name]) for name in ("slope", "intercept"))
    return "\n".join(f"{name} {part.value:.2f} ({part.low:.2f} to {part.high:.2f})" for name, part in parts)

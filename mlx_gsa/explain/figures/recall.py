"""How many of the known sites were found, beside what chance finds with the same budget."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from mlx_gsa.explain.figures.style import BLUE, INK, SKY, house_style, new_figure, save_figure


def site_recall_figure(rows: Sequence[dict], path):
    """Draw the recall of sites per kind beside chance and write it.

    Parameters
    ----------
    rows : sequence of dict
        One per kind of site, drawn from top to bottom: ``kind``; ``recall`` and ``half_covered``, shares of
        sites touched and at least half covered by kept positions, numbers or objects with value, low and
        high; ``chance`` and optionally ``half_chance``, what random positions of the same number give;
        optionally ``role`` and ``n``. The rows of ``SelectionReport.recall`` (``any``, ``any_chance``,
        ``half``, ``half_chance``) are understood too.
    path : path or sequence of paths
        ``.png``, ``.svg`` or ``.pdf``.

    Returns
    -------
    list of Path
        What was written.
    """
    return save_figure(build_site_recall(rows), path)


def build_site_recall(rows: Sequence[dict]) -> Figure:
    """Build the picture; its axes are labelled ``recall``."""
    with house_style():
        figure = new_figure(6.6, 1.5 + 0.42 * max(len(rows), 1), layout="constrained")
        axes = figure.add_subplot(label="recall")
        y = np.arange(len(rows), dtype=float)
        touched = (("recall", "any"), ("chance", "any_chance"), BLUE, "touched by a kept position", -0.19)
        covered = (("half_covered", "half"), ("half_chance",), SKY, "at least half covered", 0.19)
        for names, chances, colour, label, shift in (touched, covered):
            _bars(axes, y + shift, rows, names, colour, label)
            _chance(axes, y + shift, rows, chances)
        axes.plot([], [], color=INK, marker="|", ls="none", ms=9, mew=1.6, label="chance, same budget")
        axes.set_yticks(y, [_name(row) for row in rows])
        axes.set(xlim=(0, 1.02), ylim=(len(rows) - 0.45, -0.55), xlabel="share of sites")
        axes.xaxis.grid(True, color="#E4E4E4", lw=0.6)
        axes.set_axisbelow(True)
        axes.tick_params(axis="y", length=0)
        handles, names = axes.get_legend_handles_labels()
        last = names.index("chance, same budget")
        order = [i for i in range(len(names)) if i != last] + [last]
        figure.legend([handles[i] for i in order], [names[i] for i in order], loc="outside upper left", ncols=3)
    return figure


def _bars(axes, y, rows, names, colour, label):
    values, low, high = np.array([_interval(row, names) for row in rows]).reshape(-1, 3).T
    if not np.isfinite(values).any():
        return
    axes.barh(y, values, height=0.34, color=colour, label=label)
    has = np.isfinite(low) & np.isfinite(high)
    if has.any():
        errors = np.clip([values[has] - low[has], high[has] - values[has]], 0, None)
        axes.errorbar(values[has], y[has], xerr=errors, fmt="none", ecolor="#6B6B6B", elinewidth=0.9, capsize=1.8)


def _chance(axes, y, rows, names):
    values = np.array([_interval(row, names)[0] for row in rows])
    axes.vlines(values, y - 0.17, y + 0.17, color="white", lw=3.2, zorder=3)
    axes.vlines(values, y - 0.17, y + 0.17, color=INK, lw=1.6, zorder=4)


def _interval(row, names) -> tuple[float, float, float]:
    entry = next((row[name] for name in names if row.get(name) is not None), np.nan)
    if isinstance(entry, dict):
        return tuple(float(entry.get(key, np.nan)) for key in ("value", "low", "high"))
    parts = (getattr(entry, "value", entry), getattr(entry, "low", np.nan), getattr(entry, "high", np.nan))
    return tuple(np.nan if part is None else float(part) for part in parts)


def _name(row) -> str:
    kind = "all functional" if row["kind"] == "all" else str(row["kind"]).replace("_", " ")
    role = str(row.get("role", "functional")).replace("_", " ")
    text = kind if role == "functional" else f"{kind}, {role}"
    return f"{text}  (n = {row['n']:,})" if row.get("n") is not None else text

"""Performance over compute: what a model scores against the operations that it needs for one sequence."""

from matplotlib.figure import Figure

from mlx_gsa.explain.figures.results.marks import bounds, draw_grid, draw_intervals, look, panel_title
from mlx_gsa.explain.figures.style import GREY, house_style, new_figure, spread

HEIGHT, LABEL = 2.2, 8  # inches of the axes, roughly; points of a label with its margin


def build_pareto(panels) -> Figure:
    """Build the picture: one panel per data set, operations to the right (log), performance upwards.

    Parameters
    ----------
    panels : sequence of dict
        ``title``, ``metric`` (name of the score) and ``models``: ``label``, ``kind``, ``flops`` (operations of a
        forward pass over one sequence) and ``score`` (value, low, high). Models of one kind share a look. The line
        joins the models that none with fewer operations reaches.

    Returns
    -------
    Figure
        Axes are labelled ``pareto 0``, ``pareto 1`` ...
    """
    kinds = list(dict.fromkeys(model["kind"] for panel in panels for model in panel["models"]))
    with house_style():
        figure = new_figure(3.5 * max(len(panels), 1), 3.1, layout="constrained")
        for number, panel in enumerate(panels):
            axes = figure.add_subplot(1, len(panels), number + 1, label=f"pareto {number}")
            _draw(axes, panel, kinds)
        if panels:
            handles, names = _legend(figure)
            figure.legend(handles, names, loc="outside lower center", ncols=min(len(names), 5))
    return figure


def _legend(figure):
    found = {}
    for axes in figure.axes:
        for handle, name in zip(*axes.get_legend_handles_labels(), strict=True):
            found.setdefault(name, handle)
    return list(found.values()), list(found)


def _draw(axes, panel, kinds):
    axes.set_xscale("log")
    draw_grid(axes)
    front = _front(panel["models"])
    axes.plot([m["flops"] for m in front], [m["score"]["value"] for m in front], color=GREY, lw=0.9, ls=(0, (3, 2)))
    for kind in kinds:
        models = [model for model in panel["models"] if model["kind"] == kind]
        if models:
            colour, marker = look(kinds.index(kind))
            places, scores = [m["flops"] for m in models], [m["score"] for m in models]
            draw_intervals(axes, places, scores, colour, marker, label=kind)
    axes.margins(x=0.18, y=0.15)
    _label(axes, [model for model in panel["models"] if model["label"]])
    axes.set(xlabel="operations per sequence", ylabel=panel["metric"], title=panel_title(panel["title"]))


def _label(axes, models):
    """Name the models to their right, labels moved apart where they would lie on each other."""
    models = sorted(models, key=lambda model: bounds(model["score"])[0])
    axes.autoscale_view()
    low, high = axes.get_ylim()
    apart = LABEL * (high - low) / (72 * HEIGHT)
    places = spread([bounds(model["score"])[0] for model in models], apart, low, high)
    for model, place in zip(models, places, strict=True):
        options = {"textcoords": "offset points", "fontsize": 6.5, "va": "center"}
        axes.annotate(model["label"], (model["flops"], place), (6, 0), **options)


def _front(models):
    """Return the models that score higher than every one with fewer operations, by operations."""
    front, best = [], float("-inf")
    for model in sorted(models, key=lambda each: each["flops"]):
        if model["score"]["value"] > best:
            front.append(model)
            best = model["score"]["value"]
    return front

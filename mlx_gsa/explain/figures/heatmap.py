"""The attention heatmap: who attends to whom among the kept positions, at true coordinates.

From top to bottom on one coordinate axis: planted, known or matched sites; relevance of every position
with the kept ones as ticks; what each kept position adds to the prediction; a square map with one cell per
pair of kept positions (row = query, column = key), coloured by attention relative to even attention;
and the bases of the strongest spans, scaled by relevance.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from matplotlib.colors import LinearSegmentedColormap, LogNorm
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle
from matplotlib.ticker import FuncFormatter

from mlx_gsa.explain.figures import tracks
from mlx_gsa.explain.figures.coordinates import coordinate_label, set_coordinate_ticks
from mlx_gsa.explain.figures.layout import LABEL_AT, LEFT, RIGHT, SIDE, WIDTH, Layout
from mlx_gsa.explain.figures.raster import Raster, attention_raster, strongest_links
from mlx_gsa.explain.figures.style import BLUE, GREY, INK, VERMILION, house_style, save_figure
from mlx_gsa.explain.figures.zoom import choose_windows, draw_zoom
from mlx_gsa.explain.place import Place
from mlx_gsa.explain.spans import find_spans, signed_contribution

LINKED = 10  # best spans whose pairs may get a ring
EDGE = 0.011  # of the map: marks of the active sites on its edges
# Dark = much attention; the light end stays clear of white, which means "no kept pair".
COLOURS = LinearSegmentedColormap.from_list(
    "attention", ["#F5EFDF", "#FBD795", "#F59C5C", "#DE5A62", "#A92A82", "#5C147E", "#150B37"]
)
NOT_EVEN = "#E6E6E6"


@dataclass(frozen=True)
class HeatmapInput:
    """Everything one attention heatmap shows.

    Parameters
    ----------
    prediction : Prediction
        With ``weights`` of shape (K, K), or None for a picture without the map.
    tokens : ndarray or None
        Shape (L,), uint8; without them the bases are not drawn.
    length : int
        L (bp).
    place : Place
        Where the sequence lies.
    title, subtitle : str
        Two lines above the picture.
    spans : sequence of Span
        Best first; found from the prediction where not given.
    sites : sequence of TrackSite
        Boxes to draw.
    span_labels : dict
        Text per span rank for the panels of bases (for instance the motif it matches).
    output : int
        Which output's contributions to show.
    """

    prediction: object
    length: int
    place: Place
    tokens: np.ndarray | None = None
    title: str = ""
    subtitle: str = ""
    spans: Sequence = ()
    sites: Sequence = ()
    span_labels: dict = field(default_factory=dict)
    output: int = 0


def attention_heatmap_figure(
    prediction, length, title="", spans=None, known_sites=None, start=0, chrom=None, strand="+", paths=(), *,
    tokens=None, subtitle="", span_labels=None, output=0,
):  # fmt: skip
    """Draw the attention heatmap of one sequence and write it.

    Parameters
    ----------
    prediction : Prediction
        Relevance (L,), kept (K,), weights (K, K) or None, gates (K,), contribution (K,) or (K, n_outputs).
    length : int
        L (bp).
    title, subtitle : str
        Two lines above the picture.
    spans : sequence of Span, optional
        Ranked spans of kept positions; found from the prediction if not given.
    known_sites : Sites or sequence of TrackSite, optional
        Planted, known or matched sites, with start, end, strand, kind and role.
    start : int
        0-based start of the sequence's interval on the chromosome (bp).
    chrom : str, optional
        Chromosome; without it the axes count positions in the sequence.
    strand : {'+', '-'}
        ``'-'``: the sequence is the reverse complement of the interval.
    paths : path or sequence of paths
        ``.png``, ``.svg`` or ``.pdf`` files to write.
    tokens : ndarray, optional
        Shape (L,), uint8: the bases for the panels below the map.
    span_labels : dict, optional
        Text per span rank, such as the motif it matches.
    output : int
        Which output's contributions to show where there are several.

    Returns
    -------
    list of Path
        What was written.
    """
    place = Place.of_record("", length) if chrom is None else Place(chrom, start, start + length, strand)
    sites = tracks.as_track_sites(known_sites)
    shown = HeatmapInput(
        prediction, length, place, tokens, title, subtitle, spans or (), sites, span_labels or {}, output
    )
    return save_figure(build_attention_heatmap(shown), paths)


def build_attention_heatmap(shown: HeatmapInput) -> Figure:
    """Build the attention heatmap as a figure.

    Parameters
    ----------
    shown : HeatmapInput
        What to draw.

    Returns
    -------
    Figure
        Its axes are labelled (``Axes.get_label``) ``sites``, ``relevance``, ``contribution``,
        ``attention``, ``scale`` and ``bases 1`` to ``bases 3``, those that apply.
    """
    contribution = signed_contribution(shown.prediction.contribution, shown.output)
    spans = list(shown.spans) or find_spans(shown.prediction.relevance, shown.prediction.kept, contribution)
    has_map = shown.prediction.weights is not None and len(shown.prediction.kept) > 0
    windows = [] if shown.tokens is None else choose_windows(spans, shown.length)
    with house_style():
        layout = Layout(shown, has_map, bool(windows))
        numbers = {span.rank: n for n, (span, _, _) in enumerate(windows, 1)}
        _draw_tracks(layout, shown, contribution, [window[0] for window in windows])
        if has_map:
            _draw_map(layout, shown, spans)
        for n, (span, first, last) in enumerate(windows):
            axes = layout.zoom(n, len(windows))
            draw_zoom(axes, shown, span, first, last, number=numbers[span.rank])
        _draw_header(layout, shown)
        _draw_legend(layout, shown, has_map)
    return layout.figure


def _draw_tracks(layout, shown, contribution, numbered):
    if shown.sites:
        axes = layout.axes("sites", LEFT, layout.sites_top, SIDE, 0.22)
        tracks.draw_sites(axes, shown.sites, shown.length, inches=SIDE)
    axes = layout.axes("relevance", LEFT, layout.relevance_top, SIDE, 0.95)
    tracks.draw_relevance(axes, shown.prediction, shown.length, numbered, inches=SIDE)
    axes = layout.axes("contribution", LEFT, layout.contribution_top, SIDE, 0.55)
    tracks.draw_contribution(axes, shown.prediction.kept, contribution, shown.length)
    for axes_above in layout.figure.axes:
        axes_above.yaxis.set_label_coords(LABEL_AT, 0.5)
    if not layout.has_map:
        axes.tick_params(labelbottom=True, bottom=True)
        axes.spines["bottom"].set_visible(True)
        set_coordinate_ticks(axes.xaxis, shown.place, 0, shown.length)
        axes.set_xlabel(coordinate_label(shown.place))


def _draw_map(layout, shown, spans):
    axes = layout.axes("attention", LEFT, layout.map_top, SIDE, SIDE)
    kept, weights, length = shown.prediction.kept, shown.prediction.weights, shown.length
    raster = attention_raster(weights, kept, length)
    _guides(axes, shown.sites, length)
    image = _show_raster(axes, raster)
    for query, key, _ in strongest_links(weights, kept, spans[:LINKED]):
        axes.plot(key + 0.5, query + 0.5, "o", ms=7, mfc="none", mec=INK, mew=0.8, zorder=4)
    axes.set(xlim=(0, length), ylim=(length, 0))
    for axis in (axes.xaxis, axes.yaxis):
        set_coordinate_ticks(axis, shown.place, 0, length, n=6)
    axes.set_xlabel(f"attended position (key): {coordinate_label(shown.place)}")
    axes.set_ylabel("attending position (query)")
    axes.spines[["top", "right"]].set_visible(True)
    _draw_scale(layout, image, raster)


def _guides(axes, sites, length):
    """Shade the rows and columns of active sites and mark them on the edges: crossings are site to site."""
    least = length / 160
    for site in [site for site in sites if site.role not in ("accidental", "decoy_core", "decoy_spacing")]:
        width = max(site.end - site.start, least)
        low, colour = (site.start + site.end - width) / 2, tracks.role_colour(site.role)
        axes.axvspan(low, low + width, color=colour, alpha=0.15, lw=0, zorder=0)
        axes.axhspan(low, low + width, color=colour, alpha=0.15, lw=0, zorder=0)
        across = {"transform": axes.get_xaxis_transform(), "clip_on": False, "color": colour, "lw": 0}
        axes.add_patch(Rectangle((low, 1.0), width, EDGE, **across))
        across["transform"] = axes.get_yaxis_transform()
        axes.add_patch(Rectangle((1.0, low), EDGE, width, **across))


def _show_raster(axes, raster: Raster):
    top = max(4.0, float(np.nanmax(raster.values)))
    colours = COLOURS.with_extremes(under=NOT_EVEN, bad=(1, 1, 1, 0))
    box = (0, raster.extent, raster.extent, 0)
    return axes.imshow(
        raster.values, cmap=colours, norm=LogNorm(1, top), extent=box, interpolation="nearest", zorder=2,
        aspect="auto", origin="upper",
    )  # fmt: skip


def _draw_scale(layout, image, raster):
    axes = layout.axes("scale", RIGHT + 0.2, layout.map_top + 1.9, 0.14, 2.2)
    bar = layout.figure.colorbar(image, cax=axes, extend="min")
    bar.outline.set_linewidth(0.6)
    axes.minorticks_off()
    highest = image.norm.vmax
    ticks = [tick for tick in (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000) if tick <= highest]
    bar.set_ticks(ticks)
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}×"))
    size = raster.bin_size
    note = f"each cell the largest of {size} × {size} bp" if size > 1 else "cells of 1 bp"
    bar.set_label("attention, relative to even attention\n" + note)


def _draw_header(layout, shown):
    left = (LEFT - 0.62) / WIDTH
    layout.figure.text(left, layout.y(0.14), shown.title, va="top", fontsize=11, fontweight="bold")
    layout.figure.text(left, layout.y(0.36), shown.subtitle, va="top", fontsize=8, color=GREY)


def _draw_legend(layout, shown, has_map):
    handles = [Patch(color=colour, label=label) for colour, label in tracks.roles_present(shown.sites)]
    handles += [tracks.tick_handle("kept position", INK)]
    handles += [Patch(color=VERMILION, label="raises the prediction"), Patch(color=BLUE, label="lowers it")]
    if has_map:
        handles += [Patch(color=NOT_EVEN, label="kept pair, attention\nbelow even")]
        handles += [tracks.ring_handle("strongest pairs\namong top spans", INK)]
    layout.figure.legend(
        handles=handles, loc="upper left", borderaxespad=0, labelspacing=0.55, handlelength=1.1,
        bbox_to_anchor=((RIGHT + 0.14) / WIDTH, layout.y(layout.relevance_top - 0.1)),
    )  # fmt: skip

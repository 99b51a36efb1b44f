"""The tracks above the attention map: sites, relevance, contribution."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.collections import LineCollection
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from matplotlib.ticker import FuncFormatter, MaxNLocator

from mlx_gsa.explain.figures.raster import pooled_track
from mlx_gsa.explain.figures.style import (
    BLUE,
    GREEN,
    GREY,
    INK,
    ORANGE,
    PURPLE,
    SKY,
    VERMILION,
    YELLOW,
    spread,
)

# Order = priority for a label where there is not room for all.
ROLES = {
    "functional": (GREEN, "functional site"),
    "repressor": (PURPLE, "repressor site"),
    "known": (GREEN, "known site"),
    "match": (SKY, "motif match"),
    "decoy_core": (ORANGE, "decoy: mutated core"),
    "decoy_spacing": (YELLOW, "decoy: wrong spacing"),
    "accidental": ("#B9B9B9", "accidental match"),
}
LABEL_STEP = 0.15  # inches between two slanted labels
LONGEST_LABEL = 16
MANY = 5_000  # marks; more are pixels in a vector picture too, which would hold megabytes of them


class TrackSite(NamedTuple):
    """A site to draw: 0-based, half-open within the sequence (bp)."""

    start: int
    end: int
    strand: str
    kind: str
    role: str = "known"


def as_track_sites(sites) -> list[TrackSite]:
    """Turn :class:`mlx_gsa.data.dataset.Sites` (columns), a sequence of TrackSite, or None into a list."""
    if sites is None:
        return []
    if hasattr(sites, "role") and hasattr(sites, "start"):
        columns = (sites.start, sites.end, sites.strand, sites.kind, sites.role)
        rows = [TrackSite(int(a), int(b), str(s), str(k), str(r)) for a, b, s, k, r in zip(*columns, strict=True)]
    else:
        rows = list(sites)
    return sorted(rows)


def role_colour(role: str) -> str:
    """Return the colour of a role; unknown roles look like known sites."""
    return ROLES.get(role, ROLES["known"])[0]


def roles_present(sites: Sequence[TrackSite]) -> list[tuple[str, str]]:
    """Return colour and legend text of the roles that occur, in the order of the legend."""
    present = {site.role if site.role in ROLES else "known" for site in sites}
    return [entry for role, entry in ROLES.items() if role in present]


def labelled_sites(sites: Sequence[TrackSite], inches: float) -> list[TrackSite]:
    """Choose the sites that get a label: by priority of their role, as many as fit; accidental ones never."""
    order = {role: i for i, role in enumerate(ROLES)}
    wanted = [site for site in sites if site.role != "accidental"]
    wanted.sort(key=lambda site: (order.get(site.role, 2), site.start))
    return sorted(wanted[: int(inches / LABEL_STEP)])


def label_height(sites: Sequence[TrackSite]) -> float:
    """Return the room that slanted labels need above the sites (inches)."""
    lengths = [min(len(_label(site)), LONGEST_LABEL) for site in sites if site.role != "accidental"]
    return 0.22 + 0.043 * max(lengths) if lengths else 0.0


def draw_sites(axes, sites: Sequence[TrackSite], length: int, inches: float) -> None:
    """Draw sites as boxes on one line, with labels that never overlap.

    Parameters
    ----------
    axes : Axes
        Gets limits 0 to ``length``.
    sites : sequence of TrackSite
        In any order; active sites are drawn over decoys, decoys over accidental matches.
    length : int
        L (bp).
    inches : float
        Width of the axes, which decides how many labels fit.
    """
    least = 0.035 * length / inches
    order = list(ROLES)
    for site in sorted(sites, key=lambda site: -order.index(site.role) if site.role in order else 0):
        width = max(site.end - site.start, least)
        left = (site.start + site.end - width) / 2
        tall = 0.35 if site.role == "accidental" else 0.8
        box = (left, 0.5 - tall / 2)
        axes.add_patch(Rectangle(box, width, tall, fc=role_colour(site.role), ec=INK, lw=0.3, clip_on=False))
    axes.axhline(0.5, color=GREY, lw=0.6, zorder=0)
    _draw_labels(axes, labelled_sites(sites, inches), length, inches)
    axes.set(xlim=(0, length), ylim=(0, 1), yticks=[], xticks=[])
    axes.set_ylabel("sites", rotation=0, ha="right", va="center")
    axes.spines[:].set_visible(False)


def _draw_labels(axes, sites, length, inches):
    middles = np.array([(site.start + site.end) / 2 for site in sites])
    places = spread(middles, LABEL_STEP * length / inches, 0, length)
    for site, middle, place in zip(sites, middles, places, strict=True):
        axes.plot([middle, place], [0.95, 1.55], color=GREY, lw=0.5, clip_on=False)
        axes.annotate(
            _label(site)[:LONGEST_LABEL], (place, 1.6), rotation=45, rotation_mode="anchor", ha="left",
            va="center", fontsize=6.5, annotation_clip=False,
        )  # fmt: skip


def _label(site: TrackSite) -> str:
    kind = site.kind.replace("_", " ")
    strand = site.strand.replace("-", "\N{MINUS SIGN}")
    return f"{kind[: LONGEST_LABEL - 2]} {strand}" if site.strand in ("+", "-") else kind


def draw_relevance(axes, prediction, length: int, numbered: Sequence, inches: float) -> None:
    """Draw the relevance of every position, the kept ones as ticks below, the best spans numbered.

    Parameters
    ----------
    axes : Axes
        Gets limits 0 to ``length``.
    prediction : Prediction
        Relevance, kept and gates are read.
    length : int
        L (bp).
    numbered : sequence of Span
        Spans that get the numbers 1, 2, ...
    inches : float
        Width of the axes.
    """
    edges, highest = pooled_track(prediction.relevance)
    low, high = float(highest.min()), float(highest.max())
    room = (high - low) or 1.0
    axes.stairs(highest, edges, baseline=low, fill=True, color="#9DB8D3", lw=0)
    axes.stairs(highest, edges, baseline=None, color="#3B6A99", lw=0.6)
    floor = low - 0.22 * room
    alphas = 0.3 + 0.7 * np.clip(np.asarray(prediction.gates, dtype=float), 0, 1)
    ticks = [[(x + 0.5, floor), (x + 0.5, floor + 0.14 * room)] for x in np.asarray(prediction.kept).tolist()]
    colours = [(0.15, 0.15, 0.15, a) for a in alphas]
    axes.add_collection(LineCollection(ticks, colors=colours, linewidths=0.6, rasterized=len(ticks) > MANY))
    axes.set(xlim=(0, length), ylim=(floor, high + 0.3 * room))
    axes.set_yticks([tick for tick in MaxNLocator(3).tick_values(low, high) if low <= tick <= high])
    axes.set_ylabel("relevance")
    axes.tick_params(labelbottom=False, bottom=False)
    axes.spines["bottom"].set_visible(False)
    _draw_numbers(axes, numbered, high + 0.16 * room, length, inches)


def _draw_numbers(axes, numbered, height, length, inches):
    spans = sorted((span.peak + 0.5, number) for number, span in enumerate(numbered, 1))
    inch = length / inches
    places = spread([x for x, _ in spans], 0.17 * inch, 0.1 * inch, length - 0.1 * inch)
    for place, (_, number) in zip(places, spans, strict=True):
        axes.text(
            place, height, str(number), ha="center", va="center", fontsize=6.5, color="white",
            fontweight="bold", bbox={"boxstyle": "circle,pad=0.22", "fc": INK, "ec": "none"},
        )  # fmt: skip


def draw_contribution(axes, kept, contribution, length: int) -> None:
    """Draw what each kept position adds to the raw prediction, up or down from zero.

    Parameters
    ----------
    axes : Axes
        Gets limits 0 to ``length``.
    kept, contribution : ndarray
        Shape (K,).
    length : int
        L (bp).
    """
    contribution = np.asarray(contribution, dtype=float)
    lines = [[(x + 0.5, 0.0), (x + 0.5, y)] for x, y in zip(np.asarray(kept).tolist(), contribution, strict=True)]
    colours = np.where(contribution >= 0, VERMILION, BLUE).tolist()
    axes.add_collection(LineCollection(lines, colors=colours, linewidths=0.9, rasterized=len(lines) > MANY))
    axes.axhline(0, color=GREY, lw=0.5)
    low, high = min(0.0, contribution.min(initial=0)), max(0.0, contribution.max(initial=0))
    room = 0.08 * ((high - low) or 1.0)
    axes.set(xlim=(0, length), ylim=(low - room, high + room))
    axes.yaxis.set_major_locator(MaxNLocator(3, prune="both", min_n_ticks=2))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.3g}".replace("-", "\N{MINUS SIGN}")))
    axes.set_ylabel("contribution\n(raw units)")
    axes.tick_params(labelbottom=False, bottom=False)
    axes.spines["bottom"].set_visible(False)


def tick_handle(label: str, colour: str) -> Line2D:
    """Return a legend entry that looks like a tick."""
    return Line2D([], [], color=colour, marker="|", ls="none", ms=6, mew=0.9, label=label)


def ring_handle(label: str, colour: str) -> Line2D:
    """Return a legend entry that looks like a ring."""
    return Line2D([], [], color=colour, marker="o", ls="none", ms=6, mfc="none", mew=0.8, label=label)

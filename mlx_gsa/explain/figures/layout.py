"""Where each part of the attention heatmap stands on the page."""

from mlx_gsa.explain.figures import tracks
from mlx_gsa.explain.figures.style import new_figure

# Layout in inches; the map is exactly square because its two axes are the same coordinates.
WIDTH, LEFT, SIDE = 8.1, 1.0, 5.55
RIGHT = LEFT + SIDE
LABEL_AT = -0.1  # where the y labels of the tracks stand, in widths of the map


class Layout:
    """Places axes by inches from the top, so that pictures of every kind of record line up.

    Parameters
    ----------
    shown : HeatmapInput
        Its sites decide how much room their labels need.
    has_map, has_zoom : bool
        Whether there is a map, and panels of bases below it.
    """

    def __init__(self, shown, has_map, has_zoom):
        label_room = tracks.label_height(shown.sites)
        self.sites_top = 0.62 + label_room
        self.relevance_top = self.sites_top + (0.22 if shown.sites else 0.0) + 0.1
        self.contribution_top = self.relevance_top + 0.95 + 0.08
        self.map_top = self.contribution_top + 0.55 + 0.14
        below = self.map_top + (SIDE if has_map else -0.1)
        self.zoom_top = below + 0.82
        self.height = self.zoom_top + 1.05 + 0.42 if has_zoom else below + 0.5
        self.has_map = has_map
        self.figure = new_figure(WIDTH, self.height)

    def axes(self, label, left, top, width, height, **options):
        """Add axes; their left and top edge, width and height are in inches."""
        box = [left / WIDTH, 1 - (top + height) / self.height, width / WIDTH, height / self.height]
        return self.figure.add_axes(box, label=label, **options)

    def y(self, top):
        """Turn inches from the top into a share of the figure's height."""
        return 1 - top / self.height

    def zoom(self, n, count):
        """Add axes for the n-th (from 0) of ``count`` panels of bases."""
        gap = 0.22
        width = (WIDTH - LEFT - 0.25 - gap * (count - 1)) / count if count > 1 else (WIDTH - LEFT) / 2
        return self.axes(f"bases {n + 1}", LEFT + n * (width + gap), self.zoom_top, width, 1.05)

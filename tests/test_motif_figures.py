"""Figures of novel motifs and of spacing: every row is drawn, and nothing without rows breaks."""

import numpy as np
import pytest
from matplotlib.image import imread
from motif_toys import AP1, ETS

from mlx_gsa.explain.figures import novel_motifs
from mlx_gsa.explain.figures.novel_motifs import build_novel_motifs, novel_motifs_figure
from mlx_gsa.explain.figures.spacing import build_spacing, spacing_figure


def novel_row(number=1, novel=True, closest=ETS):
    """A row of the figure of novel motifs."""
    return {
        "label": f"motif {number}: {'new' if novel else 'known'}",
        "note": "1,234 sites, 1,000 records",
        "ppm": AP1.ppm(),
        "novel": novel,
        "closest": ("ETS1", "0.41") if closest else ("", ""),
        "closest_ppm": closest.ppm() if closest else None,
        "test": ("40% of 600 records", "1.6 x at least, q 0.001"),
        "effect": ("+0.50 sd", "q 1e-09"),
    }


def profile(observed, expected, low, high, q):
    """A profile as the figure reads it."""
    return {"observed": observed, "expected": expected, "low": low, "high": high, "q": q}


def spacing_row(seed=0):
    """A row of the figure of spacing, with a peak in bin 3 and no pair in bin 0."""
    rng, n = np.random.default_rng(seed), 12
    observed = rng.poisson(3, n).astype(float)
    observed[3] = 40
    q = np.where(np.arange(n) == 3, 1e-9, 0.5)
    attention = rng.standard_normal(n)
    attention[0] = np.nan
    return {
        "first": "CAAT",
        "second": "TATA",
        "edges": np.linspace(-30, 30, n + 1),
        "note": "CAAT upstream",
        "selected": profile(observed, np.full(n, 3.0), np.zeros(n), np.full(n, 7.0), q),
        "attention": profile(attention, np.zeros(n), np.full(n, -1.0), np.ones(n), q),
    }


def texts(figure):
    """Every text outside axes."""
    return [text.get_text() for text in figure.texts]


def test_each_novel_motif_has_a_logo_and_its_facts():
    figure = build_novel_motifs([novel_row(1), novel_row(2, novel=False, closest=None)], "two motifs")
    labels = {axes.get_label() for axes in figure.axes}
    assert {"found 0", "found 1", "closest 0"} <= labels and "closest 1" not in labels
    assert "two motifs" in texts(figure) and "motif 2: known" in texts(figure) and "ETS1, 0.41" in texts(figure)


def test_no_text_of_a_row_runs_over_the_next_column():
    figure = build_novel_motifs([novel_row(12)], "t")
    renderer = figure.canvas.get_renderer()
    boxes = {text.get_text(): text.get_window_extent(renderer) for text in figure.texts}
    row = ("40% of 600 records", "+0.50 sd")
    assert boxes[row[0]].x1 < boxes[row[1]].x0 and boxes[row[1]].x1 < figure.bbox.width
    assert boxes["1.6 x at least, q 0.001"].x1 < boxes["q 1e-09"].x0


def test_many_rows_are_cut_and_none_is_said(tmp_path, monkeypatch):
    monkeypatch.setattr(novel_motifs, "MOST", 2)  # a logo takes long
    figure = build_novel_motifs([novel_row(i, closest=None) for i in range(4)])
    assert sum(axes.get_label().startswith("found") for axes in figure.axes) == 2
    assert "No motif was discovered." in texts(build_novel_motifs([]))
    paths = novel_motifs_figure([novel_row()], [tmp_path / "a.png", tmp_path / "a.svg"], "t")
    assert imread(paths[0]).std() > 0 and paths[1].read_text().lstrip().startswith("<?xml")


def test_a_significant_bin_stands_out():
    figure = build_spacing([spacing_row(), spacing_row(1)], "pairs")
    axes = {each.get_label(): each for each in figure.axes}
    assert set(axes) == {f"{what} {i}" for what in ("selected", "attention") for i in (0, 1)}
    bars = axes["selected 0"].patches[:12]
    colours = [bar.get_facecolor() for bar in bars]
    assert [bar.get_height() for bar in bars] == spacing_row()["selected"]["observed"].tolist()
    assert len(set(colours)) == 2 and colours.count(colours[3]) == 1
    filled = axes["attention 0"].lines[1].get_xdata()
    assert filled == pytest.approx([-12.5]) and len(axes["attention 0"].lines[0].get_xdata()) == 11


def test_spacing_files_and_no_rows(tmp_path):
    paths = spacing_figure([spacing_row()], [tmp_path / "s.png", tmp_path / "s.svg"], "t")
    assert imread(paths[0]).std() > 0 and paths[1].exists()
    assert "No pair of motifs was measured." in texts(build_spacing([]))

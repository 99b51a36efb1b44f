"""The figure of enriched motifs."""

import sys

import numpy as np
import pytest

from mlx_gsa.errors import GsaError
from mlx_gsa.explain.figures.motif_logos import build_motif_enrichment, motif_enrichment_figure, require_logomaker


def rows(n=3):
    ppm = np.array([[0.97, 0.01, 0.01, 0.01], [0.25, 0.25, 0.25, 0.25], [0.01, 0.01, 0.01, 0.97]])
    of_control = {"enrichment": (2.0, 1.5, 3.0), "q": 0.001}
    weak = {"enrichment": (1.1, np.nan, np.nan), "q": 0.2}
    common = {"matched": of_control, "shuffled": weak, "untrained": of_control}
    return [{"label": f"TBP {i}", "note": "MA0108.3", "ppm": ppm if i else None, **common} for i in range(n)]


def test_the_figure_has_a_logo_and_three_points_a_row():
    figure = build_motif_enrichment(rows(), "title")
    names = [axes.get_label() for axes in figure.axes]
    assert names == ["enrichment", "logo 1", "logo 2"]
    markers = [line for line in figure.axes[0].lines if line.get_marker() not in ("None", None, "")]
    assert len(markers) == 9
    filled = [line.get_markerfacecolor() != "white" for line in markers]
    assert filled == [True, False, True] * 3
    assert {"TBP 0", "MA0108.3", "title"} <= {text.get_text() for text in figure.texts}


def test_it_is_written_and_an_empty_one_too(tmp_path):
    paths = motif_enrichment_figure(rows(), [tmp_path / "a.png", tmp_path / "a.svg"])
    assert all(path.stat().st_size > 3000 for path in paths)
    motif_enrichment_figure([], tmp_path / "none.png")


def test_the_same_rows_give_the_same_file(tmp_path):
    for name in ("one", "two"):
        motif_enrichment_figure(rows(), tmp_path / f"{name}.svg")
    assert (tmp_path / "one.svg").read_bytes() == (tmp_path / "two.svg").read_bytes()


def test_without_logomaker_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "logomaker", None)
    with pytest.raises(GsaError, match="logos need logomaker") as error:
        require_logomaker()
    assert "mlx_gsa[motifs]" in error.value.mend

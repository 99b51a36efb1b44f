"""Pictures of an audit."""

from types import SimpleNamespace

import numpy as np
import pytest

from mlx_gsa.evaluation.bootstrap import Interval
from mlx_gsa.explain.figures.audit import (
    RANKINGS,
    SHOWN,
    audit_figures,
    build_faithfulness,
    build_leak,
    build_stability,
)

HALF = Interval(0.5, 0.4, 0.6)


@pytest.fixture
def numbers():
    """What the three checks that have a picture give."""
    curves = {name: np.linspace(1, 0, 5) for name in RANKINGS}
    measures = {name + part: HALF for name in ("overlap", "near") for part in ("", "_chance", "_corrected")}
    return {
        "label leak": dict.fromkeys(SHOWN, HALF),
        "faithfulness": {
            "fractions": [0, 0.1, 0.2, 0.5, 1.0], "deletion": curves, "insertion": curves,
            "deletion_area": dict.fromkeys(RANKINGS, HALF), "insertion_area": dict.fromkeys(RANKINGS, HALF),
        },
        "stability": {"agreement": {"shift 1 bp": measures, "sparse-seed1": measures}},
    }  # fmt: skip


def _axes(figure, label):
    return next(axes for axes in figure.axes if axes.get_label() == label)


def test_the_leak_has_a_bar_for_each_way_of_showing(numbers):
    axes = _axes(build_leak(numbers["label leak"]), "leak")
    assert [bar.get_width() for bar in axes.patches] == [0.5] * 5
    assert [text.get_text() for text in axes.get_yticklabels()] == list(SHOWN.values())


def test_the_curves_are_drawn_against_the_share_of_bases(numbers):
    axes = _axes(build_faithfulness(numbers["faithfulness"]), "insertion")
    line = next(line for line in axes.lines if line.get_label().startswith("relevance ("))
    np.testing.assert_allclose(line.get_xdata(), [0, 10, 20, 50, 100])
    np.testing.assert_allclose(line.get_ydata(), np.linspace(1, 0, 5))
    assert axes.get_legend().get_texts()[0].get_text() == "relevance (0.50 / 0.50)"


def test_stability_shows_the_measures_there_are_and_chance(numbers):
    axes = _axes(build_stability(numbers["stability"]), "stability")
    assert len(axes.patches) == 4
    assert {text.get_text() for text in axes.get_legend().get_texts()} == {"chance", "positions", "within 5 bp"}
    assert [text.get_text() for text in axes.get_yticklabels()] == ["shift 1 bp", "sparse-seed1"]


def test_what_was_not_tested_has_no_picture(numbers, tmp_path):
    checks = [SimpleNamespace(name=name, numbers=found) for name, found in numbers.items()]
    checks[1].numbers = {}
    checks.append(SimpleNamespace(name="shuffled labels", numbers={"metric": "auroc"}))
    paths = audit_figures(checks, tmp_path)
    assert [path.name for path in paths] == ["leak.png", "leak.svg", "stability.png", "stability.svg"]
    assert all(path.stat().st_size > 1000 for path in paths)

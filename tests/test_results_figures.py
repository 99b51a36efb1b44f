"""Figures of the results page: what is drawn where, and that nothing is drawn of nothing."""

import numpy as np
import pytest
from made_results import interval, make_results, speed

from mlx_gsa.experiments.pictures import draw_pictures
from mlx_gsa.experiments.results import Results
from mlx_gsa.explain.figures.results import (
    build_ablation,
    build_calibration,
    build_learning,
    build_pareto,
    build_planted,
    build_retention,
    build_scaling,
)
from mlx_gsa.explain.figures.style import save_figure


def axes_of(figure, label):
    return next(axes for axes in figure.axes if axes.get_label() == label)


def texts(axes):
    return [text.get_text() for text in axes.texts]


def points(axes):
    """Middle points of all error bars."""
    return [tuple(np.ravel(each.lines[0].get_xydata())) for each in axes.containers]


def test_retention_has_both_lines_and_the_shares_that_were_run():
    kept = [{"kept": share, "retention": interval(value)} for share, value in ((0.1, 0.99), (0.05, 0.93))]
    axes = axes_of(build_retention([{"label": "toys", "points": kept}]), "retention")
    assert texts(axes) == ["0.95 of full attention", "0.90 of full attention"]
    assert [text.get_text() for text in axes.get_xticklabels()] == ["5", "10"]
    assert points(axes) == [pytest.approx((5, 0.93, 10, 0.99))]


def test_pareto_joins_what_nothing_cheaper_reaches():
    models = [{"label": name, "kind": "k", "flops": flops, "score": interval(score)}
              for name, flops, score in (("a", 1, 0.5), ("b", 2, 0.9), ("c", 3, 0.7))]  # fmt: skip
    axes = axes_of(build_pareto([{"title": "toys", "metric": "r", "models": models}]), "pareto 0")
    front = axes.lines[0].get_xydata()
    assert front.tolist() == [[1, 0.5], [2, 0.9]] and set(texts(axes)) == {"a", "b", "c"}


def test_ablation_tells_what_leaves_out_zero():
    rows = [{"label": "worse", "difference": interval(-0.2)}, {"label": "same", "difference": interval(0.005)},
            {"label": "better", "difference": interval(0.2)}]  # fmt: skip
    axes = axes_of(build_ablation(rows, "r", "as it is"), "ablation")
    assert [text.get_text() for text in axes.get_yticklabels()] == ["worse", "same", "better"]
    assert texts(axes)[0] == "-0.200  (-0.210 to -0.190)"
    assert len({each.lines[0].get_color() for each in axes.containers}) == 3


def test_learning_averages_the_runs_that_got_so_far():
    variants = [{"label": "ten", "curves": [[0.5, 0.7], [0.6]]}]
    axes = axes_of(build_learning([{"title": "toys", "metric": "r", "variants": variants}]), "learning 0")
    assert axes.lines[0].get_xydata().tolist() == [[1, 0.55], [2, 0.7]]


def test_planted_draws_chance_and_decoys():
    kinds = [{"kind": "TATA", "n": 5, "recall": interval(0.9), "decoy": interval(0.2), "chance": 0.1},
             {"kind": "GC", "n": 7, "recall": interval(0.8), "decoy": None, "chance": 0.3}]  # fmt: skip
    axes = axes_of(build_planted([{"title": "kept", "kinds": kinds}]), "planted 0")
    found, decoys = points(axes)
    assert found[::2] == pytest.approx((90, 80)) and decoys[::2] == pytest.approx((20,))
    assert [path.vertices[0, 0] for path in axes.collections[0].get_paths()] == pytest.approx([10, 30])


def test_scaling_names_exponents():
    figure = build_scaling(speed()["series"])
    for name in ("time", "flops", "memory"):
        legend = [text.get_text() for text in axes_of(figure, name).get_legend().get_texts()]
        assert legend == (["1.60  share", "1.02  number"] if name != "memory" else ["1.00  share", "1.00  number"])
    assert axes_of(figure, "time").lines[0].get_ydata()[0] == pytest.approx(1e-6 * 500**1.6 / 8)


def test_calibration_is_drawn_beside_the_diagonal(tmp_path):
    bins = [{"predicted": 0.2, "observed": interval(0.3), "n": 9}]
    figure = build_calibration([{"label": name, "bins": bins} for name in "abcd"])
    assert len(figure.axes) == 4 and points(axes_of(figure, "calibration 3")) == [pytest.approx((0.2, 0.3))]
    first, second = (save_figure(build_calibration([{"label": "a", "bins": bins}]), tmp_path / f"{n}.svg")[0]
                     for n in "12")  # fmt: skip
    assert first.read_bytes() == second.read_bytes()


def test_every_picture_there_is_something_for_is_drawn(tmp_path):
    results = Results(make_results(tmp_path / "quick"))
    written = draw_pictures(results, tmp_path / "images")
    assert set(written) == {"retention", "pareto", "planted", "ablation", "learning", "scaling"}
    assert all(path.read_text().startswith("<?xml") for path in written.values())


def test_nothing_is_drawn_of_nothing(tmp_path):
    results = Results(make_results(tmp_path / "quick", figures={}))
    assert set(draw_pictures(results, tmp_path / "images")) == {"scaling"}

"""Pictures of a benchmark: what is drawn where."""

import pytest

from mlx_gsa.explain.figures.performance import build_costs, build_roofline

POINTS = [{"label": "sparse", "flops": 1e7, "bytes": 1e6, "seconds": 1e-3},
          {"label": "sparse", "flops": 4e7, "bytes": 2e6, "seconds": 2e-3},
          {"label": "full", "flops": 1e9, "bytes": 1e7, "seconds": 0.1}]  # fmt: skip


def axes_of(figure, label):
    return next(axes for axes in figure.axes if axes.get_label() == label)


def test_the_roof_is_the_lower_of_both_bounds_and_points_lie_at_their_intensity():
    axes = axes_of(build_roofline(POINTS, gflops=100.0, bandwidth=10.0), "roofline")
    lines = {line.get_label(): line for line in axes.lines}
    at, roof = lines["bound of this machine"].get_data()
    assert max(roof) == 100 and roof[0] == pytest.approx(10 * at[0])
    x, y = lines["sparse"].get_data()
    assert list(x) == [10, 20] and list(y) == pytest.approx([10, 20])
    assert axes.get_xscale() == axes.get_yscale() == "log"


def test_the_line_joins_what_none_beats_in_time_and_memory():
    rivals = [{"label": name, "seconds": seconds, "bytes": size}
              for name, seconds, size in (("a", 1, 9e6), ("b", 2, 3e6), ("c", 3, 5e6))]  # fmt: skip
    figure = build_costs(rivals, {"sparse": [(1.0, 2.0), (0.1, 1.0)]})
    front = axes_of(figure, "memory").lines[0].get_data()
    assert list(front[0]) == [3, 9] and list(front[1]) == [2, 1]
    assert list(axes_of(figure, "shares").lines[0].get_data()[0]) == [0.1, 1.0]


def test_a_roof_can_be_drawn_without_points():
    assert len(axes_of(build_roofline([], 100.0, 10.0), "roofline").lines) == 1

"""Cost: operations counted by hand, and a measurement that runs what it says."""

import pytest

from mlx_gsa.config import ModelConfig
from mlx_gsa.evaluation import cost
from mlx_gsa.evaluation.cost import (
    ORGANS,
    Timing,
    affordable_batch,
    compare_flops,
    compare_forward,
    count_flops,
    kept_count,
    measure_forward,
    time_forward,
)


def config(**changes):
    return ModelConfig(**changes)


@pytest.mark.parametrize(
    ("changes", "length", "expected"),
    [
        ({}, 2000, 200),
        ({"sparsity": 0.07}, 100, 7),  # 0.07 * 100 is a little above 7 in floating point
        ({"sparsity": 0.001}, 10, 1),
        ({"max_selected": 64}, 2000, 64),
        ({"attention": "full"}, 2000, 2000),
        ({"attention": "window", "max_selected": 64}, 2000, 2000),
        ({"attention": "random"}, 2000, 200),
    ],
)
def test_kept_count(changes, length, expected):
    assert kept_count(config(**changes), length) == expected


def test_kept_count_is_the_model_s_own():
    selector = pytest.importorskip("mlx_gsa.model.selector")
    lengths = list(range(1, 300))
    for changes in ({}, {"sparsity": 0.07}, {"sparsity": 1.0}, {"max_selected": 5}):
        c = config(**changes)
        expected = selector.budget(lengths, c.sparsity, c.max_selected).tolist()
        assert [kept_count(c, length) for length in lengths] == expected


def test_organs_by_hand():
    small = config(n_channels=2, filter_width=4, selector_hidden=3, approximator_hidden=5, strands="forward",
                   sparsity=0.5, distance=False)  # fmt: skip
    counts = count_flops(small, 10, stem_form="conv", batch_size=1)
    assert counts["tables"] == 4 * 6 * 2 * 2 * 2
    assert counts["stem"] == 10 * 2 * (2 * 4 * 6 + 6)
    assert counts["selector"] == 10 * ((2 * 2 + 2) * 3 + (2 * 3 + 1) - 1 + 1)
    assert counts["projections"] == 5 * (2 + 3 * (2 * 2 * 2 + 2))
    assert counts["attention"] == 25 * (2 * 2 + 6 + 2 * 2 * 2)
    assert counts["approximator"] == 5 * (5 * (2 * 6 + 2) + (2 * 5 + 1) + 5 + 2)
    assert counts["total"] == sum(counts[organ] for organ in ORGANS)


def test_lookup_replaces_multiplications_by_four_additions():
    lookup, conv = (count_flops(config(), 2000, stem_form=form)["stem"] for form in ("lookup", "conv"))
    assert lookup == 2000 * (32 * 4 + 16 * 7)
    assert conv == 2000 * (32 * 240 + 16 * 7)


def test_attention_grows_with_the_square_of_what_is_kept():
    tenth, full = (
        count_flops(config(**c), 2000)["attention"] for c in ({}, {"attention": "full"})
    )
    assert full == 100 * tenth


def test_window_is_linear_in_length():
    window = config(attention="window")
    assert count_flops(window, 8000)["attention"] == pytest.approx(2 * count_flops(window, 4000)["attention"])


def test_among_neighbours_it_is_linear_in_what_is_kept():
    near = config(neighbours=64)
    each = count_flops(near, 4000)["attention"] / 400
    assert each == pytest.approx(count_flops(near, 200_000)["attention"] / 20_000)
    assert each == pytest.approx(count_flops(config(), 1920)["attention"] / 192)  # three blocks of 64
    assert count_flops(config(neighbours=200), 2000) == count_flops(config(), 2000)


def test_mlp_attention_has_no_second_approximator():
    counts = count_flops(config(attention="mlp"), 2000)
    assert counts["approximator"] < count_flops(config(), 2000)["approximator"]


def test_no_stem_costs_nothing_in_the_stem():
    counts = count_flops(config(stem=False), 2000)
    assert counts["stem"] == counts["tables"] == 0


def test_compare_flops():
    found = compare_flops(config(), 5000)
    assert (found["length"], found["kept"]) == (5000, 500)
    assert found["ratio"] == found["full"]["lookup"]["total"] / found["sparse"]["lookup"]["total"] > 10
    assert compare_flops(config(attention="full"), 500)["ratio"] == 1


def test_time_forward_counts_its_calls():
    calls = []
    timing = time_forward(lambda: calls.append(1), repeats=4, warmup=2)
    assert (len(calls), timing.repeats) == (6, 4)
    assert 0 <= timing.fastest <= timing.median


def test_time_forward_does_not_wait_for_a_slow_rival():
    assert time_forward(lambda: None, repeats=100, max_seconds=0).repeats == 1


def test_affordable_batch_bounds_memory():
    assert affordable_batch(2000) >= 32
    assert 1 <= affordable_batch(5000) < 32
    assert affordable_batch(10**6) == 1


def test_compare_forward_puts_the_same_batch_to_both(monkeypatch):
    asked = []

    def fake(config, length, batch_size, sparsity=None, attention=None, repeats=5):
        asked.append((length, batch_size, attention))
        seconds, size = (8.0, 800) if attention == "full" else (2.0, 100)
        return cost.ForwardMeasure(Timing(seconds, seconds, repeats), size, batch_size, length, 7)

    monkeypatch.setattr(cost, "measure_forward", fake)
    found = compare_forward(config(), 5000, batch_size=32)
    assert asked == [(5000, affordable_batch(5000), None), (5000, affordable_batch(5000), "full")]
    assert (found["speedup"], found["memory_ratio"]) == (4, 8)
    assert found["sparse"]["attended"] == 7


@pytest.mark.parametrize(("attention", "attended"), [(None, 20), ("full", 200)])
def test_measure_forward_runs_the_model(attention, attended):
    pytest.importorskip("mlx.core")
    found = measure_forward(config(), 200, batch_size=2, attention=attention, repeats=2)
    assert (found.attended, found.timing.repeats, found.batch_size) == (attended, 2, 2)
    assert found.timing.median > 0
    assert found.peak_bytes > 0


def test_what_surrounds_a_position_is_counted():
    plain, placed = config(), config(anchor="end")
    seen = config(context=(64, 256), context_channels=4)
    stem = count_flops(plain, 1000)["stem"]
    assert count_flops(placed, 1000)["stem"] == stem + 1000 * (16 * 4 + 16 * (2 * 16 + 2))
    assert count_flops(seen, 1000)["stem"] == stem + 1000 * 5 * (2 + 2 * 2)
    assert count_flops(seen, 1000)["selector"] == 1000 * (8 * (2 * 24 + 4) + 1)


def test_the_layers_of_the_small_cnn_by_hand():
    small = config(architecture="cnn", cnn_filters=3, filter_width=4, strands="forward")
    counts = count_flops(small, 10, stem_form="conv", batch_size=1)
    assert counts["tables"] == 4 * 6 * 2 * 3 * 4
    assert counts["stem"] == 10 * 3 * (2 * 4 * 6 + 3) + 10 * 3 * 3
    assert counts["convolutions"] == 3 * (2 * 7 * 3 * 3 + 3 * 3 + 3)  # three steps of four bp
    assert counts["dense"] == 8 * 3 * (6 + 2 * 3) + 3 + 16 * (2 * 33 + 2) + (2 * 16 + 1)
    assert counts["total"] == sum(counts[part] for part in ("tables", "stem", "convolutions", "dense"))
    assert kept_count(small, 10) == 10
    lookup = count_flops(small, 10, batch_size=1)
    assert lookup["stem"] == 10 * 3 * 3 + 10 * 3 * 3 and lookup["dense"] == counts["dense"]


def test_the_layers_of_the_large_cnn_by_hand():
    counts = count_flops(config(architecture="cnn-large"), 16, stem_form="conv", batch_size=2)
    assert counts["tables"] == 8 * 6 * 2 * 16 * 100 / 2
    assert counts["stem"] == 16 * (16 * 2 * 8 * 6 + 3 * 16 + 16)
    assert counts["convolutions"] == 8 * (2 * 8 * 16 * 8 + 4 * 8) + 4 * (2 * 8 * 8 * 4 + 4 * 4)
    assert counts["dense"] == 32 * 2 * (6 + 2 * 4) + 512 * (2 * 128 + 2) + (2 * 512 + 1)


def test_a_cnn_has_no_rival_with_more_positions(monkeypatch):
    rival = config(architecture="cnn", cnn_filters=3)
    found = compare_flops(rival, 500)
    assert (found["kept"], found["ratio"]) == (500, 1.0) and found["sparse"] == found["full"]
    calls, measure = [], cost.measure_forward
    monkeypatch.setattr(cost, "measure_forward", lambda *a, **k: calls.append(1) or measure(*a, **k))
    measured = compare_forward(rival, 64, 2, repeats=1)
    assert calls == [1] and measured["speedup"] == measured["memory_ratio"] == 1


def test_narrow_attention_costs_less():
    wide, narrow = (count_flops(config(n_channels=64, attention_channels=c), 2000) for c in (None, 16))
    assert narrow["attention"] < wide["attention"] and narrow["projections"] < wide["projections"]
    assert narrow["stem"] == wide["stem"]

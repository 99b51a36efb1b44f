"""The bars: met, missed and not measured are decided from the cells."""

import pytest
from made_benchmark import cell, made

from mlx_gsa.benchmark.bars import MET, MISSED, UNKNOWN, judge, scan_speeds
from mlx_gsa.benchmark.grid import MEGABASE


def verdicts(found):
    return {bar.what: bar.verdict for bar in judge(found)}


def test_bars_of_the_made_benchmark():
    bars = {bar.what: bar for bar in judge(made())}
    full = "sparse 10 % over MLX full attention, end-to-end forward, 2 kb"
    assert bars[full].verdict == MET and bars[full].found.startswith("400.00x")
    step = "sparse 10 % over the same sparse model in PyTorch, training step, 5 kb"
    assert bars[step].verdict == MISSED and bars[step].found.startswith("0.50x")
    scans = [bar for what, bar in bars.items() if what.startswith("scan, tiles of 2 kb, stride")]
    assert len(scans) == 2 and all(bar.found == "8.00 Mbp/s" for bar in scans)
    assert bars["two processes over one that has one core, training"].found.startswith("1.65x (mlx.launch")
    assert bars["1 Mb in one forward, resident memory, both paths"].found == "1.00 GB"
    assert bars["FLOPs below full attention, 5 kb"].verdict == MET
    assert not [bar.what for bar in bars.values() if bar.verdict == UNKNOWN]


def test_nothing_measured_is_neither_met_nor_missed():
    assert set(verdicts(made(cells=[], processes=None)).values()) == {UNKNOWN}


def test_an_unfair_rival_settles_no_bar():
    found = made()
    found["facts"]["blas"] = {"status": "off", "name": "reference BLAS"}
    bars = {bar.what: bar for bar in judge(found)}
    bar = bars["sparse 10 % over MLX full attention, end-to-end forward, 5 kb"]
    assert bar.verdict == UNKNOWN and "no fair rival" in bar.found
    assert bars["sparse 10 % over PyTorch dense, fused SDPA, end-to-end forward, 5 kb"].verdict == MET


def test_growth_needs_the_whole_span():
    short = made()
    short["cells"] = [c for c in short["cells"] if c["section"] != "linear" or c["length"] < 200_000]
    growth = [bar.verdict for bar in judge(short) if bar.what.startswith("exponent")]
    assert growth == [UNKNOWN] * 4
    steep = made()
    for each in steep["cells"]:
        if (each["section"], each["contender"]) == ("linear", "fast-capped"):
            each["seconds"] = 1e-12 * each["length"] ** 1.2
    growth = {bar.what: bar.verdict for bar in judge(steep) if bar.what.startswith("exponent of time")}
    assert list(growth.values()) == [MISSED, MET]


def test_a_megabase_is_held_by_its_larger_path():
    found = made(cells=[cell("linear", "fast-capped", MEGABASE, 1.0, 1, rss_bytes=10**9),
                        cell("linear", "sparse-capped", MEGABASE, 1.0, 1, rss_bytes=3 * 10**9)])  # fmt: skip
    assert verdicts(found)["1 Mb in one forward, resident memory, both paths"] == MISSED
    found["cells"].pop()
    assert verdicts(found)["1 Mb in one forward, resident memory, both paths"] == UNKNOWN


def test_speed_of_a_scan():
    assert scan_speeds(made()) == {("fast", 500): pytest.approx(8), ("fast", 2000): pytest.approx(8)}

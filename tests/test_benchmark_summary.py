"""What cells say: the fastest number of threads, ratios, exponents, and when nothing may be headlined."""

import pytest
from made_benchmark import cell, made

from mlx_gsa.benchmark.run import TOO_LARGE
from mlx_gsa.benchmark.summary import Table, bytes_of, ours, per_sequence, refusal, summarise


def test_the_faster_number_of_threads_counts():
    cells = [cell("forward", "full", 2000, seconds, 32, threads=n) for seconds, n in ((3.0, 1), (2.0, 2))]
    table = Table(made(cells=cells))
    assert table.best("forward", "full", 2000)["threads"] == 2
    assert table.best("forward", "full", 5000) is None


def test_ratios_are_per_sequence_and_their_bounds_hold_quartiles_against_quartiles():
    cells = [cell("forward", "full", 2000, 8.0, 4), cell("forward", "fast", 2000, 1.0, 32)]
    ratio = Table(made(cells=cells)).ratio("forward", "full", "fast", 2000)
    assert ratio["value"] == pytest.approx(64)
    assert (ratio["low"], ratio["high"]) == (pytest.approx(64 * 0.9 / 1.1), pytest.approx(64 * 1.1 / 0.9))
    assert Table(made(cells=cells)).ratio("forward", "full", "cnn", 2000) is None


def test_a_single_call_has_no_spread():
    assert per_sequence(cell("forward", "full", 10, 4.0, 2, low=None, high=None)) == (2.0, 2.0, 2.0)


def test_savings_are_per_sequence():
    cells = [cell("forward", "sparse", 5000, 1, 12, flops=12.0), cell("forward", "full", 5000, 1, 1, flops=20.0)]
    assert Table(made(cells=cells)).saved("flops", "sparse", "full", 5000) == pytest.approx(0.95)
    assert Table(made(cells=cells)).saved("flops", "sparse", "full", 2000) is None


def test_growth_is_fitted_from_two_kb_on_and_leaves_out_the_megabase():
    found = made()
    assert Table(found).growth("linear", "fast-capped", "seconds")["value"] == pytest.approx(1)
    assert Table(found).growth("forward", "full", "seconds")["value"] == pytest.approx(2)
    assert Table(found).growth("stem", "lookup-stem", "seconds") is None
    found["cells"][0]["seconds"] = 1e6  # 500 bp: not part of the fit
    assert Table(found).growth("forward", "fast", "seconds")["value"] == pytest.approx(1)


def test_what_was_not_measured_is_told_with_its_reason():
    refused = {"section": "forward", "contender": "full", "length": 50_000, "sparsity": 0.1, "status": TOO_LARGE}
    table = Table(made(cells=[refused]))
    assert table.told("forward", "full", 50_000) == refused and table.best("forward", "full", 50_000) is None
    assert table.told("forward", "cnn", 50_000) is None


def test_memory_is_the_larger_count():
    assert bytes_of({"rss_bytes": 5, "peak_bytes": 7}) == 7
    assert bytes_of({"rss_bytes": 5, "peak_bytes": None}) == 5
    assert bytes_of({"rss_bytes": None}) is None


def test_the_headline():
    summary = summarise(made())
    assert summary["headline_refused"] is None
    assert summary["headline"]["forward"]["full"]["2000"]["value"] == pytest.approx(2e-8 * 2000 / 1e-7)
    assert summary["headline"]["step"]["torch-sparse"]["5000"]["value"] == pytest.approx(0.5)
    assert summary["growth"]["forward/torch-dense"]["seconds"]["value"] == pytest.approx(2)


@pytest.mark.parametrize("status", ["absent", "off", "too late"])
def test_a_reference_blas_makes_no_headline(status):
    found = made()
    found["facts"]["blas"] = {"status": status, "name": "reference BLAS"}
    summary = summarise(found)
    assert summary["headline"] is None and "reference BLAS" in summary["headline_refused"]


def test_a_rival_with_other_numbers_makes_no_headline():
    found = made(checks={"torch-sparse": {"conv stem": {"output": 1e-7, "gradient": 2e-4}}})
    assert "torch-sparse (conv stem)" in refusal(found) and summarise(found)["headline"] is None
    assert refusal(made(checks={"torch-sparse": {"conv stem": {"output": float("nan")}}}))


def test_without_its_lengths_there_is_no_headline():
    summary = summarise(made(cells=[cell("forward", "full", 500, 1.0, 32)]))
    assert summary["headline"] is None and "no length" in summary["headline_refused"]


def test_the_fast_path_stands_for_the_program_where_it_was_measured():
    assert ours(made(), "forward") == "fast" and ours(made(), "step") == "sparse"
    assert ours(made(cells=[cell("forward", "sparse", 500, 1.0, 32)]), "forward") == "sparse"

"""Claims as data: thresholds, verdicts by intervals, reasons where nothing can be said."""

import pytest
from conftest import ROOT
from made_results import interval, make_results, speed, write

from mlx_gsa.errors import ResultsError
from mlx_gsa.experiments.criteria import judge, load_criteria, verdict
from mlx_gsa.experiments.findings import Finding
from mlx_gsa.experiments.results import Results

SHIPPED = ROOT / "configs/reproduce/criteria.toml"
CLAIM = {"id": "a", "level": "target", "claim": "a claim", "measure": "retention", "where": "{synthetic}",
         "first": "sparse-10", "second": "full", "at_least": 0.95}  # fmt: skip


def judged(folder, **changes):
    """The one row of a claim, with some of its fields changed (None: left out)."""
    claim = {key: value for key, value in (CLAIM | changes).items() if value is not None}
    rows = judge(Results(folder), [claim], {"synthetic": "trial/toy"})
    assert len(rows) == 1
    return rows[0]


@pytest.mark.parametrize(
    ("low", "high", "threshold", "expected"),
    [
        (0.95, 0.99, "at_least", "supported"),
        (0.949, 0.99, "at_least", "undecided"),
        (0.90, 0.95, "at_least", "undecided"),
        (0.90, 0.949, "at_least", "not supported"),
        (0.95, 0.99, "above", "undecided"),
        (0.951, 0.99, "above", "supported"),
        (0.90, 0.95, "above", "not supported"),
        (0.90, 0.95, "at_most", "supported"),
        (0.90, 0.951, "at_most", "undecided"),
        (0.951, 0.96, "at_most", "not supported"),
        (0.90, 0.949, "below", "supported"),
        (0.95, 0.97, "below", "not supported"),
        (None, None, "at_least", "supported"),
    ],
)
def test_the_interval_decides(low, high, threshold, expected):
    value = 0.96 if low is None else (low + high) / 2
    assert verdict(Finding(value, low, high, ""), threshold, 0.95) == expected


def test_a_claim_is_held_against_its_number(tmp_path):
    row = judged(make_results(tmp_path))
    assert (row.verdict, row.data, row.sign, row.threshold) == ("supported", "toy", "≥", 0.95)
    assert row.finding.text.startswith("0.989 (0.979 to 0.999)") and "at most 0.95: p = 0.003" in row.finding.text
    assert row.finding.beside == "Pearson r 0.900 against 0.910" and row.finding.source == "trial/comparison.json"
    assert judged(tmp_path, at_least=0.98).verdict == "undecided"
    assert judged(tmp_path, at_least=0.999).verdict == "undecided"
    assert judged(tmp_path, at_least=1.0).verdict == "not supported"
    assert judged(tmp_path, first="sparse-5").finding.value == 0.955


def test_what_is_not_there_is_a_reason_and_no_number(tmp_path):
    make_results(tmp_path)
    assert judged(tmp_path, where="{real}").why == "this scale has no real"
    assert judged(tmp_path, first="sparse-1").why == "not run: sparse-1"
    assert judged(tmp_path, first="full", second="k-mers").why == "full and k-mers were not compared"
    assert judged(tmp_path, where="never/toy").why == "no comparison of never, toy"
    assert judged(tmp_path, second="k-mers").why.startswith("no retention")
    assert judged(tmp_path, where="never").verdict == "not testable here"


def test_a_sweep_without_a_data_set_gives_a_row_for_each(tmp_path):
    assert judged(make_results(tmp_path), where="trial").data == "toy"


def test_cost_needs_no_interval_and_speed_a_fair_rival(tmp_path):
    make_results(tmp_path)
    asked = {"first": None, "second": None, "where": None, "length": 2000}
    row = judged(tmp_path, measure="flops_saved", **asked)
    assert row.verdict == "supported" and row.finding.text == "98.0%" and row.finding.low is None
    assert judged(tmp_path, measure="memory_saved", **asked).verdict == "not supported"
    assert judged(tmp_path, measure="speedup", **asked | {"at_least": 20}).verdict == "supported"
    assert judged(tmp_path, measure="speedup", **asked | {"length": 7}).why == "not measured at 7 bp"
    write(tmp_path / "speed.json", speed(headline=False))
    assert "reference BLAS" in judged(tmp_path, measure="speedup", **asked).why
    assert judged(tmp_path, measure="flops_saved", **asked).verdict == "supported"


def test_growth_reads_the_series_that_was_asked_for(tmp_path):
    make_results(tmp_path)
    asked = {"measure": "growth", "of": "flops", "where": None, "first": None, "second": None}
    asked |= {"at_least": None, "at_most": 1.1}
    assert judged(tmp_path, series="share", **asked).verdict == "not supported"
    assert judged(tmp_path, series="number", **asked).verdict == "supported"
    assert judged(tmp_path, series="other", **asked).verdict == "not testable here"


def test_the_lowest_run_and_the_hardest_kind_count(tmp_path):
    make_results(tmp_path)
    asked = {"first": None, "second": None, "variant": "sparse-10", "cut": "top 1 %", "at_least": 0.8}
    row = judged(tmp_path, measure="sites", **asked)
    assert row.verdict == "not supported" and "CAAT; lowest of 2 runs" in row.finding.text
    assert row.finding.beside == "chance 59.0%"
    assert judged(tmp_path, measure="sites", kind="all", **asked).finding.value == 0.82
    assert judged(tmp_path, measure="decoys", **asked).finding.value == 0.5
    assert judged(tmp_path, measure="reachable", **asked | {"cut": None}).finding.value == 0.96


def test_a_dotted_path_finds_a_number_or_an_interval(tmp_path):
    make_results(tmp_path)
    asked = {"measure": "dotted", "where": None, "first": None, "second": None}
    path = "datasets.toy.comparisons[second=k-mers].difference"
    found = judged(tmp_path, file="trial/comparison.json", path=path, **asked).finding
    assert (found.value, found.low) == (0.3, interval(0.3)["low"])
    assert judged(tmp_path, file="speed.json", path="rows.1.speedup", **asked).finding.value == 24
    assert judged(tmp_path, file="speed.json", path="rows.7.speedup", **asked).why == "nothing at rows.7.speedup"
    assert judged(tmp_path, file="none.json", path="x", **asked).why == "no none.json"


def test_every_shipped_claim_is_sound():
    claims = load_criteria(SHIPPED)
    assert {"minimum", "target", "stretch", "control"} == {each["level"] for each in claims}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ('measure = "retention"', "unknown measure"),
        ('level = "target"', "unknown level"),
        ("at_least = 0.9", "one threshold"),
        ('claim = "c"', "lacks a field"),
    ],
)
def test_a_bad_claim_is_refused(tmp_path, change, message):
    text = '[[criteria]]\nid = "a"\nclaim = "c"\nlevel = "target"\nmeasure = "retention"\nat_least = 0.9\n'
    wrong = change.partition("=")[0] + '= "nonsense"'
    path = tmp_path / "criteria.toml"
    path.write_text(text)
    assert len(load_criteria(path)) == 1
    path.write_text(text.replace(change, wrong if "level" in change or "measure" in change else ""))
    with pytest.raises(ResultsError, match=message):
        load_criteria(path)


def test_an_id_occurs_once(tmp_path):
    path = tmp_path / "criteria.toml"
    one = '[[criteria]]\nid = "a"\nclaim = "c"\nlevel = "target"\nmeasure = "retention"\nat_least = 0.9\n'
    path.write_text(one * 2)
    with pytest.raises(ResultsError, match="occurs twice"):
        load_criteria(path)


def test_results_of_another_format_are_refused(tmp_path):
    with pytest.raises(ResultsError, match="no results"):
        Results(tmp_path)
    write(tmp_path / "results.json", {"format": "mlx_gsa.results", "format_version": 99})
    with pytest.raises(ResultsError, match="another format"):
        Results(tmp_path)

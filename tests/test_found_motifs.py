"""Claims about motifs and audits: read from what `gsa motifs` and `gsa audit` wrote into a run's folder."""

import pytest
from made_results import interval, make_results, run, write

from mlx_gsa.experiments.criteria import judge
from mlx_gsa.experiments.page.page import render_page
from mlx_gsa.experiments.pictures import draw_pictures
from mlx_gsa.experiments.record import read_json
from mlx_gsa.experiments.results import Results

CONTROLS = ("matched", "shuffled", "untrained")


def family(name, q, effect=3.0):
    best = {"name": name, "motif_id": f"MA{name}", "cut": "top 1 %", "rate": 0.25, "q": q}
    best |= {control: {"enrichment": interval(effect), "q": q} for control in CONTROLS}
    return {"name": name, "motif_id": f"MA{name}", "enriched": q < 0.01, "others": ["x"], "best": best,
            "matrix": [[0.7, 0.1, 0.1, 0.1]] * 6}  # fmt: skip


MOTIFS = {"manifest": {"motifs": "JASPAR", "n_records": 200, "n_tested": 800}, "alpha": 0.01,
          "enriched_families": 1, "cuts": {"kept": {"enriched_families": 1}},
          "families": [family("GATA", 0.2), family("TATA", 0.002, 5.0)]}  # fmt: skip
NOVEL = {"n_novel": 1, "test_records": 90, "motifs": [
    {"consensus": "ACGTTT", "novel": True, "known": False, "closest": None, "sites": 12, "q": 0.001,
     "test": {control: {"enrichment": interval(2)} for control in CONTROLS}},
    {"consensus": "TATAAA", "novel": False, "known": True, "closest": {"name": "TBP"}, "sites": 9, "q": None,
     "test": None}]}  # fmt: skip
PEAK = {"q": 1e-5, "gap_low": 22.0, "gap_high": 42.0, "enrichment": 10.7}
PAIR = {"first": {"name": "CAAT"}, "second": {"name": "TATA"}, "pairs": 205, "tested": True, "peaks": [PEAK]}
SPACING = {"pairs": [PAIR, PAIR | {"peaks": [], "tested": False}]}
AGAIN = {"found_again": {"TATA": {"full": 0.97, "consensus": "TATAAA"}, "GC": {"full": 0.8, "consensus": "GGCGGG"}}}
AUDIT = {"checks": [
    {"name": "label leak", "question": "Does it leak?", "verdict": "fail", "why": "it tells the label"},
    {"name": "stability", "question": "Is it stable?", "verdict": "not tested", "why": "one seed only"}]}  # fmt: skip


@pytest.fixture
def results(tmp_path):
    folder = make_results(tmp_path / "quick", figures={"enrichment": {"where": "trial/toy/sparse-10"}})
    data = read_json(folder / "trial/toy.json")
    found = {"motifs": MOTIFS, "novel": NOVEL, "spacing": SPACING, "left_out": AGAIN, "audit": AUDIT}
    data["runs"] = [run("sparse-10", **found), *data["runs"]]
    write(folder / "trial/toy.json", data)
    return folder


def judged(folder, measure, **more):
    claim = {"id": "a", "level": "control", "claim": "c", "measure": measure, "where": "trial", "variant": "sparse-10"}
    return judge(Results(folder), [claim | more], {})


def test_the_smallest_q_over_motifs_is_the_largest_over_controls(results):
    (row,) = judged(results, "enrichment", below=0.01)
    assert (row.verdict, row.data) == ("supported", "toy")
    assert row.finding.text.startswith("q = 0.002, TATA in top 1 %: 5.0 (5.0 to 5.0) x matched")
    assert row.finding.beside == "1 enriched family of 800 matrices"
    assert judged(results, "enrichment", below=0.001)[0].verdict == "not supported"


def test_checks_pass_fail_or_are_not_tested(results):
    (row,) = judged(results, "audit", check="label leak", at_least=1, unit="pass")
    assert row.verdict == "not supported" and row.finding.text == "it tells the label"
    assert judged(results, "audit", check="stability", at_least=1)[0].why == "one seed only"
    assert judged(results, "audit", check="other", at_least=1)[0].why == "the audit has no check other"


def test_new_motifs_are_counted(results):
    (row,) = judged(results, "novel", at_least=1)
    assert row.verdict == "supported" and row.finding.text == "1: ACGTTT"


def test_the_clearest_distance_is_told(results):
    (row,) = judged(results, "spacing", below=0.01)
    assert row.verdict == "supported" and row.finding.beside == "10.7 x the null"
    assert row.finding.text == "q = 1e-05: CAAT and TATA, 22 to 42 bp between the sites"


def test_the_worst_of_those_left_out_counts(results):
    (row,) = judged(results, "found_again", at_least=0.9)
    assert row.verdict == "not supported" and row.finding.text == "0.800, GC, as GGCGGG"


def test_what_was_not_run_is_not_testable(tmp_path):
    folder = make_results(tmp_path / "quick")
    assert judged(folder, "enrichment", below=0.01)[0].why == "`gsa motifs` was not run on trial, sparse-10"


def test_tables_and_figure_show_them(results, tmp_path):
    page = render_page(results.parent, [])
    assert "| TATA and 1 more | top 1 % | 25.0% | 5.0 (5.0 to 5.0) |" in page and "| 0.002 | **yes** |" in page
    assert "| ACGTTT | **yes** | none | 12 | 2.0 (2.0 to 2.0)" in page and "| TATAAA | no | TBP |" in page
    assert "| CAAT, TATA | 205 | 22 to 42 | 10.7 x | 1e-05 |" in page and "| too few to test |" in page
    assert "| Does it leak? | **fail** | it tells the label |" in page
    assert "enrichment" in draw_pictures(Results(results), tmp_path / "images")


def test_a_picture_stays_where_its_library_is_not_installed(results, tmp_path, monkeypatch):
    from mlx_gsa.errors import GsaError
    from mlx_gsa.experiments import pictures

    def missing(rows):
        raise GsaError("logos need logomaker")

    monkeypatch.setattr(pictures, "build_motif_enrichment", missing)
    assert "enrichment" not in draw_pictures(Results(results), tmp_path / "images")
    (tmp_path / "images/enrichment.svg").write_text("as it was")
    assert "enrichment" in draw_pictures(Results(results), tmp_path / "images")
    assert (tmp_path / "images/enrichment.svg").read_text() == "as it was"

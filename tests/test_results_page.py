"""The page of results: its numbers are those of the files, what is missing is said, the README gets its table."""

import shutil

import pytest
from conftest import ROOT
from made_results import make_results, write

from mlx_gsa.errors import ResultsError
from mlx_gsa.experiments.criteria import judge, load_criteria
from mlx_gsa.experiments.page.claims import claims_section, short_table
from mlx_gsa.experiments.page.page import render_page
from mlx_gsa.experiments.page.readme import fill_readme
from mlx_gsa.experiments.page.text import plain, small, table
from mlx_gsa.experiments.page.write import write_pages
from mlx_gsa.experiments.record import read_json
from mlx_gsa.experiments.results import Results

CLAIMS = [
    {"id": "ten", "level": "target", "claim": "ten is enough", "measure": "retention", "where": "{synthetic}",
     "first": "{sparse10}", "second": "{full}", "at_least": 0.95, "command": "gsa compare {synthetic}"},
    {"id": "real", "level": "minimum", "claim": "real, too", "measure": "retention", "where": "{real}",
     "first": "{sparse10}", "second": "{full}", "at_least": 0.95},
    {"id": "flops", "level": "control", "claim": "it is cheaper", "measure": "flops_saved", "length": 2000,
     "at_least": 0.99, "unit": "%"},
]  # fmt: skip


@pytest.fixture
def results(tmp_path):
    make_results(tmp_path / "quick")
    return tmp_path


def row(page, text):
    """The first row of a table that has this text in it."""
    return next(line for line in page.splitlines() if line.startswith("|") and text in line)


def test_each_claim_is_a_row_with_verdict_and_command(results):
    page = render_page(results, CLAIMS)
    assert "1 supported, 1 not supported, 0 undecided, 1 not testable here." in page
    assert row(page, "ten is enough (toy)").endswith("| ≥ 0.95 | **supported** | `gsa compare trial/toy` |")
    assert "*this scale has no real*" in row(page, "real, too") and "**not testable here**" in row(page, "real, too")
    assert "| ≥ 99 % | **not supported** |" in row(page, "it is cheaper (2,000 bp)")
    order = [page.index(text) for text in ("real, too", "ten is enough", "it is cheaper")]
    assert order == sorted(order)  # minimum, target, control


def test_numbers_come_through(results):
    page = render_page(results, CLAIMS, {"retention": "images/results/retention.svg"})
    assert "## A trial of toys\n\nWhy it is done.\n\n*Not finished: 1 of 2 runs (toy/full).*" in page
    assert "### Toys" in page and "321 test records" in page
    assert "0.900 (0.890 to 0.910)" in row(page, "| 10 % kept") and "6,543" in row(page, "| 10 % kept")
    assert "-0.010 (-0.020 to 0.000)" in row(page, "10 % kept / full attention")
    assert "Nadeau-Bengio) p = 0.070" in row(page, "10 % kept / full attention")
    assert "82.0 (81.0 to 83.0) %" in row(page, "label of sparse-10 | top 1 %")
    assert "24.0 x" in page and "1.60 (1.59 to 1.61)" in page
    assert "![retention](images/results/retention.svg)\n\n*Score over" in page
    assert "abc123" in page and "feedbeeffeed" in page and "OpenBLAS 1.2.3" in page and "mlx 9.9.9" in page
    assert "commit c0ffee, 2026-01-02" in page


def test_a_sweep_may_state_bars_of_its_own(results):
    path = results / "quick/trial/sweep.json"
    found = read_json(path)
    found["spec"]["bars"] = [
        {"what": "reach", "measure": "share_of_reachable", "variant": "sparse-10", "at_least": 0.95},
        {"what": "kinds", "measure": "hardest_kind", "variant": "sparse-10", "cut": "kept", "at_least": 0.8},
        {"what": "keeps", "measure": "retention", "variant": "sparse-10", "against": "full", "at_least": 0.95},
        {"what": "other", "measure": "retention", "variant": "sparse-1", "against": "full", "at_least": 0.95},
    ]
    write(path, found)
    page = render_page(results, CLAIMS)
    assert "2 met, 1 missed, 1 not run yet." in page
    assert "0.960 (0.950 to 0.970)" in row(page, "reach") and "CAAT" in row(page, "kinds")
    assert "0.989 (0.979 to 0.999), p = 0.003 of at most 0.95" in row(page, "keeps")


def test_what_is_missing_is_said(results, tmp_path):
    page = render_page(results, CLAIMS)
    assert "## never\n\n*Not run yet.*" in page and "*never: no such file.*" in page
    assert "No scale was reproduced" in render_page(tmp_path / "nothing", CLAIMS)


def test_a_changed_number_changes_the_page(results):
    path = results / "quick/trial/comparison.json"
    found = read_json(path)
    found["datasets"]["toy"]["comparisons"][0]["retention"] = {"value": 0.8, "low": 0.79, "high": 0.81}
    write(path, found)
    assert "**not supported**" in row(render_page(results, CLAIMS), "ten is enough")


def test_the_larger_scale_is_shown_whole_and_the_smallest_never(results):
    make_results(results / "standard", name="standard")
    make_results(results / "ci", name="ci")
    page = render_page(results, CLAIMS)
    assert page.index("scale `standard`") < page.index("scale `quick`") and "scale `ci`" not in page
    assert page.count("## A trial of toys") == 1


def test_claims_about_many_data_sets_share_a_row_of_the_readme(results):
    rows = judge(Results(results / "quick"), CLAIMS, {"synthetic": "trial", "sparse10": "sparse-10", "full": "full"})
    several = [*rows, rows[0]._replace(data="other", verdict="undecided")]
    line = row(short_table(several), "ten is enough")
    assert "2 data sets, 0.989 to 0.989" in line and "**1 supported, 1 undecided**" in line
    assert "ten is enough (other)" in claims_section(several)


def test_the_readme_is_changed_between_its_markers_only(tmp_path):
    readme = tmp_path / "README.md"
    readme.write_text("before\n<!-- bars: old -->\nold table\n<!-- end of bars -->\nafter\n")
    fill_readme(readme, "| new |")
    expected = "before\n<!-- claims: gsa reproduce --render-only -->\n| new |\n<!-- end of claims -->\nafter\n"
    assert readme.read_text() == expected
    fill_readme(readme, "| new |")
    assert readme.read_text() == expected
    readme.write_text("no markers\n")
    with pytest.raises(ResultsError, match="no place"):
        fill_readme(readme, "x")
    assert readme.read_text() == "no markers\n"


def test_pages_are_written_beside_the_results(results):
    shutil.copytree(ROOT / "docs/results/datasets", results / "docs/results/datasets")
    shutil.move(results / "quick", results / "docs/results/quick")
    (results / "README.md").write_text("<!-- bars: old -->\n<!-- end of bars -->\n")
    written = write_pages(results / "docs/results", results / "docs/results.md")
    names = {path.relative_to(results).as_posix() for path in written}
    assert {"docs/results.md", "docs/datasets.md", "README.md", "docs/images/results/retention.svg"} <= names
    assert "images/results/retention.svg" in (results / "docs/results.md").read_text()
    assert "# Real data sets" in (results / "docs/datasets.md").read_text()
    assert "90 % of the performance" in (results / "README.md").read_text()


def test_the_committed_pages_are_those_of_the_committed_results(tmp_path):
    shutil.copytree(ROOT / "docs", tmp_path / "docs")
    shutil.copy(ROOT / "README.md", tmp_path)
    for path in write_pages(tmp_path / "docs/results", tmp_path / "docs/results.md"):
        if path.suffix == ".md":
            assert path.read_text() == (ROOT / path.relative_to(tmp_path)).read_text(), path.name


def test_earlier_results_name_their_commits():
    claims = load_criteria(ROOT / "configs/reproduce/criteria.toml")
    page = render_page(ROOT / "docs/results", claims)
    assert "## Earlier results" in page and "b37d483f270f" in page and "11 met, 4 missed, 0 not run yet." in page


def test_small_things():
    assert table(["a"], [["x|y"]]) == "| a |\n| --- |\n| x\\|y |\n"
    assert plain({"value": 0.5, "low": None, "high": None}) == "0.500"
    assert [small(p) for p in (None, 0.5, 0.0001, 0)] == ["–", "0.500", "0.0001", "< 1e-300"]

"""`gsa benchmark`: options reach the plan, what is shown fits a terminal, the page is made again from the file."""

import io

import pytest
from made_benchmark import made
from rich.console import Console

from mlx_gsa.benchmark import run
from mlx_gsa.benchmark.write import PUBLISHED, save
from mlx_gsa.cli import benchmark_tables


@pytest.fixture
def asked(monkeypatch):
    """What `Benchmark` was made with, instead of a measurement."""
    calls = []

    class Made:
        def __init__(self, plan, folder, torch_python, report):
            calls.append((plan, folder, torch_python))

        def run(self, command):
            calls.append(command)
            return made()

    monkeypatch.setattr(run, "Benchmark", Made)
    return calls


def test_options_reach_the_plan(gsa, asked, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = gsa("benchmark", "--sections", "forward,scan", "--lengths", "700,900", "--sparsities", "0.2",
                 "--torch-python", "bin/python", "--out", "here")  # fmt: skip
    assert result.exit_code == 0, result.output
    (plan, folder, torch_python), command = asked
    assert (plan.sections, plan.lengths, plan.sparsities) == (("forward", "scan"), (700, 900), (0.2,))
    assert torch_python == str(tmp_path / "bin/python") and folder.name == "here"
    assert command == "gsa benchmark --sections forward,scan --lengths 700,900 --sparsities 0.2 --torch-python PYTHON"
    assert (tmp_path / "here/benchmark.json").is_file() and (tmp_path / "here/performance.md").is_file()


def test_quick_and_docs(gsa, asked, tmp_path):
    assert gsa("benchmark", "--quick", "--out", str(tmp_path / "a"), "--docs", str(tmp_path / "docs")).exit_code == 0
    assert asked[0][0].quick and asked[1] == "gsa benchmark --quick"
    assert (tmp_path / "docs" / PUBLISHED).is_file() and (tmp_path / "docs/images/performance/roofline.svg").is_file()
    assert "results/performance/benchmark.json" in (tmp_path / "docs/performance.md").read_text()


def test_render_only_measures_nothing(gsa, asked, tmp_path):
    result = gsa("benchmark", "--render-only", "--docs", str(tmp_path))
    assert result.exit_code == 1 and "no benchmark there" in result.output
    save(made(), tmp_path / PUBLISHED)
    assert gsa("benchmark", "--render-only", "--docs", str(tmp_path)).exit_code == 0
    assert asked == [] and (tmp_path / "performance.md").is_file()


@pytest.mark.parametrize(("option", "value", "words"), [
    ("--sections", "forward,nonsense", "nonsense cannot be measured"), ("--lengths", "2kb", "is not like 2000,5000"),
    ("--sparsities", "0", "cannot be measured"), ("--lengths", "10", "cannot be measured"),
])  # fmt: skip
def test_wrong_usage(gsa, asked, option, value, words):
    result = gsa("benchmark", option, value)
    assert result.exit_code == 2 and words in result.output and asked == []


def test_tables_fit_eighty_columns(monkeypatch):
    console = Console(file=io.StringIO(), width=80)
    monkeypatch.setattr(benchmark_tables, "console", console)
    benchmark_tables.show(made())
    text = console.file.getvalue()
    assert max(map(len, text.splitlines())) <= 80
    assert "400.0x" in text and "missed" in text and "8" in text and "End-to-end forward pass" in text


@pytest.mark.slow
def test_a_quick_benchmark_in_earnest(gsa, tmp_path):
    result = gsa("benchmark", "--quick", "--lengths", "150,250,400", "--sections", "forward,stem,linear,processes",
                 "--out", str(tmp_path))  # fmt: skip
    assert result.exit_code == 0, result.output
    found = run.load(tmp_path / "benchmark.json")
    ours = [c for c in found["cells"] if not c["contender"].startswith("torch")]
    assert {c["status"] for c in ours} <= {"measured", "not run"}
    assert found["checks"]["fast"]["host kernels"]["output"] < 1e-5
    assert found["processes"]["ratio"] > 0 and found["growth"]["forward/sparse"]["flops"]["value"] > 1

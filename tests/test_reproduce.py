"""`gsa reproduce`: what it runs, gathers and says is missing; scales as data; the command line around it."""

import itertools
import json
import re
import shutil
import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner
from conftest import ROOT
from made_results import VERSIONS, make_results, speed
from run_folders import make_dataset

from mlx_gsa.cli.main import main
from mlx_gsa.config import load_config, parse_assignments
from mlx_gsa.errors import ResultsError
from mlx_gsa.experiments import reproduce as module
from mlx_gsa.experiments.criteria import load_criteria
from mlx_gsa.experiments.plan import plan_cells
from mlx_gsa.experiments.record import read_json
from mlx_gsa.experiments.reproduce import SCALES, Place, load_scale, reproduce
from mlx_gsa.experiments.runner import SweepResult
from mlx_gsa.experiments.spec import load_spec

CRITERIA = load_criteria(ROOT / "configs/reproduce/criteria.toml")


@pytest.mark.parametrize("name", SCALES)
def test_every_scale_names_what_there_is(name):
    scale = load_scale(name)
    cells = {}
    for sweep in scale["sweeps"]:
        for cell in plan_cells(load_spec(sweep), ROOT / "runs" / sweep):
            cells.setdefault(f"{sweep}/{cell.data.name}", set()).add(cell.variant.name)
    folders = {f"{place}/{variant}-seed0" for place, variants in cells.items() for variant in variants}
    assert scale["example"] in folders
    variants = set(itertools.chain(*cells.values())) | {"scale", "k-mers"}
    places = set(cells) | set(scale["sweeps"]) | {name}
    for key, value in scale["names"].items():
        assert value in variants | places, f"{key} = {value}"
    for key, figure in scale["figures"].items():
        stated = figure.get("where", [])
        for where in [stated] if isinstance(stated, str) else stated:
            assert where in cells or where.rpartition("/")[0] in cells, f"{key}: {where}"
    assert 0 < scale["check"]["tolerance"] <= 0.1


def test_standard_leaves_no_claim_without_a_name():
    names = set(load_scale("standard")["names"])
    for claim in CRITERIA:
        texts = [value for value in claim.values() if isinstance(value, str)]
        assert {name for text in texts for name in re.findall(r"{(\w+)}", text)} <= names, claim["id"]


@pytest.mark.parametrize("path", sorted((ROOT / "configs/experiments").glob("*.toml")), ids=lambda path: path.stem)
def test_every_experiment_has_settings_that_exist(path):
    for variant in tomllib.loads(path.read_text())["variants"]:
        settings = variant.get("settings", {}).items()
        load_config(None, parse_assignments([f"{k}={json.dumps(v)}" for k, v in settings]))


def test_unknown_scales_and_keys_are_refused(tmp_path):
    with pytest.raises(ResultsError, match="no such scale"):
        load_scale("gigantic")
    path = tmp_path / "mine.toml"
    path.write_text("sweeps = []\nspede = 1\n")
    with pytest.raises(ResultsError, match="unknown key"):
        load_scale(str(path))
    path.write_text('title = "mine"\n')
    assert load_scale(str(path)) == {"sweeps": [], "name": "mine", "title": "mine"}


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A folder to reproduce in, with measurements that take no time."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(module, "measure_speed", lambda asked, report: speed() | {"asked": asked})
    return Place("../data", tmp_path / "runs/here", tmp_path / "results")


def test_what_fails_is_said_and_the_rest_goes_on(place):
    lines, seen = [], []

    def sweeper(spec, out, options):
        seen.append((spec.name, out, options.data_root))
        return SweepResult(skipped={"a cell": "the file is not there"})

    scale = {"name": "mine", "sweeps": ["ci", "nonsense"], "speed": {"x": 1}, "example": "ci/ci/sparse-10-seed0"}
    target = reproduce(scale, place, lines.append, sweeper)
    facts = read_json(target / "results.json")
    assert facts["missing"]["ci"] == "the file is not there" and "nonsense" in facts["missing"]["nonsense"]
    assert "example" in facts["missing"] and facts["command"] == "gsa reproduce --scale mine"
    assert facts["files"] == ["speed.json"] and facts["scale"] == scale
    assert seen == [("ci", place.runs / "ci", "../data")] and "sweep ci" in lines


def test_speed_is_measured_anew_only_when_something_changed(place, monkeypatch):
    scale = {"name": "mine", "sweeps": [], "speed": {"x": 1}}
    calls = []
    monkeypatch.setattr(module, "versions", lambda: VERSIONS)
    monkeypatch.setattr(module, "commit", lambda: "abc")
    monkeypatch.setattr(module, "measure_speed", lambda asked, report: calls.append(1) or speed() | {"asked": asked})
    for _ in range(2):
        reproduce(scale, place)
    assert len(calls) == 1
    reproduce(scale | {"speed": {"x": 2}}, place)
    assert len(calls) == 2


def test_linear_models_are_fitted_anew_only_for_other_data(place, monkeypatch):
    make_dataset(Path("data/toy"))
    calls = []

    def fit(dataset, min_lengths):
        calls.append(min_lengths)
        return {"data_hash": dataset.data_hash, "versions": module.versions(), "rows": []}

    monkeypatch.setattr(module, "compare_counts", fit)
    scale = {"name": "mine", "linear": [{"data": "toy", "min_lengths": [9]}, {"data": "none"}], "sweeps": []}
    for _ in range(2):
        target = reproduce(scale, place)
    assert calls == [[9]] and read_json(target / "linear-toy.json")["rows"] == []
    assert list(read_json(target / "results.json")["missing"]) == ["linear-none"]


def test_a_choice_of_the_scale_reaches_the_sweep(place):
    seen = []
    scale = {"name": "mine", "sweeps": ["ci"], "choose": {"ci": {"seeds": [0], "only": ["full"]}}}
    reproduce(scale, place, sweeper=lambda spec, out, options: seen.append(options) or SweepResult())
    assert (seen[0].seeds, seen[0].only, seen[0].folds) == ((0,), ("full",), ())


def run_command(*arguments):
    return CliRunner().invoke(main, ["reproduce", *map(str, arguments)])


def test_render_only_needs_no_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    make_results(tmp_path / "docs/results/quick")
    found = run_command("--render-only")
    assert found.exit_code == 0, found.output
    assert "## The claims of the plan" in (tmp_path / "docs/results.md").read_text()
    assert run_command("--render-only", "--check").exit_code == 2


def test_check_changes_nothing_and_names_what_differs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    committed = make_results(tmp_path / "docs/results/ci")
    before = (committed / "results.json").read_text()

    def pretend(scale, place, report, sweeper):
        assert place.results == place.runs / "results"
        fresh = place.results / scale["name"]
        shutil.copytree(committed, fresh, dirs_exist_ok=True)
        text = (fresh / "trial/comparison.json").read_text()
        (fresh / "trial/comparison.json").write_text(text.replace("0.989", "0.888") if changed else text)
        return fresh

    monkeypatch.setattr(module, "reproduce", pretend)
    changed = False
    assert run_command("--scale", "ci", "--check").exit_code == 0
    changed = True
    found = run_command("--scale", "ci", "--check")
    assert found.exit_code == 1 and "retention.value" in found.output and "0.888" in found.output
    assert (committed / "results.json").read_text() == before and not (tmp_path / "docs/results.md").exists()

"""Small files out of run folders: what is kept, what is left out, and that no place is named."""

import json

import pytest
from run_folders import guesses, make_dataset, make_run

from mlx_gsa.errors import ResultsError
from mlx_gsa.experiments.collect_runs import collect_runs
from mlx_gsa.experiments.comparison import Options, compare_collection
from mlx_gsa.experiments.comparison_files import save_comparison
from mlx_gsa.experiments.further import count_directions
from mlx_gsa.experiments.gather import MOST_ROWS, _lighten, gather_sweep, shortened
from mlx_gsa.experiments.page.datasets import render_datasets
from mlx_gsa.experiments.page.real_sets import real_sets
from mlx_gsa.experiments.page.sections import sweep_section
from mlx_gsa.experiments.record import read_json
from mlx_gsa.experiments.results import Results

MADE = {"versions": {"mlx": "9.9.9"}, "machine": {"platform": "here", "cores": 2}, "n_parameters": 77}
MADE |= {"result": {"best": {"epoch": 2}}}


@pytest.fixture
def sweep(tmp_path):
    """A sweep of two variants over two folds, the last run of which is not finished; returns its folder."""
    dataset = make_dataset(tmp_path / "data/toy", n=160, n_folds=2)
    folder, cells = tmp_path / "runs/real", []
    for variant, noise in (("sparse10", 0.8), ("full", 0.5)):
        for fold in (0, 1):
            name = f"{variant}-seed0-fold{fold}"
            simple = {"k-mers": guesses(dataset, 2, 9)} if variant == "sparse10" else None
            made = MADE | {"data_hash": dataset.data_hash}
            finished = (variant, fold) != ("full", 1)
            run = make_run(folder / "toy" / name, dataset, guesses(dataset, noise, fold), 0, fold, simple,
                           "[training]\nepochs = 2\n", of={"level": 0.95}, finished=finished, **made)  # fmt: skip
            manifest = read_json(run / "manifest.json") | {"dataset": str(dataset.path)}
            (run / "manifest.json").write_text(json.dumps(manifest))
            run.with_name(f"{name}.json").write_text(json.dumps({"train": {"command": f"gsa train --out {run}"}}))
            cells.append({"data": "toy", "variant": variant, "label": variant.upper(), "seed": 0, "fold": fold,
                          "folder": f"toy/{name}", "state": "finished" if finished else "interrupted"})  # fmt: skip
    bars = [{"what": "toys told apart", "at_least": 0.4}]
    bars += [{"what": "never run", "at_least": 1, "step": "mutants", "reads": "right"}]
    data = {"name": "toy", "title": "Toys", "prepare": ["recipe", "toy"], "min_lengths": [20, 21], "bars": bars}
    step = {"name": "mouse", "kind": "transfer", "data": ["toy"]}
    spec = {"title": "A trial", "purpose": "Why.", "reference": "full", "data": [data], "steps": [step]}
    found = {"format": "mlx_gsa.sweep", "format_version": 1, "name": "real", "spec": spec, "cells": cells}
    (folder / "sweep.json").write_text(json.dumps(found))
    return folder


def add(folder, **files):
    """Write JSON files into a run folder, folders made."""
    for name, value in files.items():
        path = folder / name.replace("__", "/")
        path.parent.mkdir(exist_ok=True)
        path.with_name(f"{path.name}.json").write_text(json.dumps(value))


def test_finished_runs_are_gathered_without_naming_a_place(sweep, tmp_path):
    save_comparison(compare_collection(collect_runs([sweep]), options=Options(50)), sweep)
    written = gather_sweep(sweep, tmp_path / "results", [tmp_path])
    names = [path.relative_to(tmp_path / "results").as_posix() for path in written]
    assert names == ["real/sweep.json", "real/comparison.json", "real/toy.json"]
    assert all(str(tmp_path) not in path.read_text() for path in written)
    found = read_json(written[2])
    assert [(run["variant"], run["fold"]) for run in found["runs"]] == [("sparse10", 0), ("sparse10", 1), ("full", 0)]
    run = found["runs"][0]
    assert run["made_by"]["train"]["command"] == "gsa train --out runs/real/toy/sparse10-seed0-fold0"
    assert run["config"] == {"training": {"epochs": 2}} and run["n_parameters"] == 77 and len(run["epochs"]) == 2
    assert found["versions"] == {"mlx": "9.9.9"} and "versions" not in run
    assert found["data"]["n_records"] == 160 and found["data"]["lengths"] == [20, 20, 20]


def test_motifs_audit_and_further_steps_come_along(sweep, tmp_path):
    run = sweep / "toy/sparse10-seed0-fold0"
    family = {"name": "TATA", "motif_id": "M1", "enriched": True, "others": [], "best": {"q": 0.001}, "cuts": {"a": 1}}
    add(run, motifs__motifs={"manifest": {}, "alpha": 0.01, "cuts": {}, "families": [family] * 30})
    add(run, audit__audit={"checks": [{"name": "leak", "verdict": "pass"}]})
    add(run, mouse__evaluation={"n": 9, "metrics": {"auroc": {"value": 0.8}}})
    gather_sweep(sweep, tmp_path / "results", [])
    found = read_json(tmp_path / "results/real/toy.json")
    motifs = found["runs"][0]["motifs"]
    assert len(motifs["families"]) == 12 and motifs["enriched_families"] == 30 and "cuts" not in motifs["families"][0]
    assert found["runs"][0]["audit"]["checks"][0]["name"] == "leak" and "audit" not in found["runs"][1]
    assert found["further"] == {"mouse": {"kind": "transfer", "folds": 1, "n": 9, "values": {"auroc": [0.8]}}}


def test_the_page_of_data_sets_is_made_of_it(sweep, tmp_path):
    save_comparison(compare_collection(collect_runs([sweep]), options=Options(50)), sweep)
    gather_sweep(sweep, tmp_path / "results/standard", [tmp_path])
    facts = {"format": "mlx_gsa.results", "format_version": 1, "scale": {"sweeps": ["real"]}}
    (tmp_path / "results/standard/results.json").write_text(json.dumps(facts))
    results = Results(tmp_path / "results/standard")
    page = render_datasets(real_sets(results, "real"), "results/standard/real")
    assert "1 met, 0 missed, 1 not run yet" in page and "[docs/results/standard/real]" in page
    assert "| GC-matched | k-mers |" in page and "## Toys" in page and "2 folds |" in page
    assert "CNN" not in page.split("## Toys")[0]
    section = sweep_section(results, "real")
    assert "*Not finished: 1 of 4 runs (toy/full).*" in section and "### Toys" in section


def test_there_must_be_a_sweep(tmp_path):
    with pytest.raises(ResultsError, match="no sweep"):
        gather_sweep(tmp_path / "runs/nothing", tmp_path / "results", [])


def test_long_tables_are_cut():
    rows = [{"a": i} for i in range(100)]
    assert len(shortened({"x": rows})["x"]) == MOST_ROWS and shortened(list(range(100))) == list(range(100))


def test_directions_are_counted_among_clear_changes_only():
    pairs = [(-2, -0.1), (-1.5, 0.2), (3, 1), (0.2, -5)]
    found = count_directions(pairs, 1.0)
    assert (found["pairs"], found["clear"], found["right"]["value"]) == (4, 3, pytest.approx(2 / 3))
    assert found["right_falling"] == 0.5 and found["right_rising"] == 1 and found["falling"] == pytest.approx(2 / 3)


def test_further_runs_of_a_variant_are_lighter():
    rows = [{"kind": "TATA"}, {"kind": "all"}]
    evaluation = {"calibration": {}, "verdict": [], "metrics": {}, "selection": {"decoys": rows, "kinds": [1]}}
    _lighten(evaluation)
    assert evaluation == {"metrics": {}, "selection": {"decoys": [{"kind": "all"}], "kinds": [1]}}

"""The record whose attention is drawn: chosen, written small, read back."""

import json

import numpy as np
import pytest
from conftest import ROOT

from mlx_gsa.errors import ResultsError
from mlx_gsa.experiments import example
from mlx_gsa.explain.figures.heatmap import build_attention_heatmap


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A trained run on a small synthetic set."""
    from click.testing import CliRunner

    from mlx_gsa.cli.main import main

    folder = tmp_path_factory.mktemp("example")
    data = folder / "data"
    commands = (
        ["prepare", "synthetic", "--preset", "short", "--n", "60", "--out", data],
        ["train", "--data", data, "--set", "epochs=1", "--out", folder / "run"],
    )
    for each in commands:
        found = CliRunner().invoke(main, [str(part) for part in each])
        assert found.exit_code == 0, found.output
    return folder / "run"


def test_what_is_drawn_is_what_the_model_said(run, tmp_path):
    found = json.loads(json.dumps(example.make_example(run)))
    shown = example.example_input(found)
    kept = shown.prediction.kept
    assert shown.prediction.weights.shape == (len(kept), len(kept)) and len(kept) == round(0.1 * shown.length + 0.4999)
    assert np.allclose(shown.prediction.weights.sum(1), 1, atol=1e-3)
    assert shown.prediction.relevance.shape == (shown.length,)
    assert len(shown.tokens) == shown.length and any(site.role == "functional" for site in shown.sites)
    assert {"attention", "relevance"} <= {axes.get_label() for axes in build_attention_heatmap(shown).figure.axes}
    assert example.make_example(run) == found | {"label": found["label"]}


def test_a_record_with_too_many_pairs_is_not_written(run, monkeypatch):
    monkeypatch.setattr(example, "MOST_KEPT", 3)
    with pytest.raises(ResultsError, match="no record for a heatmap"):
        example.make_example(run)


def test_the_committed_example_can_be_drawn():
    found = json.loads((ROOT / "docs/results/ci/example.json").read_text())
    assert build_attention_heatmap(example.example_input(found)).axes

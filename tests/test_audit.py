"""The audit of a run from end to end, and its command."""

import json

import numpy as np
import pytest
from toys import random_tokens, toy_config, toy_dataset, write_toy

from mlx_gsa.audit.audit import CHECKS, FULL, QUICK, audit_run, recipe_of
from mlx_gsa.audit.outcome import Audit, Check, between, units
from mlx_gsa.cli import audit as command
from mlx_gsa.data.dataset import Dataset
from mlx_gsa.errors import DatasetError
from mlx_gsa.evaluation.bootstrap import Interval
from mlx_gsa.training.run import find_run, finish_run, start_run

NAMES = ["label leak", "faithfulness", "stability", "shuffled labels", "random weights"]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Two finished runs of one variant; the first is returned."""
    folder = tmp_path_factory.mktemp("sweep")
    dataset = toy_dataset(folder / "data", n=300, lengths=(50, 60), task="binary")
    for seed in (0, 1):
        config = toy_config(dataset.path, training__seed=seed, model__n_channels=4)
        trainer, _ = start_run(config, folder / f"sparse-seed{seed}")
        finish_run(trainer, trainer.run())
    return folder / "sparse-seed0"


@pytest.fixture(scope="module")
def audited(run, tmp_path_factory):
    """A quick audit of everything, and its folder."""
    out, found = tmp_path_factory.mktemp("audit"), find_run(run)
    return audit_run(found, Dataset.open(found.dataset_path), out, quick=True, command="gsa audit"), out


def test_every_check_has_a_verdict_a_reason_and_numbers(audited):
    audit, _ = audited
    assert [check.name for check in audit.checks] == NAMES
    assert all(check.verdict in ("pass", "fail", "not tested") and check.why.endswith(".") for check in audit.checks)
    assert all(check.numbers and check.question.endswith("?") for check in audit.checks)


def test_the_run_beside_is_compared(audited, run):
    audit, _ = audited
    assert "sparse-seed1" in audit.checks[2].numbers["agreement"]
    assert audit.manifest["other_runs"] == [str(run.parent / "sparse-seed1")]


def test_the_result_is_json_with_a_manifest(audited, tmp_path):
    audit, _ = audited
    content = json.loads(audit.save(tmp_path / "new").read_text())
    assert content["manifest"]["format"] == "mlx_gsa.audit" and content["manifest"]["settings"] == QUICK
    assert {"versions", "machine", "seed", "data_hash", "command"} <= set(content["manifest"])
    assert set(content["checks"][0]) == {"name", "question", "verdict", "why", "numbers"}
    assert content["checks"][0]["numbers"]["model"]["low"] <= content["checks"][0]["numbers"]["model"]["value"]


def test_a_second_audit_trains_nothing_and_finds_the_same(audited, run, monkeypatch):
    audit, out = audited
    for name in ("mlx_gsa.audit.audit.train_judge", "mlx_gsa.audit.shuffled.Trainer"):
        monkeypatch.setattr(name, lambda *_: pytest.fail("trained again"))
    found = find_run(run)
    again = audit_run(found, Dataset.open(found.dataset_path), out, quick=True, command="gsa audit")
    assert again.to_dict() == audit.to_dict()


def test_of_a_model_without_a_selector_only_the_labels_are_asked(run, tmp_path):
    found = find_run(run)
    config = toy_config(found.dataset_path, model__architecture="cnn", model__n_channels=4, training__epochs=1)
    trainer, _ = start_run(config, tmp_path / "run")
    finish_run(trainer, trainer.run())
    audit = audit_run(find_run(tmp_path / "run"), Dataset.open(found.dataset_path), tmp_path / "audit", quick=True)
    assert [check.verdict for check in audit.checks] == [*["not tested"] * 3, "pass", "not tested"]


def test_quick_changes_only_amounts():
    assert QUICK.keys() == FULL.keys() and all(QUICK[name] < FULL[name] for name in FULL)


def test_the_recipe_is_the_runs_own(run):
    found = find_run(run)
    assert recipe_of(found, None).model.filter_width == 12


def test_a_data_set_without_test_records_is_refused(run, tmp_path):
    dataset = write_toy(tmp_path / "data", random_tokens([30] * 9), np.arange(9) % 2, "binary", ["off", "on"])
    with pytest.raises(DatasetError, match="too few records to audit on"):
        audit_run(find_run(run), dataset, tmp_path / "audit")
    assert not (tmp_path / "audit").exists()


def test_the_command_writes_and_shows_the_verdicts(gsa, run, tmp_path):
    out = tmp_path / "out"
    done = gsa("audit", run, "--checks", "leak", "--checks", "stability", "--quick", "--out", out, "--seed", 2)
    assert done.exit_code == 0, done.output
    assert "label leak" in done.output and "stability" in done.output and "faithfulness" not in done.output
    content = json.loads((out / "audit.json").read_text())
    assert [check["name"] for check in content["checks"]] == ["label leak", "stability"]
    assert content["manifest"]["command"].endswith("--checks leak --checks stability --quick")
    pictures = {"leak.png", "leak.svg", "stability.png", "stability.svg"}
    assert {path.name for path in out.iterdir()} == {"audit.json", "work", *pictures}


def test_json_goes_to_standard_output(gsa, run, tmp_path):
    done = gsa(
        "audit", run, "--checks", "stability", "--quick", "--json", "--out", tmp_path / "out", "--other-run", run
    )
    content = json.loads(done.stdout)
    assert content["manifest"]["other_runs"] == [str(run)]
    assert content["checks"][0]["numbers"]["agreement"]["sparse-seed0"]["overlap"]["value"] == 1.0


def test_the_commands_checks_are_the_librarys(gsa):
    assert command.CHECKS == CHECKS
    assert gsa("audit", "--checks", "luck").exit_code == 2


def test_failed_checks_are_named():
    checks = [Check("a", "?", "pass", "."), Check("b", "?", "fail", "."), Check("c", "?", "not tested", ".")]
    assert Audit(checks, {}).failed == ["b"]
    assert between(Interval(0.5, 0.25, 1.0), "{:.2f}") == "0.50 (0.25 to 1.00)"


def test_groups_are_resampled_whole_where_there_are_any(tmp_path):
    dataset = toy_dataset(tmp_path / "data", n=20)
    assert units(dataset, np.arange(20)) is None
    dataset.records.group[:] = np.arange(20) // 4
    assert len(set(units(dataset, np.arange(8)))) == 2
    assert units(dataset, np.arange(4)) is None  # one group cannot be resampled

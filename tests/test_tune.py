"""`gsa tune`: trials are ordinary runs, a study goes on, pruning, and what is written at the end."""

import json
import sys
from pathlib import Path

import pytest
from toy_sweep import toy_data
from toys import planted, toy_config, write_toy

from mlx_gsa.config import load_config
from mlx_gsa.data.locks import RunLock
from mlx_gsa.errors import ConfigError, GsaError, RunError
from mlx_gsa.experiments import tune as module
from mlx_gsa.experiments.space import Space
from mlx_gsa.experiments.tune import Tuning, require_optuna, settings_of, tune
from mlx_gsa.training.run import read_manifest

optuna = pytest.importorskip("optuna")
SPACE = Space.model_validate({
    "learning_rate": {"type": "log", "low": 1e-3, "high": 1e-2},
    "selector_hidden": {"type": "choice", "choices": [4, 8]},
})  # fmt: skip
OUT = Path("runs/tune")


@pytest.fixture(autouse=True)
def data(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    toy_data()


def tuning(trials=2, epochs=1, space=SPACE, **changes):
    return Tuning(toy_config("data/toy", training__epochs=epochs, training__warmup=0), space, trials, **changes)


@pytest.fixture
def fake(monkeypatch):
    """Trainings that cost nothing: the validation metric of each epoch is what the test says of a trial."""
    metrics, trained = {}, []

    def train(config, folder, observe):
        number = int(folder.name.removeprefix("trial-"))
        trained.append((number, config))
        values = metrics.get(number, [0.1 * number])
        if isinstance(values, BaseException):
            raise values
        for epoch, value in enumerate(values, 1):
            observe({"kind": "epoch", "epoch": epoch, "val_metric": value, "metric_name": "r"})
        return max(values)

    monkeypatch.setattr(module, "_train", train)
    return metrics, trained


def states(result):
    return [row["state"] for row in result["trials"]]


def test_trials_are_ordinary_runs_and_a_second_call_has_nothing_to_do():
    result = tune(tuning(), OUT)
    assert states(result) == ["complete"] * 2
    for row in result["trials"]:
        folder = OUT / f"trial-{row['number']:03d}"
        manifest, config = read_manifest(folder), load_config(folder / "config.toml")
        assert manifest["finished"] and manifest["result"]["best"]["val_metric"] == row["value"]
        assert config.training.learning_rate == row["settings"]["learning_rate"]
        assert config.model.selector_hidden == row["settings"]["selector_hidden"]
    assert tune(tuning(), OUT)["trials"] == result["trials"]
    assert states(tune(tuning(trials=3), OUT)) == ["complete"] * 3
    best = max(result["trials"], key=lambda row: row["value"])
    assert load_config(OUT / "best.toml").training.learning_rate == best["settings"]["learning_rate"] or (
        json.loads((OUT / "tuning.json").read_text())["best"]["number"] == 2
    )


def test_a_killed_trial_goes_on_with_its_own_settings(monkeypatch):
    plain = module._train

    def killed(config, folder, observe):
        def first_epoch(row):
            observe(row)
            if row["kind"] == "epoch":
                raise KeyboardInterrupt

        return plain(config, folder, first_epoch)

    monkeypatch.setattr(module, "_train", killed)
    with pytest.raises(KeyboardInterrupt):
        tune(tuning(trials=1, epochs=2), OUT)
    was = load_config(OUT / "trial-000/config.toml")
    assert not read_manifest(OUT / "trial-000")["finished"]
    monkeypatch.setattr(module, "_train", plain)
    result = tune(tuning(trials=1, epochs=2), OUT)
    assert states(result) == ["complete"] and load_config(OUT / "trial-000/config.toml") == was
    rows = [json.loads(line) for line in (OUT / "trial-000/metrics.jsonl").read_text().splitlines()]
    assert [row["epoch"] for row in rows] == [1, 2]


def test_a_trial_in_the_hands_of_another_process_is_left_to_it(fake):
    metrics, trained = fake
    metrics[0] = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        tune(tuning(), OUT)
    other = RunLock(OUT / "trial-000.lock")
    assert other.take()
    metrics[0] = [0.7]
    assert states(tune(tuning(), OUT)) == ["running", "complete"]
    other.free()
    assert states(tune(tuning(), OUT)) == ["complete", "complete"]
    assert [number for number, _ in trained] == [0, 1, 0]


def test_machines_share_a_study(fake):
    _, trained = fake
    tune(tuning(trials=2), Path("here"), Path("shared/study.journal"))
    result = tune(tuning(trials=5), Path("there"), Path("shared/study.journal"))
    assert states(result) == ["complete"] * 5 and [number for number, _ in trained] == [0, 1, 2, 3, 4]
    assert len({config.training.learning_rate for _, config in trained}) == 5
    assert (Path("there") / "best.toml").read_text().startswith("# The best of 5 complete trials: number 4")


def test_the_same_seed_makes_the_same_choices(fake):
    _, trained = fake
    tune(tuning(trials=12), Path("one"))
    tune(tuning(trials=5), Path("two"))
    tune(tuning(trials=12), Path("two"))  # interrupted in between: no matter
    assert [config for _, config in trained[:12]] == [config for _, config in trained[12:]]
    tune(tuning(trials=1, seed=1), Path("three"))
    assert trained[-1][1] != trained[0][1]


def test_a_trial_worse_than_the_others_were_is_stopped(fake):
    metrics, _ = fake
    metrics |= {number: [0.5, 0.6, 0.7] for number in range(4)} | {4: [0.1, 0.1, 0.9], 5: [0.6, 0.7, 0.8]}
    result = tune(tuning(trials=6, epochs=3), OUT)
    assert states(result) == ["complete"] * 4 + ["pruned", "complete"]
    assert result["trials"][4]["epochs"] == 2 and result["best"]["number"] == 5


def test_a_training_that_fails_is_one_bad_trial(fake):
    metrics, _ = fake
    metrics[0] = RunError("training diverged")
    result = tune(tuning(), OUT)
    assert states(result) == ["fail", "complete"] and result["trials"][0]["failure"] == "training diverged"


def test_no_trial_is_begun_after_the_time_is_over(fake):
    assert tune(tuning(timeout=0.0), OUT)["trials"] == [] and not (OUT / "best.toml").exists()


def test_a_study_of_something_else_is_not_gone_on_with(fake):
    tune(tuning(), OUT)
    with pytest.raises(RunError, match="another configuration"):
        tune(tuning(epochs=4), OUT)
    toy_data(seed=3)
    with pytest.raises(RunError, match="another data set"):
        tune(tuning(), OUT)


@pytest.mark.parametrize(
    "name, message",
    [("learning_rat", "Did you mean training.learning_rate"), ("seed", "no setting to vary"), ("path", "no setting")],
)
def test_only_settings_can_be_varied(fake, name, message):
    space = Space.model_validate({name: {"type": "choice", "choices": [1] if name != "path" else ["data/toy"]}})
    with pytest.raises(ConfigError, match=message):
        tune(tuning(space=space), OUT)
    assert not OUT.exists()


def test_without_validation_records_there_is_nothing_to_tune_on(fake):
    sequences, counts = planted(7)
    write_toy(Path("data/toy"), sequences, counts)
    with pytest.raises(ConfigError, match="no validation records"):
        tune(tuning(), OUT)


def test_a_value_of_a_trial_goes_before_what_is_not_varied():
    found = settings_of(tuning(), {"learning_rate": 0.5, "selector_hidden": 3})
    assert found.training.learning_rate == 0.5 and found.model.filter_width == 12 and found.data.path == "data/toy"


def test_without_optuna_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(GsaError, match="the extra 'tune'"):
        require_optuna()


def test_options_reach_the_tuning(gsa, monkeypatch):
    calls = []
    best = {"number": 0, "value": 0.5, "state": "complete", "settings": {"dropout": 0.123456}, "epochs": 1}
    result = {"best": best, "trials": [best], "space": {}}
    monkeypatch.setattr(module, "tune", lambda *given: calls.append(given) or result)
    Path("space.toml").write_text('[dropout]\ntype = "float"\nlow = 0\nhigh = 0.5\n')
    done = gsa("tune", "--data", "d", "--config", "mpra_short", "--space", "space.toml", "--trials", 7, "--study", "s",
               "--timeout", 9, "--sparsity", 0.05, "--fold", 2, "--epochs", 3, "--seed", 4, "--out", "o",
               "--set", "patience=1")  # fmt: skip
    assert done.exit_code == 0 and "gsa train --config o/best.toml" in done.stdout and "dropout 0.123" in done.stdout
    asked, out, study, *_ = calls[0]
    assert (asked.trials, asked.timeout, asked.seed, out, study) == (7, 9, 4, Path("o"), Path("s"))
    assert list(asked.space.root) == ["dropout"] and asked.config.training.average == 2.0, "of the recipe"
    config = asked.config
    assert (config.data.path, config.data.fold, config.model.sparsity) == ("d", 2, 0.05)
    assert (config.training.epochs, config.training.seed, config.training.patience) == (3, 4, 1)


def test_without_a_complete_trial_it_fails(gsa, fake):
    metrics, _ = fake
    metrics[0] = RunError("training diverged")
    done = gsa("tune", "--data", "data/toy", "--trials", 1)
    assert done.exit_code == 1 and "No trial is complete. The last failure: training diverged" in done.stderr

"""Tuning of settings with Optuna: every trial an ordinary run, judged on the validation split, never on the test."""

import hashlib
import json
import platform
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from mlx_gsa.config import RunConfig, dump_config, load_config, parse_assignments
from mlx_gsa.data.atomic import atomic_write_text
from mlx_gsa.data.dataset import Dataset
from mlx_gsa.data.locks import RunLock
from mlx_gsa.data.manifest import read_manifest as read_data_manifest
from mlx_gsa.errors import ConfigError, GsaError, RunError
from mlx_gsa.experiments.record import commit, read_json
from mlx_gsa.experiments.space import Space
from mlx_gsa.runtime import machine, versions
from mlx_gsa.training.run import MANIFEST, finish_run, read_manifest, resume_run, start_run

STUDY, BEST, RESULT = "study.journal", "best.toml", "tuning.json"
FORMAT, FORMAT_VERSION = "mlx_gsa.tuning", 1
_STARTUP_TRIALS, _FIRST_PRUNED_EPOCH = 4, 2
_PLACE, _ABOUT = "place", "about"


@dataclass(frozen=True)
class Tuning:
    """What is tuned, and for how long.

    Attributes
    ----------
    config : RunConfig
        What is not varied.
    space : Space
    trials : int
        Of the study in all, whoever ran them.
    timeout : float or None
        Seconds after which no further trial is begun.
    seed : int
        Of the choices; that of the trainings is in `config`.
    """

    config: RunConfig
    space: Space
    trials: int = 20
    timeout: float | None = None
    seed: int = 0


def require_optuna():
    """Import what chooses the settings.

    Returns
    -------
    module
        ``optuna``, silenced.

    Raises
    ------
    GsaError
        Optuna is not installed.
    """
    try:
        import optuna
        import optuna.storages.journal
    except ImportError:
        raise GsaError("Tuning needs Optuna", mend="pip install 'mlx_gsa[tune]' (the extra 'tune')") from None
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    return optuna


def tune(tuning: Tuning, out: Path, study_file: Path | None = None, observe: Callable | None = None, command=None):
    """Run trials until the study has as many as wanted; a study that was stopped goes on.

    Parameters
    ----------
    tuning : Tuning
    out : Path
        Gets trial-NNN, a run folder each, best.toml and tuning.json.
    study_file : Path, optional
        Journal of the study, `out`/study.journal if not given; several machines may share one.
    observe : callable, optional
        Called as ``observe(number, row)`` with every row of `Trainer`, and with rows of kind "begin" (``settings``)
        and "end" (``state``, ``value``).
    command : str, optional
        For the result.

    Returns
    -------
    dict
        As in tuning.json.

    Raises
    ------
    GsaError
        Optuna is not installed, a setting does not exist, or the study is about something else.
    KeyboardInterrupt
        After the trial that is running has saved; the same call goes on with it.
    """
    optuna = require_optuna()
    _try_space(tuning)
    out.mkdir(parents=True, exist_ok=True)
    study = _open_study(optuna, study_file or out / STUDY, tuning)
    begun, observe = time.monotonic(), observe or (lambda number, row: None)
    while True:
        late = tuning.timeout is not None and time.monotonic() - begun >= tuning.timeout
        trial, lock = (None, None) if late else _next_trial(optuna, study, tuning, out)
        if trial is None:
            break
        try:
            _run_trial(optuna, study, trial, tuning, out, observe)
        finally:
            lock.free()
        _write_result(study, tuning, out, command)
    return _write_result(study, tuning, out, command)


def settings_of(tuning: Tuning, values: dict) -> RunConfig:
    """Lay the values of a trial over what is not varied."""
    wanted = parse_assignments(f"{name}={json.dumps(value)}" for name, value in values.items())
    fixed = {
        f"{table}.{name}": value
        for table, entries in tuning.config.model_dump(exclude_none=True).items()
        for name, value in entries.items()
    }
    return load_config(None, fixed | wanted)


def _try_space(tuning):
    """Find settings that do not exist, and data that cannot be tuned on, before the first training."""
    dataset = Dataset.open(Path(tuning.config.data.path), verify=False).with_fold(tuning.config.data.fold)
    if not len(dataset.indices("val")):
        raise ConfigError("no validation records to tune on", where=tuning.config.data.path)
    settings_of(tuning, tuning.space.corner())
    varied = parse_assignments(f"{name}=0" for name in tuning.space.root)
    for name in ("data.path", "data.fold", "training.seed"):
        if name in varied:
            raise ConfigError("this is no setting to vary", where=name, mend="Take it out of the search space.")


def _open_study(optuna, file, tuning):
    """Open or begin the study; one of another data set, base or space is not gone on with."""
    file.parent.mkdir(parents=True, exist_ok=True)
    storage = optuna.storages.JournalStorage(optuna.storages.journal.JournalFileBackend(str(file)))
    pruner = optuna.pruners.MedianPruner(_STARTUP_TRIALS, _FIRST_PRUNED_EPOCH)
    study = optuna.create_study(
        storage=storage, study_name="gsa", direction="maximize", load_if_exists=True, pruner=pruner
    )
    about = _about(tuning)
    was = study.user_attrs.get(_ABOUT)
    if was is None:
        study.set_user_attr(_ABOUT, about)
        return study
    different = sorted(name for name in about if was.get(name) != about[name])
    if different:
        raise RunError(
            f"the study is about another {' and '.join(different)}", where=str(file),
            mend="Give another --study or --out, or the options that it was begun with.",
        )  # fmt: skip
    return study


def _about(tuning):
    """Say what makes trials comparable."""
    fixed = tuning.config.model_dump(mode="json")
    path, varied = fixed["data"].pop("path"), parse_assignments(f"{name}=0" for name in tuning.space.root)
    for key in varied:
        table, _, name = key.partition(".")
        fixed[table].pop(name)
    data_hash = read_data_manifest(Path(path)).data_hash
    space = json.loads(tuning.space.model_dump_json())
    return {"data set": data_hash, "configuration": fixed, "search space": space}


def _next_trial(optuna, study, tuning, out):
    """Take up a trial of this folder whose process is dead, or begin one; (None, None) if there are enough."""
    trials, place = study.get_trials(deepcopy=False), _place(out)
    for old in trials:
        if old.state == optuna.trial.TrialState.RUNNING and old.user_attrs.get(_PLACE) == place:
            lock = RunLock(out / f"{_folder_name(old.number)}.lock")
            if lock.take():
                return optuna.trial.Trial(study, old._trial_id), lock
    if len(trials) >= tuning.trials:
        return None, None
    trial = study.ask()
    lock = RunLock(out / f"{_folder_name(trial.number)}.lock")
    lock.take()
    trial.set_user_attr(_PLACE, place)
    return trial, lock


def _place(out):
    """Tell this folder on this machine from others without naming either."""
    return hashlib.sha256(f"{platform.node()}:{out.resolve()}".encode()).hexdigest()[:12]


def _folder_name(number):
    return f"trial-{number:03d}"


def _run_trial(optuna, study, trial, tuning, out, observe):
    """Train with the settings that a trial chooses, and tell the study what came of it."""
    # By number, so that several processes, and one that goes on, do not draw the same settings again.
    study.sampler = optuna.samplers.TPESampler(seed=tuning.seed * 100_003 + trial.number)
    values, states = tuning.space.suggest(trial), optuna.trial.TrialState
    observe(trial.number, {"kind": "begin", "settings": values})

    def watch(row):
        observe(trial.number, row)
        if row["kind"] == "epoch" and row.get("val_metric") is not None:
            trial.report(row["val_metric"], row["epoch"])
            if row["epoch"] < tuning.config.training.epochs and trial.should_prune():
                raise _Pruned

    try:
        value = _train(settings_of(tuning, values), out / _folder_name(trial.number), watch)
        study.tell(trial, value)
        state = "complete"
    except _Pruned:
        study.tell(trial, state=states.PRUNED)
        value, state = None, "pruned"
    except GsaError as error:  # such as a training that diverged: that point of the space is of no use
        trial.set_user_attr("failure", str(error))
        study.tell(trial, state=states.FAIL)
        value, state = None, "failed"
    observe(trial.number, {"kind": "end", "state": state, "value": value})


def _train(config, folder, observe):
    """Begin, go on with or read a run; returns its best validation metric."""
    manifest = read_json(folder / MANIFEST)
    if manifest is None:
        trainer, _ = start_run(config, folder, observe=observe)
    elif not manifest["finished"]:
        trainer = resume_run(folder, observe)
    if manifest is None or not manifest["finished"]:
        finish_run(trainer, trainer.run())
    return read_manifest(folder)["result"]["best"]["val_metric"]


class _Pruned(Exception):
    """A trial that is worse than the others were at the same epoch."""


def _write_result(study, tuning, out, command):
    """Write tuning.json, and best.toml if a trial is complete."""
    trials = [_row(trial) for trial in study.get_trials(deepcopy=False)]
    complete = [row for row in trials if row["state"] == "complete"]
    best = max(complete, key=lambda row: row["value"], default=None)
    if best is not None:
        text = dump_config(settings_of(tuning, best["settings"]))
        head = f"# The best of {len(complete)} complete trials: number {best['number']}, validation metric "
        atomic_write_text(out / BEST, f"{head}{best['value']:.4f}.\n\n{text}")
    about = _about(tuning)
    result = {
        "format": FORMAT, "format_version": FORMAT_VERSION, "command": command, "commit": commit(),
        "dataset": tuning.config.data.path, "data_hash": about["data set"], "seed": tuning.seed,
        "config": tuning.config.model_dump(mode="json"), "space": about["search space"], "trials": trials,
        "best": best, "versions": versions(), "machine": machine(),
    }  # fmt: skip
    atomic_write_text(out / RESULT, json.dumps(result, indent=1, allow_nan=False) + "\n")
    return result


def _row(trial):
    reported = trial.intermediate_values
    seconds = trial.duration.total_seconds() if trial.duration else None
    return {
        "number": trial.number, "state": trial.state.name.lower(), "value": trial.value, "settings": trial.params,
        "epochs": max(reported, default=0), "last": reported[max(reported)] if reported else None,
        "seconds": seconds, "failure": trial.user_attrs.get("failure"),
    }  # fmt: skip

"""Run folders: what was trained, on what, how, and what came of it."""

import datetime
import json
from dataclasses import asdict
from pathlib import Path
from typing import NamedTuple

from mlx_gsa.assets import asset_path
from mlx_gsa.config import RunConfig, dump_config, load_config
from mlx_gsa.data.atomic import atomic_write_text
from mlx_gsa.data.dataset import Dataset
from mlx_gsa.errors import RunError
from mlx_gsa.model.weights import MODEL_FILE
from mlx_gsa.ranks import Ranks
from mlx_gsa.runtime import machine, versions
from mlx_gsa.training.checkpoint import CHECKPOINT
from mlx_gsa.training.loop import BEST, Trainer
from mlx_gsa.training.metrics_log import METRICS_FILE
from mlx_gsa.training.setup import PARAMETER_LIMIT, new_bundle
from mlx_gsa.training.shards import n_shards, shards_of
from mlx_gsa.training.together import agree, told

CONFIG, MANIFEST, FILTERS = "config.toml", "manifest.json", "filters.json"
RUNS = Path("runs")
_FORMAT, _VERSION = "mlx_gsa.run", 1


class RunInfo(NamedTuple):
    """Where a trained model is and what it was trained on."""

    path: Path
    model_folder: Path
    dataset_path: Path | None
    data_hash: str | None
    shipped: bool
    fold: int | None = None


def start_run(
    config: RunConfig, out: Path, *, overwrite: bool = False, observe=None, ranks: Ranks | None = None
) -> tuple[Trainer, list]:
    """Make a run folder and a trainer that starts from the training split.

    Parameters
    ----------
    config : RunConfig
    out : Path
        A new folder, an empty one, or with `overwrite` an older run, which is then replaced.
    overwrite : bool
    observe : callable, optional
    ranks : Ranks, optional
        As in `Trainer`; only the first touches `out`.

    Returns
    -------
    Trainer
    list of DiscoveredFilter

    Raises
    ------
    RunError
        If `out` holds something else, or a sparse model has 50,000 parameters or more.
    RankError
        If the ranks were given different settings or data, or cannot share the shards of a step evenly.
    """
    ranks = ranks or Ranks()
    shards_of(ranks.rank, ranks.size, n_shards(config.training))
    dataset = Dataset.open(config.data.path).with_fold(config.data.fold)
    agree(ranks, config, dataset)
    if ranks.is_first:
        _check_free(out, overwrite)
    bundle, found = new_bundle(config, dataset)
    n_parameters = bundle.model.n_parameters()
    if bundle.model.config.selects and n_parameters >= PARAMETER_LIMIT:  # the limit is the hypothesis', not a rival's
        expected = f"fewer than {PARAMETER_LIMIT:,} parameters"
        raise RunError("model too large", expected=expected, found=f"{n_parameters:,}")
    trainer = Trainer(bundle, config, dataset, out, observe, ranks)
    if ranks.is_first:
        _make_folder(trainer, found)
    return trainer, found


def _make_folder(trainer, found):
    out, config = trainer.folder, trainer.config
    out.mkdir(parents=True, exist_ok=True)
    of_training = [out / name for name in (CHECKPOINT, METRICS_FILE, Path(BEST) / MODEL_FILE, CONFIG)]
    for stale in [*of_training, *out.glob("evaluation*")]:
        stale.unlink(missing_ok=True)
    _write_manifest(out, _new_manifest(config, trainer.dataset, trainer.bundle.model.n_parameters()))
    atomic_write_text(out / CONFIG, dump_config(config))
    filters = [asdict(item) | {"template": item.template.tolist()} for item in found]
    atomic_write_text(out / FILTERS, json.dumps(filters) + "\n")


def resume_run(folder: Path, observe=None, ranks: Ranks | None = None) -> Trainer:
    """Go back to where a run stopped; what follows is what would have followed.

    Of several ranks only the first needs the folder; how many there are may have changed.

    Raises
    ------
    RunError
        If the folder is no run, the run is finished, or its data have changed.
    RankError
        If the ranks have different data or cannot share the shards of a step evenly.
    """
    ranks = ranks or Ranks()
    stopped = told(ranks, _stopped(folder) if ranks.is_first else None)
    config = RunConfig.model_validate(stopped["config"])
    dataset = Dataset.open(config.data.path).with_fold(config.data.fold)
    if dataset.data_hash != stopped["data_hash"]:
        raise RunError(
            "data set has changed since the run started", where=str(dataset.path),
            expected=stopped["data_hash"][:12], found=dataset.data_hash[:12],
        )  # fmt: skip
    agree(ranks, config, dataset)
    bundle, _ = new_bundle(config, dataset, discover=not stopped["interrupted"])
    trainer = Trainer(bundle, config, dataset, folder, observe, ranks)
    if not ranks.is_first:
        return trainer
    if stopped["interrupted"]:
        trainer.resume()
    else:
        trainer.log.rewind(0)  # a kill between the first row and the first checkpoint leaves that row
    return trainer


def _stopped(folder):
    """Read what is known of a run that is to go on."""
    manifest = read_manifest(folder)
    if manifest["finished"]:
        raise RunError("run is finished", where=str(folder), mend="Start another with --out, or --overwrite this one.")
    return {
        "config": load_config(folder / CONFIG).model_dump(mode="json"),
        "data_hash": manifest["data_hash"],
        "interrupted": (folder / CHECKPOINT).is_file(),
    }


def finish_run(trainer: Trainer, result: dict) -> None:
    """Mark a run as finished and write down its result."""
    manifest = read_manifest(trainer.folder)
    manifest.update(finished=True, finished_at=_now(), result=result)
    _write_manifest(trainer.folder, manifest)


def read_manifest(folder: Path) -> dict:
    """Read the manifest of a run folder.

    Raises
    ------
    RunError
        If there is none or it is not of this program.
    """
    path = Path(folder) / MANIFEST
    try:
        manifest = dict(json.loads(path.read_text()))
    except FileNotFoundError:
        raise RunError("not a run", where=str(folder), mend="Give a folder that `gsa train` made.") from None
    except (OSError, ValueError, TypeError) as error:
        raise RunError("run manifest cannot be read", where=str(path), found=str(error)) from None
    kind = manifest.get("format")
    if kind != _FORMAT or manifest.get("format_version", 0) > _VERSION:
        raise RunError("not a run of this program", where=str(path), expected=_FORMAT, found=str(kind))
    return manifest


def find_run(path: Path | str | None = None, runs: Path = RUNS) -> RunInfo:
    """Find a trained model: the run named, else the latest one here, else the model that ships with the program.

    Parameters
    ----------
    path : path, optional
        Run folder.
    runs : Path
        Where runs are looked for when none is named.

    Returns
    -------
    RunInfo

    Raises
    ------
    RunError
        If the folder named is no run or holds no model yet.
    """
    if path is not None:
        return _run_info(Path(path))
    finished = [_finished_at(folder) for folder in runs.iterdir()] if runs.is_dir() else []
    latest = max((entry for entry in finished if entry), default=None)
    if latest:
        return _run_info(latest[1])
    shipped = asset_path("model")
    return RunInfo(shipped, shipped, None, None, True)


def _run_info(folder):
    manifest = read_manifest(folder)
    if not (folder / BEST / MODEL_FILE).is_file():
        raise RunError("run has no model yet", where=str(folder), mend=f"Go on with: gsa train --resume {folder}")
    return RunInfo(folder, folder / BEST, Path(manifest["dataset"]), manifest["data_hash"], False, manifest.get("fold"))


def _finished_at(folder):
    try:
        manifest = read_manifest(folder)
    except RunError:
        return None  # another folder among the runs is no error: it is not what is looked for
    usable = manifest["finished"] and (folder / BEST / MODEL_FILE).is_file()
    return (manifest["finished_at"], folder) if usable else None


def _check_free(out, overwrite):
    entries = [entry for entry in out.iterdir() if not entry.name.startswith(".")] if out.is_dir() else []
    if out.exists() and not out.is_dir():
        raise RunError("output is a file", where=str(out), expected="a new folder")
    if not entries:
        return
    read_manifest(out)
    if not overwrite:
        raise RunError(
            "a run is there already", where=str(out), mend=f"Use --overwrite, another --out, or --resume {out}."
        )


def _new_manifest(config, dataset, n_parameters):
    return {
        "format": _FORMAT,
        "format_version": _VERSION,
        "created": _now(),
        "finished": False,
        "dataset": str(Path(config.data.path).resolve()),
        "data_hash": dataset.data_hash,
        "fold": config.data.fold,
        "seed": config.training.seed,
        "n_parameters": n_parameters,
        "versions": versions(),
        "machine": machine(),
    }


def _write_manifest(folder, manifest):
    atomic_write_text(folder / MANIFEST, json.dumps(manifest, indent=1) + "\n")


def _now():
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")

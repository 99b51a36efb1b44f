"""How far a run of a sweep is, read from its folder: nothing is remembered elsewhere, so a killed sweep goes on."""

from pathlib import Path

from mlx_gsa.config import load_config
from mlx_gsa.data.manifest import FILE as DATA_MANIFEST
from mlx_gsa.data.manifest import read_manifest
from mlx_gsa.errors import GsaError
from mlx_gsa.experiments.plan import Cell, evaluate_command, step_commands
from mlx_gsa.experiments.record import Record, read_json
from mlx_gsa.experiments.spec import SweepSpec
from mlx_gsa.model.weights import MODEL_FILE

NEW, INTERRUPTED, TRAINED, FINISHED, CHANGED = "new", "interrupted", "trained", "finished", "changed"
_CONFIG, _MANIFEST, _BEST = "config.toml", "manifest.json", "best"
_SHOWN = 3  # differences named


def run_state(cell: Cell) -> str:
    """Say how far the training of a cell is.

    Parameters
    ----------
    cell : Cell

    Returns
    -------
    str
        "new", "interrupted", "finished", or "changed: " and by what: settings, defaults or data that are no longer
        those of the run.
    """
    manifest = read_json(cell.folder / _MANIFEST)
    if manifest is None or not (cell.folder / _CONFIG).is_file():
        return NEW
    try:
        was = load_config(cell.folder / _CONFIG).model_dump()
    except GsaError as error:
        return f"{CHANGED}: its configuration is of another version ({error})"
    found = _differences(was, cell.config().model_dump())
    if is_prepared(cell.data.path) and manifest["data_hash"] != read_manifest(Path(cell.data.path)).data_hash:
        found.append("the data set is another one")
    if found:
        more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
        return f"{CHANGED}: {'; '.join(found[:_SHOWN])}{more}"
    return FINISHED if manifest["finished"] else INTERRUPTED


def cell_state(cell: Cell) -> str:
    """Say how far a cell is with its evaluation: as `run_state`, but "trained" if the evaluation is to be done."""
    state = run_state(cell)
    return TRAINED if state == FINISHED and must_evaluate(cell, Record(cell.beside(".json"))) else state


def must_evaluate(cell: Cell, record: Record) -> bool:
    """Say whether a trained run has no evaluation, one by another command, or one older than its weights."""
    evaluation = cell.folder / "evaluation.json"
    if not evaluation.is_file() or not (cell.folder / "evaluation-predictions.tsv").is_file():
        return True
    model = cell.folder / _BEST / MODEL_FILE
    return not record.has(evaluate_command(cell)) or evaluation.stat().st_mtime < model.stat().st_mtime


def steps_left(spec: SweepSpec, cell: Cell, data_root: str) -> list:
    """List the further commands of a cell that have not been finished, as they are written now."""
    record = Record(cell.beside(".json"))
    return [
        command
        for command in step_commands(spec, cell, data_root)
        if not (record.has(command) if command.makes is None else is_prepared(command.makes))
    ]


def is_prepared(folder) -> bool:
    """Say whether a data set is there."""
    return (Path(folder) / DATA_MANIFEST).is_file()


def _differences(was, wanted):
    return [
        f"{name} was {was[table][name]}, is {value}"
        for table in wanted
        for name, value in wanted[table].items()
        if was[table][name] != value
    ]

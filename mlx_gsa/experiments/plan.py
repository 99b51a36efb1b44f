"""The cells of a sweep, in an order in which an early stop leaves something of everything, and their commands."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from mlx_gsa.config import RunConfig, load_config, parse_assignments
from mlx_gsa.errors import ConfigError
from mlx_gsa.experiments.spec import DataSpec, StepSpec, SweepSpec, VariantSpec

NAMED_ROOT = "DATA_ROOT"  # stands for the folder of real data in what is written down


@dataclass(frozen=True)
class Cell:
    """One run of a sweep: a variant on a data set, with one seed and at most one fold.

    Attributes
    ----------
    data : DataSpec
    variant : VariantSpec
        With a single sparsity.
    family : str
        Its entry in the file, such as "sparse" of "sparse-10".
    seed : int
    fold : int or None
    folder : Path
        Run folder.
    """

    data: DataSpec
    variant: VariantSpec
    family: str
    seed: int
    fold: int | None
    folder: Path

    def __hash__(self):
        return hash(self.folder)

    @property
    def name(self) -> str:
        """Name it for people: DATA/VARIANT-seedS[-foldF]."""
        return f"{self.data.name}/{self.folder.name}"

    def beside(self, ending: str) -> Path:
        """Path of a file beside the run folder, such as its log: ``beside(".log")``."""
        return self.folder.with_name(self.folder.name + ending)

    def config(self) -> RunConfig:
        """Resolve the configuration that `gsa train` will use.

        Raises
        ------
        ConfigError
            If the recipe is missing, or a setting is unknown or out of range.
        """
        settings = parse_assignments(self.settings()) | {"data.path": self.data.path, "training.seed": self.seed}
        settings |= {} if self.fold is None else {"data.fold": self.fold}
        try:
            return load_config(self.variant.config or self.data.config, settings)
        except ConfigError as error:
            error.where = f"{error.where}, variant {self.variant.name!r} on {self.data.name!r}"
            raise

    def settings(self) -> list[str]:
        """Write the variant's settings as `--set` reads them."""
        return [f"{key}={_plain(value)}" for key, value in (self.data.settings | self.variant.settings).items()]


class Command(NamedTuple):
    """One `gsa` command: its name in the record, its arguments, how it is written down, and the data set it makes."""

    name: str
    arguments: tuple
    named: tuple
    makes: Path | None = None
    again: bool = False  # also where the data set is there


def plan_cells(spec: SweepSpec, out: Path) -> list[Cell]:
    """List the runs of a sweep: the first seed and fold of every variant on every data set, then the next.

    Parameters
    ----------
    spec : SweepSpec
    out : Path
        Folder of the sweep.

    Returns
    -------
    list of Cell

    Raises
    ------
    ConfigError
        If a variant is restricted to folds that a data set does not have, or nothing is left to run.
    """
    found = []
    for at, data in enumerate(sorted(spec.data, key=lambda each: each.order)):
        for number, variant in enumerate(spec.all_variants()):
            if variant.data is not None and data.name not in variant.data:
                continue
            for i, seed in enumerate(data.seeds or variant.seeds):
                for j, fold in enumerate(_folds(data, variant)):
                    place = (i, j, at, number)
                    found.append((place, _cell(spec, data, variant, seed, fold, out)))
    if not found:
        raise ConfigError("nothing to run", where=spec.name, expected="a variant for one of the data sets")
    return [cell for _, cell in sorted(found, key=lambda each: each[0])]


def choose(cells: Iterable[Cell], only=(), data=(), folds=(), seeds=()) -> list[Cell]:
    """Pick the runs that are wanted now.

    Parameters
    ----------
    cells : iterable of Cell
    only : sequence of str
        Variants, by name or by family; all of them if empty. The others restrict likewise.
    data : sequence of str
    folds, seeds : sequence of int

    Returns
    -------
    list of Cell

    Raises
    ------
    ConfigError
        If something is asked for that no run has.
    """
    cells = list(cells)
    asked = (
        ("variant", only, lambda cell: {cell.variant.name, cell.family}),
        ("data set", data, lambda cell: {cell.data.name}),
        ("fold", folds, lambda cell: {cell.fold} - {None}),
        ("seed", seeds, lambda cell: {cell.seed}),
    )
    for what, wanted, names in asked:
        known = {name: None for cell in cells for name in sorted(names(cell))}
        for missing in [name for name in wanted if name not in known]:
            expected = ", ".join(map(str, known)) or "none, as this experiment has no folds"
            raise ConfigError(f"no such {what} in this experiment", where=str(missing), expected=expected)
    found = [cell for cell in cells if all(not wanted or names(cell) & set(wanted) for _, wanted, names in asked)]
    if not found:
        raise ConfigError("nothing to run", expected="a run that fits every restriction")
    return found


def prepare_command(cell: Cell, data_root: str) -> Command | None:
    """Write out the command that makes the cell's data set; None if the file states none."""
    if not cell.data.prepare:
        return None
    return _prepare("prepare", cell.data.prepare, cell.data.path, data_root)


def train_command(cell: Cell) -> Command:
    """Write out the training of a cell from the start."""
    config = cell.variant.config or cell.data.config
    fold = [] if cell.fold is None else ["--fold", str(cell.fold)]
    arguments = (
        "train", "--data", cell.data.path, *(["--config", config] if config else []),
        *(part for setting in cell.settings() for part in ("--set", setting)),
        "--seed", str(cell.seed), *fold, "--out", str(cell.folder),
    )  # fmt: skip
    return Command("train", arguments, arguments)


def evaluate_command(cell: Cell) -> Command:
    """Write out the evaluation of a cell."""
    arguments = ("evaluate", str(cell.folder), *cell.data.evaluate, *cell.variant.evaluate)
    return Command("evaluate", arguments, arguments)


def step_commands(spec: SweepSpec, cell: Cell, data_root: str) -> list[Command]:
    """Write out the further steps of a cell, each after the `prepare` of its own data set, if it has one."""
    found = []
    for step in spec.steps:
        if not _applies(step, cell):
            continue
        if step.prepare:
            found.append(_prepare(f"prepare-{step.name}", step.prepare, step.prepare_out, data_root))
        both = [tuple(_filled(part, step, cell, root) for part in step.command) for root in (data_root, NAMED_ROOT)]
        found.append(Command(step.name, *both))
    names = [command.name for command in found]
    for name in {name for name in names if names.count(name) > 1}:
        raise ConfigError("two steps of one name", where=f"{name} of {cell.name}", mend="Restrict or rename one.")
    return found


def missing_files(data: DataSpec, data_root: str) -> list[str]:
    """List the files of real data that making a data set needs and that are not there."""
    return [part.replace("{data_root}", data_root) for part in data.prepare if _is_absent(part, data_root)]


def _is_absent(part, data_root):
    return part.startswith("{data_root}") and not Path(part.replace("{data_root}", data_root)).exists()


def _prepare(name, arguments, out, data_root):
    given, named = (
        ("prepare", *(part.replace("{data_root}", root) for part in arguments), "--out", out)
        for root in (data_root, NAMED_ROOT)
    )
    return Command(name, given, named, Path(out))


def _cell(spec, data, variant, seed, fold, out):
    name = f"{variant.name}-seed{seed}" + ("" if fold is None else f"-fold{fold}")
    return Cell(data, variant, spec.family(variant.name), seed, fold, Path(out) / data.name / name)


def _folds(data, variant):
    if data.folds is None:
        if variant.folds is not None and variant.data is not None:
            raise ConfigError("variant with folds on a data set without", where=f"{variant.name} on {data.name}")
        return (None,)
    wanted = variant.folds_of.get(data.name, variant.folds)
    return data.folds if wanted is None else [fold for fold in data.folds if fold in wanted]


def _applies(step: StepSpec, cell: Cell):
    names = {cell.variant.name, cell.family}
    return (
        (step.variants is None or bool(names & set(step.variants)))
        and (step.data is None or cell.data.name in step.data)
        and (step.folds is None or cell.fold in step.folds)
        and (step.seeds is None or cell.seed in step.seeds)
    )


def _filled(part, step, cell, data_root):
    words = {
        "run": str(cell.folder), "data": cell.data.path, "data_root": data_root, "seed": str(cell.seed),
        "fold": "" if cell.fold is None else str(cell.fold), "also": step.prepare_out or "",
    }  # fmt: skip
    for word, text in words.items():
        part = part.replace(f"{{{word}}}", text)
    return part


def _plain(value):
    return value if isinstance(value, str) else json.dumps(value)

"""What an experiment file says: data sets x model variants x sparsities x seeds x folds, and what is done with each."""

import difflib
import tomllib
from pathlib import Path
from typing import Annotated, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from mlx_gsa.errors import ConfigError

Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")]
Number = Annotated[int, Field(ge=0)]
Share = Annotated[float, Field(gt=0, le=1)]
Settings = dict[str, bool | int | float | str | list]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class BarSpec(_Frozen):
    """A figure that was asked for before the runs: what is measured, where, and how much is enough."""

    what: str = Field(description="the claim, in words")
    measure: str | None = Field(None, description="name of what is measured, where it is not the leading metric")
    variant: str | None = Field(None, description="whose; the file's first variant if not stated")
    metric: str | None = None
    against: str | None = Field(None, description="variant or simple model that it is compared with")
    step: str | None = Field(None, description="read from what this step wrote")
    reads: str | None = Field(None, description="field of the step's result")
    stratum: str | None = Field(None, description="part of the test records, such as 'GC-matched'")
    cut: str | None = Field(None, description="positions counted: 'kept', 'top 1 %', ...")
    first_motif: str | None = Field(None, description="motif that has to come first")
    length: int | None = Field(None, description="bp")
    at_least: float | None = None
    at_most: float | None = None
    above: float | None = None


class DataSpec(_Frozen):
    """One data set: the `gsa prepare` arguments that make it, and what all its runs share."""

    name: Name = Field(description="data/NAME is its folder")
    title: str | None = None
    purpose: str | None = None
    remarks: str | None = Field(None, description="what the results show; Markdown")
    order: int = 99
    folder: str | None = Field(None, description="where it is, if not in data/NAME")
    prepare: tuple[str, ...] = Field((), description="arguments of `gsa prepare`; {data_root}: folder of real data")
    config: str | None = Field(None, description="training recipe: a name in configs/training, or a file")
    settings: Settings = Field(default_factory=dict, description="of every variant that does not set them itself")
    evaluate: tuple[str, ...] = Field((), description="further arguments of `gsa evaluate`")
    folds: tuple[Number, ...] | None = Field(None, description="folds that test in turn; None: the set's own split")
    seeds: tuple[Number, ...] | None = Field(None, description="instead of the variants' own")
    min_lengths: tuple[int, ...] = Field((), description="bp; test records of so many or more are scored apart, too")
    bars: tuple[BarSpec, ...] = ()

    @property
    def path(self) -> str:
        """Folder of the prepared set."""
        return self.folder or f"data/{self.name}"


class VariantSpec(_Frozen):
    """One way to build and train the model."""

    name: Name
    label: str | None = Field(None, description="how tables call it")
    settings: Settings = Field(default_factory=dict, description="as `gsa train --set` takes them")
    sparsities: tuple[Share, ...] | None = Field(None, description="one variant each, NAME-1 for 1 % and so on")
    seeds: tuple[Number, ...] = Field((0,), min_length=1)
    folds: tuple[Number, ...] | None = Field(None, description="only these of the data set's folds")
    folds_of: dict[str, tuple[Number, ...]] = Field(default_factory=dict, description="the same for one data set")
    data: tuple[str, ...] | None = Field(None, description="only these data sets")
    config: str | None = Field(None, description="training recipe instead of the data set's")
    evaluate: tuple[str, ...] = Field((), description="further arguments of `gsa evaluate`")

    def expanded(self) -> list["VariantSpec"]:
        """Return one variant for each of `sparsities`, or this one."""
        if self.sparsities is None:
            return [self]
        found = []
        for share in self.sparsities:
            percent = f"{round(100 * share, 6):g}"
            changes = {
                "name": f"{self.name}-{percent}",
                "label": f"{self.label}, {percent} % kept" if self.label else f"{percent} % kept",
                "settings": self.settings | {"sparsity": share},
                "sparsities": None,
            }
            found.append(self.model_copy(update=changes))
        return found


class StepSpec(_Frozen):
    """A further `gsa` command for some of the runs, after their evaluation."""

    name: Name
    command: tuple[str, ...] = Field(
        min_length=1, description="{run}, {data}, {data_root}, {seed}, {fold} and {also} (prepare_out) are filled in"
    )
    variants: tuple[str, ...] | None = None
    data: tuple[str, ...] | None = None
    folds: tuple[Number, ...] | None = None
    seeds: tuple[Number, ...] | None = None
    prepare: tuple[str, ...] = Field((), description="arguments of `gsa prepare` that make a further data set first")
    prepare_out: str | None = Field(None, description="folder of that data set")
    kind: str | None = Field(None, description="how a page reads the result: 'transfer', 'mutants', ...")
    clear_change: float | None = Field(None, description="of mutants: changes below this are not counted")

    @model_validator(mode="after")
    def _prepared_somewhere(self):
        if bool(self.prepare) != bool(self.prepare_out):
            raise ValueError("prepare and prepare_out go together")
        return self


class SweepSpec(_Frozen):
    """A whole experiment; ``configs/experiments`` holds those that ship."""

    name: Name = Field(description="the file's name; runs/NAME is where the runs go")
    title: str
    purpose: str = Field(description="the question, or the sentence of the hypothesis, that this tests")
    remarks: str | None = None
    order: int = 99
    reference: str | None = Field(None, description="variant that the others are compared with")
    data: tuple[DataSpec, ...] = Field(min_length=1)
    variants: tuple[VariantSpec, ...] = Field(min_length=1)
    steps: tuple[StepSpec, ...] = ()
    bars: tuple[BarSpec, ...] = ()

    @field_validator("data", "variants")
    @classmethod
    def _names_differ(cls, entries):
        names = [each.name for each in entries]
        for name in {name for name in names if names.count(name) > 1}:
            raise ValueError(f"the name {name!r} occurs twice")
        return entries

    @model_validator(mode="after")
    def _names_are_known(self):
        families = {each.name for each in self.variants}
        variants = families | {each.name for each in self.all_variants()}
        if len({each.name for each in self.all_variants()}) < len(self.all_variants()):
            raise ValueError("two variants have the same name once their sparsities are written out")
        data = {each.name for each in self.data}
        _check_known("reference", [self.reference] if self.reference else [], variants)
        for each in self.variants:
            _check_known(f"data of variant {each.name!r}", [*(each.data or ()), *each.folds_of], data)
        for each in self.steps:
            _check_known(f"data of step {each.name!r}", each.data or (), data)
            _check_known(f"variants of step {each.name!r}", each.variants or (), variants)
        return self

    def all_variants(self) -> list[VariantSpec]:
        """Return every variant, with one for each sparsity of those that have several."""
        return [one for each in self.variants for one in each.expanded()]

    def family(self, variant: str) -> str:
        """Name the entry of the file that a variant comes from: "sparse" for "sparse-10"."""
        return next(each.name for each in self.variants if variant in {one.name for one in each.expanded()})


def load_spec(path) -> SweepSpec:
    """Read an experiment.

    Parameters
    ----------
    path : str or Path
        TOML file, or the name of one that ships in ``configs/experiments``.

    Returns
    -------
    SweepSpec

    Raises
    ------
    ConfigError
        If the file cannot be read, a key is unknown, a value is out of range or a name leads nowhere.
    """
    path = _found(Path(path))
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError("experiment file not found", where=str(path)) from None
    except OSError as error:
        raise ConfigError("experiment file cannot be read", where=str(path), found=str(error)) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError("experiment file is not TOML", where=str(path), found=str(error)) from None
    return parse_spec({"name": path.stem, **tables}, str(path))


def parse_spec(tables: dict, where: str) -> SweepSpec:
    """Check the tables of an experiment file.

    Parameters
    ----------
    tables : dict
    where : str
        What messages call the file.

    Returns
    -------
    SweepSpec

    Raises
    ------
    ConfigError
        As `load_spec`.
    """
    try:
        return SweepSpec.model_validate(tables)
    except ValidationError as error:
        raise readable(first_complaint(error), SweepSpec, where) from None


def first_complaint(error: ValidationError) -> dict:
    """Pick the complaint that helps most: a misspelt key, which is also why another one is missing, else the first."""
    found = error.errors()
    return next((each for each in found if each["type"] == "extra_forbidden"), found[0])


def readable(first: dict, model, where: str) -> ConfigError:
    """Turn a complaint of pydantic about a file into an error that names key, expectation and mend."""
    *above, key = first["loc"] or ("",)
    place = f"{'.'.join(map(str, first['loc']))} in {where}" if first["loc"] else where
    if first["type"] == "extra_forbidden":
        known = list(_model_at(model, above).model_fields)
        close = difflib.get_close_matches(str(key), known, n=1, cutoff=0.5)
        mend = f"Did you mean {close[0]}?" if close else "Known keys: " + ", ".join(known)
        return ConfigError("unknown key", where=place, mend=mend)
    if first["type"] == "missing":
        return ConfigError("key is missing", where=place)
    if first["type"] == "value_error":
        return ConfigError("entries do not fit each other", where=place, found=str(first["ctx"]["error"]))
    return ConfigError("value cannot be used", where=place, expected=first["msg"], found=repr(first.get("input")))


def _model_at(model, place):
    """Follow a place such as ("variants", 0) to the model that describes it."""
    for part in place:
        if isinstance(part, str) and part in model.model_fields:
            inner = get_args(model.model_fields[part].annotation)
            model = next((each for each in inner if isinstance(each, type) and issubclass(each, BaseModel)), model)
    return model


def _check_known(what, names, known):
    for name in names:
        if name not in known:
            close = difflib.get_close_matches(name, sorted(known), n=1)
            hint = f"did you mean {close[0]!r}?" if close else f"known: {', '.join(sorted(known))}"
            raise ValueError(f"{what}: {name!r} is not in this file; {hint}")


def _found(path):
    """Return a file as it was named, or the shipped experiment of that name where there is no such file."""
    if path.suffix or path.exists() or len(path.parts) > 1:
        return path
    from mlx_gsa.configs import config_path

    return config_path(f"experiments/{path}.toml")

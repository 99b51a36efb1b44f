"""What a tuning varies: settings of a training and the values that they may take, from a TOML file."""

import tomllib
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, RootModel, ValidationError, model_validator

from mlx_gsa.errors import ConfigError
from mlx_gsa.experiments.spec import first_complaint, readable

Value = bool | int | float | str


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class _Bounded(_Frozen):
    low: float
    high: float

    @model_validator(mode="after")
    def _ordered(self):
        if self.low > self.high:
            raise ValueError(f"low ({self.low:g}) is above high ({self.high:g})")
        return self


class FloatRange(_Bounded):
    """Any number from low to high, all equally likely."""

    type: Literal["float"]

    def suggest(self, trial, name):
        """Let a trial choose."""
        return trial.suggest_float(name, self.low, self.high)


class LogRange(_Bounded):
    """Any number from low to high, equally likely on a logarithmic scale."""

    type: Literal["log"]
    low: float = Field(gt=0)

    def suggest(self, trial, name):
        """Let a trial choose."""
        return trial.suggest_float(name, self.low, self.high, log=True)


class IntRange(_Bounded):
    """Whole numbers from low to high, by step."""

    type: Literal["int"]
    low: int
    high: int
    step: int = Field(1, ge=1)

    def suggest(self, trial, name):
        """Let a trial choose."""
        return trial.suggest_int(name, self.low, self.high, step=self.step)


class Choice(_Frozen):
    """One of a few values."""

    type: Literal["choice"]
    choices: tuple[Value, ...] = Field(min_length=1)

    def suggest(self, trial, name):
        """Let a trial choose."""
        return trial.suggest_categorical(name, self.choices)


Parameter = Annotated[FloatRange | LogRange | IntRange | Choice, Field(discriminator="type")]


class Space(RootModel):
    """The settings that are varied, by name."""

    model_config = ConfigDict(frozen=True)
    root: dict[str, Parameter] = Field(min_length=1)

    def suggest(self, trial) -> dict:
        """Let a trial choose a value of every setting."""
        return {name: parameter.suggest(trial, name) for name, parameter in self.root.items()}

    def corner(self) -> dict:
        """Return one point of the space, to see that the settings exist."""
        return {name: each.choices[0] if isinstance(each, Choice) else each.low for name, each in self.root.items()}


def load_space(path=None) -> Space:
    """Read what is to be varied.

    Parameters
    ----------
    path : path, optional
        TOML file with a table per setting; without it ``configs/tuning/default.toml``.

    Returns
    -------
    Space

    Raises
    ------
    ConfigError
        If the file cannot be read, or a table is not of one of the four types.
    """
    from mlx_gsa.configs import config_path

    path = Path(path) if path is not None else config_path("tuning/default.toml")
    try:
        return Space.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise ConfigError("search space cannot be read", where=str(path), found=error.strerror) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError("search space is not TOML", where=str(path), found=str(error)) from None
    except ValidationError as error:
        raise _readable(first_complaint(error), path) from None


def _readable(first, path):
    kinds = {"float": FloatRange, "log": LogRange, "int": IntRange, "choice": Choice}
    kind = next((part for part in first["loc"] if part in kinds), None)
    where = f"{'.'.join(str(part) for part in first['loc'] if part != kind)} in {path}"
    if first["type"].startswith("union_tag"):
        return ConfigError("unknown type of setting", where=where, expected="float, log, int or choice")
    if kind is None:
        return ConfigError("search space cannot be used", where=where, expected=first["msg"])
    error = readable(first | {"loc": first["loc"][-1:]}, kinds[kind], str(path))
    error.where = where
    return error

"""The grammar of synthetic sequences: what is planted, how often, and what it does to regulatory strength.

A grammar is a TOML file. ``extends = "promoter"`` takes everything from another grammar and lays this file's
keys, table by table, over it. `mlx_gsa.data.strength` holds the formula that turns sites into strength.
"""

import difflib
import tomllib
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from mlx_gsa.errors import ConfigError

Probability = Annotated[float, Field(ge=0, le=1)]
Span = tuple[Annotated[int, Field(ge=0)], Annotated[int, Field(ge=0)]]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Background(_Frozen):
    """What the sequence between the sites is drawn from."""

    model: str = Field("human_open_chromatin", description="a Markov table that ships, or a JSON file")


class Kind(_Frozen):
    """One kind of site and its own effect.

    A kind acts in one way: it adds `weight` for each intact site; or, as a repressor, it multiplies the
    strength by `factor` for each; or, with neither, it acts only through the pairs it belongs to.
    """

    motif: str = Field(description="matrix identifier, such as MA0046.3")
    library: str = Field("vertebrates", description="a shipped motif set, or a motif file")
    strands: Literal["+", "both"] = Field("both", description="where a site counts, and is planted")
    max_p_value: float = Field(1e-5, gt=0, lt=0.1, description="sites are what a scan at this p-value calls")
    presence: Probability = Field(0.0, description="chance that a sequence without a pair of it has any")
    copies: tuple[Probability, ...] = Field((1.0,), description="chances of 1, 2, ... sites if any")
    weight: float = Field(0.0, ge=0, description="strength added per site")
    factor: float = Field(1.0, gt=0, le=1, description="strength is multiplied by this per site")
    decoy_presence: Probability = Field(0.0, description="chance of a site with a mutated core")
    decoy_columns: int = Field(3, ge=1, description="columns of highest information mutated")

    @property
    def is_repressor(self):
        """True when sites of this kind lower the strength."""
        return self.factor < 1

    @property
    def has_own_effect(self):
        """True when a site matters without a partner."""
        return self.weight != 0 or self.factor != 1

    @model_validator(mode="after")
    def _consistent(self):
        if abs(sum(self.copies) - 1) > 1e-6:
            raise ValueError(f"copies must be probabilities that sum to 1, not {sum(self.copies):g}")
        if self.weight and self.is_repressor:
            raise ValueError("give a kind either a weight or a factor below 1, not both")
        return self


class Pair(_Frozen):
    """Two kinds that act together when they are the right distance apart.

    `gap` counts the bp between the two sites (0: they touch). Each right pair adds `weight`.
    """

    first: str
    second: str
    order: Literal["first_upstream", "any"] = Field("any", description="upstream on the second site's strand")
    gap: Span = Field(description="least and greatest bp between the sites at which the pair acts")
    weight: float = Field(gt=0, description="strength added per right pair")
    presence: Probability = Field(description="chance that a right pair is planted")
    wrong_presence: Probability = Field(0.0, description="chance of a pair at a wrong distance")
    wrong_gap: Span | None = Field(None, description="bp between the sites of a wrong pair")

    @model_validator(mode="after")
    def _consistent(self):
        for name, span in (("gap", self.gap), ("wrong_gap", self.wrong_gap)):
            if span and span[0] > span[1]:
                raise ValueError(f"{name} runs from {span[0]} to {span[1]}")
        if self.presence + self.wrong_presence > 1:
            raise ValueError("presence and wrong_presence add up to more than 1")
        if self.wrong_presence and self.wrong_gap is None:
            raise ValueError("wrong_presence needs a wrong_gap")
        if self.wrong_gap and self.wrong_gap[0] <= self.gap[1] and self.gap[0] <= self.wrong_gap[1]:
            raise ValueError(f"wrong_gap {list(self.wrong_gap)} overlaps gap {list(self.gap)}")
        if self.first == self.second:
            raise ValueError("a pair needs two different kinds")
        return self


class Grammar(_Frozen):
    """A whole recipe for a synthetic data set; see ``configs/grammars/promoter.toml`` for each key in use."""

    name: str
    description: str = ""
    n: int = Field(ge=3, description="number of sequences")
    length: Span = Field(description="least and greatest length in bp, drawn uniformly")
    fractions: tuple[Probability, Probability, Probability] = Field((0.8, 0.1, 0.1))
    noise: float = Field(0.25, ge=0, description="sd of the Gaussian noise on a label of sd 1")
    basal: float = Field(1.0, gt=0, description="strength of a sequence without any site")
    spacer: int = Field(5, ge=0, description="least bp between sites, and between a site and either end")
    accidental: Literal["mutate", "record"] = Field("mutate", description="what to do with unplanted sites")
    decoy_min_p_value: float = Field(1e-3, gt=0, lt=1, description="mutated cores score below this")
    background: Background = Background()
    kinds: dict[str, Kind] = Field(min_length=1)
    pairs: dict[str, Pair] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _sizes_make_sense(self):
        if self.length[0] > self.length[1]:
            raise ValueError(f"length runs from {self.length[0]} to {self.length[1]}")
        if abs(sum(self.fractions) - 1) > 1e-6:
            raise ValueError(f"fractions must sum to 1, not {sum(self.fractions):g}")
        if round(self.fractions[0] * self.n) < 2:
            raise ValueError("the training split, which sets the scale of the label, needs two sequences or more")
        return self

    @model_validator(mode="after")
    def _each_kind_acts(self):
        for name, pair in self.pairs.items():
            for member in {pair.first, pair.second} - set(self.kinds):
                raise ValueError(f"pair {name} names {member!r}; known kinds: {', '.join(self.kinds)}")
        paired = {member for pair in self.pairs.values() for member in (pair.first, pair.second)}
        for name, kind in self.kinds.items():
            if not kind.has_own_effect and name not in paired:
                raise ValueError(f"kind {name} does nothing: give it a weight, a factor below 1, or a pair")
            if not kind.has_own_effect and kind.presence:
                raise ValueError(f"kind {name} acts only in a pair, so its own presence must be 0")
        return self


def load_grammar(name_or_path):
    """Load a grammar that ships with the program, or one of your own.

    Parameters
    ----------
    name_or_path : str or Path
        ``"full"``, ``"demo"``, ``"short"``, ``"promoter"``, or the path of a TOML file. A file may say
        ``extends = "NAME"`` (one that ships) or ``extends = "FILE.toml"`` (looked for from its own folder).

    Returns
    -------
    Grammar

    Raises
    ------
    ConfigError
        If there is no such grammar, it is not TOML, a key is unknown or a value does not make sense.
    """
    path = _find(name_or_path, Path())
    return _checked(_read(path, seen=()), path)


def with_size(grammar, n):
    """Return the grammar with another number of sequences; ConfigError if `n` will not do."""
    return _checked({**grammar.model_dump(), "n": n}, f"grammar {grammar.name}")


def _checked(tables, where):
    try:
        return Grammar.model_validate(tables)
    except ValidationError as error:
        raise _readable(error, where) from None


def _find(name_or_path, folder):
    """Path of a grammar: ``NAME`` is one that ships; what has a folder or ends in .toml is a file."""
    from mlx_gsa.configs import config_path

    given = Path(name_or_path)
    if given.suffix != ".toml" and given.name == str(name_or_path):
        return config_path(f"grammars/{given.name}.toml")
    path = folder / given
    if not path.is_file():
        raise ConfigError("no such grammar file", where=str(path))
    return path


def _read(path, seen):
    """Tables of a grammar file laid over those of the file it extends."""
    if path.resolve() in seen:
        raise ConfigError("a grammar extends itself", where=str(path))
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError("not a TOML file", where=str(path), found=str(error)) from error
    base = tables.pop("extends", None)
    tables.setdefault("name", path.stem)
    if base is None:
        return tables
    return _overlay(_read(_find(base, path.parent), (*seen, path.resolve())), tables)


def _overlay(base, top):
    """Lay tables over tables, key by key."""
    merged = dict(base)
    for key, value in top.items():
        both = isinstance(value, dict) and isinstance(merged.get(key), dict)
        merged[key] = _overlay(merged[key], value) if both else value
    return merged


def _readable(error, where):
    """The first thing wrong with a grammar, as an error a user can mend."""
    first = error.errors()[0]
    place = ", ".join(filter(None, [str(where), ".".join(map(str, first["loc"]))]))
    if first["type"] == "extra_forbidden":
        models = (Grammar, Kind, Pair, Background)
        known = [name for model in models for name in model.model_fields]
        near = difflib.get_close_matches(str(first["loc"][-1]), known, 1)
        mend = f"Did you mean {near[0]}?" if near else None
        return ConfigError("unknown key in a grammar", where=place, mend=mend)
    found = None if first["type"] in ("missing", "value_error") else repr(first["input"])
    return ConfigError("bad grammar", where=place, found=found, mend=first["msg"] + ".")

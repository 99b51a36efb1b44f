"""Known data sets: what they are, under which terms, and the very commands that prepare them and train on them."""

import difflib
import shlex
import tomllib

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from mlx_gsa.configs import config_path
from mlx_gsa.errors import ConfigError

FOLDER = "datasets"


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Recipe(_Frozen):
    """One way of preparing a file, as arguments of ``gsa prepare``.

    Attributes
    ----------
    name, title : str
    file : str
        Name of the file it takes, as it is distributed.
    prepare : tuple of str
        Arguments of ``gsa prepare``, with ``{file}`` and, where a genome is needed, ``{genome}``.
    train : tuple of str
        Options of ``gsa train`` beyond ``--data``.
    records : int or None
        Records that come of it.
    baseline : str
        What simpler models reach, as the README of the data states.
    why : str
        Why it is split the way it is.
    """

    name: str
    title: str
    file: str
    genome: str = ""
    prepare: tuple[str, ...] = Field(min_length=2)
    train: tuple[str, ...] = ()
    records: int | None = None
    baseline: str = ""
    why: str

    @property
    def needs_genome(self):
        """Say whether a genome is needed beside the file."""
        return "{genome}" in self.prepare

    def arguments(self, file, out, genome=None):
        """Return the arguments of ``gsa prepare`` for a file.

        Parameters
        ----------
        file, out : str or Path
        genome : str or Path, optional

        Returns
        -------
        list of str

        Raises
        ------
        ConfigError
            A genome is needed and none is given, or the other way round.
        """
        if self.needs_genome and genome is None:
            raise ConfigError("the recipe needs a genome", where=self.name, mend=f"Give --genome {self.genome}.")
        if genome is not None and not self.needs_genome:
            raise ConfigError("the recipe takes no genome", where=self.name, mend="Leave out --genome.")
        places = {"{file}": str(file), "{genome}": str(genome)}
        return [*(places.get(word, word) for word in self.prepare), "--out", str(out)]

    @property
    def prepare_command(self):
        """Return the command that prepares it through this recipe."""
        genome = f" --genome {self.genome}" if self.needs_genome else ""
        return f"gsa prepare recipe {self.name} --file {self.file}{genome} --out data/{self.name}"

    @property
    def full_command(self):
        """Return the same command without the recipe."""
        return "gsa prepare " + shlex.join(self.arguments(self.file, f"data/{self.name}", self.genome or None))

    @property
    def next_command(self):
        """Return the command that trains on it, or that tests a run on it if all its records are test."""
        if "--split-as" in self.prepare:
            return f"gsa evaluate RUN --data data/{self.name}"
        return shlex.join(["gsa", "train", "--data", f"data/{self.name}", *self.train, "--out", f"runs/{self.name}"])


class Entry(_Frozen):
    """A source of data.

    Attributes
    ----------
    name, title, organism, label, size, licence, citation : str
    records, length : str
        In words, as they may vary; length in bp.
    url : tuple of str
        Where it is published.
    place : str
        Where to put the file.
    commands : tuple of str
        Commands for a source that needs no recipe.
    notes : tuple of str
        Traps.
    recipes : tuple of Recipe
    """

    name: str
    title: str
    organism: str
    label: str
    records: str
    length: str
    size: str
    licence: str
    citation: str
    url: tuple[str, ...] = Field(min_length=1)
    place: str
    commands: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    recipes: tuple[Recipe, ...] = ()


def read_catalogue(folder=None):
    """Read every entry of the catalogue.

    Parameters
    ----------
    folder : Path, optional
        Default: the one that ships with the program.

    Returns
    -------
    list of Entry
        By name.

    Raises
    ------
    ConfigError
        A file is not of the form, or two have the same name.
    """
    paths = sorted((folder or config_path(FOLDER)).glob("*.toml"))
    entries = [_read(path) for path in paths]
    names = [name for entry in entries for name in {entry.name, *(recipe.name for recipe in entry.recipes)}]
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        raise ConfigError("two entries of the catalogue have the same name", found=", ".join(sorted(twice)))
    return sorted(entries, key=lambda entry: entry.name)


def _read(path):
    """Read one entry."""
    try:
        return Entry(**tomllib.loads(path.read_text(encoding="utf-8")))
    except tomllib.TOMLDecodeError as problem:
        raise ConfigError("not TOML", where=str(path), found=str(problem)) from problem
    except ValidationError as problem:
        first = problem.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        raise ConfigError(
            "an entry of the catalogue is not valid", where=f"{path}, {field}", found=first["msg"]
        ) from None


def find_entry(name, entries=None):
    """Return the entry of a name, or of the recipe of that name.

    Raises
    ------
    ConfigError
        Nothing has that name.
    """
    entries = read_catalogue() if entries is None else entries
    for entry in entries:
        if name == entry.name or any(name == recipe.name for recipe in entry.recipes):
            return entry
    raise _unknown("data set", name, {n for entry in entries for n in (entry.name, *(r.name for r in entry.recipes))})


def find_recipe(name, entries=None):
    """Return the recipe of a name, or the only one of the entry of that name.

    Raises
    ------
    ConfigError
        Nothing has that name, or the entry has several recipes or none.
    """
    entries = read_catalogue() if entries is None else entries
    recipes = {recipe.name: recipe for entry in entries for recipe in entry.recipes}
    if name in recipes:
        return recipes[name]
    for entry in entries:
        if entry.name == name and len(entry.recipes) == 1:
            return entry.recipes[0]
        if entry.name == name:
            names = ", ".join(recipe.name for recipe in entry.recipes)
            mend = f"Choose one of {names}." if names else f"See `gsa datasets {name}` for its commands."
            raise ConfigError("the data set has not exactly one recipe", where=name, mend=mend)
    raise _unknown("recipe", name, recipes)


def _unknown(what, name, known):
    """Make the error of an unknown name, with the nearest known one."""
    near = difflib.get_close_matches(name, known, n=1)
    mend = f"Did you mean {near[0]}?" if near else "See `gsa datasets`."
    return ConfigError(f"no such {what}", found=name, expected=", ".join(sorted(known)), mend=mend)

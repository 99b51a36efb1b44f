"""Configurations that ship with the program: experiments and synthetic grammars, all TOML."""

from importlib.resources import files
from pathlib import Path

from mlx_gsa.errors import ConfigError


def config_path(name: str) -> Path:
    """Return the path of a shipped configuration file or folder.

    Parameters
    ----------
    name : str
        Path below ``configs/``, with forward slashes: ``"grammars/full.toml"``.

    Returns
    -------
    pathlib.Path

    Raises
    ------
    ConfigError
        If nothing of that name ships with this installation.
    """
    path = Path(str(files(__name__).joinpath(*name.split("/"))))
    if not path.exists():
        beside = ", ".join(sorted(each.stem for each in path.parent.glob("*.toml")))
        raise ConfigError("no such configuration", where=name, expected=f"one of {beside}" if beside else None)
    return path

"""Files that ship with the program: motif matrices, background models, the demonstration model."""

from importlib.resources import files
from pathlib import Path

from mlx_gsa.errors import GsaError


def asset_path(name: str) -> Path:
    """Return the path of a shipped file or folder.

    Parameters
    ----------
    name : str
        Path below ``assets/``, with forward slashes: ``"jaspar/vertebrates.meme"``.

    Returns
    -------
    pathlib.Path

    Raises
    ------
    GsaError
        If nothing of that name ships with this installation.
    """
    path = Path(str(files(__name__).joinpath(*name.split("/"))))
    if not path.exists():
        raise GsaError("no such asset", where=str(path), mend="Reinstall mlx_gsa: its files are incomplete.")
    return path

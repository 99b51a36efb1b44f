"""The table of claims between two markers of the README."""

import re
from pathlib import Path

from mlx_gsa.data.atomic import atomic_write_text
from mlx_gsa.errors import ResultsError

BEGIN, END = "<!-- claims: gsa reproduce --render-only -->", "<!-- end of claims -->"
_MARKED = re.compile(r"<!-- (?:claims|bars): [^>]*-->.*?<!-- end of (?:claims|bars) -->", re.DOTALL)


def fill_readme(readme, text):
    """Write a table between the two markers of the README.

    Parameters
    ----------
    readme : Path
    text : str
        Markdown.

    Raises
    ------
    ResultsError
        If the README has no such markers.
    """
    readme = Path(readme)
    found = readme.read_text(encoding="utf-8")
    if len(_MARKED.findall(found)) != 1:
        raise ResultsError("no place for the claims", where=str(readme), expected=f"{BEGIN} and {END}, once")
    atomic_write_text(readme, _MARKED.sub(lambda _: f"{BEGIN}\n{text}\n{END}", found))

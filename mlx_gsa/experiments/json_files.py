"""Small machine-readable files: read, written whole, without nan and without the place where they were made."""

import json
import os
import re
from pathlib import Path

from mlx_gsa.data.atomic import atomic_write_text


def read_lines(path):
    """Read a file of one JSON value per line; an empty list where there is none."""
    try:
        text = Path(path).read_text(encoding="utf-8")
    except FileNotFoundError:
        return []
    return [json.loads(line) for line in text.splitlines() if line.strip()]


def write_json(path, value, places=()):
    """Write a value, nan as null, and with every folder of ``places`` taken out of the paths in it.

    Parameters
    ----------
    path : Path
    value : dict or list
    places : sequence of Path
        Folders that texts must not name, such as the checkout's; what lies in them stays as a relative path.

    Returns
    -------
    Path
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    for place in sorted({str(place) for place in places}, key=len, reverse=True):
        value = _without(place, value)
    text = json.dumps(_finite(value), indent=1, allow_nan=False)
    atomic_write_text(path, _INNERMOST.sub(_on_one_line, text) + "\n")
    return path


# A list or object with none inside. Line breaks within texts are escaped, so real ones are always between values.
_INNERMOST = re.compile(r"[\[{][^\[\]{}]*[\]}]")


def _on_one_line(found):
    """Put an innermost list or object on one line: a difference of two versions is then a line for each interval."""
    return re.sub(r"\n *", " ", re.sub(r"(?<=[\[{])\n *|\n *(?=[\]}])", "", found.group()))


def _without(place, value):
    """Make paths relative: where a checkout lies is nobody's business."""
    if isinstance(value, dict):
        return {key: _without(place, part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_without(place, part) for part in value]
    return value.replace(f"{place}{os.sep}", "") if isinstance(value, str) else value


def _finite(value):
    """Replace nan and infinity by None, as JSON has no word for them; arrays and their numbers become plain."""
    if isinstance(value, dict):
        return {str(key): _finite(part) for key, part in value.items()}
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, list | tuple):
        return [_finite(part) for part in value]
    infinite = isinstance(value, float) and (value != value or value in (float("inf"), float("-inf")))
    return None if infinite else value

"""Columns to tab-separated text and back: 100,000 rows in a fraction of a second, numbers bit for bit."""

import numpy as np

from mlx_gsa.errors import DatasetError

_BREAKS = str.maketrans("\t\n\r", "   ")


def write_columns(path, columns):
    """Write named columns as a table with a header line.

    A tab or line break inside a text value becomes a space. Floats are written with the fewest digits that
    read back to the same value.

    Parameters
    ----------
    path : Path
    columns : dict of str to np.ndarray, each shape (n,)
    """
    texts = [_as_text(column) for column in columns.values()]
    with open(path, "w", encoding="utf-8", errors="surrogateescape", newline="") as file:
        file.write("\t".join(columns) + "\n")
        file.writelines("\t".join(row) + "\n" for row in zip(*texts, strict=True))


def _as_text(column):
    """Turn one column into strings."""
    if column.dtype.kind in "OU":
        return [str(value).translate(_BREAKS) for value in column.tolist()]
    return column.astype(str).tolist()


def read_columns(path, dtypes):
    """Read a table that `write_columns` wrote.

    Parameters
    ----------
    path : Path
    dtypes : dict of str to dtype
        The expected columns, in order.

    Returns
    -------
    dict of str to np.ndarray

    Raises
    ------
    DatasetError
        Other columns, a row of the wrong width, or a value of the wrong type.
    """
    with open(path, encoding="utf-8", errors="surrogateescape", newline="") as file:
        lines = file.read().split("\n")
    header, rows = lines[0].split("\t"), [line.split("\t") for line in lines[1:-1]]
    if header != list(dtypes):
        raise DatasetError(
            "damaged table: other columns than expected",
            where=str(path),
            expected=", ".join(dtypes),
            found=", ".join(header),
        )
    try:
        columns = list(zip(*rows, strict=True)) or [()] * len(header)
        return {n: _typed(c, t) for (n, t), c in zip(dtypes.items(), columns, strict=True)}
    except ValueError as problem:
        raise DatasetError("damaged table", where=str(path), found=str(problem)) from problem


def _typed(values, dtype):
    """Turn strings into one column; a list assigned to an object column keeps its strings."""
    column = np.empty(len(values), dtype=object)
    column[:] = values
    if np.dtype(dtype) == bool:
        return column == "True"
    return column if dtype is object else column.astype(dtype)

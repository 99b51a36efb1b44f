"""Activities from a table, joined to other records by id: replicate rows averaged, ids of either side counted."""

import math
import re
from dataclasses import dataclass, field

from mlx_gsa.data.labels import Labels, Rejected
from mlx_gsa.data.table_file import open_table
from mlx_gsa.errors import TableError

USUAL_IDS = ("id", "tss_id", "gene_id", "orf", "gene", "name", "gene_name", "symbol")
AVERAGED = "activity rows of an id that has several, averaged"
NOT_JOINED = "activity whose id is that of no TSS"
VERSIONLESS = "ids joined without their version, as ENSG00000187634 for ENSG00000187634.13"

_VERSION = re.compile(r"\.\d+$")


@dataclass
class Activities:
    """Activity by id.

    Attributes
    ----------
    values : dict of str to float
    name : str
        The file, for messages.
    used : set of str
        Ids that were asked for.
    versionless : dict of str to str
        Id without its version -> id.
    """

    values: dict
    name: str
    used: set = field(default_factory=set)
    versionless: dict = field(default_factory=dict)

    def __post_init__(self):
        for key in self.values:
            self.versionless.setdefault(_VERSION.sub("", key), key)

    def find(self, names):
        """Return the activity of the first name that has one.

        Parameters
        ----------
        names : iterable of str
            As written first; then all without version numbers.

        Returns
        -------
        (float, bool) or None
            The activity, and whether a version was left out to find it.
        """
        names = [name for name in names if name]
        for name in names:
            if name in self.values:
                self.used.add(name)
                return self.values[name], False
        for name in names:
            key = self.versionless.get(_VERSION.sub("", name))
            if key is not None:
                self.used.add(key)
                return self.values[key], True
        return None

    @property
    def unused(self):
        """Return how many ids were never asked for."""
        return len(self.values) - len(self.used)


def read_activities(path, column=None, id_column=None, *, log2=False, pseudocount=0.0, dropped, normalised):
    """Read activities from a tab- or comma-separated table with a header.

    Parameters
    ----------
    path : str or Path
    column : str, optional
        The activity; ``activity`` by default.
    id_column : str, optional
        By default the first of `USUAL_IDS` that the table has.
    log2 : bool
        Take ``log2(mean + pseudocount)``: rows of one id are averaged before.
    pseudocount : float
        In units of the activity.
    dropped, normalised : Counter
        Gain what could not be used, and what was averaged.

    Returns
    -------
    Activities

    Raises
    ------
    TableError
        The table cannot be read, has no such column, or no usable value in it.
    """
    sums = {}
    with open_table(path) as table:
        value_at = table.column(column or "activity", "activities")
        id_at = _id_column(table, id_column)
        reader = Labels("regression")
        for _, row in table.rows:
            try:
                name, value = _read_row(row, id_at, value_at, len(table.header), reader)
            except Rejected as reason:
                dropped[f"activity row: {reason}"] += 1
                continue
            total, rows = sums.get(name, (0.0, 0))
            sums[name] = total + value, rows + 1
        normalised[AVERAGED] += sum(rows for _, rows in sums.values() if rows > 1)
        where = f"{table.name}, column {table.header[value_at]}"
    values = {name: total / rows for name, (total, rows) in sums.items()}
    if log2:
        values = _logarithms(values, pseudocount, dropped)
    if not values:
        reasons = ", ".join(f"{n:,} {reason}" for reason, n in dropped.items() if reason.startswith("activity"))
        raise TableError("no usable activity", where=where, expected="numbers", found=reasons or "no row")
    return Activities(values, table.name)


def _id_column(table, name):
    """Return the number of the column of ids."""
    if name is not None:
        return table.column(name, "ids")
    usual = next((each for each in USUAL_IDS if each in table.header), "id")
    return table.column(usual, "ids")


def _read_row(row, id_at, value_at, width, reader):
    """Return the id and activity of a row."""
    if len(row) != width:
        raise Rejected("another number of columns than the header")
    name = row[id_at].strip()
    if not name:
        raise Rejected("no id")
    return name, reader.read(row[value_at])


def _logarithms(values, pseudocount, dropped):
    """Take logarithms; count what has none."""
    positive = {name: value + pseudocount for name, value in values.items() if value + pseudocount > 0}
    if len(positive) < len(values):
        dropped["activity is not positive, so it has no logarithm"] += len(values) - len(positive)
    return {name: math.log2(value) for name, value in positive.items()}

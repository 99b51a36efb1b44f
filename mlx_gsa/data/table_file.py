"""Read the rows of a tab- or comma-separated file, and choose among its columns and rows."""

import csv
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass

from mlx_gsa.data.labels import nearest, shown
from mlx_gsa.dna.files import open_lines
from mlx_gsa.errors import TableError

MAX_FIELD = 1 << 27  # bytes; csv stops at 128 kB by default, less than a long sequence


@dataclass(frozen=True)
class TableFile:
    """An opened table.

    Attributes
    ----------
    name : str
        For messages.
    header : list of str
        Column names.
    rows : iterator of (int, list of str)
        Line number from 1, and the fields.
    """

    name: str
    header: list[str]
    rows: object

    def column(self, name, what):
        """Return the number of a column that must be there.

        Parameters
        ----------
        name : str
        what : str
            What the column is for, for the message.

        Raises
        ------
        TableError
            There is no such column; the message names the nearest.
        """
        if name in self.header:
            return self.header.index(name)
        columns = ", ".join(self.header[:12])
        raise TableError(
            f"no column {name!r} for {what}",
            where=self.name,
            expected=f"one of {columns}",
            mend=nearest(name, self.header) or f"Name the column of {what}.",
        )

    def optional(self, name, usual, what):
        """Return the number of a column that may be missing, or None.

        Parameters
        ----------
        name : str or None
            The column asked for. None: the column called `usual`, if there is one. ``none`` or empty: no
            column, even if there is one called `usual`.
        usual, what : str
        """
        if name is None:
            return self.header.index(usual) if usual in self.header else None
        return None if name.lower() in ("", "none") else self.column(name, what)


@contextmanager
def open_table(path, progress=None):
    """Open a tab- or comma-separated file with a header line, plain or gzip.

    A header with a tab means tabs; otherwise commas, with quotes as spreadsheets write them.

    Parameters
    ----------
    path : str or Path
        ``-`` is standard input.
    progress : callable, optional
        Called as ``progress(bytes_read, bytes_in_file)``.

    Yields
    ------
    TableFile

    Raises
    ------
    TableError
        The file cannot be read, is empty or binary, or its header has one column or two of the same name.
    """
    name = "standard input" if str(path) == "-" else str(path)
    with open_lines(path, error=TableError, progress=progress) as lines:
        numbered = _NumberedLines(lines)
        first = next(line for line in numbered if line.strip("\r\n"))
        delimiter = "\t" if "\t" in first else ","
        header = [h.strip() for h in _fields(first, delimiter)]
        _check_header(header, name)
        yield TableFile(name, header, _rows(numbered, delimiter, name))


class _NumberedLines:
    """Lines that know how many were read, as a quoted field of a comma-separated file may span several."""

    def __init__(self, lines):
        self.lines, self.number = iter(lines), 0

    def __iter__(self):
        return self

    def __next__(self):
        line = next(self.lines)
        self.number += 1
        return line


def _fields(line, delimiter):
    """Split one tab-separated line, or parse one comma-separated line."""
    if delimiter == ",":
        return next(csv.reader([line]))
    fields = line.rstrip("\r\n").split("\t")
    return [f[1:-1] if len(f) > 1 and f[0] == f[-1] == '"' else f for f in fields]


def _rows(numbered, delimiter, name):
    """Yield line number and fields of every row that is not blank."""
    if delimiter == "\t":
        for line in numbered:
            if not line.isspace():
                yield numbered.number, _fields(line, delimiter)
        return
    csv.field_size_limit(MAX_FIELD)
    try:
        for fields in csv.reader(numbered):
            if fields:
                yield numbered.number, fields
    except csv.Error as problem:
        raise TableError(
            "cannot parse the table",
            where=f"{name}, line {numbered.number}",
            found=str(problem),
            mend="Check the quotes, or save it as tab-separated text.",
        ) from problem


def _check_header(header, name):
    """Raise if the header is not that of a table."""
    if len(header) < 2:
        what = "a FASTA file" if header[0].startswith(">") else f"one column, {header[0][:40]!r}"
        mend = "Use `gsa prepare fasta`." if header[0].startswith(">") else "Separate columns with tabs or commas."
        raise TableError(
            "not a table",
            where=f"{name}, line 1",
            expected="a header with at least two columns",
            found=what,
            mend=mend,
        )
    twice = sorted({h for h in header if header.count(h) > 1})
    if twice:
        raise TableError(
            "two columns have the same name",
            where=f"{name}, line 1",
            found=", ".join(twice),
            mend="Rename one of them.",
        )


@dataclass
class RowFilter:
    """Keeps rows whose column has one of some values.

    Attributes
    ----------
    column : int
    values : frozenset of str
    seen : Counter
        Values met, for the message when none fits.
    """

    column: int
    values: frozenset
    seen: Counter

    def keeps(self, row):
        """Say whether a row is kept."""
        self.seen[row[self.column]] += 1
        return row[self.column] in self.values


def parse_filters(texts, table):
    """Turn ``column=value,value`` texts into filters; a row must pass all of them.

    Parameters
    ----------
    texts : iterable of str
    table : TableFile

    Returns
    -------
    list of RowFilter

    Raises
    ------
    TableError
        No ``=``, or no such column.
    """
    filters = []
    for text in texts:
        name, equals, values = text.partition("=")
        if not equals:
            raise TableError("cannot read a row filter", expected="column=value or column=value,value", found=text)
        column = table.column(name.strip(), "a row filter")
        filters.append(RowFilter(column, frozenset(v.strip() for v in values.split(",")), Counter()))
    return filters


def check_filters(filters, table):
    """Raise, after the last row, if a value that was asked for never came.

    Raises
    ------
    TableError
        The message lists the column's values.
    """
    for one in filters:
        for value in sorted(one.values - set(one.seen)):
            where = f"{table.name}, column {table.header[one.column]}"
            raise TableError(
                "a filter value does not occur",
                where=where,
                expected=f"one of {shown(one.seen)}",
                found=repr(value),
                mend=nearest(value, one.seen),
            )

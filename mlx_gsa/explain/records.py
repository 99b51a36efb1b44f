"""What can be explained: records of a FASTA file or of a prepared data set, with their place."""

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

import numpy as np

from mlx_gsa.data.records import LABEL
from mlx_gsa.dna.coordinates import mentions_region, parse_region
from mlx_gsa.errors import DatasetError
from mlx_gsa.explain.place import Place


class Record(NamedTuple):
    """One sequence to explain.

    ``tokens`` has shape (L,), uint8; ``label`` is the measured value or class where one is known, ``labels`` those of
    several outputs by name; ``note`` is something the reader should be told about the record, or empty.
    """

    id: str
    tokens: np.ndarray
    place: Place
    label: float | None = None
    note: str = ""
    labels: dict | None = None


def fasta_records(records: Iterable) -> Iterator[Record]:
    """Give FASTA records their place, read from the header.

    Parameters
    ----------
    records : iterable of FastaRecord
        From :func:`mlx_gsa.dna.fasta.read_fasta`.

    Yields
    ------
    Record
        Coordinates that do not fit the length of the sequence are not used; ``note`` says so.
    """
    for record in records:
        length = len(record.tokens)
        region = parse_region(record.description, length)
        note = ""
        if region is None and mentions_region(record.description):
            note = f"coordinates in the header do not fit {length:,} bp: positions are those of the sequence"
        yield Record(record.id, record.tokens, Place.of_region(region, record.id, length), None, note)


def dataset_records(dataset, indices: Iterable[int]) -> Iterator[Record]:
    """Yield records of a data set by number.

    Parameters
    ----------
    dataset : Dataset
        An opened data set.
    indices : iterable of int
        Numbers of the records.

    Yields
    ------
    Record
        Tokens are a view of the data set's file.
    """
    table = dataset.records
    for index in indices:
        tokens = dataset.sequence(int(index))
        name, start, end = str(table.id[index]), int(table.start[index]), int(table.end[index])
        known = start >= 0 and end - start == len(tokens) and str(table.chrom[index]) not in ("", ".")
        place = Place.of_record(name, len(tokens))
        if known:
            place = Place(str(table.chrom[index]), start, end, str(table.strand[index]) or ".")
        label = None if np.isnan(table.label[index]) else float(table.label[index])
        yield Record(name, tokens, place, label, "", _labels(dataset, index))


def _labels(dataset, index):
    """Return the labels of a record that were measured, by output; None where there is one label."""
    if not dataset.outputs:
        return None
    columns = [dataset.records.label, *(dataset.records.extra[LABEL + name] for name in dataset.outputs[1:])]
    found = {name: float(column[index]) for name, column in zip(dataset.outputs, columns, strict=True)}
    return {name: value for name, value in found.items() if not np.isnan(value)}


def find_records(dataset, names: Iterable[str]) -> list[int]:
    """Return the numbers of records, each given by its id or its number; the first of test without any.

    Raises
    ------
    DatasetError
        If there is no such record.
    """
    names = list(names)
    if not names:
        return [int(i) for i in dataset.indices("test")[:1]] or [0]
    by_id = {str(name): i for i, name in enumerate(dataset.records.id)}
    found = []
    for name in names:
        index = by_id.get(name, int(name) if name.isdigit() else -1)
        if not 0 <= index < len(dataset):
            expected = f"an id, or a number below {len(dataset):,}"
            mend = "The ids are in the first column of records.tsv."
            raise DatasetError("no such record", where=str(dataset.path), expected=expected, found=name, mend=mend)
        found.append(index)
    return found


class ClassRecords(NamedTuple):
    """Records of a data set to explain, and those that their motifs are compared with.

    ``rows`` and ``others`` are record numbers, ``is_other`` says of a record that is explained whether it is one to
    compare with (None: none is), ``words`` name the two groups (the second None where there is nothing to compare).
    """

    rows: np.ndarray
    others: np.ndarray
    is_other: Callable | None
    words: tuple[str, str | None]


def class_records(dataset, split: str, class_name: str | None = None, limit: int | None = None) -> ClassRecords:
    """Choose the records of one split, or of one class in it.

    Parameters
    ----------
    dataset : Dataset
        An opened data set.
    split : str
        ``train``, ``val``, ``test`` or ``all``.
    class_name : str, optional
        Name or number of a class; the other records of the split are those to compare with. Without it, a binary data
        set has its negatives as those, explained too.
    limit : int, optional
        At most so many of each group, evenly along the order of the data set.

    Returns
    -------
    ClassRecords

    Raises
    ------
    DatasetError
        No record, no such class, or no classes at all.
    """
    rows, nothing = dataset.indices(split), np.zeros(0, dtype=np.int64)
    names = dataset.classes or (["0", "1"] if dataset.task == "binary" else None)
    labels = np.asarray(dataset.records.label)[rows]
    if class_name is None:
        is_other = (lambda record: record.label == 0) if dataset.task == "binary" else None
        words = (names[1], names[0]) if is_other else (f"{split} records", None)
        return ClassRecords(_some(dataset, rows, split, limit), nothing, is_other, words)
    number = _class_number(dataset, names, class_name)
    mine, others = rows[labels == number], _spread(rows[(labels != number) & ~np.isnan(labels)], limit)
    words = (names[number], names[1 - number] if len(names) == 2 else "the other classes")
    return ClassRecords(_some(dataset, mine, f"{split}, class {names[number]}", limit), others, None, words)


def _some(dataset, rows, where, limit):
    """Return at most so many of the rows, evenly; raise if there is none."""
    if not len(rows):
        raise DatasetError(
            "no record to explain", where=f"{dataset.path}, {where}", mend="Choose another split or class."
        )
    return _spread(rows, limit)


def _spread(rows, limit):
    """Return at most `limit` of the rows, evenly spaced."""
    if limit is None or limit >= len(rows):
        return rows
    return rows[np.arange(limit) * len(rows) // limit]


def _class_number(dataset, names, class_name):
    """Return the number of a class given by name or number."""
    if names is None:
        raise DatasetError("the data set has no classes", where=str(dataset.path), found="a regression")
    if class_name in names:
        return names.index(class_name)
    if class_name.isdecimal() and int(class_name) < len(names):
        return int(class_name)
    expected = ", ".join(names)
    raise DatasetError("no such class", where=str(dataset.path), expected=f"one of {expected}", found=class_name)


def known_sites(dataset, indices: Iterable[int]) -> dict:
    """Return the known sites of records by id, empty where the data set knows none."""
    if dataset.sites is None:
        return {}
    return {str(dataset.records.id[index]): dataset.sites.of(index) for index in indices}

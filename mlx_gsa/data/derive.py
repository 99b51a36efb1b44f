"""What data sets made from other data sets share: records and sites by number, copies, and where they came from."""

from pathlib import Path

import numpy as np

from mlx_gsa.data.copies import copy_numbers, sequence_key
from mlx_gsa.data.records import Records, Sites


def record_keys(sequences):
    """Return what two sequences share if, and only if, they are the same on either strand.

    Parameters
    ----------
    sequences : iterable of np.ndarray, each shape (L,), uint8

    Returns
    -------
    np.ndarray of bytes (object), shape (n,)
    """
    keys = [sequence_key(tokens) for tokens in sequences]
    column = np.empty(len(keys), dtype=object)
    column[:] = keys
    return column


def duplicate_counts(keys, records):
    """Count records whose sequence an earlier record has, and what that may spoil, as the manifest does.

    Parameters
    ----------
    keys : np.ndarray, shape (n,)
        From `record_keys`.
    records : Records

    Returns
    -------
    dict of str to int
    """
    first = copy_numbers(keys.tolist())
    later = np.flatnonzero(first != np.arange(len(first)))
    first = first[later]
    labels = records.label[later], records.label[first]
    differ = (labels[0] != labels[1]) & ~np.isnan(labels[0]) & ~np.isnan(labels[1])  # not measured is no contradiction
    return {
        "same sequence as an earlier record": len(later),
        "the same, but in another split": int((records.split[later] != records.split[first]).sum()),
        "the same, but with another label": int(differ.sum()),
    }


def carried_source(dataset):
    """Return what the manifest of a derived data set says of one it came from."""
    facts = dataset.manifest
    return {"name": Path(dataset.path).resolve().name, "data_hash": facts.data_hash, "records": facts.n_records,
            "source": facts.source}  # fmt: skip


def take(records, rows):
    """Return the records of these row numbers."""
    columns = {name: column[rows] for name, column in records.columns().items()}
    extra = {name: columns.pop(name) for name in records.extra}
    return Records(**columns, extra=extra)


def take_sites(sites, rows):
    """Return the sites of these records, numbered anew; None where there are none to know."""
    if sites is None:
        return None
    number = np.full(max(int(np.max(rows, initial=0)), int(np.max(sites.record, initial=0))) + 1, -1)
    number[rows] = np.arange(len(rows))
    columns = sites.columns() | {"record": number[sites.record]}
    kept = columns["record"] >= 0
    return Sites(**{name: column[kept] for name, column in columns.items()})

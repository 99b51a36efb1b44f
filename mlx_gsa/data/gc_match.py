"""The same GC content in every class: which records to leave out so that composition tells nothing."""

import numpy as np

from mlx_gsa.dna.alphabet import gc_content

BIN = 0.025  # share of G and C; finer bins match better and keep fewer records


def gc_contents(dataset, rows):
    """Return the share of G and C among the known bases of records.

    Parameters
    ----------
    dataset : Dataset
    rows : iterable of int
        Numbers of the records.

    Returns
    -------
    np.ndarray, shape (n,), float64
        0 to 1; NaN where no base is known.
    """
    return np.array([gc_content(dataset.sequence(int(row))) for row in rows], dtype=np.float64)


def matched_rows(values, classes, width=BIN, seed=0):
    """Choose records so that all classes have the same histogram of a value; as many as that allows.

    In every bin each class keeps as many records as the class with fewest has there, drawn at random.

    Parameters
    ----------
    values : np.ndarray, shape (n,)
        Such as GC content; a record without a finite value is left out.
    classes : np.ndarray, shape (n,)
    width : float
        Of a bin, in units of the value; the first begins at 0.
    seed : int

    Returns
    -------
    np.ndarray of int64
        Row numbers, ascending; empty if there are fewer than two classes.
    """
    values, classes = np.asarray(values, dtype=float), np.asarray(classes)
    names = np.unique(classes)
    order = np.random.default_rng(seed).permutation(len(values))
    order = order[np.isfinite(values[order])]
    if len(names) < 2 or not len(order):
        return np.zeros(0, dtype=np.int64)
    bins = np.floor(values[order] / width + 1e-9).astype(np.int64)
    kept = []
    for number in np.unique(bins):
        inside = order[bins == number]
        members = [inside[classes[inside] == name] for name in names]
        fewest = min(map(len, members))
        kept += [rows[:fewest] for rows in members]
    return np.sort(np.concatenate(kept)).astype(np.int64)

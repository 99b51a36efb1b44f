"""Part of a data set as a data set of its own; records keep their split, fold and sites."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mlx_gsa.data.dataset import write_dataset
from mlx_gsa.data.derive import carried_source, duplicate_counts, record_keys, take, take_sites
from mlx_gsa.data.gc_match import gc_contents, matched_rows
from mlx_gsa.data.labels import nearest, shown
from mlx_gsa.data.records import SPLITS
from mlx_gsa.errors import DatasetError

ODD = "not among the ids asked for"


@dataclass(frozen=True)
class Choice:
    """Which records to take; what is None or empty asks nothing.

    Attributes
    ----------
    where : tuple of str
        ``column=value,value``; a record must pass all. A label may be given as a class name.
    split : str, optional
        ``train``, ``val`` or ``test``.
    min_length, max_length : int, optional
        bp.
    ids : tuple of str, optional
        Names of records.
    gc_matched : bool
        Leave out records until all classes have the same GC histogram within each split.
    n : int, optional
        Draw so many, evenly over splits and labels, after everything else.
    seed : int
        Of the drawing.
    """

    where: tuple = ()
    split: str | None = None
    min_length: int | None = None
    max_length: int | None = None
    ids: tuple | None = None
    gc_matched: bool = False
    n: int | None = None
    seed: int = 0


def subset_dataset(dataset, out, choice):
    """Write part of a data set as a data set of its own.

    Parameters
    ----------
    dataset : Dataset
    out : str or Path
        Folder to make.
    choice : Choice

    Returns
    -------
    Dataset
        ``manifest.dropped`` adds how many records each part of the choice left out to what the source had dropped.

    Raises
    ------
    DatasetError
        Nothing is left, a column, value or id is not there, classes are needed, or `out` may not be replaced.
    """
    dropped = Counter(dataset.manifest.dropped)
    rows = choose(dataset, choice, dropped)
    facts = dataset.manifest
    records = take(dataset.records, rows)
    outputs = getattr(facts, "outputs", None)
    source = {"kind": "subset", "of": carried_source(dataset), "choice": _described(choice)}
    source["split_by"] = facts.source.get("split_by")
    keys = record_keys(dataset.sequence(int(i)) for i in rows)
    return write_dataset(
        out, (dataset.sequence(int(i)) for i in rows), records, task=dataset.task, source=source, seed=facts.seed,
        classes=dataset.classes, sites=take_sites(dataset.sites, rows), dropped=dropped, normalised=facts.normalised,
        duplicates=duplicate_counts(keys, records), **({"outputs": outputs} if outputs else {}),
    )  # fmt: skip


def choose(dataset, choice, dropped=None):
    """Return the numbers of the records that a choice takes.

    Parameters
    ----------
    dataset : Dataset
    choice : Choice
    dropped : Counter, optional
        Gains how many records each part of the choice leaves out.

    Returns
    -------
    np.ndarray of int64, ascending

    Raises
    ------
    DatasetError
        As for `subset_dataset`.
    """
    dropped = Counter() if dropped is None else dropped
    rows = np.arange(len(dataset))
    for reason, keep in _conditions(dataset, choice):
        dropped[reason] += int((~keep[rows]).sum())
        rows = rows[keep[rows]]
    if choice.gc_matched:
        rows = _counted(rows, _gc_matched(dataset, rows, choice.seed), "left out to match GC", dropped)
    if choice.n is not None:
        rows = _counted(rows, _drawn(dataset, rows, choice.n, choice.seed), "not drawn", dropped)
    if not len(rows):
        found = ", ".join(f"{n:,} {reason}" for reason, n in dropped.items() if n)
        raise DatasetError("no record is left", where=str(dataset.path), found=found, mend="Ask for less.")
    return rows


def _counted(before, after, reason, dropped):
    """Count what a step left out; return what it kept."""
    dropped[reason] += len(before) - len(after)
    return after


def _conditions(dataset, choice):
    """Yield (reason, boolean per record) for every condition on single records."""
    lengths, records = dataset.lengths, dataset.records
    for text in choice.where:
        yield f"left out by {text}", _where(dataset, text)
    if choice.split is not None:
        if choice.split not in SPLITS:
            raise DatasetError("unknown split", expected=", ".join(SPLITS), found=choice.split)
        yield f"not in {choice.split}", records.split == choice.split
    if choice.min_length is not None:
        yield f"shorter than {choice.min_length} bp", lengths >= choice.min_length
    if choice.max_length is not None:
        yield f"longer than {choice.max_length} bp", lengths <= choice.max_length
    if choice.ids is not None:
        yield ODD, _named(dataset, choice.ids)


def _named(dataset, ids):
    """Mark the records with these names; raise if one is not there."""
    wanted, known = set(ids), set(dataset.records.id.tolist())
    missing = sorted(wanted - known)
    if missing:
        raise DatasetError(
            "no such record",
            where=str(dataset.path),
            found=f"{', '.join(missing[:5])}" + (f" and {len(missing) - 5:,} more" if len(missing) > 5 else ""),
            mend=nearest(missing[0], list(known)[:5000]) or "The ids are in the first column of records.tsv.",
        )
    return np.array([name in wanted for name in dataset.records.id.tolist()], dtype=bool)


def _where(dataset, text):
    """Mark the records whose column has one of the values of ``column=value,value``."""
    name, equals, values = text.partition("=")
    name, values = name.strip(), [value.strip() for value in values.split(",")]
    if not equals:
        raise DatasetError("cannot read a filter", expected="column=value or column=value,value", found=text)
    columns = dataset.records.columns()
    if name not in columns:
        known = ", ".join(columns)
        raise DatasetError(
            f"no column {name!r} for a filter", where=str(dataset.path), expected=f"one of {known}",
            mend=nearest(name, columns),
        )  # fmt: skip
    texts = _texts(columns[name], dataset.classes if name == "label" else None)
    seen = Counter(texts)
    wanted = {_as_written(value, columns[name], dataset.classes if name == "label" else None) for value in values}
    for value in sorted(wanted - set(seen)):
        raise DatasetError(
            "a filter value does not occur", where=f"{dataset.path}, column {name}",
            expected=f"one of {shown(seen)}", found=repr(value), mend=nearest(value, seen),
        )  # fmt: skip
    return np.array([value in wanted for value in texts], dtype=bool)


def _texts(column, classes):
    """Write a column as the values of a filter: class names, whole numbers without a point."""
    if classes:
        return [classes[int(value)] if value == value else "" for value in column.tolist()]
    if column.dtype.kind == "f":
        return [f"{value:.9g}" for value in column.astype(float).tolist()]
    return [str(value) for value in column.tolist()]


def _as_written(value, column, classes):
    """Write a value of a filter as `_texts` writes the column; a class may be given by its number."""
    if classes and value not in classes and value.isdecimal() and int(value) < len(classes):
        return classes[int(value)]
    if column.dtype.kind == "f" and not classes:
        try:
            return f"{float(np.float32(value) if column.dtype == np.float32 else float(value)):.9g}"
        except ValueError:
            return value
    return value


def _gc_matched(dataset, rows, seed):
    """Return the rows that leave every class the same GC histogram, within each split."""
    if dataset.task == "regression":
        raise DatasetError("matching GC needs classes", where=str(dataset.path), found="a regression")
    gc, kept = gc_contents(dataset, rows), []
    for split in SPLITS:
        inside = np.flatnonzero(dataset.records.split[rows] == split)
        kept.append(inside[matched_rows(gc[inside], dataset.records.label[rows[inside]], seed=seed)])
    return rows[np.sort(np.concatenate(kept))]


def _drawn(dataset, rows, n, seed):
    """Draw n of the rows, evenly along splits and sorted labels; all of them if there are no more."""
    if n >= len(rows):
        return rows
    rng = np.random.default_rng(seed)
    records = dataset.records
    number = np.unique(records.split[rows], return_inverse=True)[1]
    order = np.lexsort((rng.permutation(len(rows)), records.label[rows], number))
    places = ((np.arange(n) + rng.random()) * len(rows) / n).astype(np.int64)
    return np.sort(rows[order[np.minimum(places, len(rows) - 1)]])


def _described(choice):
    """Write a choice for the manifest; of ids only their number."""
    facts = {
        name: value for name, value in vars(choice).items() if not (value is None or value is False or value == ())
    }
    if choice.ids is not None:
        facts["ids"] = len(choice.ids)
    return facts | ({"where": list(choice.where)} if choice.where else {})


def read_ids(path):
    """Read names of records from a file, one a line: the first word of each line that is not empty.

    Parameters
    ----------
    path : str or Path

    Returns
    -------
    tuple of str

    Raises
    ------
    DatasetError
        The file cannot be read or names nothing.
    """
    try:
        lines = Path(path).read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError as problem:
        raise DatasetError("cannot read the ids", where=str(path), found=problem.strerror) from problem
    names = tuple(line.split("\t")[0].strip() for line in lines if line.strip())
    if not names:
        raise DatasetError("no id in the file", where=str(path), expected="one a line")
    return names

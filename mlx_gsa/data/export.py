"""A data set as one file for other programs: FASTA, a table, Parquet or NumPy arrays."""

import gzip
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

import numpy as np

from mlx_gsa.data.atomic import atomic_file
from mlx_gsa.data.derive import take
from mlx_gsa.data.records import UNKNOWN
from mlx_gsa.dna.alphabet import decode
from mlx_gsa.dna.coordinates import Region
from mlx_gsa.errors import DatasetError, GsaError

FORMATS = ("fasta", "tsv", "parquet", "npz")
SEQUENCE, CLASS = "sequence", "class"
ROWS_AT_ONCE = 4096
_BREAKS = str.maketrans("\t\n\r", "   ")
_TEXT = {"encoding": "utf-8", "errors": "surrogateescape", "newline": ""}


def export_dataset(dataset, out, format, *, split="all", overwrite=False):
    """Write a data set, or one split of it, as one file; sequences are read and written in pieces.

    * ``fasta``: ``>id chr7:5000-7000(-) label=1 split=test``; `parse_region` reads the coordinates, which are
      0-based and half-open. Spaces in ids become ``_``.
    * ``tsv``: columns ``id sequence label split chrom start end strand group``, then the further ones. ``gsa prepare
      table`` makes the same sequences, labels, splits and groups of it. A coordinate that is not known is empty, and
      so is a NaN. Classes are named in ``label`` (multiclass) or in a column ``class`` (binary).
    * ``parquet``: the same columns, typed; coordinates that are not known are null. Needs pyarrow.
    * ``npz``: ``tokens`` (uint8, A 0, C 1, G 2, T 3, N 4, all sequences end to end), ``offsets`` (int64; record i is
      ``tokens[offsets[i]:offsets[i + 1]]``), every column of the records, ``task`` and ``classes``. No pickle.

    Parameters
    ----------
    dataset : Dataset
    out : str or Path
        Fasta and tsv are compressed if it ends in ``.gz``.
    format : str
        One of `FORMATS`.
    split : str
        ``train``, ``val``, ``test`` or ``all``.
    overwrite : bool
        Whether an existing file may be replaced.

    Returns
    -------
    int
        Number of records written.

    Raises
    ------
    DatasetError
        The file exists, the split is empty or unknown, or the disk cannot be written.
    GsaError
        Unknown format, or pyarrow is not installed.
    """
    if format not in FORMATS:
        raise GsaError("unknown format", expected=", ".join(FORMATS), found=str(format))
    if format == "parquet":
        _pyarrow()
    rows = dataset.indices(split)
    if not len(rows):
        raise DatasetError("the split is empty", where=f"{dataset.path}, {split}", mend="Choose another --split.")
    with atomic_file(out, overwrite) as path:
        if format in ("fasta", "tsv"):
            with _opened(path, str(out).endswith(".gz")) as file:
                file.writelines((_fasta_lines if format == "fasta" else _table_lines)(dataset, rows))
        else:
            (_write_parquet if format == "parquet" else _write_npz)(dataset, rows, path)
    return len(rows)


@contextmanager
def _opened(path, compressed):
    """Open a text file for writing, through gzip if asked; no time stamp, so that the same data give the same file."""
    if not compressed:
        with open(path, "w", **_TEXT) as file:
            yield file
        return
    import io

    with (
        open(path, "wb") as raw,
        gzip.GzipFile("", "wb", 6, raw, mtime=0) as packed,
        io.TextIOWrapper(packed, **_TEXT) as file,
    ):
        yield file


def _fasta_lines(dataset, rows):
    """Yield the two lines of each record."""
    records = dataset.records
    for row in rows:
        words = ["_".join(str(records.id[row]).split())]
        start, end = int(records.start[row]), int(records.end[row])
        if start >= 0 and records.chrom[row] != UNKNOWN:
            words.append(str(Region(str(records.chrom[row]), start, end, str(records.strand[row]))))
        words += [f"label={_label(records.label[row])}"]
        if dataset.classes:
            words.append(f"class={'_'.join(_class_of(dataset, records.label[row]).split())}")
        yield f">{' '.join(words)} split={records.split[row]}\n{decode(dataset.sequence(int(row)))}\n"


def _label(value):
    """Write a label with the fewest digits that read back to the same float32; a class without a point."""
    return str(int(value)) if float(value).is_integer() and abs(value) < 1e7 else str(np.float32(value))


def _class_of(dataset, label):
    """Name the class of a label; nothing where it was not measured."""
    return dataset.classes[int(label)] if label == label else ""


def _columns(dataset, rows):
    """Return the columns of a table but the sequences, in their order."""
    records = take(dataset.records, rows)
    columns = {"id": records.id, "label": records.label, "split": records.split, "chrom": records.chrom}
    columns |= {name: getattr(records, name) for name in ("start", "end", "strand", "group")}
    if dataset.classes:
        names = np.array([_class_of(dataset, label) for label in records.label], dtype=object)
        columns |= {"label": names} if dataset.task == "multiclass" else {CLASS: names}
    taken = set(columns) | {SEQUENCE}
    return columns | {name + "_" * (name in taken): column for name, column in records.extra.items()}


def _table_lines(dataset, rows):
    """Yield the header and the rows of a table."""
    columns = _columns(dataset, rows)
    texts = {name: _texts(name, column) for name, column in columns.items()}
    yield "\t".join(["id", SEQUENCE, *list(columns)[1:]]) + "\n"
    for row, (name, *cells) in zip(rows, zip(*texts.values(), strict=True), strict=True):
        yield "\t".join([name, decode(dataset.sequence(int(row))), *cells]) + "\n"


def _texts(name, column):
    """Turn a column into cells; what is not known is empty."""
    if name in ("start", "end"):
        return [str(value) if value >= 0 else "" for value in column.tolist()]
    if name == "label" and column.dtype.kind == "f":
        return ["" if value != value else _label(value) for value in column.tolist()]
    if column.dtype.kind == "f":
        return ["" if text == "nan" else text for text in column.astype(str).tolist()]
    cells = [str(value).translate(_BREAKS) for value in column.tolist()]
    return ["" if cell == UNKNOWN else cell for cell in cells] if name in ("chrom", "strand") else cells


def _pyarrow():
    """Import pyarrow, or say how to get it."""
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise GsaError(
            "Parquet needs pyarrow", mend="pip install 'mlx_gsa[parquet]' (the extra 'parquet'), or choose tsv."
        ) from None
    return pyarrow


def _write_parquet(dataset, rows, path):
    """Write a Parquet file, a few thousand rows at a time."""
    pyarrow, columns = _pyarrow(), _columns(dataset, rows)
    types = {name: _arrow_type(pyarrow, column) for name, column in columns.items()}
    types = {"id": types.pop("id"), SEQUENCE: pyarrow.string(), **types}
    facts = {"task": dataset.task, "classes": "\t".join(dataset.classes or ()), "data_hash": dataset.data_hash}
    schema = pyarrow.schema(list(types.items()), metadata={f"mlx_gsa.{k}": v for k, v in facts.items()})
    places = iter(range(len(rows)))
    with pyarrow.parquet.ParquetWriter(path, schema) as writer:
        while piece := list(islice(places, ROWS_AT_ONCE)):
            made = {SEQUENCE: [decode(dataset.sequence(int(rows[i]))) for i in piece]}
            made |= {name: _arrow_values(name, column[piece]) for name, column in columns.items()}
            writer.write_table(pyarrow.table([pyarrow.array(made[n], t) for n, t in types.items()], schema=schema))


def _arrow_type(pyarrow, column):
    """Return the Arrow type of a column."""
    return pyarrow.string() if column.dtype.kind in "OUS" else pyarrow.from_numpy_dtype(column.dtype)


def _arrow_values(name, column):
    """Return the values of a column, None where they are not known; bytes that are no UTF-8 become marks."""
    if column.dtype.kind in "OUS":
        texts = [str(value).encode("utf-8", "surrogateescape").decode("utf-8", "replace") for value in column]
        return [None if text == UNKNOWN and name in ("chrom", "strand") else text for text in texts]
    if name in ("start", "end"):
        return [value if value >= 0 else None for value in column.tolist()]
    return [None if value != value else value for value in column.tolist()]


def _write_npz(dataset, rows, path):
    """Write compressed NumPy arrays; text as fixed-width Unicode, so that nothing needs pickle."""
    lengths = dataset.lengths[rows]
    tokens = np.concatenate([dataset.sequence(int(row)) for row in rows])
    columns = take(dataset.records, rows).columns()
    arrays = {name: _plain(column) for name, column in columns.items()}
    arrays["task"], arrays["classes"] = np.array(dataset.task), np.array(dataset.classes or [], dtype=str)
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    with Path(path).open("wb") as file:
        np.savez_compressed(file, tokens=tokens, offsets=offsets, **arrays)


def _plain(column):
    """Return a column without objects."""
    return column if column.dtype.kind not in "OS" else np.array([str(v) for v in column], dtype=str)

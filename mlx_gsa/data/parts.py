"""The parts of a data set folder: written, read, and held against each other."""

from collections import Counter

import numpy as np

from mlx_gsa.data.records import LABEL, Records
from mlx_gsa.data.tsv import read_columns
from mlx_gsa.errors import DatasetError

TOKENS, OFFSETS, RECORDS, SITES = "tokens.u8", "offsets.npy", "records.tsv", "sites.tsv"
MAX_TOKEN = 4  # PAD exists only in batches


class TokenFile:
    """All sequences of a folder as they lie on the disk: memory-mapped, read-only.

    Attributes
    ----------
    tokens : np.ndarray, shape (bases,), uint8
        End to end.
    offsets : np.ndarray, shape (n + 1,), int64
        Where each sequence begins in `tokens`.
    """

    def __init__(self, folder, lengths):
        empty = not len(lengths)
        self.tokens = np.zeros(0, np.uint8) if empty else np.memmap(folder / TOKENS, dtype=np.uint8, mode="r")
        self.offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)

    def __len__(self):
        return len(self.offsets) - 1

    def sequence(self, index):
        """Return the tokens of one sequence, by its number; shape (L,), uint8."""
        return self.tokens[self.offsets[index] : self.offsets[index + 1]]


def write_tokens(folder, sequences):
    """Write tokens and offsets.

    Parameters
    ----------
    folder : Path
    sequences : iterable of np.ndarray, each shape (L,), uint8

    Returns
    -------
    np.ndarray, shape (n,), int64
        Lengths in bp.

    Raises
    ------
    DatasetError
        A sequence is empty, of another type, or holds a value above 4.
    """
    lengths = []
    with (folder / TOKENS).open("wb", buffering=1 << 20) as file:
        for number, tokens in enumerate(sequences):
            tokens = np.ascontiguousarray(tokens)
            if tokens.dtype != np.uint8 or tokens.ndim != 1 or not tokens.size or tokens.max() > MAX_TOKEN:
                raise DatasetError(
                    "not a sequence of tokens",
                    where=f"sequence {number}",
                    expected="a non-empty 1-D uint8 array of 0-4",
                    found=_describe(tokens),
                )
            file.write(tokens.data)
            lengths.append(tokens.size)
    lengths = np.array(lengths, dtype=np.int64)
    np.save(folder / OFFSETS, np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64))
    return lengths


def leave_out_tokens(folder, lengths, left_out):
    """Write tokens and offsets again without some sequences.

    Parameters
    ----------
    folder : Path
    lengths : np.ndarray, shape (n,), int64
    left_out : np.ndarray of bool, shape (n,)

    Returns
    -------
    np.ndarray, shape (number left,), int64
        Lengths in bp.
    """
    old = TokenFile(folder, lengths)
    beside = folder / "kept"
    beside.mkdir()
    kept = write_tokens(beside, (np.array(old.sequence(i)) for i in np.flatnonzero(~left_out)))
    for name in (TOKENS, OFFSETS):
        (beside / name).replace(folder / name)
    beside.rmdir()
    return kept


def _describe(tokens):
    """Say in a few words what an array is."""
    largest = f", largest value {tokens.max()}" if tokens.size and tokens.dtype.kind in "iuf" else ""
    return f"{tokens.dtype} of shape {tokens.shape}{largest}"


def check_fit(lengths, records, sites, task, classes, outputs=None):
    """Check that sequences, records, labels, classes and sites belong together.

    Parameters
    ----------
    lengths : np.ndarray, shape (n,)
    records : Records
    sites : Sites or None
    task : str
    classes, outputs : list of str or None

    Raises
    ------
    DatasetError
        They differ in number, ids repeat, a label is no class, or a site lies outside its sequence.
    """
    if not len(lengths):
        raise DatasetError("no sequence to write")
    if len(lengths) != len(records):
        raise DatasetError(
            "sequences and records differ in number",
            expected=f"{len(records)} sequences",
            found=str(len(lengths)),
        )
    repeated = len(records) - len(set(records.id.tolist()))
    if repeated:
        name = Counter(records.id.tolist()).most_common(1)[0][0]
        raise DatasetError("record ids are not unique", where=f"record {name}", found=f"{repeated} repeated")
    if task != "regression":
        n_classes = 2 if task == "binary" else len(classes or ())
        labels = records.labels
        if not np.isin(labels[~np.isnan(labels)], np.arange(n_classes)).all():
            raise DatasetError(
                "labels do not fit the task",
                expected=f"class numbers below {n_classes} for {task}",
                found=f"{np.nanmin(labels):g} to {np.nanmax(labels):g}",
            )
    _check_outputs(records, task, outputs)
    if sites is not None and len(sites):
        _check_sites(lengths, sites)


def _check_outputs(records, task, outputs):
    """Raise unless the further labels are those that the outputs name."""
    further = [name.removeprefix(LABEL) for name in records.extra if name.startswith(LABEL)]
    if further != list(outputs or [])[1:] or (outputs and task == "multiclass"):
        raise DatasetError(
            "labels do not fit the outputs",
            expected=f"columns for {', '.join(outputs) if outputs else 'one label'}",
            found=f"further labels {', '.join(further) or 'none'}, task {task}",
        )


def _check_sites(lengths, sites):
    """Raise unless every site lies within its sequence."""
    known = (sites.record >= 0) & (sites.record < len(lengths))
    inside = known & (sites.start >= 0) & (sites.start < sites.end)
    inside &= sites.end <= lengths[np.where(known, sites.record, 0)]
    if not inside.all():
        bad = int(np.flatnonzero(~inside)[0])
        raise DatasetError(
            "a site lies outside its sequence",
            where=f"record {sites.record[bad]}",
            found=f"{sites.start[bad]}-{sites.end[bad]}",
        )


def read_offsets(path, manifest):
    """Read the offsets and hold them against the manifest.

    Parameters
    ----------
    path : Path
        The data set folder.
    manifest : Manifest

    Returns
    -------
    np.ndarray, shape (n + 1,), int64

    Raises
    ------
    DatasetError
        They do not fit the manifest.
    """
    try:
        offsets = np.load(path / OFFSETS, allow_pickle=False)
        whole = offsets.shape == (manifest.n_records + 1,) and offsets[0] == 0 and (np.diff(offsets) > 0).all()
        whole = whole and offsets[-1] == manifest.n_bases == manifest.parts[TOKENS].bytes
    except (ValueError, EOFError, OSError):
        whole = False
    if not whole:
        raise DatasetError(
            "damaged data set: offsets do not fit the sequences",
            where=str(path / OFFSETS),
            mend="Prepare the data set again with `gsa prepare`.",
        )
    return offsets


def read_records(path, manifest):
    """Read the record table and hold it against the manifest.

    Parameters
    ----------
    path : Path
        The file.
    manifest : Manifest

    Returns
    -------
    Records

    Raises
    ------
    DatasetError
        Another number of rows, other columns, or a value of the wrong type.
    """
    dtypes = {n: object if t == "str" else np.dtype(t) for n, t in manifest.columns.items()}
    columns = read_columns(path, Records.DTYPES | dtypes)
    extra = {name: columns.pop(name) for name in manifest.columns}
    if len(columns["id"]) != manifest.n_records:
        raise DatasetError(
            "damaged data set: records do not fit the sequences",
            where=str(path),
            expected=f"{manifest.n_records:,} rows",
            found=f"{len(columns['id']):,}",
        )
    return Records(**columns, extra=extra)

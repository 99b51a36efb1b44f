"""The two tables of a data set: its records, and the sites planted in them."""

from dataclasses import dataclass, field, fields
from typing import ClassVar

import numpy as np

from mlx_gsa.errors import DatasetError

SPLITS = ("train", "val", "test")
LABEL, WEIGHT = "label:", "weight"  # extra columns: further labels by name, and what a record counts in training
UNKNOWN = "."  # chromosome or strand that is not known, as in BED; an unknown start or end is -1


def _column(values, dtype, name):
    """Return `values` as a one-dimensional column."""
    column = np.asarray(values, dtype=dtype)
    if column.ndim != 1:
        raise DatasetError("a column is not one-dimensional", where=name, found=f"shape {column.shape}")
    return column


def _extra(values, name):
    """Return a further column; text is kept as objects, as numpy's own strings lose a trailing NUL."""
    return _column(values, object if len(values) and isinstance(values[0], str) else None, name)


def label_to_split_by(labels, task):
    """Fill the gaps of the first of several labels, so that splits can be balanced by it.

    Parameters
    ----------
    labels : np.ndarray, shape (n, n_labels)
        As `Records.labels`.
    task : str

    Returns
    -------
    np.ndarray, shape (n,)
        A gap of a regression becomes the median; a gap of a binary task the first further label that is known.
    """
    first = labels[:, 0]
    missing = np.isnan(first)
    if not missing.any():
        return first
    if task == "regression":
        return np.where(missing, np.nanmedian(first), first)
    known = np.argmax(~np.isnan(labels), axis=1)
    return labels[np.arange(len(labels)), known]


@dataclass(frozen=True, eq=False)
class Records:
    """What is known of each sequence, one numpy column per property, in the order of the sequences.

    Attributes
    ----------
    id : np.ndarray of str (object), shape (n,)
        Unique names.
    chrom : np.ndarray of str (object)
        Chromosome, ``.`` where not known.
    start, end : np.ndarray of int64
        0-based, half-open, in bp; -1 where not known.
    strand : np.ndarray of str
        ``+``, ``-`` or ``.``.
    label : np.ndarray of float32
        The value (regression), 0 or 1 (binary), or the class number (multiclass). NaN (not measured) only where
        there are further labels and one of them is known.
    split : np.ndarray of str
        ``train``, ``val`` or ``test``.
    group : np.ndarray of str (object)
        Records of one group are not independent: resample and split them together.
    extra : dict of str to np.ndarray
        Further columns, such as ``clean_label`` of a synthetic set, ``label:NAME`` (further labels, float32, NaN
        where not measured) and ``weight`` (what a record counts in training).
    """

    id: np.ndarray
    chrom: np.ndarray
    start: np.ndarray
    end: np.ndarray
    strand: np.ndarray
    label: np.ndarray
    split: np.ndarray
    group: np.ndarray
    extra: dict = field(default_factory=dict)

    DTYPES: ClassVar[dict] = {
        **{"id": object, "chrom": object, "start": np.int64, "end": np.int64, "strand": "U1"},
        **{"label": np.float32, "split": "U5", "group": object},
    }

    def __post_init__(self):
        for name, dtype in self.DTYPES.items():
            object.__setattr__(self, name, _column(getattr(self, name), dtype, name))
        object.__setattr__(self, "extra", {k: _extra(v, k) for k, v in self.extra.items()})
        sizes = {k: len(v) for k, v in self.columns().items()}
        if len(set(sizes.values())) > 1:
            raise DatasetError("record columns differ in length", found=str(sizes))
        labels = self.labels
        unusable = np.isinf(labels).any(axis=1) | ~np.isfinite(labels).any(axis=1)
        if unusable.any():
            first = self.id[np.flatnonzero(unusable)[0]]
            raise DatasetError("a label is not a finite number", where=f"record {first}")
        if not np.isin(self.split, SPLITS).all():
            other = sorted(set(self.split.tolist()) - set(SPLITS))
            raise DatasetError("unknown split", expected=", ".join(SPLITS), found=", ".join(other[:5]))

    def __len__(self):
        return len(self.id)

    @property
    def labels(self):
        """Return the label and all further labels; shape (n, n_labels), float32, NaN where not measured."""
        further = [column for name, column in self.extra.items() if name.startswith(LABEL)]
        return np.stack([self.label, *further], axis=1).astype(np.float32)

    @classmethod
    def build(cls, id, label, split, *, chrom=None, start=None, end=None, strand=None, group=None, extra=None):
        """Build records from the columns that are known.

        Parameters
        ----------
        id, label, split : sequence, shape (n,)
        chrom, start, end, strand : sequence, optional
            Not known if left out.
        group : sequence, optional
            Every record is a group of its own if left out.
        extra : dict, optional

        Returns
        -------
        Records
        """
        n = len(id)
        return cls(
            id=id,
            label=label,
            split=split,
            chrom=np.full(n, UNKNOWN, object) if chrom is None else chrom,
            start=np.full(n, -1) if start is None else start,
            end=np.full(n, -1) if end is None else end,
            strand=np.full(n, UNKNOWN) if strand is None else strand,
            group=id if group is None else group,
            extra=extra or {},
        )

    def select(self, mask):
        """Return the records that a boolean mask picks."""
        columns = {name: getattr(self, name)[mask] for name in self.DTYPES}
        return Records(**columns, extra={name: column[mask] for name, column in self.extra.items()})

    def columns(self):
        """Return every column by name, the extra ones last."""
        return {name: getattr(self, name) for name in self.DTYPES} | self.extra


@dataclass(frozen=True, eq=False)
class Sites:
    """Binding sites known to be in the sequences, one numpy column per property, sorted by record and start.

    Attributes
    ----------
    record : np.ndarray of int64, shape (m,)
        Number of the sequence.
    start, end : np.ndarray of int64
        0-based, half-open, within the sequence, in bp.
    strand : np.ndarray of str
        ``+`` or ``-``.
    kind : np.ndarray of str (object)
        What binds there, such as ``TATA``.
    role : np.ndarray of str (object)
        ``functional``, ``repressor``, ``decoy_core``, ``decoy_spacing`` or ``accidental``.
    """

    record: np.ndarray
    start: np.ndarray
    end: np.ndarray
    strand: np.ndarray
    kind: np.ndarray
    role: np.ndarray

    DTYPES: ClassVar[dict] = {
        "record": np.int64,
        "start": np.int64,
        "end": np.int64,
        "strand": "U1",
        "kind": object,
        "role": object,
    }

    def __post_init__(self):
        columns = {name: _column(getattr(self, name), dtype, name) for name, dtype in self.DTYPES.items()}
        if len({len(c) for c in columns.values()}) > 1:
            raise DatasetError("site columns differ in length", found=str({k: len(c) for k, c in columns.items()}))
        order = np.lexsort((columns["start"], columns["record"]))
        for name, column in columns.items():
            object.__setattr__(self, name, column[order])

    def __len__(self):
        return len(self.record)

    def without(self, left_out):
        """Return the sites of the records that stay, with their new numbers; `left_out` has shape (n,), bool."""
        numbers, kept = np.cumsum(~left_out) - 1, ~left_out[self.record]
        columns = {name: column[kept] for name, column in self.columns().items()}
        return Sites(**columns | {"record": numbers[columns["record"]]})

    def of(self, record):
        """Return the sites of one sequence, by its number."""
        first, last = np.searchsorted(self.record, (record, record + 1))
        return self.select(slice(first, last))

    def select(self, mask):
        """Return the sites that a boolean mask, an index array or a slice picks."""
        return Sites(*(getattr(self, f.name)[mask] for f in fields(self)))

    def columns(self):
        """Return every column by name."""
        return {name: getattr(self, name) for name in self.DTYPES}

"""The one on-disk form of a data set: ragged uint8 tokens, a table of records, planted sites, a manifest."""

import datetime
import json
from dataclasses import replace
from functools import cached_property
from pathlib import Path

import numpy as np

from mlx_gsa import __version__
from mlx_gsa.data.atomic import atomic_folder
from mlx_gsa.data.folds import split_of_fold
from mlx_gsa.data.leakage import SYNTHETIC, leakage_report
from mlx_gsa.data.manifest import FILE, FORMAT, LEAKAGE, Manifest, Part, Task, check_parts, file_sha256, read_manifest
from mlx_gsa.data.parts import (
    OFFSETS,
    RECORDS,
    SITES,
    TOKENS,
    TokenFile,
    check_fit,
    leave_out_tokens,
    read_offsets,
    read_records,
    write_tokens,
)
from mlx_gsa.data.records import SPLITS, UNKNOWN, WEIGHT, Records, Sites
from mlx_gsa.data.tsv import read_columns, write_columns
from mlx_gsa.errors import DatasetError

__all__ = ["SPLITS", "UNKNOWN", "Dataset", "Manifest", "Records", "Sites", "Task", "write_dataset"]

PICTURE = "summary.png"
ALL = "all"  # in place of a split: every record


class Dataset:
    """An opened data set folder; sequences stay on disk until they are looked at.

    Open one with `Dataset.open`.

    Attributes
    ----------
    path : Path
    manifest : Manifest
    task : str
        ``regression``, ``binary`` or ``multiclass``.
    classes : list of str or None
        Names of the label numbers of a classification.
    outputs : list of str or None
        Names of the labels where a record has several.
    offsets : np.ndarray of int64, shape (n + 1,)
        Where each sequence begins in `tokens`.
    fold : int or None
        The fold that tests, see `with_fold`.
    """

    fold = None

    def __init__(self, path, manifest, offsets):
        self.path, self.manifest, self.offsets = path, manifest, offsets
        self.task, self.classes, self.outputs = manifest.task, manifest.classes, manifest.outputs

    @classmethod
    def open(cls, path, verify=True):
        """Open a data set folder after checking that it is one, and whole.

        Parameters
        ----------
        path : str or Path
        verify : bool
            Compare the sha256 of every part with the manifest (reads each file once, about 1 s per GB);
            else only sizes are compared.

        Returns
        -------
        Dataset

        Raises
        ------
        DatasetError
            The folder is missing, foreign, damaged, or of a newer format.
        """
        path = Path(path)
        manifest = read_manifest(path)
        check_parts(path, {n: _part(manifest, n, path) for n in (TOKENS, OFFSETS, RECORDS)}, verify)
        check_parts(path, manifest.parts, verify=False)
        if SITES in manifest.parts:
            check_parts(path, {SITES: manifest.parts[SITES]}, verify)
        return cls(path, manifest, read_offsets(path, manifest))

    @cached_property
    def tokens(self):
        """Return all sequences end to end, memory-mapped and read-only; shape (bases,), uint8."""
        return np.memmap(self.path / TOKENS, dtype=np.uint8, mode="r")

    @cached_property
    def records(self):
        """Return the table of records, read on first use."""
        return read_records(self.path / RECORDS, self.manifest)

    @cached_property
    def sites(self):
        """Return the planted sites, read on first use; None where the source does not know them."""
        if SITES not in self.manifest.parts:
            return None
        return Sites(**read_columns(self.path / SITES, Sites.DTYPES))

    @cached_property
    def leakage(self):
        """Return the leakage report, as `leakage_report` makes it; None in a data set of an earlier version."""
        if LEAKAGE not in self.manifest.parts:
            return None
        return json.loads((self.path / LEAKAGE).read_text(encoding="utf-8"))

    @property
    def labels(self):
        """Return the labels: shape (n,), or (n, n_outputs) with NaN where not measured if there are several."""
        return self.records.labels if self.outputs else self.records.label

    @property
    def weights(self):
        """Return what each record counts in training; shape (n,), float64. None where all count the same."""
        found = self.records.extra.get(WEIGHT)
        return None if found is None else np.asarray(found, dtype=np.float64)

    @property
    def lengths(self):
        """Return the length of each sequence in bp; shape (n,), int64."""
        return np.diff(self.offsets)

    @property
    def data_hash(self):
        """Return the sha256 that names this data, whatever folder it is in."""
        return self.manifest.data_hash

    def __len__(self):
        return self.manifest.n_records

    def sequence(self, index):
        """Return the tokens of one sequence.

        Parameters
        ----------
        index : int
            0 to n - 1.

        Returns
        -------
        np.ndarray, shape (L,), uint8
            A read-only view of the file.
        """
        if not 0 <= index < len(self):
            raise IndexError(f"no sequence {index} in a data set of {len(self)}")
        return self.tokens[self.offsets[index] : self.offsets[index + 1]]

    def indices(self, split):
        """Return the numbers of the records of one split, ascending; ``all``: of every record.

        Raises
        ------
        DatasetError
            `split` is not ``train``, ``val``, ``test`` or ``all``.
        """
        if split == ALL:
            return np.arange(len(self))
        if split not in SPLITS:
            raise DatasetError("unknown split", expected=", ".join(SPLITS), found=str(split))
        return np.flatnonzero(self.records.split == split)

    def with_fold(self, fold):
        """Return the same data, split for cross-validation: one fold tests, a share of the rest validates.

        Parameters
        ----------
        fold : int or None
            None: the data set as it is.

        Returns
        -------
        Dataset
            With the attribute `fold`; `data_hash` stays what it was.

        Raises
        ------
        SplitError
            The data set has no folds, or no such fold.
        """
        if fold is None:
            return self
        by = self.manifest.source.get("fold_by") or self.manifest.source.get("split_by")
        split = split_of_fold(self.records, fold, by, self.task, self.manifest.seed or 0)
        other = Dataset(self.path, self.manifest, self.offsets)
        other.fold, other.records = fold, replace(self.records, split=split)
        return other


def write_dataset(
    path,
    sequences,
    records,
    *,
    task,
    source,
    seed,
    classes=None,
    outputs=None,
    sites=None,
    dropped=None,
    normalised=None,
    duplicates=None,
    left_out=None,
):
    """Write a data set folder, sequence by sequence, and open it.

    The folder is built beside `path` and takes its name when it is whole; until then, and if anything fails,
    an older data set at `path` stays as it is.

    Parameters
    ----------
    path : str or Path
    sequences : iterable of np.ndarray, each shape (L,), uint8
        Tokens 0-4; never held in memory together.
    records : Records or callable (TokenFile) -> Records
        A callable is called after the last sequence, with all of them as they are on the disk, so that a source
        can gather labels while streaming and split by similarity; `sites`, and the counts in the mappings below, may
        likewise be filled until then.
    task : str
        ``regression``, ``binary`` or ``multiclass``.
    source : dict
        Where the data came from; anything JSON can hold.
    seed : int or None
    classes : list of str, or callable returning it, optional
    outputs : list of str, optional
        Names of the labels where a record has several; see `Manifest`.
    sites : Sites, or callable returning it, optional
    dropped, normalised, duplicates : mapping of str to int, optional
        Counts for the manifest; zeros are left out.
    left_out : callable returning np.ndarray of bool, shape (number of sequences,), or None; optional
        Called once the records are made: sequences that do not belong to the data set after all. The records are
        those without them; sites still have the numbers of all.

    Returns
    -------
    Dataset

    Raises
    ------
    DatasetError
        Parts that do not fit each other, or a `path` that may not be replaced.
    """
    with atomic_folder(path, kind=FORMAT, known=(PICTURE,)) as folder:
        lengths = write_tokens(folder, sequences)
        records = records(TokenFile(folder, lengths)) if callable(records) else records
        classes, sites, left_out = (x() if callable(x) else x for x in (classes, sites, left_out))
        if left_out is not None and left_out.any():
            lengths = leave_out_tokens(folder, lengths, left_out)
            sites = None if sites is None else sites.without(left_out)
        check_fit(lengths, records, sites, task, classes, outputs)
        write_columns(folder / RECORDS, records.columns())
        if sites is not None:
            write_columns(folder / SITES, sites.columns())
        _write_leakage(folder, lengths, records, source, seed)
        counts = {"dropped": dropped, "normalised": normalised, "duplicates": duplicates}
        manifest = Manifest(
            created=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
            written_by=f"mlx_gsa {__version__}",
            task=task,
            classes=classes,
            outputs=outputs,
            n_records=len(records),
            n_bases=int(lengths.sum()),
            seed=seed,
            source=source,
            splits={name: int((records.split == name).sum()) for name in SPLITS},
            columns={name: _type_name(column) for name, column in records.extra.items()},
            parts={p.name: Part(sha256=file_sha256(p), bytes=p.stat().st_size) for p in sorted(folder.iterdir())},
            **{name: {k: int(v) for k, v in (count or {}).items() if v} for name, count in counts.items()},
        )
        (folder / FILE).write_text(manifest.model_dump_json(indent=1) + "\n", encoding="utf-8")
    return Dataset.open(path, verify=False)


def _write_leakage(folder, lengths, records, source, seed):
    """Write the leakage report; of synthetic sequences, which are drawn independently, a sample is looked at."""
    limits = SYNTHETIC if source.get("type") == "synthetic" else {}
    report = leakage_report(TokenFile(folder, lengths), records, source, seed, **limits)
    (folder / LEAKAGE).write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")


def _part(manifest, name, path):
    """Return the manifest's entry for one part."""
    if name not in manifest.parts:
        raise DatasetError(
            "damaged manifest",
            where=str(path / FILE),
            expected=f"an entry for {name}",
            mend="Prepare the data set again with `gsa prepare`.",
        )
    return manifest.parts[name]


def _type_name(column):
    """Return the type of an extra column as the manifest writes it."""
    return "str" if column.dtype.kind in "OUS" else column.dtype.name

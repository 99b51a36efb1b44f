"""What is in a data set, as plain numbers: for the table on the terminal and the histogram picture."""

from collections import Counter
from dataclasses import dataclass, field

import numpy as np

from mlx_gsa.data.controls import KIND
from mlx_gsa.data.records import SPLITS
from mlx_gsa.data.shortcuts import Shortcut, find_shortcuts
from mlx_gsa.dna.alphabet import C, G, N

_BASES_AT_ONCE = 1 << 22


@dataclass(frozen=True)
class SplitSummary:
    """One row of the summary table.

    Attributes
    ----------
    name : str
        ``train``, ``val`` or ``test``.
    records : int
    bases : int
        bp.
    mean_length : float
        bp.
    gc : float
        Share of G and C among the known bases of the split.
    label_mean, label_sd : float
        NaN for multiclass.
    class_counts : dict of str to int
        Records per class; empty for regression.
    """

    name: str
    records: int
    bases: int
    mean_length: float
    gc: float
    label_mean: float
    label_sd: float
    class_counts: dict[str, int]


@dataclass(frozen=True, eq=False)
class ClassSummary:
    """One class, or one kind of negatives where there are several.

    Attributes
    ----------
    name : str
    counts : dict of str to int
        Records by split.
    lengths, gc : np.ndarray, shape (n,)
        Of all its records: bp, and share 0-1 (NaN without a known base).
    """

    name: str
    counts: dict[str, int]
    lengths: np.ndarray
    gc: np.ndarray


@dataclass(frozen=True, eq=False)
class DatasetSummary:
    """A data set in numbers.

    Attributes
    ----------
    task : str
    classes : list of str or None
    splits : list of SplitSummary
        Only splits that hold records.
    lengths, gc, labels : dict of str to np.ndarray
        By split name, one value per record: bp, share 0-1 (NaN without a known base), label.
    dropped, normalised, duplicates : dict of str to int
        As in the manifest.
    sites : dict of str to dict of str to int
        Known sites, kind -> role -> number; empty where the source does not know them.
    best_reachable_r : dict of str to float
        By split name; only for synthetic data: Pearson r between the labels without and with noise.
    groups : list of ClassSummary
        Of a classification: the classes; positives and each kind of negatives where the records have a ``kind``.
    shortcuts : list of Shortcut
        What GC and length alone tell of the label.
    """

    task: str
    classes: list[str] | None
    splits: list[SplitSummary]
    lengths: dict[str, np.ndarray]
    gc: dict[str, np.ndarray]
    labels: dict[str, np.ndarray]
    dropped: dict[str, int]
    normalised: dict[str, int]
    duplicates: dict[str, int]
    sites: dict[str, dict[str, int]]
    best_reachable_r: dict[str, float]
    groups: list[ClassSummary] = field(default_factory=list)
    shortcuts: list[Shortcut] = field(default_factory=list)


def summarise(dataset):
    """Count what is in a data set; sequences are read in pieces of 4 MB.

    Parameters
    ----------
    dataset : Dataset

    Returns
    -------
    DatasetSummary
    """
    gc_bases, known = _base_counts(dataset)
    members = {name: dataset.indices(name) for name in SPLITS}
    members = {name: rows for name, rows in members.items() if rows.size}
    with np.errstate(invalid="ignore"):
        gc = gc_bases / known
    manifest, names = dataset.manifest, _class_names(dataset)
    return DatasetSummary(
        task=dataset.task,
        classes=dataset.classes,
        splits=[_summarise_split(dataset, name, rows, gc_bases, known) for name, rows in members.items()],
        lengths={name: dataset.lengths[rows] for name, rows in members.items()},
        gc={name: gc[rows] for name, rows in members.items()},
        labels={name: _known(dataset.records.label[rows]) for name, rows in members.items()},
        dropped=dict(manifest.dropped),
        normalised=dict(manifest.normalised),
        duplicates=dict(manifest.duplicates),
        sites=_count_sites(dataset.sites),
        best_reachable_r=dict(manifest.source.get("best_reachable_r") or {}),
        groups=_summarise_groups(dataset, names, gc),
        shortcuts=_shortcuts(dataset, names, gc),
    )


def _known(labels):
    """Return the labels that were measured."""
    return labels[~np.isnan(labels)]


def _shortcuts(dataset, names, gc):
    """Return the shortcuts to the (first) label, among the records that have it."""
    known = np.flatnonzero(~np.isnan(dataset.records.label))
    names = None if names is None else names[known]
    return find_shortcuts(dataset.task, dataset.records.label[known], names, gc[known], dataset.lengths[known])


def _class_names(dataset):
    """Return the kind of each record where there are kinds, else the name of its class; None for a regression."""
    if dataset.task == "regression":
        return None
    if dataset.task == "binary" and KIND in dataset.records.extra:
        return dataset.records.extra[KIND]
    names = np.array(dataset.classes or ["negative", "positive"], dtype=object)
    return names[np.nan_to_num(dataset.records.label).astype(int)]


def _summarise_groups(dataset, names, gc):
    """Return the classes or kinds, positives first where there are positives."""
    if names is None:
        return []
    labels, groups = dataset.records.label, []
    order = np.argsort(-labels if dataset.task == "binary" else labels, kind="stable")
    missing = np.isnan(labels)
    for name in dict.fromkeys(names[order].tolist()):
        rows = (names == name) & ~missing
        if not rows.any():
            continue
        counts = {split: int(np.isin(dataset.indices(split), np.flatnonzero(rows)).sum()) for split in SPLITS}
        groups.append(ClassSummary(name, counts, dataset.lengths[rows], gc[rows]))
    return groups


def _base_counts(dataset):
    """Return the number of G and C, and of known bases, of each record."""
    offsets, gc, known, first = dataset.offsets, [], [], 0
    while first < len(dataset):
        last = max(int(np.searchsorted(offsets, offsets[first] + _BASES_AT_ONCE, side="right")) - 1, first + 1)
        piece = np.asarray(dataset.tokens[offsets[first] : offsets[last]])
        starts = offsets[first:last] - offsets[first]
        gc.append(np.add.reduceat((piece == C) | (piece == G), starts, dtype=np.int64))
        known.append(np.add.reduceat(piece < N, starts, dtype=np.int64))
        first = last
    return np.concatenate(gc), np.concatenate(known)


def _summarise_split(dataset, name, rows, gc_bases, known):
    """Return the summary of the records `rows`."""
    labels, lengths = _known(dataset.records.label[rows]).astype(float), dataset.lengths[rows]
    numeric = dataset.task != "multiclass"
    counts = {}
    if dataset.task != "regression":
        names = dataset.classes or ["0", "1"]
        numbers = np.bincount(labels.astype(int), minlength=len(names))
        counts = dict(zip(names, numbers.tolist(), strict=True))
    return SplitSummary(
        name=name,
        records=len(rows),
        bases=int(lengths.sum()),
        mean_length=float(lengths.mean()),
        gc=float(gc_bases[rows].sum() / max(known[rows].sum(), 1)),
        label_mean=float(labels.mean()) if numeric and labels.size else float("nan"),
        label_sd=float(labels.std()) if numeric and labels.size else float("nan"),
        class_counts=counts,
    )


def _count_sites(sites):
    """Return the number of sites by kind and role, in alphabetical order."""
    if sites is None:
        return {}
    counts = {}
    for (kind, role), number in sorted(Counter(zip(sites.kind.tolist(), sites.role.tolist(), strict=True)).items()):
        counts.setdefault(kind, {})[role] = number
    return counts

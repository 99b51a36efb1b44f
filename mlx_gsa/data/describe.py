"""What is in a data set, as plain numbers and words: what `gsa data DIR` shows and prints as JSON."""

from collections import Counter

import numpy as np

from mlx_gsa.data.gc_match import gc_contents
from mlx_gsa.data.records import SPLITS
from mlx_gsa.dna.alphabet import decode

QUANTILES = {"min": 0, "5 %": 5, "median": 50, "95 %": 95, "max": 100}
SHOWN_BASES = 40
FEW_VALUES = 12


def describe_dataset(dataset, first=3):
    """Describe a data set.

    Parameters
    ----------
    dataset : Dataset
    first : int
        Records shown.

    Returns
    -------
    dict
        What JSON can hold: ``path``, ``task``, ``classes``, ``outputs``, ``records``, ``bases``, ``data_hash``,
        ``splits`` (one dict per split and for all), ``kinds`` and ``folds`` (value -> split -> records), ``lengths``
        (bp), ``gc``, ``columns`` (further ones: type and values), ``source``, ``seed``, ``dropped``, ``normalised``,
        ``duplicates``, ``sites``, ``leakage`` (the report, None without one) and ``first``.
    """
    manifest, records = dataset.manifest, dataset.records
    gc = gc_contents(dataset, range(len(dataset)))
    return {
        "path": str(dataset.path),
        "task": dataset.task,
        "classes": dataset.classes,
        "outputs": getattr(manifest, "outputs", None),
        "records": len(dataset),
        "bases": manifest.n_bases,
        "data_hash": dataset.data_hash,
        "created": manifest.created,
        "splits": [_split(dataset, name, gc) for name in (*SPLITS, "all") if len(dataset.indices(name))],
        "kinds": _by_split(records, "kind"),
        "folds": _by_split(records, "fold"),
        "lengths": {name: int(np.percentile(dataset.lengths, q)) for name, q in QUANTILES.items()},
        "gc": {name: _rounded(np.nanpercentile(gc, q)) for name, q in QUANTILES.items()}
        if np.isfinite(gc).any()
        else {},
        "chromosomes": len(set(records.chrom.tolist()) - {"."}),
        "groups": len(set(records.group.tolist())),
        "columns": {name: _column(column) for name, column in records.extra.items()},
        "source": manifest.source,
        "seed": manifest.seed,
        "dropped": dict(manifest.dropped),
        "normalised": dict(manifest.normalised),
        "duplicates": dict(manifest.duplicates),
        "sites": None if dataset.sites is None else len(dataset.sites),
        "leakage": dataset.leakage,
        "first": [_record(dataset, row) for row in range(min(first, len(dataset)))],
    }


def _split(dataset, name, gc):
    """Describe one split: records, bp, GC and labels."""
    rows = dataset.indices(name)
    labels, lengths = dataset.records.label[rows].astype(float), dataset.lengths[rows]
    known = labels[np.isfinite(labels)]
    facts = {"split": name, "records": len(rows), "bases": int(lengths.sum()), "mean_length": float(lengths.mean())}
    with_base = gc[rows][np.isfinite(gc[rows])]
    facts["mean_gc"] = _rounded(with_base.mean()) if len(with_base) else None
    if dataset.task == "regression":
        facts |= {"label_mean": _rounded(known.mean()), "label_sd": _rounded(known.std())} if len(known) else {}
    else:
        names = dataset.classes or ["0", "1"]
        facts["classes"] = dict(zip(names, np.bincount(known.astype(int), minlength=len(names)).tolist(), strict=True))
    return facts


def _by_split(records, name):
    """Count the values of a further column in each split, None without that column."""
    if name not in records.extra:
        return None
    counts = Counter(zip(map(str, records.extra[name].tolist()), records.split.tolist(), strict=True))
    values = sorted({value for value, _ in counts}, key=lambda value: (len(value), value) if name == "fold" else value)
    return {value: {split: counts[value, split] for split in SPLITS} for value in values}


def _column(column):
    """Describe a further column: its type, and its few values or its range."""
    if column.dtype.kind in "OUSb":
        values = Counter(map(str, column.tolist()))
        facts = {"type": "bool" if column.dtype.kind == "b" else "str", "distinct": len(values)}
        return facts | ({"values": dict(values.most_common())} if len(values) <= FEW_VALUES else {})
    known = column[np.isfinite(column)] if column.dtype.kind == "f" else column
    facts = {"type": column.dtype.name, "missing": len(column) - len(known)}
    return facts | ({"min": _rounded(known.min()), "max": _rounded(known.max())} if len(known) else {})


def _rounded(value):
    """Return a number with five significant digits, for reading."""
    return float(f"{float(value):.5g}")


def _record(dataset, row):
    """Describe one record: its columns and the beginning of its sequence."""
    tokens = dataset.sequence(row)
    columns = {name: column[row] for name, column in dataset.records.columns().items()}
    plain = {name: value.item() if hasattr(value, "item") else value for name, value in columns.items()}
    plain = {name: None if value != value else value for name, value in plain.items()}
    more = "..." if len(tokens) > SHOWN_BASES else ""
    return plain | {"length": len(tokens), "sequence": decode(tokens[:SHOWN_BASES]) + more}

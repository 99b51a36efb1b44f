"""Several data sets as one: ids unique, columns united, copies found, sites kept where every part knows them."""

from collections import Counter
from itertools import chain
from pathlib import Path

import numpy as np

from mlx_gsa.data.collect import Collector, Limits
from mlx_gsa.data.copies import copy_numbers
from mlx_gsa.data.dataset import write_dataset
from mlx_gsa.data.derive import carried_source, duplicate_counts, record_keys, take, take_sites
from mlx_gsa.data.records import UNKNOWN, WEIGHT, Records, Sites
from mlx_gsa.dna.alphabet import EncodeCounts
from mlx_gsa.dna.coordinates import Region
from mlx_gsa.errors import DatasetError

RENAMED = "ids in several sets, so the set's name was put before them"
NO_SITES = "planted sites left out, as not every set knows its own"
NO_FOLDS = "folds left out, as not every set has them"
DROPPED_COPY = "copy of a sequence of an earlier set"
ORIGIN, KIND, FOLD = "set", "kind", "fold"


def merge_datasets(datasets, out, *, drop_copies=False, plan=None):
    """Write several data sets as one.

    Records keep their splits unless `plan` makes new ones. Ids that occur in several sets get the set's name put
    before them. The column ``set`` names the set each record came from. Columns that a set lacks are filled with
    NaN or empty text; ``kind`` with ``positive`` or ``negative`` after the label, ``weight`` with 1.

    Parameters
    ----------
    datasets : list of Dataset
        Two or more, of one task, with the same classes and outputs.
    out : str or Path
        Folder to make.
    drop_copies : bool
        Leave out every record whose sequence (either strand) an earlier set has.
    plan : SplitPlan, optional
        Make new splits.

    Returns
    -------
    Dataset

    Raises
    ------
    DatasetError
        The sets do not fit each other, a sequence lies in different splits of two sets, or `out` may not be replaced.
    SplitError
        The records cannot be split as planned.
    """
    _check_alike(datasets)
    names = set_names(datasets)
    member = np.repeat(np.arange(len(datasets)), [len(d) for d in datasets])
    keys = record_keys(d.sequence(i) for d in datasets for i in range(len(d)))
    dropped, normalised = (sum((Counter(getattr(d.manifest, x)) for d in datasets), Counter()) for x in COUNTS)
    rows = np.arange(len(member))
    if drop_copies:
        rows = np.flatnonzero(member[copy_numbers(keys)] == member)
        dropped[DROPPED_COPY] += len(member) - len(rows)
    kept = [np.isin(np.flatnonzero(member == i), rows) for i in range(len(datasets))]
    records = _united(datasets, names, kept, normalised, folds=plan is None)
    if not drop_copies and plan is None:
        _check_copies(keys, member, records, names)
    sites = _united_sites(datasets, rows, normalised)
    facts = {"task": datasets[0].task, "classes": datasets[0].classes, "sites": sites, "dropped": dropped}
    facts |= {"outputs": datasets[0].manifest.outputs} if getattr(datasets[0].manifest, "outputs", None) else {}
    source = {"kind": "merge", "sets": [carried_source(d) for d in datasets]}
    records, sequences = take(records, rows), (_sequence(datasets, member, i) for i in rows)
    if plan is None:
        return _write(out, sequences, records, keys[rows], facts, source, normalised, datasets)
    return _write_split(out, sequences, records, facts, source, normalised, plan)


COUNTS = ("dropped", "normalised")


def _check_alike(datasets):
    """Raise unless there are two sets or more that may be merged."""
    if len(datasets) < 2:
        raise DatasetError("nothing to merge", expected="two data sets or more", found=str(len(datasets)))
    first = datasets[0]
    for other in datasets[1:]:
        for what in ("task", "classes", "outputs"):
            mine, theirs = (getattr(d.manifest, what, None) for d in (first, other))
            if mine != theirs:
                raise DatasetError(
                    f"data sets of different {what}" if what != "task" else "data sets of different tasks",
                    where=f"{first.path} and {other.path}",
                    expected=_listed(mine),
                    found=_listed(theirs),
                    mend=f"Prepare both with the same {what}, in the same order.",
                )


def _listed(value):
    """Write a name or several for a message."""
    return value if isinstance(value, str) else ", ".join(value or ()) or "none"


def set_names(datasets):
    """Return a short name for each set: its folder's, with a number where two folders are called the same."""
    names, seen = [], Counter()
    for dataset in datasets:
        name = Path(dataset.path).resolve().name
        seen[name] += 1
        names.append(name if seen[name] == 1 else f"{name}_{seen[name]}")
    return names


def _check_copies(keys, member, records, names):
    """Raise if a sequence lies in different splits of two sets."""
    first = copy_numbers(keys.tolist())
    across = np.flatnonzero((member[first] != member) & (records.split[first] != records.split))
    if len(across):
        later, earlier = across[0], first[across[0]]
        told = [f"{records.id[i]} ({names[member[i]]}, {records.split[i]})" for i in (earlier, later)]
        raise DatasetError(
            "the same sequence would be in two splits",
            found=f"{len(across):,} such records, the first {told[0]} and {told[1]}",
            mend="Leave out the copies with --drop-copies, or make new splits with --split.",
        )


def _united(datasets, names, kept, normalised, folds):
    """Return the records of all sets as one table; ids are unique among those kept."""
    ids = _unique_ids(datasets, names, kept, normalised)
    columns = {name: np.concatenate([getattr(d.records, name) for d in datasets]) for name in Records.DTYPES}
    groups = [_renamed_groups(d.records, new) for d, new in zip(datasets, ids, strict=True)]
    columns |= {"id": _text_column(chain(*ids)), "group": _text_column(chain(*groups))}
    extra = _united_extra(datasets, normalised, folds)
    if ORIGIN not in extra:
        extra[ORIGIN] = _text_column(chain(*([name] * len(d) for d, name in zip(datasets, names, strict=True))))
    return Records(**columns, extra=extra)


def _text_column(values):
    """Return strings as a column of objects."""
    values = list(values)
    column = np.empty(len(values), dtype=object)
    column[:] = values
    return column


def _unique_ids(datasets, names, kept, normalised):
    """Return the ids of each set; those that another set has too begin with their set's name."""
    known = Counter(name for d, mask in zip(datasets, kept, strict=True) for name in d.records.id[mask].tolist())
    taken, result = set(known), []
    for dataset, name, mask in zip(datasets, names, kept, strict=True):
        ids = dataset.records.id.tolist()
        for row in np.flatnonzero(mask).tolist():
            if known[ids[row]] > 1:
                ids[row], normalised[RENAMED] = f"{name}|{ids[row]}", normalised[RENAMED] + 1
                while ids[row] in taken:
                    ids[row] += "'"
                taken.add(ids[row])
        result.append(ids)
    return result


def _renamed_groups(records, ids):
    """Return the groups of one set; a group called after a record takes that record's new id."""
    new_name = dict(zip(records.id.tolist(), ids, strict=True))
    return [new_name.get(group, group) for group in records.group.tolist()]


def _united_extra(datasets, normalised, folds):
    """Return the further columns of all sets, filled where a set lacks one."""
    tables = [d.records.extra for d in datasets]
    extra = {}
    for name in dict.fromkeys(chain(*tables)):
        if name == FOLD and (not folds or not all(FOLD in table for table in tables)):
            if folds:
                normalised[NO_FOLDS] += sum(len(d) for d, t in zip(datasets, tables, strict=True) if FOLD in t)
            continue
        parts = [_filled(d, name) for d in datasets]
        known = [part for part in parts if part is not None]
        is_text = any(part.dtype.kind in "OUSb" for part in known) and len({p.dtype.kind for p in known}) > 1
        is_text = is_text or any(part.dtype.kind in "OUS" for part in known)
        parts = [_missing(len(d), is_text) if p is None else p for p, d in zip(parts, datasets, strict=True)]
        if is_text:
            extra[name] = _text_column(str(value) for part in parts for value in part.tolist())
        else:
            extra[name] = np.concatenate(parts)
    return extra


def _filled(dataset, name):
    """Return a further column of one set, None where it lacks it and nothing stands for it.

    ``kind`` can be told from a binary label, and records without a ``weight`` all weigh the same.
    """
    if name in dataset.records.extra:
        return dataset.records.extra[name]
    if name == KIND and dataset.task == "binary":
        return _text_column("positive" if label == 1 else "negative" for label in dataset.records.label)
    return np.ones(len(dataset), dtype=np.float32) if name == WEIGHT else None


def _missing(n, is_text):
    """Return a column of n values that are not known."""
    return _text_column([""] * n) if is_text else np.full(n, np.nan, dtype=np.float32)


def _united_sites(datasets, rows, normalised):
    """Return the sites of the records that stay, None unless every set knows its own."""
    if any(d.sites is None for d in datasets):
        normalised[NO_SITES] += sum(len(d.sites) for d in datasets if d.sites is not None)
        return None
    first = np.cumsum([0, *(len(d) for d in datasets)])
    columns = {name: np.concatenate([d.sites.columns()[name] for d in datasets]) for name in Sites.DTYPES}
    columns["record"] = np.concatenate([d.sites.record + start for d, start in zip(datasets, first, strict=False)])
    return take_sites(Sites(**columns), rows)


def _sequence(datasets, member, row):
    """Return the tokens of a record by its number among all sets."""
    first = int(np.searchsorted(member, member[row]))
    return datasets[member[row]].sequence(int(row) - first)


def _write(out, sequences, records, keys, facts, source, normalised, datasets):
    """Write records with the splits they have."""
    ways = {str(d.manifest.source.get("split_by")) for d in datasets}
    source["split_by"] = ways.pop() if len(ways) == 1 else "each set"
    counts = {"normalised": normalised, "duplicates": duplicate_counts(keys, records)}
    seeds = {d.manifest.seed for d in datasets}
    seed = seeds.pop() if len(seeds) == 1 else None
    return write_dataset(out, sequences, records, source=source, seed=seed, **facts, **counts)


def _write_split(out, sequences, records, facts, source, normalised, plan):
    """Write records with splits made anew."""
    collector = Collector(Limits(), plan, facts["task"], facts["dropped"], normalised)
    names = set(records.id.tolist())
    extra = [dict(zip(records.extra, row, strict=True)) for row in zip(*records.extra.values(), strict=True)]

    def collected():
        for row, tokens in enumerate(sequences):
            chrom, start = str(records.chrom[row]), int(records.start[row])
            place = Region(chrom, start, int(records.end[row]), str(records.strand[row]))
            group = records.group[row]  # copies, and records alone, have a group named after a record: found anew
            collector.add(
                tokens, EncodeCounts(), id=records.id[row], label=float(records.label[row]), extra=extra[row],
                region=place, group=None if group in names or group == UNKNOWN else group,
            )  # fmt: skip
            yield tokens

    def made(sequences):
        found = collector.records(sequences)
        source.update(collector.split_notes)
        return found

    counts = {"normalised": collector.normalised, "duplicates": collector.duplicates}
    options = {"source": source, "seed": plan.seed, "left_out": lambda: collector.left_out}
    return write_dataset(out, collected(), made, **options, **facts, **counts)

"""A binary data set from FASTA: sequences with the activity, and others without, from a file or made of the first."""

from collections import Counter
from dataclasses import asdict
from itertools import count
from pathlib import Path

import numpy as np

from mlx_gsa.data.collect import NO_COORDINATES, Collector, Limits, SplitPlan, write_collected
from mlx_gsa.data.controls import KIND, NEGATIVE, POSITIVE, UNCHANGED, control_id, made_controls
from mlx_gsa.data.records import UNKNOWN
from mlx_gsa.dna.alphabet import EncodeCounts
from mlx_gsa.dna.coordinates import mentions_region, parse_region
from mlx_gsa.dna.fasta import read_fasta
from mlx_gsa.errors import DatasetError, SequenceError

RENAMED = "negatives renamed, as a positive has the same name"


def dataset_from_fasta(positives, negatives, out, *, controls=(), group_of=None, plan=None, limits=None, progress=None):
    """Prepare a binary data set from FASTA, plain or gzip: positives, and negatives from a file, made, or both.

    Coordinates are read from headers such as ``chr7:5,000-7,000(-)``; where every record has them, the splits
    are made of whole chromosomes. A control that was made of a positive stays in its split.

    Parameters
    ----------
    positives : str or Path
    negatives : str or Path, optional
    out : str or Path
        Folder to make; an older data set there is replaced when the new one is whole.
    controls : sequence of Control, optional
        Made of the positives: ``dinucleotide-shuffle``, ``segment-swap``. With any, the records have a column
        ``kind``: ``positive``, ``negative`` (from the file), or the kind of the control.
    group_of : callable, optional
        Returns the group of a `FastaRecord`, which goes to one split as a whole, or None.
    plan : SplitPlan, optional
    limits : Limits, optional
        A record above its `max_length` is an error here, as it is nearly always a whole chromosome.
    progress : callable, optional
        Called as ``progress(bytes_read, bytes_in_files)``.

    Returns
    -------
    Dataset

    Raises
    ------
    SequenceError
        A file is not usable FASTA; see `read_fasta`.
    DatasetError
        There are no negatives, no record of a file is within the limits, or `out` may not be replaced.
    ConfigError
        A control needs a genome.
    SplitError
        The records cannot be split as asked.
    """
    if negatives is None and not controls:
        raise DatasetError("no negatives", mend="Give a second FASTA file, or a kind of negatives to make.")
    collector = Collector(limits or Limits(), plan or SplitPlan(), "binary")
    source = {"kind": "fasta", "positives": Path(positives).name, "limits": asdict(collector.limits)}
    if negatives is not None:
        _check_different(positives, negatives)
        source["negatives"] = Path(negatives).name
    if controls:
        source["controls"] = [asdict(control) for control in controls]
    paths = [path for path in (positives, negatives) if path is not None]
    sequences = _sequences(paths, collector, controls, group_of, _over_files(paths, progress))
    return write_collected(out, sequences, collector, source, classes=["negative", "positive"])


def _check_different(positives, negatives):
    """Raise if one file is given twice."""
    if str(positives) == str(negatives) or Path(positives).resolve() == Path(negatives).resolve():
        raise SequenceError("positives and negatives are the same file", where=str(positives), mend="Give two files.")


def _over_files(paths, progress):
    """Return one progress callable per file that together count the bytes of all."""
    if progress is None or any(not Path(p).is_file() for p in paths):
        return [None] * len(paths)
    sizes = [Path(p).stat().st_size for p in paths]
    before = [sum(sizes[:i]) for i in range(len(sizes))]
    return [lambda done, _, base=base: progress(base + done, sum(sizes)) for base in before]


def _sequences(paths, collector, controls, group_of, progress):
    """Yield the tokens of every record that is kept: positives, negatives, controls."""
    names, parents = set(), []
    for path, kind, report in zip(paths, (POSITIVE, NEGATIVE), progress, strict=False):
        before, dropped = len(collector), Counter(collector.dropped)
        for record in read_fasta(path, collector.limits.max_length, report):
            if collector.wants(record.tokens):
                group = group_of(record) if group_of else None
                place = _add(collector, record, kind, names, group, with_kind=bool(controls))
                if controls and kind == POSITIVE:
                    parents.append((place, np.array(record.tokens)))
                yield record.tokens
        if len(collector) == before:
            _raise_nothing_left(path, collector.dropped - dropped)
    for control in controls:
        yield from _controls(collector, parents, control, names)


def _controls(collector, parents, control, names):
    """Yield the tokens of every control that could be made."""
    made = made_controls(lambda i: parents[i][1], len(parents), control, collector.plan.seed)
    for number, copy, tokens in made:
        (parent, chrom, group), kind = parents[number][0], control.kind
        if tokens is None:
            collector.dropped[UNCHANGED.format(kind=kind)] += 1
            continue
        name = next(name for i in count(copy) if (name := control_id(parent, kind, i)) not in names)
        names.add(name)
        facts = {"id": name, "label": 0.0, "chrom": chrom, "group": group, "parent": parent, "extra": {KIND: kind}}
        collector.add(tokens, EncodeCounts(), **facts)
        yield tokens


def _raise_nothing_left(path, reasons):
    """Raise for a file of which no record is kept."""
    found = ", ".join(f"{n:,} {reason}" for reason, n in reasons.items())
    raise DatasetError("no usable record", where=str(path), found=found, mend="Check the limits on length and N.")


def _add(collector, record, kind, names, group, with_kind):
    """Hand a record to the collector under a name that no other has; return the name, chromosome and group."""
    name = record.id
    if name in names:
        name = f"{name}|{kind}"
        collector.normalised[RENAMED] += 1
    names.add(name)
    region = parse_region(record.description, record.tokens.size)
    if region is None and mentions_region(record.description):
        collector.normalised[NO_COORDINATES] += 1
    extra, label = {KIND: kind} if with_kind else None, float(kind == POSITIVE)
    collector.add(record.tokens, record.counts, id=name, label=label, region=region, group=group, extra=extra)
    return name, region.chrom if region else UNKNOWN, group

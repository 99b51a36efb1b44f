"""A binary data set from two FASTA files: sequences with the activity, and sequences without."""

from collections import Counter
from dataclasses import asdict
from pathlib import Path

from mlx_gsa.data.collect import NO_COORDINATES, Collector, Limits, SplitPlan, write_collected
from mlx_gsa.dna.coordinates import mentions_region, parse_region
from mlx_gsa.dna.fasta import read_fasta
from mlx_gsa.errors import DatasetError, SequenceError

RENAMED = "negatives renamed, as a positive has the same name"


def dataset_from_fasta(positives, negatives, out, *, plan=None, limits=None, progress=None):
    """Prepare a binary data set from two FASTA files, plain or gzip.

    Coordinates are read from headers such as ``chr7:5,000-7,000(-)``; where every record has them, the splits
    are made of whole chromosomes.

    Parameters
    ----------
    positives, negatives : str or Path
    out : str or Path
        Folder to make; an older data set there is replaced when the new one is whole.
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
        No record of a file is within the limits, or `out` may not be replaced.
    SplitError
        The records cannot be split as asked.
    """
    collector = Collector(limits or Limits(), plan or SplitPlan(), "binary")
    source = {"kind": "fasta", "positives": Path(positives).name, "negatives": Path(negatives).name,
              "limits": asdict(collector.limits)}  # fmt: skip

    paths = (positives, negatives)
    _check_different(*paths)
    sequences = _sequences(paths, collector, _over_files(paths, progress))
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


def _sequences(paths, collector, progress):
    """Yield the tokens of every record that is kept, positives first."""
    names = set()
    for path, label, report in zip(paths, (1.0, 0.0), progress, strict=True):
        before, dropped = len(collector), Counter(collector.dropped)
        for record in read_fasta(path, collector.limits.max_length, report):
            if collector.wants(record.tokens):
                _add(collector, record, label, names)
                yield record.tokens
        if len(collector) == before:
            _raise_nothing_left(path, collector.dropped - dropped)


def _raise_nothing_left(path, reasons):
    """Raise for a file of which no record is kept."""
    found = ", ".join(f"{n:,} {reason}" for reason, n in reasons.items())
    raise DatasetError("no usable record", where=str(path), found=found, mend="Check the limits on length and N.")


def _add(collector, record, label, names):
    """Hand a record to the collector under a name that no other has."""
    name = record.id
    if name in names:
        name = f"{name}|{'positive' if label else 'negative'}"
        collector.normalised[RENAMED] += 1
    names.add(name)
    region = parse_region(record.description, record.tokens.size)
    if region is None and mentions_region(record.description):
        collector.normalised[NO_COORDINATES] += 1
    collector.add(record.tokens, record.counts, id=name, label=label, region=region)

"""A data set from a genome and files of regions: peaks against controls, or regions with an activity."""

from collections import Counter
from dataclasses import asdict, replace
from pathlib import Path

from mlx_gsa.data.collect import Limits, SplitPlan
from mlx_gsa.data.controls import KIND, NEGATIVE, POSITIVE
from mlx_gsa.data.region_reader import NO_SUMMIT_KNOWN, RegionChoices, RegionReader
from mlx_gsa.data.tss import excluded_regions
from mlx_gsa.data.windows import write_windows
from mlx_gsa.dna.intervals import IntervalSet
from mlx_gsa.errors import ConfigError, RegionError

ON_POSITIVE = "negative that overlaps a positive"
CLASSES = ["negative", "positive"]

__all__ = ["NO_SUMMIT_KNOWN", "RegionChoices", "dataset_from_regions"]


def dataset_from_regions(
    genome,
    positives,
    out,
    *,
    negatives=(),
    controls=(),
    choices=None,
    exclude=(),
    min_distance=0,
    overlaps="drop",
    top=None,
    plan=None,
    limits=None,
    dropped=None,
    source=None,
    progress=None,
):
    """Prepare a data set from regions of a genome.

    With an activity a regression; else a binary set of positives against negatives, which come from files, are made
    (controls), or both. Regions that cannot be used, and windows that `write_windows` leaves out, are counted in the
    manifest; what makes one doubt the input is in its ``source`` under ``warnings``.

    Parameters
    ----------
    genome : Genome
    positives : str or Path
        BED, narrowPeak, broadPeak or bedGraph.
    out : str or Path
        Folder to make; an older data set there is replaced when the new one is whole.
    negatives : sequence of str or Path
        Files of regions without the activity; those that overlap a positive are left out.
    controls : sequence of Control
    choices : RegionChoices, optional
    exclude : sequence of str or Path
        Regions that no window may touch, such as a blacklist.
    min_distance, overlaps, top
        As in `write_windows`; `top` counts positives.
    plan : SplitPlan, optional
    limits : Limits, optional
    dropped : mapping of str to int, optional
        What was left out before.
    source : dict, optional
        More for the manifest, such as where the file came from.
    progress : callable, optional
        Called as ``progress(done, total)`` with records.

    Returns
    -------
    Dataset

    Raises
    ------
    RegionError
        A file cannot be used, or none of its regions can.
    GenomeError
        The genome cannot be read.
    ConfigError
        Choices that do not go together, such as positives alone without an activity.
    DatasetError
        No window is left, or `out` may not be replaced.
    SplitError
        The records cannot be split as asked.
    """
    choices, dropped, normalised = choices or RegionChoices(), Counter(dropped or {}), Counter()
    _check_request(positives, negatives, controls, choices)
    left_out = _excluded(exclude, genome)
    reader = RegionReader(genome, choices, dropped, normalised)
    windows = list(reader.windows(positives))
    if negatives:
        windows = _with_negatives(windows, negatives, reader)
    binary = choices.activity is None
    return write_windows(
        out,
        genome,
        windows,
        task="binary" if binary else "regression",
        source=_describe(positives, negatives, exclude, choices, reader) | (source or {}),
        plan=plan or SplitPlan(),
        limits=limits or Limits(),
        classes=CLASSES if binary else None,
        controls=controls,
        exclude=left_out,
        min_distance=min_distance,
        overlaps=overlaps,
        top=top,
        dropped=dropped,
        normalised=normalised,
        progress=progress,
    )


def _describe(positives, negatives, exclude, choices, reader):
    """Return what the manifest says of the source: the files' names, every choice made, every doubt."""
    names = {"negatives": negatives, "exclude": exclude}
    return {
        "kind": "regions",
        "positives": Path(positives).name,
        **{name: [Path(path).name for path in paths] for name, paths in names.items()},
        **asdict(choices),
        "warnings": reader.warnings,
    }


def _check_request(positives, negatives, controls, choices):
    """Raise unless there is something to learn, and only one thing."""
    if choices.activity is None and not negatives and not controls:
        mend = "Add --negatives random-genomic (or dinucleotide-shuffle, flank, FILE.bed), or --activity COLUMN."
        raise ConfigError("positives alone are nothing to learn from", expected="negatives or an activity", mend=mend)
    if choices.activity is not None and (negatives or controls):
        mend = "Leave out --negatives for a regression, or --activity for positives against negatives."
        raise ConfigError("an activity and negatives are two tasks", expected="one of them", mend=mend)
    for path in negatives:
        if str(path) == str(positives) or Path(path).resolve() == Path(positives).resolve():
            mend = "Give two files."
            raise RegionError("positives and negatives are the same file", where=str(positives), mend=mend)


def _excluded(paths, genome):
    """Read the regions to leave out; raise if none of them lies on the genome."""
    found = excluded_regions(paths, genome)
    if paths and not len(found):
        where = ", ".join(map(str, paths))
        mend = "Give a blacklist of this assembly, or leave it out."
        raise RegionError("no region to exclude is on a chromosome of the genome", where=where, mend=mend)
    return found


def _with_negatives(windows, paths, reader):
    """Return the windows marked as positives, and after them those of the negative files without what overlaps."""
    taken = IntervalSet.of(_on_the_chromosome(window.region) for window in windows)
    windows, before = [_marked(window, 1.0, POSITIVE) for window in windows], len(windows)
    for path in paths:
        for window in reader.windows(path):
            region = window.region
            if taken.overlaps(region.chrom, region.start, region.end):
                reader.dropped[ON_POSITIVE] += 1
            else:
                windows.append(_marked(replace(window, score=None), 0.0, NEGATIVE))
    if len(windows) == before:
        found = f"{reader.dropped[ON_POSITIVE]:,} that overlap a positive"
        mend = "Give regions without the activity, or --negatives random-genomic."
        raise RegionError("no negative is left", where=", ".join(map(str, paths)), found=found, mend=mend)
    return windows


def _marked(window, label, kind):
    """Return a window with its label and kind."""
    return replace(window, label=label, extra={KIND: kind})


def _on_the_chromosome(region):
    """Return a region that does not begin before its chromosome, as a window near its start may."""
    return replace(region, start=max(region.start, 0))

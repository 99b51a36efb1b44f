"""The one way from windows of a genome to a data set: chosen, read, their controls made, everything counted."""

from collections import Counter
from dataclasses import asdict

from mlx_gsa.data.choose import Window, check_overlaps, choose_windows, on_genome, unique_ids
from mlx_gsa.data.collect import Collector, write_collected
from mlx_gsa.data.controls import KIND, POSITIVE, UNCHANGED, control_id, genomic_controls, made_controls
from mlx_gsa.dna.alphabet import EncodeCounts
from mlx_gsa.dna.intervals import IntervalSet

__all__ = ["Window", "write_windows"]

NO_COUNTS = EncodeCounts()


def write_windows(
    out,
    genome,
    windows,
    *,
    task,
    source,
    plan,
    limits,
    classes=None,
    controls=(),
    exclude=None,
    min_distance=0,
    overlaps="drop",
    top=None,
    dropped=None,
    normalised=None,
    progress=None,
):
    """Write a data set of windows of a genome.

    A window past the edge of its chromosome is left out, never moved; so are windows that touch an excluded region,
    copies, those that overlap a better one, those beyond the best `top`, and those that the limits on length and N
    do not allow. Everything left out is counted. Controls are made of the positives that remain.

    Parameters
    ----------
    out : str or Path
        Folder to make; an older data set there is replaced when the new one is whole.
    genome : Genome
    windows : iterable of Window
        In the order of the records to be.
    task : str
        ``regression``, ``binary`` or ``multiclass``.
    source : dict
        For the manifest; gains the genome's file, the names that were mapped, the choices made here and how the
        split was made.
    plan : SplitPlan
    limits : Limits
    classes : list of str, optional
    controls : sequence of Control
        Made of every window, except of those whose ``kind`` says that they are no positives; their label is 0.
    exclude : IntervalSet, optional
        Under the genome's names of the chromosomes.
    min_distance : int
        Smallest gap between two windows, in bp; not with ``overlaps="keep"``.
    overlaps : str
        ``drop``: of overlapping windows the one with the best score stays; ``keep``: all do.
    top : int, optional
        Keep no more than so many, those with the best scores.
    dropped, normalised : mapping of str to int, optional
        What was left out and changed before.
    progress : callable, optional
        Called as ``progress(done, total)`` with records.

    Returns
    -------
    Dataset

    Raises
    ------
    RegionError
        No window lies in the genome.
    GenomeError
        The genome cannot be read.
    ConfigError
        Choices that do not go together.
    DatasetError
        No window is left, or `out` may not be replaced.
    SplitError
        The records cannot be split as asked.
    """
    check_overlaps(overlaps, min_distance)
    collector = Collector(limits, plan, task, Counter(dropped or {}), Counter(normalised or {}))
    chosen = choose_windows(
        on_genome(windows, genome, collector.dropped, collector.normalised),
        collector.dropped,
        exclude=exclude,
        min_distance=min_distance,
        overlaps=overlaps,
        top=top,
    )
    chosen = unique_ids(chosen, collector.normalised)
    source = source | {
        "genome": genome.path.name,
        "chromosome_names": dict(genome.renamed),
        "controls": [asdict(control) for control in controls],
        "windows": {"min_distance": min_distance, "overlaps": overlaps, "top": top},
        "limits": asdict(limits),
    }
    writer = _Writer(genome, chosen, collector, tuple(controls), exclude, progress)
    return write_collected(out, writer.sequences(), collector, source, classes)


class _Writer:
    """Reads the chosen windows, makes their controls, and hands both to the collector."""

    def __init__(self, genome, windows, collector, controls, exclude, progress):
        self.genome, self.windows, self.collector = genome, windows, collector
        self.controls, self.exclude = controls, exclude
        self.kept, self.placed, self.done, self.progress = [], [], 0, progress
        self.has_kinds = bool(controls) or any(KIND in window.extra for window in windows)
        self.total = len(windows) + round(sum(control.ratio for control in controls) * len(windows))

    def sequences(self):
        """Yield the tokens of every record that is kept: windows first, then one kind of controls after the other."""
        for window in self.windows:
            tokens = self._read(window.region)
            if self._take(tokens, window):
                yield tokens
        for control in self.controls:
            yield from self._genomic(control) if control.needs_genome else self._made(control)

    def _take(self, tokens, window):
        """Hand a window to the collector if it is within the limits; remember it if it is a positive."""
        self._step()
        if not self.collector.wants(tokens):
            return False
        kind = window.extra.get(KIND, POSITIVE)
        extra = {**window.extra, KIND: kind} if self.has_kinds else window.extra
        self._add(tokens, window, id=window.id, label=window.label, region=window.region, extra=extra)
        if kind == POSITIVE:
            self.kept.append(window)
        return True

    def _genomic(self, control):
        """Yield the windows of the genome that serve as controls."""
        positives = [window.region for window in self.kept]
        others = [window.region for window in self.windows if window.extra.get(KIND, POSITIVE) != POSITIVE]
        exclude = _with(self.exclude, others + self.placed)
        options = {"exclude": exclude, "seed": self.collector.plan.seed, "counts": self.collector.dropped}
        copies, found = Counter(), genomic_controls(self.genome, positives, control, **options)
        self.placed += [region for region, _ in found]  # one kind does not lie on another
        for region, parent in found:
            tokens, window = self._read(region), self.kept[parent]
            name, extra = control_id(window.id, control.kind, copies[parent]), {**window.extra, KIND: control.kind}
            copies[parent] += 1
            self._step()
            if self.collector.wants(tokens):
                self._add(tokens, window, id=name, label=0.0, region=region, extra=extra)
                yield tokens

    def _made(self, control):
        """Yield the controls that are made of the positives' sequences."""
        seed = self.collector.plan.seed
        for parent, copy, tokens in made_controls(
            lambda i: self._read(self.kept[i].region), len(self.kept), control, seed
        ):
            window = self.kept[parent]
            self._step()
            if tokens is None:
                self.collector.dropped[UNCHANGED.format(kind=control.kind)] += 1
                continue
            name, extra = control_id(window.id, control.kind, copy), {**window.extra, KIND: control.kind}
            place = {"chrom": window.region.chrom, "parent": window.id}
            self._add(tokens, window, id=name, label=0.0, extra=extra, **place)
            yield tokens

    def _read(self, region):
        """Return the tokens of a region."""
        return self.genome.tokens(region.chrom, region.start, region.end, region.strand)

    def _add(self, tokens, window, **what):
        """Hand a record to the collector, in the group of its window."""
        self.collector.add(tokens, NO_COUNTS, group=window.group, **what)

    def _step(self):
        """Report one more record now and then."""
        self.done += 1
        if self.progress and (self.done % 500 == 0 or self.done == self.total):
            self.progress(self.done, max(self.total, self.done))


def _with(exclude, regions):
    """Return a set of intervals with further regions in it."""
    if not regions:
        return exclude
    return IntervalSet.of(regions) if exclude is None else exclude.union(IntervalSet.of(regions))

"""The one way from windows of a genome to a data set: chosen, read, their controls made, everything counted."""

import hashlib
from collections import Counter
from dataclasses import asdict

import numpy as np

from mlx_gsa import __version__
from mlx_gsa.data.choose import Window, check_overlaps, choose_windows, on_genome, unique_ids
from mlx_gsa.data.collect import Collector, write_collected
from mlx_gsa.data.controls import KIND, POSITIVE, UNCHANGED, control_id, genomic_controls, made_controls
from mlx_gsa.data.partial import partial_folder
from mlx_gsa.dna.alphabet import EncodeCounts, N
from mlx_gsa.dna.coordinates import Region
from mlx_gsa.dna.intervals import IntervalSet

__all__ = ["Window", "write_windows"]

NO_COUNTS = EncodeCounts()
STEP = 500  # records between two reports of progress


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

    A killed run leaves ``.NAME.partial`` beside `out`; the same call goes on from there, to the same bytes.

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
        Called as ``progress(done, total)`` with records; once with a third argument, a note, if it goes on.

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
    with partial_folder(out, _key(genome, chosen, controls, limits, plan, exclude)) as partial:
        writer = _Writer(genome, chosen, collector, tuple(controls), exclude, progress, partial)
        return write_collected(out, writer.sequences(), collector, source, classes)


def _key(genome, windows, controls, limits, plan, exclude):
    """Return a name for everything that the sequences depend on, so that a killed run goes on only with the same."""
    state = genome.path.stat()
    facts = [__version__, str(genome.path.resolve()), state.st_size, state.st_mtime_ns, controls, limits, plan.seed]
    key = hashlib.sha256(repr(facts).encode())
    for window in windows:
        key.update(f"{window.region} {window.extra.get(KIND)}\n".encode())
    for chrom in exclude.chroms if exclude is not None else ():
        key.update(chrom.encode() + b"".join(edge.tobytes() for edge in exclude.on(chrom)))
    return key.hexdigest()


class _Writer:
    """Reads the chosen windows, makes their controls, and hands both to the collector."""

    def __init__(self, genome, windows, collector, controls, exclude, progress, partial):
        self.genome, self.windows, self.collector = genome, windows, collector
        self.controls, self.exclude, self.partial = controls, exclude, partial
        self.kept, self.placed, self.done, self.progress = [], [], 0, progress
        self.has_kinds = bool(controls) or any(KIND in window.extra for window in windows)
        self.total = len(windows) + round(sum(control.ratio for control in controls) * len(windows))

    def sequences(self):
        """Yield the tokens of every record that is kept: windows first, then one kind of controls after the other."""
        if self.partial.found and self.progress:
            self.progress(0, self.total, f"going on from {self.partial.found:,}")
        for window in self.windows:
            tokens, counts = self._read(window.region)
            if self._take(tokens, counts, window):
                yield tokens
        for control in self.controls:
            yield from self._genomic(control) if control.needs_genome else self._made(control)

    def _take(self, tokens, counts, window):
        """Hand a window to the collector if it is within the limits; remember it if it is a positive."""
        self._step()
        if not self.collector.wants(tokens):
            return False
        kind = window.extra.get(KIND, POSITIVE)
        extra = {**window.extra, KIND: kind} if self.has_kinds else window.extra
        self._add(tokens, window, counts, id=window.id, label=window.label, region=window.region, extra=extra)
        if kind == POSITIVE:
            self.kept.append(window)
        return True

    def _genomic(self, control):
        """Yield the windows of the genome that serve as controls."""
        found, missing = self.partial.remember(control.kind, lambda: self._find(control))
        self.collector.dropped.update(missing)
        copies = Counter()
        for start, parent in found:
            window, copy = self.kept[parent], copies[parent]
            copies[parent] += 1
            old = window.region
            region = Region(old.chrom, start, start + old.end - old.start, old.strand)
            self.placed.append(region)  # one kind does not lie on another
            tokens, counts = self._read(region)
            self._step()
            if self.collector.wants(tokens):
                name, extra = control_id(window.id, control.kind, copy), {**window.extra, KIND: control.kind}
                self._add(tokens, window, counts, id=name, label=0.0, region=region, extra=extra)
                yield tokens

    def _find(self, control):
        """Return the starts and the parents of genomic controls, and the number of those that cannot be made."""
        others = [window.region for window in self.windows if window.extra.get(KIND, POSITIVE) != POSITIVE]
        exclude = _with(self.exclude, others + self.placed)
        options = {"exclude": exclude, "seed": self.collector.plan.seed, "counts": Counter()}
        found = genomic_controls(self.genome, [window.region for window in self.kept], control, **options)
        return [(region.start, int(parent)) for region, parent in found], dict(options["counts"])

    def _made(self, control):
        """Yield the controls that are made of the positives' sequences."""

        def sequence(number):
            return self._from_genome(self.kept[number].region)[0]

        seed, name = self.collector.plan.seed, control.kind
        for parent, copy, tokens in made_controls(sequence, len(self.kept), control, seed, partial=self.partial):
            window = self.kept[parent]
            self._step()
            if tokens is None:
                self.collector.dropped[UNCHANGED.format(kind=name)] += 1
                continue
            place = {"chrom": window.region.chrom, "parent": window.id, "extra": {**window.extra, KIND: name}}
            self._add(tokens, window, NO_COUNTS, id=control_id(window.id, name, copy), label=0.0, **place)
            yield tokens

    def _read(self, region):
        """Return the tokens of a region, and what was read differently; from the journal if it has them."""
        tokens, ambiguous = self.partial.tokens(lambda: self._from_genome(region))
        return tokens, EncodeCounts(iupac=ambiguous) if ambiguous else NO_COUNTS

    def _from_genome(self, region):
        """Return the tokens of a region, and the number of ambiguity codes in it."""
        tokens = self.genome.tokens(region.chrom, region.start, region.end, region.strand)
        unknown = int(np.count_nonzero(tokens == N))
        if unknown:
            letters = self.genome.letters(region.chrom, region.start, region.end)
            unknown -= int(np.isin(letters, (ord("N"), ord("n"))).sum())
        return tokens, unknown

    def _add(self, tokens, window, counts, **what):
        """Hand a record to the collector, in the group of its window."""
        self.collector.add(tokens, counts, group=window.group, **what)

    def _step(self):
        """Report one more record now and then."""
        self.done += 1
        if self.progress and (self.done % STEP == 0 or self.done == self.total):
            self.progress(self.done, max(self.total, self.done))


def _with(exclude, regions):
    """Return a set of intervals with further regions in it."""
    if not regions:
        return exclude
    return IntervalSet.of(regions) if exclude is None else exclude.union(IntervalSet.of(regions))

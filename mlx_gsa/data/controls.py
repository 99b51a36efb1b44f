"""Negatives that are made: windows of the genome like the positives, their flanks, and shuffled positives."""

import difflib
from collections import Counter
from dataclasses import dataclass

import numpy as np

from mlx_gsa.data.matching import GC_TOLERANCE, REPEAT_TOLERANCE, Taken, match_windows
from mlx_gsa.dna.coordinates import Region
from mlx_gsa.dna.shuffle import dinucleotide_shuffles, segment_swap
from mlx_gsa.errors import ConfigError

GENOMIC = ("random-genomic", "flank")
FROM_SEQUENCE = ("dinucleotide-shuffle", "segment-swap")
KINDS = (*GENOMIC, *FROM_SEQUENCE)
POSITIVE, NEGATIVE, KIND = "positive", "negative", "kind"  # the last is the name of the column
UNCHANGED = "controls not made, as the sequence has no other order: {kind}"
UNMATCHED = "controls not made, as no free window has the same GC and repeats: {kind}"
NO_FLANK = "controls not made, as no window at that distance is free: {kind}"


@dataclass(frozen=True)
class Control:
    """One kind of negatives, and how many.

    Attributes
    ----------
    kind : str
        ``random-genomic``, ``flank``, ``dinucleotide-shuffle`` or ``segment-swap``.
    ratio : float
        Controls per positive. Whole ones for every positive, a fraction for as many drawn at random.
    distance : int
        Between a positive and its flank, in bp.
    gc_tolerance, repeat_tolerance : float
        Largest difference in the share of G and C, and of soft-masked bases, to the positive (random-genomic).
    segments, kept, fill
        As in `segment_swap`.
    """

    kind: str
    ratio: float = 1.0
    distance: int = 1000
    gc_tolerance: float = GC_TOLERANCE
    repeat_tolerance: float = REPEAT_TOLERANCE
    segments: int = 20
    kept: int = 8
    fill: str = "shuffle"

    @property
    def needs_genome(self):
        """Say whether these controls are windows of a genome."""
        return self.kind in GENOMIC


def parse_controls(values):
    """Read controls as the command line names them.

    Parameters
    ----------
    values : iterable of str
        ``KIND``, ``KIND:RATIO``, or ``flank:RATIO:DISTANCE`` with the distance in bp.

    Returns
    -------
    tuple of Control

    Raises
    ------
    ConfigError
        An unknown kind, a ratio that is no positive number, or a kind twice.
    """
    controls = tuple(_parse(value) for value in values)
    kind, times = next(iter(Counter(control.kind for control in controls).most_common(1)), (None, 0))
    if times > 1:
        mend = f"Name it once, with a ratio: {kind}:{times}."
        raise ConfigError("a kind of negatives is asked for twice", found=kind, mend=mend)
    return controls


def _parse(value):
    """Read one control."""
    kind, *rest = value.split(":")
    if kind not in KINDS:
        near = difflib.get_close_matches(kind, KINDS, n=1, cutoff=0.4)
        mend = f"Did you mean {near[0]}?" if near else None
        raise ConfigError("unknown kind of negatives", expected=", ".join(KINDS), found=repr(kind), mend=mend)
    try:
        ratio = float(rest[0]) if rest else 1.0
        distance = int(rest[1]) if len(rest) > 1 else Control.distance
        good = 0 < ratio <= 1000 and distance >= 0 and len(rest) <= (2 if kind == "flank" else 1)
    except ValueError:
        good = False
    if not good:
        form = f"{kind}:RATIO" + (":DISTANCE in bp" if kind == "flank" else "") + ", as in " + f"{kind}:2"
        raise ConfigError("cannot read how many negatives are wanted", expected=form, found=repr(value))
    return Control(kind, ratio, distance)


def control_parents(n, control, seed):
    """Choose the positives that controls are made of.

    Parameters
    ----------
    n : int
        Number of positives.
    control : Control
    seed : int

    Returns
    -------
    np.ndarray of int64
        Ascending; a positive is there once for each of its controls.
    """
    whole = int(control.ratio)
    more = round((control.ratio - whole) * n)
    drawn = _generator(seed, control).permutation(n)[:more]
    return np.sort(np.concatenate([np.repeat(np.arange(n), whole), drawn]))


def control_id(parent, kind, copy=0):
    """Name the control of a record; `copy` counts the controls of one kind that it has already."""
    return f"{parent}|{kind}" + (f"|{copy + 1}" if copy else "")


def sequence_control(tokens, control, rng):
    """Make one control of a sequence; `sequence_controls` is faster for many.

    Parameters
    ----------
    tokens : np.ndarray, shape (L,), uint8
    control : Control
        ``dinucleotide-shuffle`` or ``segment-swap``.
    rng : np.random.Generator

    Returns
    -------
    np.ndarray, shape (L,), uint8
        Equal to `tokens` if these have no other order.
    """
    return sequence_controls([tokens], control, rng)[0]


def sequence_controls(sequences, control, rng):
    """Make a control of each sequence.

    Parameters
    ----------
    sequences : sequence of np.ndarray, each shape (L,), uint8
    control : Control
        ``dinucleotide-shuffle`` or ``segment-swap``.
    rng : np.random.Generator

    Returns
    -------
    list of np.ndarray, each shape (L,), uint8

    Raises
    ------
    ConfigError
        The control is a window of a genome.
    """
    if control.kind == "dinucleotide-shuffle":
        return dinucleotide_shuffles(sequences, rng)
    if control.kind == "segment-swap":
        options = {"segments": control.segments, "kept": control.kept, "fill": control.fill}
        return [segment_swap(tokens, rng, **options) for tokens in sequences]
    mend = "Use `gsa prepare regions` with --genome, or a kind that is made of the sequence."
    raise ConfigError(
        "these negatives need a genome", expected=" or ".join(FROM_SEQUENCE), found=control.kind, mend=mend
    )


def made_controls(sequence, n, control, seed, batch=2000, partial=None):
    """Make the controls of many sequences, a batch at a time.

    Parameters
    ----------
    sequence : callable
        Called with a number below `n`; returns tokens, shape (L,), uint8.
    n : int
        Number of positives.
    control : Control
        ``dinucleotide-shuffle`` or ``segment-swap``.
    seed : int
    batch : int
        Sequences made, and held in memory, together.
    partial : Partial, optional
        Journal of a run that goes on: batches that are in it are not made again.

    Yields
    ------
    (int, int, np.ndarray or None)
        Number of the positive, how many controls of it came before, and the tokens; None where the sequence has no
        other order.
    """
    parents = control_parents(n, control, seed)
    copies = _copies(parents)
    for first in range(0, len(parents), batch):
        some = parents[first : first + batch].tolist()
        made = partial.skip(len(some)) if partial is not None else []
        if not made:
            originals = [sequence(parent) for parent in some]
            made = sequence_controls(originals, control, _generator(seed, control, first))
            made = [new[:0] if np.array_equal(old, new) else new for old, new in zip(originals, made, strict=True)]
            for tokens in made if partial is not None else ():
                partial.keep(tokens)
        for parent, copy, tokens in zip(some, copies[first : first + batch].tolist(), made, strict=True):
            yield parent, copy, tokens if tokens.size else None


def genomic_controls(genome, positives, control, *, exclude=None, seed=0, progress=None, counts=None):
    """Choose windows of the genome as controls: as long as their positive and on its chromosome and strand.

    No window overlaps a positive, an excluded interval, or another one. ``random-genomic``: like the positive in GC
    and in repeats (lower case in the genome), without N; see `match_windows`. ``flank``: at the stated distance
    from the positive, first on a random side; a second one on the other side, more of them further out.

    Parameters
    ----------
    genome : Genome
    positives : sequence of Region
    control : Control
    exclude : IntervalSet, optional
        With the chromosomes named as in `positives` or as in the genome.
    seed : int
    progress : callable, optional
        Called as ``progress(done, total)`` with positives.
    counts : Counter, optional
        Gains the number of controls that could not be made, by reason.

    Returns
    -------
    list of (Region, int)
        The window and the number of its positive, in ascending order of the latter.

    Raises
    ------
    ConfigError
        The control is not a window of a genome.
    """
    if not control.needs_genome:
        raise ConfigError("no window of a genome", expected=" or ".join(GENOMIC), found=control.kind)
    parents, rng = control_parents(len(positives), control, seed), _generator(seed, control)
    start, end = (np.array([getattr(p, name) for p in positives], dtype=np.int64) for name in ("start", "end"))
    found, done = [], 0
    for chrom, rows, names in _by_chromosome(genome, positives):
        mine = parents[np.isin(parents, rows)]
        taken = _taken(chrom, names, start[rows], end[rows], exclude)
        if control.kind == "flank":
            windows = _flanks(genome.lengths[chrom], start[mine], end[mine], taken, control.distance, mine, rng)
        else:
            tolerances = control.gc_tolerance, control.repeat_tolerance
            windows = match_windows(genome, chrom, start[mine], end[mine], taken, rng, tolerances)
        found += zip(mine[windows >= 0].tolist(), windows[windows >= 0].tolist(), strict=True)
        done += len(rows)
        if progress:
            progress(done, len(positives))
    if counts is not None and len(found) < len(parents):
        reason = NO_FLANK if control.kind == "flank" else UNMATCHED
        counts[reason.format(kind=control.kind)] += len(parents) - len(found)
    return [(_moved(positives[parent], place), parent) for parent, place in sorted(found)]


def _generator(seed, control, batch=0):
    """Return a generator of its own for each kind of control, and each batch of it."""
    return np.random.default_rng([seed, KINDS.index(control.kind), batch])


def _copies(parents):
    """Count for each control how many its positive has before; `parents` ascending."""
    return np.arange(len(parents)) - np.searchsorted(parents, parents)


def _by_chromosome(genome, positives):
    """Yield each chromosome of the genome that has positives, their numbers, and the names it goes by."""
    rows = {}
    for i, region in enumerate(positives):
        rows.setdefault(region.chrom, []).append(i)
    resolved = {}
    for name, numbers in rows.items():
        resolved.setdefault(genome.resolve(name), []).append((name, numbers))
    for chrom, parts in resolved.items():
        if chrom is not None:
            yield chrom, np.sort(np.concatenate([numbers for _, numbers in parts])), {name for name, _ in parts}


def _taken(chrom, names, start, end, exclude):
    """Return what is not free on a chromosome: positives and excluded intervals."""
    taken = Taken()
    taken.add(start, end)
    for name in sorted({chrom, *names}) if exclude is not None else ():
        taken.add(*exclude.on(name))
    return taken


def _flanks(length, start, end, taken, distance, parents, rng):
    """Return the start of a flank for each positive, -1 where none is free; a positive may be there repeatedly."""
    size = end - start
    copy = _copies(parents)
    left = rng.random(len(parents)) < 0.5
    left = np.where(copy % 2 == 0, left, ~left[np.maximum(np.arange(len(parents)) - 1, 0)])
    away = distance + copy // 2 * size
    windows = np.full(len(parents), -1)
    for side in (left, ~left):
        begin = np.where(side, start - away - size, end + away)
        rows = np.flatnonzero((windows < 0) & (begin >= 0) & (begin + size <= length))
        accepted = rows[taken.take(begin[rows], begin[rows] + size[rows])]
        windows[accepted] = begin[accepted]
    return windows


def _moved(region, start):
    """Return a region of the same length and strand elsewhere on the chromosome."""
    return Region(region.chrom, start, start + region.end - region.start, region.strand)

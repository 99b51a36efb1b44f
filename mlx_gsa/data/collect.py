"""Gather labelled sequences from a source: filter, count, find copies, split; shared by every real source."""

import hashlib
from collections import Counter
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from mlx_gsa.data.dataset import write_dataset
from mlx_gsa.data.records import LABEL, SPLITS, UNKNOWN, Records
from mlx_gsa.data.splits import FRACTIONS, assign_splits
from mlx_gsa.dna.alphabet import EncodeCounts, N, reverse_complement
from mlx_gsa.dna.coordinates import Region
from mlx_gsa.errors import DatasetError, SplitError

SplitBy = Literal["auto", "random", "chromosome", "group"]
NORMALISED = {
    "lower": "lower-case letters read as upper case",
    "uracil": "U read as T",
    "gaps": "gap characters removed",
    "iupac": "ambiguity codes read as N",
}
NO_COORDINATES = "coordinates left out: they do not fit the length"


@dataclass(frozen=True)
class Limits:
    """Which sequences are kept.

    Attributes
    ----------
    min_length, max_length : int
        bp.
    max_n_fraction : float
        Largest share of N.
    """

    min_length: int = 20
    max_length: int = 100_000
    max_n_fraction: float = 0.1

    def reason_against(self, tokens):
        """Return why a sequence is not kept, or None if it is."""
        if not tokens.size:
            return "empty sequence"
        if tokens.size < self.min_length:
            return f"shorter than {self.min_length} bp"
        if tokens.size > self.max_length:
            return f"longer than {self.max_length} bp"
        if np.count_nonzero(tokens == N) > self.max_n_fraction * tokens.size:
            return f"more than {self.max_n_fraction:.0%} N"
        return None


@dataclass(frozen=True)
class SplitPlan:
    """How records come to their split.

    Attributes
    ----------
    by : str
        ``chromosome``, ``group`` or ``random``; ``auto`` takes groups where stated, else chromosomes where every
        record has one and there are enough, else chance. Stated splits go before all of these.
    fractions : tuple of 3 floats
        Shares of train, val and test.
    seed : int
    """

    by: SplitBy = "auto"
    fractions: tuple[float, float, float] = FRACTIONS
    seed: int = 0


@dataclass
class Collector:
    """Takes labelled sequences one by one, remembers all but the sequence, and makes the records at the end.

    Attributes
    ----------
    limits : Limits
    plan : SplitPlan
    task : str
    dropped, normalised, duplicates : Counter
        For the manifest; complete once `records` was called.
    split_by : str
        How the split was made, once `records` was called.
    fills_validation : bool
        Whether a validation split is taken out of the training records where the stated splits have none.
    """

    limits: Limits
    plan: SplitPlan
    task: str
    dropped: Counter = field(default_factory=Counter)
    normalised: Counter = field(default_factory=Counter)
    duplicates: Counter = field(default_factory=Counter)
    split_by: str = ""
    fills_validation: bool = True
    _rows: list = field(default_factory=list)
    _extra: list = field(default_factory=list)
    _keys: list = field(default_factory=list)
    _letters: EncodeCounts = field(default_factory=EncodeCounts)

    def __len__(self):
        return len(self._rows)

    def wants(self, tokens):
        """Say whether a sequence is within the limits; count the reason if it is not."""
        reason = self.limits.reason_against(tokens)
        if reason:
            self.dropped[reason] += 1
        return reason is None

    def add(self, tokens, counts, *, id, label, region=None, chrom=UNKNOWN, group=None, split=None, extra=None):
        """Take a sequence.

        Parameters
        ----------
        tokens : np.ndarray, shape (L,), uint8
        counts : EncodeCounts
        id : str
        label : float
        region : Region, optional
        chrom : str
            Used where there is no region.
        group, split : str, optional
        extra : dict, optional
            Values of further columns, such as ``kind``; the same columns for every sequence. Read when the records
            are made, so they may be filled in until then.
        """
        self._letters += counts
        region = region or Region(chrom, -1, -1, UNKNOWN)
        place = (region.chrom, region.start, region.end, region.strand)
        self._rows.append((id, label, *place, group, split))
        self._extra.append({} if extra is None else extra)  # the very dict: it may be filled later
        self._keys.append(sequence_key(tokens))

    def records(self, sequences, to_label=None):
        """Make the records: copies found, splits assigned, counts complete.

        Parameters
        ----------
        sequences : TokenFile
            What was added, in the same order, as it is on the disk by now.
        to_label : callable, optional
            Turns the labels as they were added into numbers.

        Returns
        -------
        Records

        Raises
        ------
        DatasetError
            Nothing was taken; the message lists why.
        SplitError
            The records cannot be split as planned.
        """
        if not self._rows:
            raise DatasetError(
                "no usable record",
                found=describe_counts(self.dropped) or "none at all",
                mend="Check the columns, the filters and the limits on length and N.",
            )
        columns = [list(column) for column in zip(*self._rows, strict=True)]
        ids, labels, chrom, start, end, strand, group, split = columns
        labels = np.array(labels if to_label is None else [to_label(x) for x in labels], dtype=np.float32)
        extra = {name: [row[name] for row in self._extra] for name in self._extra[0]}
        balanced = label_to_split_by(labels, extra, self.task)
        copies = copy_numbers(self._keys)
        kin = np.array([ids[i] for i in copies], dtype=object)
        units = np.array([g or k for g, k in zip(group, kin, strict=True)], dtype=object)
        ways = {"chromosome": np.array(chrom, dtype=object), "group": units, "random": kin}
        split = self._split(balanced, ways, split, has_groups=any(group))
        self._count_letters()
        self._count_copies(copies, balanced, split)
        places = {"chrom": chrom, "start": start, "end": end, "strand": strand}
        return Records.build(ids, labels, split, **places, group=units, extra=extra)

    def _split(self, labels, ways, stated, has_groups):
        """Return the split of each record, as stated or as planned; note which way in `split_by`."""
        if any(stated):
            self.split_by = "the table"
            if not self.fills_validation:
                return np.array(stated)
            return fill_validation(np.array(stated), labels, self.task, ways["group"], self.plan)
        self.split_by = self._choose(ways["chromosome"], has_groups)
        groups = ways[self.split_by]
        if self.split_by == "random" and len(set(groups.tolist())) == len(groups):
            groups = None  # no copies, so nothing to keep together
        return assign_splits(len(labels), labels, self.task, groups, self.plan.fractions, self.plan.seed)

    def _choose(self, chrom, has_groups):
        """Return ``group``, ``chromosome`` or ``random`` after the plan and what the records state."""
        by, chromosomes = self.plan.by, set(chrom.tolist())
        if by == "group" and not has_groups:
            raise SplitError("no groups to split by", mend="Name the column of groups, or split at random.")
        if by == "chromosome" and chromosomes == {UNKNOWN}:
            raise SplitError("no chromosomes to split by", mend="Name the column of chromosomes, or split at random.")
        if by != "auto":
            return by
        if has_groups:
            return "group"
        return "chromosome" if UNKNOWN not in chromosomes and len(chromosomes) >= len(SPLITS) else "random"

    def _count_letters(self):
        """Add the letters read differently to the counts."""
        for name, number in self._letters.to_dict().items():
            if name in NORMALISED and number:
                self.normalised[NORMALISED[name]] += number

    def _count_copies(self, copies, labels, split):
        """Count records whose sequence an earlier record has, and what that may spoil."""
        later = np.flatnonzero(copies != np.arange(len(copies)))
        first = copies[later]
        self.duplicates["same sequence as an earlier record"] = len(later)
        self.duplicates["the same, but in another split"] = int((split[later] != split[first]).sum())
        self.duplicates["the same, but with another label"] = int((labels[later] != labels[first]).sum())


def write_collected(out, sequences, collector, source, classes=None, to_label=None, outputs=None):
    """Write the data set of a source whose sequences pass through a collector on their way to the disk.

    Parameters
    ----------
    out : str or Path
    sequences : iterator of np.ndarray
        Adds each sequence it yields to `collector`.
    collector : Collector
    source : dict
        For the manifest; gains ``split_by``.
    classes : list of str, or callable returning it, optional
    to_label : callable, optional
        As in `Collector.records`.
    outputs : list of str, optional
        As in `write_dataset`.

    Returns
    -------
    Dataset
    """

    def records(sequences):
        made = collector.records(sequences, to_label)
        source["split_by"] = collector.split_by
        return made

    counts = {name: getattr(collector, name) for name in ("dropped", "normalised", "duplicates")}
    facts = {"task": collector.task, "seed": collector.plan.seed, "source": source, "classes": classes, "outputs": outputs}
    return write_dataset(out, sequences, records, **facts, **counts)


def sequence_key(tokens):
    """Return 16 bytes that two sequences share if, and only if, they are the same on either strand.

    Parameters
    ----------
    tokens : np.ndarray, shape (L,), uint8

    Returns
    -------
    bytes

    Source: BLAKE2b; the chance of any collision among 10^9 sequences is below 10^-20.
    """
    forward, backward = tokens.tobytes(), reverse_complement(tokens).tobytes()
    return hashlib.blake2b(min(forward, backward), digest_size=16).digest()


def copy_numbers(keys):
    """Return for each record the number of the first record with the same key; shape (n,), int64."""
    first = {}
    return np.array([first.setdefault(key, i) for i, key in enumerate(keys)], dtype=np.int64)


def label_to_split_by(labels, extra, task):
    """Fill the gaps of the first of several labels, so that splits can be balanced by it.

    Parameters
    ----------
    labels : np.ndarray, shape (n,), float32
        NaN where not measured.
    extra : dict of str to sequence
        Further columns, among them ``label:NAME``.
    task : str

    Returns
    -------
    np.ndarray, shape (n,)
        A gap of a regression becomes the median; a gap of a binary task the first further label that is known.
    """
    missing = np.isnan(labels)
    if not missing.any():
        return labels
    if task == "regression":
        return np.where(missing, np.nanmedian(labels), labels)
    for name, column in extra.items():
        if name.startswith(LABEL):
            labels = np.where(np.isnan(labels), np.asarray(column, dtype=np.float32), labels)
    return labels


def fill_validation(split, labels, task, groups, plan):
    """Take a validation split out of the training records if the stated splits have none.

    Parameters
    ----------
    split : np.ndarray of str, shape (n,)
        As stated.
    labels : np.ndarray, shape (n,)
    task : str
    groups : np.ndarray of str, shape (n,)
        Stay together.
    plan : SplitPlan

    Returns
    -------
    np.ndarray of str, shape (n,)
    """
    if "val" in split or "train" not in split:
        return split
    split, rows = split.astype("U5"), np.flatnonzero(split == "train")
    share = plan.fractions[1] / (plan.fractions[0] + plan.fractions[1])
    fractions = (1 - share, share, 0.0)
    split[rows] = assign_splits(len(rows), labels[rows], task, groups[rows], fractions, plan.seed)
    return split


def describe_counts(counts):
    """Write counts as ``3 empty sequence, 1 shorter than 20 bp``, largest first."""
    items = sorted(((n, reason) for reason, n in counts.items() if n), reverse=True)
    return ", ".join(f"{n:,} {reason}" for n, reason in items)

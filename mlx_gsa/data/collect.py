"""Gather labelled sequences from a source: filter, count, find copies, split; shared by every real source."""

from collections import Counter
from dataclasses import dataclass, field

import numpy as np

from mlx_gsa.data.copies import copy_numbers, sequence_key
from mlx_gsa.data.crossing import CROSSING, crossing_records
from mlx_gsa.data.dataset import write_dataset
from mlx_gsa.data.folds import FOLD, Facts, assign
from mlx_gsa.data.records import LABEL, UNKNOWN, Records, label_to_split_by
from mlx_gsa.data.split_plan import SplitPlan
from mlx_gsa.dna.alphabet import EncodeCounts, N
from mlx_gsa.dna.coordinates import Region
from mlx_gsa.errors import DatasetError, SplitError

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
    split_notes : dict
        For the manifest's source, once `records` was called: ``split_by``, and ``fold_by`` and ``similarity`` where
        there are such.
    left_out : np.ndarray of bool or None
        Sequences that are left out after all, once `records` was called.
    """

    limits: Limits
    plan: SplitPlan
    task: str
    dropped: Counter = field(default_factory=Counter)
    normalised: Counter = field(default_factory=Counter)
    duplicates: Counter = field(default_factory=Counter)
    split_by: str = ""
    fills_validation: bool = True
    split_notes: dict = field(default_factory=dict)
    left_out: np.ndarray | None = None
    _rows: list = field(default_factory=list)
    _extra: list = field(default_factory=list)
    _keys: list = field(default_factory=list)
    _parents: dict = field(default_factory=dict)
    _letters: EncodeCounts = field(default_factory=EncodeCounts)

    def __len__(self):
        return len(self._rows)

    def wants(self, tokens):
        """Say whether a sequence is within the limits; count the reason if it is not."""
        reason = self.limits.reason_against(tokens)
        if reason:
            self.dropped[reason] += 1
        return reason is None

    def add(
        self, tokens, counts, *, id, label, region=None, chrom=UNKNOWN, group=None, split=None, extra=None, parent=None
    ):
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
        parent : str, optional
            Id of the sequence, taken before, that this one was made of: the two never come to different splits.
            Give a control the `chrom` and `group` of its parent, too.
        """
        if parent is not None:
            self._parents[id] = parent
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
        further = [np.array(column, np.float32) for name, column in extra.items() if name.startswith(LABEL)]
        balanced = label_to_split_by(np.stack([labels, *further], axis=1), self.task)
        copies = copy_numbers(self._keys)
        kin = np.array([ids[i] for i in self._kin(ids, copies)], dtype=object)
        places = {"chrom": np.array(chrom, dtype=object), "start": np.array(start), "end": np.array(end)}
        given = Facts(balanced, **places, kin=kin, groups=group)
        made = assign(self.plan, self.task, given, sequences, split, self.fills_validation)
        self.split_by, self.split_notes = made.notes["split_by"], made.notes
        extra |= {FOLD: made.fold} if made.fold is not None else {}
        records = Records.build(ids, labels, made.split, **places, strand=strand, group=made.group, extra=extra)
        kept = self._keep(sequences, records, copies, made)
        self._count_letters()
        self._count_copies(copy_numbers(copies[kept].tolist()), balanced[kept], made.split[kept])
        return records if kept.all() else records.select(kept)

    def _keep(self, sequences, records, copies, made):
        """Say which records stay; with ``crossing="drop"`` none that is similar to one of another split or fold."""
        if self.plan.crossing == "keep":
            return np.ones(len(records), dtype=bool)
        places = (records.chrom, records.start, records.end)
        options = {"share": self.plan.threshold, "seed": self.plan.seed}
        self.left_out, facts = crossing_records(sequences, places, copies, made.split, made.fold, **options)
        missing = sorted(set(made.split.tolist()) - set(made.split[~self.left_out].tolist()))
        if missing:
            raise SplitError("no record is left in a split", where=", ".join(missing), mend="Split by similarity.")
        self.dropped[CROSSING] += facts["left_out"]
        self.split_notes["crossing"] = facts
        return ~self.left_out

    def _kin(self, ids, copies):
        """Return for each record the first one with its sequence, or with that of the record it was made of."""
        if not self._parents:
            return copies
        number = {name: i for i, name in enumerate(ids)}
        return [copies[number[self._parents.get(name, name)]] for name in ids]

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
        For the manifest; gains what `Collector.split_notes` says.
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
        source.update(collector.split_notes)
        return made

    counts = {name: getattr(collector, name) for name in ("dropped", "normalised", "duplicates")}
    facts = {"task": collector.task, "seed": collector.plan.seed, "source": source}
    facts |= {"classes": classes, "outputs": outputs}
    return write_dataset(out, sequences, records, left_out=lambda: collector.left_out, **facts, **counts)


def describe_counts(counts):
    """Write counts as ``3 empty sequence, 1 shorter than 20 bp``, largest first."""
    items = sorted(((n, reason) for reason, n in counts.items() if n), reverse=True)
    return ", ".join(f"{n:,} {reason}" for n, reason in items)

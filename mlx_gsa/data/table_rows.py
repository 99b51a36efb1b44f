"""From the rows of a table to sequences, labels, places, groups and splits."""

import hashlib

import numpy as np

from mlx_gsa.data.collect import NO_COORDINATES
from mlx_gsa.data.label_columns import LabelReader
from mlx_gsa.data.labels import Rejected
from mlx_gsa.data.measurements import Measurements
from mlx_gsa.data.records import LABEL, UNKNOWN, WEIGHT
from mlx_gsa.data.table_file import check_filters
from mlx_gsa.dna.alphabet import encode
from mlx_gsa.dna.coordinates import fit_region, mentioned_chrom, mentions_region, parse_region
from mlx_gsa.errors import SequenceError, TableError

SPLIT_WORDS = {
    "train": ("train", "training"),
    "val": ("val", "valid", "validation", "dev"),
    "test": ("test", "testing", "heldout", "held-out"),
}
SPLIT_NAMES = {word: name for name, words in SPLIT_WORDS.items() for word in words}
COPY = {
    "first": "copy of an earlier sequence",
    "mean": "copy of an earlier sequence, averaged into its label",
}
UNGROUPED = "id without the pattern of groups, so the record stands alone"
RENAMED = "ids repeated, so the line number was added"
STRANDS = {"+": "+", "1": "+", "+1": "+", "-": "-", "-1": "-", "fwd": "+", "rev": "-"}


def middle(length, size=None):
    """Return the slice of `size` bp in the middle of `length` bp; all of it where it is shorter or there is no size."""
    start = max(length - size, 0) // 2 if size else 0
    return slice(start, min(start + size, length) if size else length)


class RowReader:
    """Turns rows into tokens, and hands what else they say to the collector.

    Parameters
    ----------
    table : TableFile
    columns : Columns
    filters : list of RowFilter
    labels : LabelPlan
    collector : Collector
    pattern : re.Pattern, optional
        What its first group finds in the id is the group.
    split_as : str, optional
        The split of every record.
    centre : int, optional
        Take only so many bp in the middle of each sequence.
    """

    def __init__(self, table, columns, filters, labels, collector, pattern=None, split_as=None, centre=None):
        self.table, self.filters, self.collector = table, filters, collector
        self.pattern, self.split_as, self.centre = pattern, split_as, centre
        self.sequence = table.column(columns.sequence, "sequences")
        others = ("id", "chrom", "start", "end", "strand", "group", "split")
        self.at = {name: table.optional(getattr(columns, name), name, name) for name in others}
        self.plan, self.labels = labels, LabelReader(labels, table, collector.normalised)
        self.measured = Measurements(replicated=bool(labels.replicates))
        self.ids, self.first_problem, self.first, self.extra = set(), None, {}, []
        self.grouped = 0

    def sequences(self):
        """Yield the tokens of every row that is kept; then fill in what only all of them together tell."""
        for line, row in self.table.rows:
            try:
                yield self._take(line, row)
            except Rejected as reason:
                self.collector.dropped[str(reason)] += 1
        check_filters(self.filters, self.table)
        if not len(self.collector) and self.first_problem:
            raise self.first_problem
        self.labels.finish(len(self.collector))
        self._check_groups()
        self._fill()

    def _fill(self):
        """Write weights and further labels into the extra cells of the records."""
        weights = self.measured.weights()
        for number, cells in enumerate(self.extra):
            for output, name in enumerate(self.plan.outputs or ()):
                if output:
                    cells[LABEL + name] = np.float32(self.measured.label(number, output))
            if weights is not None:
                cells[WEIGHT] = float(weights[number])

    @property
    def classes(self):
        """Return the names of the classes, None for a regression."""
        return self.labels.all_labels().classes

    def number(self, record):
        """Return the label of a record as a number; `record` is what the collector was given as label."""
        label = self.measured.label(record)
        return label if isinstance(label, float) else self.labels.labels[0].number(label)

    def _take(self, line, row):
        """Return the tokens of one row, or raise `Rejected` with the reason against it."""
        if len(row) != len(self.table.header):
            raise Rejected("row with another number of columns than the header")
        if not all(one.keeps(row) for one in self.filters):
            raise Rejected("left out by the row filter")
        whole, counts = self._encode(row[self.sequence], line)
        part = middle(whole.size, self.centre)
        tokens = whole[part]
        reason = self.collector.limits.reason_against(tokens)
        if reason:
            raise Rejected(reason)
        measured, split = self.labels.read(row, line), self._split(row, line)
        self._check_copy(tokens, measured)
        name = self._id(row, line)
        region, chrom = self._place(row, name, whole.size)
        region = region and region.part(part.start, part.stop)
        self.extra.append({})
        self.collector.add(
            tokens, counts, id=name, label=self.measured.add(measured), split=split,
            group=self._group(row), region=region, chrom=chrom, extra=self.extra[-1],
        )  # fmt: skip
        return tokens

    def _check_copy(self, tokens, measured):
        """Raise `Rejected` for a row with the sequence of an earlier one, unless copies are kept."""
        if self.plan.duplicates == "keep":
            return
        key = hashlib.blake2b(tokens.tobytes(), digest_size=16).digest()
        first = self.first.setdefault(key, len(self.collector))
        if first < len(self.collector):
            if self.plan.duplicates == "mean":
                self.measured.merge(first, measured)
            raise Rejected(COPY[self.plan.duplicates])

    def _group(self, row):
        """Return the group of a row, from its column or its id, or None."""
        if self.pattern is None:
            return self._cell(row, "group")
        found = self.pattern.search(self._cell(row, "id") or "")
        if found is None or not found[1]:
            self.collector.normalised[UNGROUPED] += 1
            return None
        self.grouped += 1
        return found[1]

    def _check_groups(self):
        """Raise if the pattern of groups fits no id at all."""
        if self.pattern is None or self.grouped or not len(self.collector):
            return
        found = "no id column" if self.at["id"] is None else f"ids such as {min(self.ids)!r}"
        raise TableError(
            "no id has the pattern of groups", where=self.table.name, expected=self.pattern.pattern, found=found,
            mend="Change the pattern, or name the column of ids.",
        )  # fmt: skip

    def _cell(self, row, name):
        """Return the text of an optional column, or None."""
        at = self.at[name]
        return None if at is None else row[at].strip() or None

    def _encode(self, text, line):
        """Encode a sequence; keep the first error in case no row at all is DNA."""
        try:
            return encode(text)
        except SequenceError as problem:
            where = f"{self.table.name}, line {line}, column {self.table.header[self.sequence]}"
            self.first_problem = self.first_problem or SequenceError(
                problem.what, where=where, expected=problem.expected, found=problem.found, mend=problem.mend
            )
            raise Rejected("letters that are not DNA") from None

    def _id(self, row, line):
        """Return a row's name; one that an earlier row has gets its line number, and is counted."""
        name = self._cell(row, "id") or f"line_{line}"
        while name in self.ids:
            name = f"{name}#{line}"
            self.collector.normalised[RENAMED] += 1
        self.ids.add(name)
        return name

    def _split(self, row, line):
        """Return the split that a row states, or None without a split column."""
        if self.split_as is not None:
            return self.split_as
        if self.at["split"] is None:
            return None
        text = self._cell(row, "split")
        if text is None:
            raise Rejected("no split stated")
        if text.lower() not in SPLIT_NAMES:
            raise TableError(
                "unknown split",
                where=f"{self.table.name}, line {line}",
                expected="train, val or test",
                found=text,
                mend="Choose another split column, or 'none' to have splits made.",
            )
        return SPLIT_NAMES[text.lower()]

    def _place(self, row, name, length):
        """Return the row's place in the genome, from its columns or its id, or None, and its chromosome."""
        start, end = self._number(row, "start"), self._number(row, "end")
        chrom, strand = self._cell(row, "chrom"), STRANDS.get(self._cell(row, "strand") or "", UNKNOWN)
        if chrom and start is not None and end is not None:
            region, stated = fit_region(chrom, start, end, strand, length), True
        else:
            region, stated = parse_region(name, length), mentions_region(name)
            if region and chrom and region.chrom != chrom:  # the column is what the user named
                return None, chrom
        if stated and region is None:
            self.collector.normalised[NO_COORDINATES] += 1
        return region, chrom or mentioned_chrom(name) or UNKNOWN

    def _number(self, row, name):
        """Return a coordinate, or None if there is none."""
        text = (self._cell(row, name) or "").replace(",", "")
        return int(text) if text.isdecimal() else None

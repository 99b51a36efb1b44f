"""A data set from a table of sequences with labels."""

from dataclasses import asdict, dataclass
from pathlib import Path

from mlx_gsa.data.collect import NO_COORDINATES, Collector, Limits, SplitPlan, write_collected
from mlx_gsa.data.labels import Labels, Rejected, shown
from mlx_gsa.data.records import UNKNOWN
from mlx_gsa.data.table_file import check_filters, open_table, parse_filters
from mlx_gsa.dna.alphabet import encode
from mlx_gsa.dna.coordinates import fit_region, mentions_region, parse_region
from mlx_gsa.errors import SequenceError, TableError

SPLIT_WORDS = {
    "train": ("train", "training"),
    "val": ("val", "valid", "validation", "dev"),
    "test": ("test", "testing", "heldout", "held-out"),
}
SPLIT_NAMES = {word: name for name, words in SPLIT_WORDS.items() for word in words}
RENAMED = "ids repeated, so the line number was added"
STRANDS = {"+": "+", "1": "+", "+1": "+", "-": "-", "-1": "-", "fwd": "+", "rev": "-"}


@dataclass(frozen=True)
class Columns:
    """Which column holds what.

    For all but the first two, None means the column of the usual name (``id``, ``chrom``, ``start``,
    ``end``, ``strand``, ``group``, ``split``) if the table has one, and ``"none"`` means no column.
    """

    sequence: str = "sequence"
    label: str = "label"
    id: str | None = None
    chrom: str | None = None
    start: str | None = None
    end: str | None = None
    strand: str | None = None
    group: str | None = None
    split: str | None = None


def dataset_from_table(
    path,
    out,
    *,
    sequence_column="sequence",
    label_column="label",
    task,
    id_column=None,
    chrom_column=None,
    start_column=None,
    end_column=None,
    strand_column=None,
    group_column=None,
    split_column=None,
    where=(),
    positives=(),
    negatives=(),
    log2=False,
    pseudocount=0.0,
    plan=None,
    limits=None,
    progress=None,
):
    """Prepare a data set from a tab- or comma-separated table, plain or gzip.

    Rows are read one by one. A row that cannot be used is counted, with the reason, in the manifest. Rows of
    one id are kept apart; name the id column as the group column too if such rows belong together.

    Parameters
    ----------
    path : str or Path
        ``-`` is standard input.
    out : str or Path
        Folder to make; an older data set there is replaced when the new one is whole.
    sequence_column, label_column : str
    task : str
        ``regression``, ``binary`` or ``multiclass``.
    id_column, chrom_column, start_column, end_column, strand_column : str, optional
    group_column, split_column : str, optional
        None: the column called ``id``, ``chrom`` and so on, if there is one. ``"none"``: no column.
        Coordinates are also read from ids such as ``chr7:5000-7000``.
    where : iterable of str
        Row filters ``column=value,value``; a row must pass all.
    positives, negatives : iterable of str
        Label values that mean 1 and 0 (binary); see `Labels`.
    log2 : bool
        Take ``log2(label + pseudocount)``.
    pseudocount : float
    plan : SplitPlan, optional
        A split column goes before it.
    limits : Limits, optional
    progress : callable, optional
        Called as ``progress(bytes_read, bytes_in_file)``.

    Returns
    -------
    Dataset

    Raises
    ------
    TableError
        The file cannot be read, or a column or value asked for is not in it.
    DatasetError
        No row can be used, or `out` may not be replaced.
    SplitError
        The rows cannot be split as asked.
    """
    columns = Columns(
        *(sequence_column, label_column, id_column, chrom_column),
        *(start_column, end_column, strand_column, group_column, split_column),
    )
    labels = Labels(task, tuple(positives), tuple(negatives), log2, pseudocount)
    collector = Collector(limits or Limits(), plan or SplitPlan(), task)
    source = _describe(path, columns, tuple(where), labels, collector.limits)
    with open_table(path, progress) as table:
        reader = _RowReader(table, columns, parse_filters(source["where"], table), labels, collector)
        return write_collected(
            out, reader.sequences(), collector, source, classes=lambda: labels.classes, to_label=labels.number
        )


def _describe(path, columns, where, labels, limits):
    """Return what the manifest says of the source: the file's name, and every choice made."""
    choices = {k: getattr(labels, k) for k in ("positives", "negatives", "log2", "pseudocount")}
    names = {"columns": asdict(columns), "where": list(where), "limits": asdict(limits)}
    return {"kind": "table", "file": Path(path).name, **names, **choices}


class _RowReader:
    """Turns rows into tokens, and hands what else they say to the collector."""

    def __init__(self, table, columns, filters, labels, collector):
        self.table, self.filters, self.labels, self.collector = table, filters, labels, collector
        self.sequence = table.column(columns.sequence, "sequences")
        self.label = table.column(columns.label, "labels")
        others = ("id", "chrom", "start", "end", "strand", "group", "split")
        self.at = {name: table.optional(getattr(columns, name), name, name) for name in others}
        self.ids, self.first_problem = set(), None

    def sequences(self):
        """Yield the tokens of every row that is kept."""
        for line, row in self.table.rows:
            try:
                yield self._take(line, row)
            except Rejected as reason:
                self.collector.dropped[str(reason)] += 1
        check_filters(self.filters, self.table)
        if not len(self.collector) and self.first_problem:
            raise self.first_problem
        if self.labels.task != "regression" or not len(self.collector):
            self._finish_labels()

    def _finish_labels(self):
        """Let the labels check themselves; explain a regression without a single number."""
        where = f"{self.table.name}, column {self.table.header[self.label]}"
        if self.labels.task == "regression" and self.labels.seen:
            raise TableError(
                "labels are not numbers",
                where=where,
                found=shown(self.labels.seen),
                mend="Choose another column, or a binary or multiclass task.",
            )
        self.labels.finish(where)

    def _take(self, line, row):
        """Return the tokens of one row, or raise `Rejected` with the reason against it."""
        if len(row) != len(self.table.header):
            raise Rejected("row with another number of columns than the header")
        if not all(one.keeps(row) for one in self.filters):
            raise Rejected("left out by the row filter")
        tokens, counts = self._encode(row[self.sequence], line)
        reason = self.collector.limits.reason_against(tokens)
        if reason:
            raise Rejected(reason)
        label, split = self.labels.read(row[self.label]), self._split(row, line)
        name = self._id(row, line)
        self.collector.add(
            tokens,
            counts,
            id=name,
            label=label,
            split=split,
            group=self._cell(row, "group"),
            region=self._region(row, name, tokens.size),
            chrom=self._cell(row, "chrom") or UNKNOWN,
        )
        return tokens

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

    def _region(self, row, name, length):
        """Return the row's place in the genome, from its columns or its id, or None."""
        start, end = self._number(row, "start"), self._number(row, "end")
        chrom, strand = self._cell(row, "chrom"), STRANDS.get(self._cell(row, "strand") or "", UNKNOWN)
        if chrom and start is not None and end is not None:
            region, stated = fit_region(chrom, start, end, strand, length), True
        else:
            region, stated = parse_region(name, length), mentions_region(name)
            if region and chrom and region.chrom != chrom:  # the column is what the user named
                return None
        if stated and region is None:
            self.collector.normalised[NO_COORDINATES] += 1
        return region

    def _number(self, row, name):
        """Return a coordinate, or None if there is none."""
        text = (self._cell(row, name) or "").replace(",", "")
        return int(text) if text.isdecimal() else None

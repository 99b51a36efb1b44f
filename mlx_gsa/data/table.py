"""A data set from a table of sequences with labels."""

import re
from dataclasses import asdict, dataclass
from pathlib import Path

from mlx_gsa.data.collect import Collector, Limits, SplitPlan, write_collected
from mlx_gsa.data.label_columns import LabelPlan
from mlx_gsa.data.records import SPLITS
from mlx_gsa.data.table_file import open_table, parse_filters
from mlx_gsa.data.table_rows import RowReader
from mlx_gsa.errors import TableError


@dataclass(frozen=True)
class Columns:
    """Which column holds what; labels are in a `LabelPlan`.

    For all but the first, None means the column of the usual name (``id``, ``chrom``, ``start``,
    ``end``, ``strand``, ``group``, ``split``) if the table has one, and ``"none"`` means no column.
    """

    sequence: str = "sequence"
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
    replicate_columns=(),
    spread_column=(),
    weight_column=None,
    duplicates="keep",
    group_from=None,
    split_as=None,
    where=(),
    positives=(),
    negatives=(),
    log2=False,
    pseudocount=0.0,
    centre=None,
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
    sequence_column : str
    label_column : str or sequence of str
        Several columns are learned together (regression or binary). A record may lack some of them.
    task : str
        ``regression``, ``binary`` or ``multiclass``.
    id_column, chrom_column, start_column, end_column, strand_column : str, optional
    group_column, split_column : str, optional
        None: the column called ``id``, ``chrom`` and so on, if there is one. ``"none"``: no column.
        Coordinates are also read from ids such as ``chr7:5000-7000``.
    replicate_columns : sequence of str
        Instead of a label column: the label is the mean of the replicates that were measured, after the logarithm
        if one is asked for; their spread becomes the weight of the record, see `spread_weights`.
    spread_column : str or sequence of str
        Standard deviation of each label, in units of its column; becomes the weight likewise.
    weight_column : str, optional
        What each record counts in training, 0 or more; only ratios matter.
    duplicates : {"keep", "first", "mean"}
        What becomes of rows with exactly the sequence of an earlier row: kept, left out, or averaged into the first
        (regression); every one is counted.
    group_from : str, optional
        Regular expression; what its first group finds in the id is the group of the record.
    split_as : str, optional
        The split of every record, such as ``test`` for an external set.
    where : iterable of str
        Row filters ``column=value,value``; a row must pass all.
    positives, negatives : iterable of str
        Label values that mean 1 and 0 (binary); see `Labels`.
    log2 : bool
        Take ``log2(label + pseudocount)`` of every label.
    pseudocount : float
    centre : int, optional
        Take only so many bp in the middle of each sequence; shorter ones whole.
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
        The file cannot be read, or a column or value asked for is not in it, or options do not fit each other.
    DatasetError
        No row can be used, or `out` may not be replaced.
    SplitError
        The rows cannot be split as asked.
    """
    columns = Columns(
        *(sequence_column, id_column, chrom_column, start_column),
        *(end_column, strand_column, group_column, split_column),
    )
    labels = LabelPlan(
        *(task, _names(label_column), _names(replicate_columns), _names(spread_column), weight_column, duplicates),
        *(tuple(positives), tuple(negatives), log2, pseudocount),
    )
    pattern = _group_pattern(group_from, group_column)
    _check_split(split_as, split_column)
    collector = Collector(limits or Limits(), plan or SplitPlan(), task, fills_validation=split_as is None)
    chosen = {"where": list(where), "group_from": group_from, "split_as": split_as, "centre": centre}
    source = _describe(path, columns, labels, collector.limits, chosen)
    with open_table(path, progress) as table:
        rules = (parse_filters(source["where"], table), labels, collector, pattern, split_as, centre)
        reader = RowReader(table, columns, *rules)
        return write_collected(
            *(out, reader.sequences(), collector, source, lambda: reader.classes, reader.number, labels.outputs)
        )


def _names(columns):
    """Return column names as a tuple; one name stands for itself."""
    return (columns,) if isinstance(columns, str) else tuple(columns)


def _group_pattern(text, group_column):
    """Compile the pattern of groups; raise unless it captures something and is the only source of groups."""
    if text is None:
        return None
    if group_column not in (None, "none"):
        raise TableError("groups are stated twice", found=group_column, mend="Give a group column or a pattern.")
    try:
        pattern = re.compile(text)
    except re.error as problem:
        raise TableError("the pattern of groups is no regular expression", found=f"{text}: {problem}") from None
    if not pattern.groups:
        raise TableError(
            "the pattern of groups captures nothing", found=text, mend="Put the part that names the group in ( )."
        )
    return pattern


def _check_split(split_as, split_column):
    """Raise if the one split of all records is not one, or a column states splits too."""
    if split_as is not None and split_as not in SPLITS:
        raise TableError("unknown split", expected=", ".join(SPLITS), found=split_as)
    if split_as is not None and split_column not in (None, "none"):
        raise TableError("splits are stated twice", found=split_column, mend="Give a split column or one split.")


def _describe(path, columns, labels, limits, chosen):
    """Return what the manifest says of the source: the file's name, and every choice made."""
    choices = {name: value for name, value in asdict(labels).items() if name not in ("task", "columns")}
    label = labels.columns[0] if len(labels.columns) == 1 else list(labels.columns)
    names = {"columns": asdict(columns) | {"label": None if labels.replicates else label}}
    return {"kind": "table", "file": Path(path).name, **names, "limits": asdict(limits), **chosen, **choices}

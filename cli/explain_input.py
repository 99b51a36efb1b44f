"""What `gsa explain` reads: a FASTA file, or records of a data set, and what they are compared with."""

from collections.abc import Callable, Iterable
from itertools import chain, islice
from pathlib import Path
from typing import NamedTuple


class Input(NamedTuple):
    """Records to explain.

    ``many`` says whether they are more than fit on a screen one by one; ``others`` are records only compared with, and
    ``is_other`` says it of a record that is explained; ``words`` name the two groups of records for a reader.
    """

    records: Iterable
    name: str
    many: bool = False
    total: int | None = None
    sites: dict | None = None
    others: Iterable = ()
    is_other: Callable | None = None
    words: tuple = ("these records", None)
    facts: dict = {}  # noqa: RUF012 (never changed)


def fasta_input(fasta, few):
    """Read the records of a FASTA file, one by one.

    Parameters
    ----------
    fasta : str
        ``-`` is standard input.
    few : int
        More records than this are many.
    """
    from mlx_gsa.dna.fasta import read_fasta
    from mlx_gsa.explain.records import fasta_records

    stream = fasta_records(read_fasta(fasta))
    first = list(islice(stream, few + 1))  # only a look ahead tells few from many
    name = Path(fasta).name.removesuffix(".gz") if fasta != "-" else "stdin"
    return Input(chain(first, stream), Path(name).stem or "sequences", many=len(first) > few)


def dataset_input(folder, names, split, class_name, limit, run):
    """Choose records of a data set.

    Parameters
    ----------
    folder : Path
    names : sequence of str
        Ids or numbers; without any, and without the next three, the first record of test.
    split, class_name : str or None
        All records of a split (``test`` if only a class is given), or those of one class in it.
    limit : int or None
        At most so many.
    run : RunInfo
        Its fold says which records are test, if the data are its own.
    """
    from mlx_gsa.data.dataset import Dataset
    from mlx_gsa.data.folds import split_as_trained
    from mlx_gsa.explain.records import class_records, dataset_records, find_records, known_sites

    dataset, name = split_as_trained(run, Dataset.open(folder)), Path(folder).resolve().name
    if not (split or class_name or limit):
        rows = find_records(dataset, names)
        return Input(dataset_records(dataset, rows), name, len(rows) > 20, len(rows), known_sites(dataset, rows))
    chosen = class_records(dataset, split or "test", class_name, limit)
    rows = chosen.rows
    common = {"total": len(rows), "sites": known_sites(dataset, rows), "words": chosen.words, "many": len(rows) > 20}
    facts = {"split": split or "test", "class": class_name, "limit": limit}
    others, records = dataset_records(dataset, chosen.others), dataset_records(dataset, rows)
    return Input(records, name, others=others, is_other=chosen.is_other, facts=facts, **common)

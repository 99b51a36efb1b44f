"""`gsa data`: look at a prepared data set, merge several, take part of one, or write it as one file."""

import functools
import json
from pathlib import Path

import click

from mlx_gsa.cli.console import console
from mlx_gsa.cli.sources.options import FOLDER, SPLITS, add_options, split_options

EXPORTS = ("fasta", "tsv", "parquet", "npz")
ENDINGS = {".fasta": "fasta", ".fa": "fasta", ".fna": "fasta", ".tsv": "tsv", ".parquet": "parquet", ".npz": "npz"}
RECORD_SPLITS = ("train", "val", "test")


class ShowByDefault(click.Group):
    """A group that reads ``gsa data DIR`` as ``gsa data show DIR``."""

    own = ("-h", "--help", "--debug", "--quiet")

    def parse_args(self, ctx, args):
        """Put ``show`` before anything that is neither a sub-command nor an option of the group."""
        place = next((i for i, word in enumerate(args) if word not in self.own), len(args))
        helped = {"-h", "--help"} & set(args[:place])
        if place < len(args) and args[place] not in self.commands and not helped:
            args = [*args[:place], "show", *args[place:]]
        return super().parse_args(ctx, args)


@click.group(cls=ShowByDefault)
def command():
    """Look at a prepared data set (gsa data DIR), merge, subset or export.

    'gsa data DIR' is short for 'gsa data show DIR'.
    """


@command.command()
@click.argument("folder", type=FOLDER)
@click.option("--first", type=click.IntRange(0), default=3, show_default=True, help="Records shown.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of tables.")
def show(folder, first, as_json):
    """Show what a data set holds, where it came from, and whether its splits leak."""
    from mlx_gsa.cli.data_tables import show_description
    from mlx_gsa.data.dataset import Dataset
    from mlx_gsa.data.describe import describe_dataset

    found = describe_dataset(Dataset.open(folder), first)
    if as_json:
        click.echo(json.dumps(found, indent=1))
    else:
        show_description(found)


@command.command()
@click.argument("folders", nargs=-1, required=True, type=FOLDER)
@click.option("--out", type=FOLDER, required=True, help="Folder to make.")
@click.option("--drop-copies", is_flag=True, help="Leave out records whose sequence an earlier set has.")
@click.option("--split", type=click.Choice(SPLITS), help="Make new splits; otherwise records keep theirs.")
@functools.partial(add_options, split_options()[1:])
def merge(folders, out, drop_copies, split, **ways):
    """Make one data set of several of the same task and classes.

    Records keep their splits. Ids that occur in several sets get the set's name put before them; the column 'set'
    says where a record came from.
    """
    if len(folders) < 2:
        raise click.UsageError("Give two data sets or more.")
    from mlx_gsa.data.combine import merge_datasets
    from mlx_gsa.data.dataset import Dataset

    plan = None
    if split or any(value for name, value in ways.items() if name != "seed"):
        from mlx_gsa.data.split_plan import SplitPlan

        plan = SplitPlan(split or "auto", **ways)
    _finish(merge_datasets([Dataset.open(folder) for folder in folders], out, drop_copies=drop_copies, plan=plan))


@command.command()
@click.argument("folder", type=FOLDER)
@click.option("--out", type=FOLDER, required=True, help="Folder to make.")
@click.option("--where", multiple=True, metavar="COLUMN=VALUE,...", help="Keep these records only; repeatable.")
@click.option("--split", type=click.Choice(RECORD_SPLITS), help="Records of this split only.")
@click.option("--min-length", type=click.IntRange(1), help="In bp.")
@click.option("--max-length", type=click.IntRange(1), help="In bp.")
@click.option("--ids", type=click.Path(dir_okay=False), metavar="FILE", help="Only the records named here, one a line.")
@click.option("--gc-matched", is_flag=True, help="Give all classes the same GC histogram, within each split.")
@click.option("--n", type=click.IntRange(1), help="Draw so many, evenly over splits and labels.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Of the drawing.")
def subset(folder, out, ids, **choice):
    """Take part of a data set; records keep their splits, folds and sites."""
    from mlx_gsa.data.dataset import Dataset
    from mlx_gsa.data.subset import Choice, read_ids, subset_dataset

    names = None if ids is None else read_ids(ids)
    _finish(subset_dataset(Dataset.open(folder), out, Choice(ids=names, **choice)))


@command.command()
@click.argument("folder", type=FOLDER)
@click.option("--format", "form", type=click.Choice(EXPORTS), help="Otherwise told from the file's ending.")
@click.option("--out", type=click.Path(path_type=Path), required=True, metavar="FILE", help="File to write.")
@click.option("--split", type=click.Choice([*RECORD_SPLITS, "all"]), default="all", show_default=True)
@click.option("--overwrite", is_flag=True, help="Replace the file if it exists.")
def export(folder, form, out, split, overwrite):
    """Write a data set as one file: FASTA, a table, Parquet or NumPy arrays.

    FASTA and tables are compressed if the file's name ends in .gz.
    """
    from mlx_gsa.data.dataset import Dataset
    from mlx_gsa.data.export import export_dataset

    form = form or ENDINGS.get(Path(out.name.removesuffix(".gz")).suffix.lower())
    if form is None:
        raise click.UsageError(f"What is {out.name}? Give --format {'|'.join(EXPORTS)}.")
    n = export_dataset(Dataset.open(folder), out, form, split=split, overwrite=overwrite)
    console.print(f"{n:,} records written to {out}", markup=False, soft_wrap=True)


def _finish(dataset):
    from mlx_gsa.cli.sources.report import finish

    finish(dataset)

"""`gsa prepare table`: sequences with labels, one a row."""

import click

from mlx_gsa.cli.console import reporting
from mlx_gsa.cli.sources.options import Values, add_options, default_out, limits_and_plan, out_option
from mlx_gsa.cli.sources.report import finish

COLUMN_HELP = {
    "id": "Names of the sequences",
    "chrom": "Chromosomes: whole ones go to one split",
    "start": "First base, 0- or 1-based: the length decides",
    "end": "End of the region",
    "strand": "Strand, + or -",
    "group": "Groups that go to one split, such as clusters of similar sequences",
    "split": "Splits: train, val, test",
}

LABEL_HELP = "What to predict; repeat it for several labels learned together.  [default: label]"
REPLICATE_HELP = "Instead of a label column: columns whose mean is the label, their spread its weight."
SPREAD_HELP = "Standard deviation of the label, in its units: the smaller, the more a record counts; one per label."
COPIES = ("keep", "first", "mean")
COPY_HELP = "Rows with the sequence of an earlier row: keep them, leave them out, or average them into the first."
GROUP_HELP = "What its ( ) finds in the id is the group, such as '^(.+)_[0-9]+$' for the gene of ECHDC1_3."
CENTRE_HELP = "Take only so many bp in the middle of each sequence."
SPLIT_AS_HELP = "Put all records into one split, such as test for an external set."


def _column_options(function):
    """Add the options that name the columns of a table."""
    options = [
        click.option(f"--{name}-column", metavar="COLUMN", help=f"{text}.") for name, text in COLUMN_HELP.items()
    ]
    return add_options(options, function)


@click.command()
@click.argument("file", type=click.Path(path_type=str))
@click.option("--sequence-column", metavar="COLUMN", default="sequence", show_default=True, help="DNA sequences.")
@click.option("--label-column", multiple=True, metavar="COLUMN", help=LABEL_HELP)
@click.option("--replicate-columns", type=Values(), default=(), help=REPLICATE_HELP)
@click.option("--spread-column", multiple=True, metavar="COLUMN", help=SPREAD_HELP)
@click.option("--weight-column", metavar="COLUMN", help="What a record counts in training, 0 or more.")
@click.option("--task", type=click.Choice(["regression", "binary", "multiclass"]), required=True)
@click.option("--positive", type=Values(), default=(), help="Label values that mean yes (binary).")
@click.option("--negative", type=Values(), default=(), help="Label values that mean no (binary).")
@click.option("--where", multiple=True, metavar="COLUMN=VALUE,...", help="Keep these rows only; repeatable.")
@click.option("--log2", is_flag=True, help="Predict log2(label + pseudocount), of every label.")
@click.option("--pseudocount", type=float, default=0.0, show_default=True, help="Added before the logarithm.")
@click.option("--duplicates", type=click.Choice(COPIES), default="keep", show_default=True, help=COPY_HELP)
@click.option("--group-from", metavar="REGEX", help=GROUP_HELP)
@click.option("--centre", type=click.IntRange(1), metavar="BP", help=CENTRE_HELP)
@click.option("--split-as", type=click.Choice(["train", "val", "test"]), help=SPLIT_AS_HELP)
@_column_options
@limits_and_plan
@out_option("data/NAME, after the file")
def command(file, positive, negative, label_column, replicate_columns, out, **options):
    """A table of sequences with labels, tab- or comma-separated, plain or gzip.

    FILE may be '-' for standard input. An optional column that is not named is the one called id, chrom, start,
    end, strand, group or split, if the table has it; 'none' takes no column.
    """
    from mlx_gsa.data.table import dataset_from_table

    if label_column and replicate_columns:
        raise click.UsageError("Give --label-column or --replicate-columns, not both.")
    choices = {"positives": positive, "negatives": negative, "replicate_columns": replicate_columns, **options}
    choices["label_column"] = label_column or ("label",)
    with reporting("Reading the table") as report:
        dataset = dataset_from_table(file, out or default_out(file), progress=report, **choices)
    finish(dataset)

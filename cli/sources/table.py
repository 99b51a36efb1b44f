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


def _column_options(function):
    """Add the options that name the columns of a table."""
    options = [
        click.option(f"--{name}-column", metavar="COLUMN", help=f"{text}.") for name, text in COLUMN_HELP.items()
    ]
    return add_options(options, function)


@click.command()
@click.argument("file", type=click.Path(path_type=str))
@click.option("--sequence-column", metavar="COLUMN", default="sequence", show_default=True, help="DNA sequences.")
@click.option("--label-column", metavar="COLUMN", default="label", show_default=True, help="What to predict.")
@click.option("--task", type=click.Choice(["regression", "binary", "multiclass"]), required=True)
@click.option("--positive", type=Values(), default=(), help="Label values that mean yes (binary).")
@click.option("--negative", type=Values(), default=(), help="Label values that mean no (binary).")
@click.option("--where", multiple=True, metavar="COLUMN=VALUE,...", help="Keep these rows only; repeatable.")
@click.option("--log2", is_flag=True, help="Predict log2(label + pseudocount).")
@click.option("--pseudocount", type=float, default=0.0, show_default=True, help="Added before the logarithm.")
@_column_options
@limits_and_plan
@out_option("data/NAME, after the file")
def command(file, positive, negative, out, **options):
    """A table of sequences with labels, tab- or comma-separated, plain or gzip.

    FILE may be '-' for standard input. An optional column that is not named is the one called id, chrom, start,
    end, strand, group or split, if the table has it; 'none' takes no column.
    """
    from mlx_gsa.data.table import dataset_from_table

    choices = {"positives": positive, "negatives": negative, **options}
    with reporting("Reading the table") as report:
        dataset = dataset_from_table(file, out or default_out(file), progress=report, **choices)
    finish(dataset)

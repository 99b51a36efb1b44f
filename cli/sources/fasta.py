"""`gsa prepare fasta`: two FASTA files."""

import click

from mlx_gsa.cli.console import reporting
from mlx_gsa.cli.sources.options import default_out, limits_and_plan, out_option
from mlx_gsa.cli.sources.report import finish


@click.command()
@click.argument("positives", type=click.Path(path_type=str))
@click.argument("negatives", type=click.Path(path_type=str))
@limits_and_plan
@out_option("data/NAME, after the file")
def command(positives, negatives, out, limits, plan):
    """Two FASTA files: sequences with an activity, and sequences without.

    Either may be '-' for standard input.
    """
    from mlx_gsa.data.fasta_source import dataset_from_fasta

    out = out or default_out(positives)
    with reporting("Reading FASTA") as report:
        dataset = dataset_from_fasta(positives, negatives, out, plan=plan, limits=limits, progress=report)
    finish(dataset)

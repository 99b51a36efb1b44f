"""`gsa prepare fasta`: positives, and negatives from a file or made of the positives."""

import click

from mlx_gsa.cli.console import reporting
from mlx_gsa.cli.sources.options import default_out, limits_and_plan, negatives_option, out_option
from mlx_gsa.cli.sources.report import finish


@click.command()
@click.argument("positives", type=click.Path(path_type=str))
@click.argument("negatives", type=click.Path(path_type=str), required=False)
@negatives_option("dinucleotide-shuffle", "segment-swap")
@limits_and_plan
@out_option("data/NAME, after the file")
def command(positives, negatives, controls, out, limits, plan, group_of=None):
    """FASTA files of sequences with an activity and, unless --negatives makes them, of sequences without.

    Either may be '-' for standard input.
    """
    from mlx_gsa.data.fasta_source import dataset_from_fasta

    if negatives is None and not controls:
        raise click.UsageError("Give a FASTA file of negatives, or --negatives dinucleotide-shuffle.")
    options = {"controls": controls, "group_of": group_of, "plan": plan, "limits": limits}
    with reporting("Reading FASTA") as report:
        dataset = dataset_from_fasta(positives, negatives, out or default_out(positives), progress=report, **options)
    finish(dataset)

"""`gsa prepare regions`: windows around the regions of a BED file, out of a genome."""

import functools
from contextlib import ExitStack
from pathlib import Path

import click

from mlx_gsa.cli.console import console, err_console, reporting
from mlx_gsa.cli.sources.options import add_options, default_out, limits_and_plan, out_option
from mlx_gsa.cli.sources.report import finish

FILE = click.Path(path_type=str)
BASES = {"type": click.IntRange(0), "show_default": True}
PEAKS = (".narrowPeak", ".broadPeak", ".bedGraph", ".bdg", ".bed")


def _negatives(_, option, values):
    """Tell files of negatives from kinds of negatives to make; the command gets a pair of them."""
    from mlx_gsa.data.controls import KINDS, parse_controls
    from mlx_gsa.errors import ConfigError

    files = [v for v in values if v.partition(":")[0] not in KINDS and (Path(v).exists() or "." in v or "/" in v)]
    try:
        return files, parse_controls([value for value in values if value not in files])
    except ConfigError as problem:
        raise click.BadParameter(f"{problem} - or the name of a file.", param=option) from problem


def _window_options(function):
    """Add the options that say what is taken of each region; the command receives ``choices``."""

    @functools.wraps(function)
    def with_object(length, center, activity, log2, pseudocount, strand_aware, **others):
        from mlx_gsa.data.regions import RegionChoices

        if activity is None and (log2 or pseudocount):
            raise click.UsageError("--log2 and --pseudocount need --activity COLUMN.")
        choices = RegionChoices(length, center, activity, log2, pseudocount, strand_aware)
        return function(choices=choices, **others)

    center, strand_help = click.Choice(["summit", "midpoint"]), "Reverse complement of regions on strand -."
    column_help = "Predict this: score, signalValue, pValue, qValue, value, or a column's number from 1."
    options = [
        click.option("--length", default=0, **BASES, help="Window around the centre, in bp; 0: each region as it is."),
        click.option("--center", type=center, default="summit", show_default=True, help="Midpoint if no summit."),
        click.option("--activity", metavar="COLUMN", help=column_help),
        click.option("--log2", is_flag=True, help="Predict log2(activity + pseudocount)."),
        click.option("--pseudocount", type=float, default=0.0, show_default=True, help="Added before the logarithm."),
        click.option("--strand-aware/--forward", default=True, show_default=True, help=strand_help),
    ]
    return add_options(options, with_object)


def choice_options(function):
    """Add the options that choose among windows, as `write_windows` does."""
    top = {"type": click.IntRange(1), "metavar": "N", "help": "Keep the N positives of the best score or signal."}
    excluded = {"type": FILE, "multiple": True, "metavar": "BED", "help": "Leave out windows that touch these regions."}
    options = [
        click.option("--exclude", "--blacklist", **excluded),
        click.option("--min-distance", default=0, **BASES, help="Smallest gap between two windows, in bp."),
        click.option("--overlaps", type=click.Choice(["drop", "keep"]), default="drop", show_default=True,
                     help="drop: of overlapping windows the best stays."),
        click.option("--top", **top),
    ]  # fmt: skip
    return add_options(options, function)


@click.command()
@click.option("--genome", type=FILE, required=True, help="FASTA of the genome, plain, bgzip or gzip.")
@click.option("--positives", type=FILE, required=True, help="BED, narrowPeak, broadPeak or bedGraph.")
@click.option("--negatives", multiple=True, metavar="BED|KIND[:RATIO]", callback=_negatives,
              help="A file, or random-genomic, flank, dinucleotide-shuffle, segment-swap; repeatable.")  # fmt: skip
@_window_options
@choice_options
@limits_and_plan
@click.option("--name", help="Name of the data set: its folder is data/NAME.")
@out_option("data/NAME, NAME after the file of positives")
def command(genome, positives, negatives, out, name, **options):
    """Windows around the regions of a BED file, out of a genome.

    With --negatives positives against negatives; with --activity a regression. Windows past the edge of a
    chromosome, windows that touch an excluded region and overlapping windows are left out, and counted.
    Interrupted and run again, it goes on where it was.
    """
    from mlx_gsa.data.regions import dataset_from_regions
    from mlx_gsa.dna.genome import Genome

    files, controls = negatives
    out = out or (Path("data") / name if name else _default_out(positives))
    with ExitStack() as stack:
        with reporting("Reading the genome") as report:
            opened = stack.enter_context(Genome.open(genome, progress=report))
        for note in opened.prepared:
            err_console.print(f"genome: {note}", markup=False, soft_wrap=True)
        with reporting("Cutting windows", unit="windows") as report:
            options |= {"negatives": files, "controls": controls, "progress": report}
            dataset = dataset_from_regions(opened, positives, out, **options)
    say_source(dataset)
    finish(dataset)


def _default_out(positives):
    """Name the folder after the file, without the endings of BED and its relatives."""
    out = default_out(positives)
    for ending in PEAKS:
        out = out.with_name(out.name.removesuffix(ending) or out.name)
    return out


def say_source(dataset):
    """Say which names of chromosomes were mapped, and what makes one doubt the input."""
    source = dataset.manifest.source
    names = [f"{asked} is {used}" for asked, used in source.get("chromosome_names", {}).items()]
    if names:
        more = f" and {len(names) - 6} more" if len(names) > 6 else ""
        console.print(f"Chromosome names: {', '.join(names[:6])}{more}", markup=False, soft_wrap=True)
    for warning in source.get("warnings", ()):
        console.print(f"Warning: {warning}", style="yellow", markup=False, soft_wrap=True)

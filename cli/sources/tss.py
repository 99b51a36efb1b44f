"""`gsa prepare tss`: promoters around transcription start sites."""

import functools
from contextlib import ExitStack

import click

from mlx_gsa.cli.console import err_console, reporting
from mlx_gsa.cli.sources.options import Values, add_options, default_out, limits_and_plan, negatives_option, out_option
from mlx_gsa.cli.sources.regions import say_source
from mlx_gsa.cli.sources.report import finish

FILE = click.Path(path_type=str)
ENDINGS = (".bed", ".sga", ".fps", ".gtf", ".gff3", ".gff")
FORMATS = ("bed", "epd-bed", "sga", "fps", "gtf", "gff3", "table")
FEATURE, PER_GENE = click.Choice(["gene", "transcript"]), click.Choice(["all", "first", "strongest"])
ZERO = {"flag_value": "zero-based", "default": True}
BASES = {"type": click.IntRange(0), "show_default": True}


def _start_options(function):
    """Add the options that say which starts to read from the file."""
    per_gene_help = "first: the one furthest upstream; strongest: by the file's score, else by activity."
    options = [
        click.option(
            "--format", "kind", type=click.Choice(FORMATS), help="Format of the TSS, if not known by content."
        ),
        click.option("--feature", type=FEATURE, default="gene", show_default=True, help="Of GTF and GFF3."),
        click.option("--gene-type", type=Values(), default=(), help="Keep these, such as protein_coding (GTF, GFF3)."),
        click.option("--zero-based", "counting", **ZERO, help="A table's positions count from 0 (the default)."),
        click.option(
            "--one-based", "counting", flag_value="one-based", help="They, or the starts of BED, count from 1."
        ),
        click.option("--bed-edges", "counting", flag_value="bed-edges", help="They are BED's starts on +, ends on -."),
        click.option("--tss-per-gene", "per_gene", type=PER_GENE, default="all", show_default=True, help=per_gene_help),
    ]
    return add_options(options, function)


def _activity_options(function):
    """Add the options of the table of activities; the command receives ``activity``."""

    @functools.wraps(function)
    def with_object(activity, activity_column, id_column, log2, pseudocount, **others):
        from mlx_gsa.data.tss import ActivityTable

        choices = (activity_column, id_column, log2 or None, pseudocount or None)
        if activity is None and any(choice is not None for choice in choices):
            raise click.UsageError("--activity-column, --id-column, --log2 and --pseudocount need --activity TABLE.")
        table = activity and ActivityTable(activity, activity_column, id_column, log2, pseudocount)
        return function(activity=table, **others)

    options = [
        click.option("--activity", type=FILE, metavar="TABLE", help="Table of activities, joined by id."),
        click.option("--activity-column", metavar="COLUMN", help="Default: activity."),
        click.option(
            "--id-column", metavar="COLUMN", help="Ids of TSS or genes in it. Default: id, gene, orf or name."
        ),
        click.option("--log2", is_flag=True, help="Predict log2(activity + pseudocount)."),
        click.option("--pseudocount", type=float, default=0.0, show_default=True, help="Added before the logarithm."),
    ]
    return add_options(options, with_object)


@click.command()
@click.option("--genome", type=FILE, required=True, help="FASTA of the genome, plain, bgzip or gzip.")
@click.option("--tss", type=FILE, required=True, help="BED, EPD's BED, SGA or FPS, GTF, GFF3, or a table.")
@click.option("--upstream", default=2000, **BASES, help="Bases before the TSS, in bp.")
@click.option("--downstream", default=0, **BASES, help="Bases from the TSS on, in bp.")
@_start_options
@_activity_options
@negatives_option("random-genomic", "flank", "dinucleotide-shuffle", "segment-swap")
@click.option(
    "--exclude",
    "--blacklist",
    type=FILE,
    multiple=True,
    metavar="BED",
    help="Leave out windows that touch these regions.",
)
@limits_and_plan
@out_option("data/NAME, after the TSS file")
def command(genome, tss, exclude, out, counting, feature, gene_type, **options):
    """Promoters around transcription start sites, in their genes' direction, from a genome.

    With --activity a regression; with --negatives promoters against controls. The window is [TSS - upstream,
    TSS + downstream) in the direction of the gene. TSS of one gene, and overlapping windows, form one group;
    the split goes by chromosome where there are at least five, else by group.
    """
    from mlx_gsa.data.tss import dataset_from_tss, excluded_regions
    from mlx_gsa.dna.annotation import Choices
    from mlx_gsa.dna.genome import Genome

    options["choices"] = Choices(counting, feature, gene_type)
    with ExitStack() as stack:
        with reporting("Reading the genome") as report:
            opened = stack.enter_context(Genome.open(genome, progress=report))
        for note in opened.prepared:
            err_console.print(f"genome: {note}", markup=False, soft_wrap=True)
        regions = excluded_regions(exclude, opened)
        with reporting("Cutting promoters", unit="windows") as report:
            dataset = dataset_from_tss(
                opened, tss, out or _default_out(tss), exclude=regions, progress=report, **options
            )
    say_source(dataset)
    finish(dataset)


def _default_out(tss):
    """Name the folder after the file, without the endings of annotations."""
    out = default_out(tss)
    for ending in ENDINGS:
        out = out.with_name(out.name.removesuffix(ending) or out.name)
    return out

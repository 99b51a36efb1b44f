"""`gsa scan`: score a genome tile by tile, into bigWig tracks and peaks."""

import shlex
from contextlib import ExitStack, contextmanager
from pathlib import Path

import click

from mlx_gsa.cli.console import console, err_console, facts, progress, reporting
from mlx_gsa.cli.explain import say_model
from mlx_gsa.cli.sources.shared import given

FOLDER = click.Path(file_okay=False, path_type=Path, allow_dash=True)
ENDINGS = (".fai", ".gz", ".bgz", ".fa", ".fasta", ".fna")
REGIONS_HELP = "Score these regions only: BED, narrowPeak or bedGraph. Values are those of a scan of everything."
OUT_HELP = "Folder to write, or - for bedGraph on standard output.  [default: scans/NAME-OF-THE-GENOME]"
CLASS_HELP = "Score the probability of this class.  [default: the second of two]"
TOP_HELP = "Peaks reported, the strongest ones."
THRESHOLD_HELP = "Strength that a peak has at least.  [default: 0.5 of a probability, else none]"
RELEVANCE_HELP = "Also write the relevance of every base: its mean over the tiles that hold it."
WORKERS_HELP = "Processes that score; no value depends on it.  [default: one a core]"
BASES = {"type": click.IntRange(1), "show_default": True}


@click.command()
@click.argument("genome", type=click.Path(dir_okay=False, allow_dash=True))
@click.option("--run", type=click.Path(file_okay=False, path_type=Path), help="Run folder; otherwise the latest run.")
@click.option("--regions", type=click.Path(dir_okay=False), metavar="BED", help=REGIONS_HELP)
@click.option("--tile", default=2000, **BASES, help="Length of a tile, in bp.")
@click.option("--stride", default=500, **BASES, help="From the start of one tile to the next, in bp.")
@click.option("--relevance", is_flag=True, help=RELEVANCE_HELP)
@click.option("--out", type=FOLDER, help=OUT_HELP)
@click.option("--output", metavar="NAME", help="Of several outputs the one that is scored.  [default: the first]")
@click.option("--class", "class_name", metavar="CLASS", help=CLASS_HELP)
@click.option("--max-n", type=click.FloatRange(0, 1), default=0.25, show_default=True, help="Skip tiles with more N.")
@click.option("--top", type=click.IntRange(1), default=1000, show_default=True, help=TOP_HELP)
@click.option("--threshold", type=float, help=THRESHOLD_HELP)
@click.option("--workers", type=click.IntRange(1), help=WORKERS_HELP)
@click.option("--overwrite", is_flag=True, help="Replace another scan in the folder.")
@click.pass_context
def command(ctx, genome, run, regions, out, workers, overwrite, **options):
    """Score a genome: predicted strength as bigWig, the top peaks as narrowPeak.

    GENOME is FASTA, plain, gzip or bgzip; its index (genome.fa.fai means genome.fa); or - for standard input. Lower
    case is read as bases.

    The model reads tiles of --tile bp. The strength of a tile stands on the --stride bp at its centre, where no other
    tile's centre is nearer; the first and last tile of a chromosome speak up to its end. So each value is one
    prediction, that of `gsa explain` for those bases. Sequences shorter than a tile are one tile, from 50 bp on.

    A peak is a tile that no overlapping tile surpasses; its summit is the middle, with --relevance the most relevant
    base. Its score is 1000 times a probability; of other strengths 0 is the weakest peak, 1000 the strongest.

    Killed and run again, the same command goes on where it was; its files are those of a scan without a break.
    Several processes (mlx.launch) share the work; all need the same --out, on a disk that they share, and --workers 1
    where they share a machine.

    \b
    Examples:
      gsa scan hg38.fa.gz --run runs/promoters
      gsa scan genome.fa --tile 1000 --stride 100 --relevance --regions genes.bed
      zcat genome.fa.gz | gsa scan - --out - | sort -k4,4gr | head
    """
    to_stdout = str(out) == "-"
    if to_stdout and (options["relevance"] or overwrite):
        raise click.UsageError("--out - writes the strength only: leave out --relevance and --overwrite.")
    if genome == regions == "-":
        raise click.UsageError("Genome and regions cannot both come from standard input.")
    from mlx_gsa.genomes.scan import Scan, ScanSettings, scan_lines
    from mlx_gsa.genomes.scan_input import open_genome, read_regions
    from mlx_gsa.genomes.scan_notes import doubts
    from mlx_gsa.ranks import current
    from mlx_gsa.training.run import find_run

    settings, found, ranks = ScanSettings(**options), find_run(run), current()
    if ranks.size > 1 and "-" in (genome, str(out)):
        raise click.UsageError("Several processes share a folder and a file: no - for the genome or --out.")
    if not ranks.is_first:
        console.quiet = err_console.quiet = True
    with ExitStack() as stack:
        with reporting("Reading the genome") as report:
            opened = stack.enter_context(open_genome(genome, progress=report))
            scan = Scan(found, opened, settings, regions and read_regions(opened, regions), workers)
        notes = doubts(scan)
        _say(scan, notes, err_console if to_stdout else console)
        if to_stdout:
            with reporting("Scanning", unit="Mbp") as report:
                for text in scan_lines(scan, _in_mbp(report)):
                    click.echo(text, nl=False)
            return
        out, noted = out or Path("scans") / _name(genome), {"command": _command_line(ctx), "genome": genome}
        made = _to_folder(scan, out, overwrite, ranks, noted | {"notes": notes})
    _show(made, out)


def _to_folder(scan, out, overwrite, ranks, noted):
    """Scan into a folder, with a bar for the scan and one for writing the relevance."""
    from mlx_gsa.genomes.scan import scan_to_folder

    with _going_on(), progress() as bar:
        tasks = {}

        def report(name):
            def advance(done, total):
                if name not in tasks:
                    tasks[name] = bar.add_task(name, unit="Mbp")
                bar.update(tasks[name], completed=round(done / 1e6, 2), total=round(total / 1e6, 2))

            return advance

        reports = {"progress": report("Scanning"), "writing": report("Writing the relevance")}
        return scan_to_folder(scan, out, overwrite=overwrite, ranks=ranks, facts=noted, **reports)


@contextmanager
def _going_on():
    """Say after Ctrl-C that nothing is lost."""
    try:
        yield
    except KeyboardInterrupt:
        err_console.print("What is done is kept: the same command goes on from there.")
        raise


def _in_mbp(report):
    return lambda done, total: report(round(done / 1e6, 2), round(total / 1e6, 2))


def _command_line(ctx):
    """Return the command that repeats this scan."""
    words = ["gsa", "scan", ctx.params["genome"]]
    for option in (p for p in ctx.command.params if isinstance(p, click.Option) and given(ctx, p.name)):
        words += [option.opts[0]] if option.is_flag else [option.opts[0], str(ctx.params[option.name])]
    return shlex.join(words)


def _name(genome):
    """Name the folder after the genome, without its endings."""
    name = Path(genome).name if genome != "-" else "stdin"
    for ending in ENDINGS:
        name = name.removesuffix(ending)
    return name or "genome"


def _say(scan, notes, to):
    """Say what is read, and what makes one doubt that the model fits."""
    say_model(scan.run, to)
    for note in scan.genome.prepared:
        err_console.print(f"genome: {note}", markup=False, soft_wrap=True)
    names = [f"{asked} is {used}" for asked, used in scan.genome.renamed.items()]
    if names:
        to.print(f"Chromosome names: {', '.join(names[:6])}{', ...' * (len(names) > 6)}", markup=False, soft_wrap=True)
    if scan.regions:
        to.print(f"Regions: {scan.regions['lines']:,} lines, {scan.regions['merged']:,} after merging", markup=False)
    for note in notes:
        to.print(f"Note: {note}", style="yellow", markup=False, soft_wrap=True)


def _count(number, what):
    return f"{number} {what}{'s' * (number != 1)}"


def _show(made, out):
    if made is None:
        console.print(f"This scan is finished already: {out} (--overwrite to do it again)", markup=False)
        return
    result, rate = made["result"], made["mbp_per_second"]
    strength, skipped = result["strength"], result["bp_skipped_n"]
    found = f"{made['chunks_found']:,} of {made['chunks']:,} chunks were there already"
    rows = [
        ("scanned", f"{result['bp_scored']:,} bp, {result['tiles']:,} tiles"),
        ("skipped, N", f"{skipped:,} bp, {result['tiles_skipped_n']:,} tiles" if skipped else None),
        ("skipped, short", f"{result['bp_skipped_short']:,} bp" if result["bp_skipped_short"] else None),
        ("speed", rate and f"{rate:.2f} Mbp/s, {_count(made['ranks'], 'rank')} of {_count(made['workers'], 'worker')}"),
        ("went on", found if made["chunks_found"] else None),
        ("strength", f"{strength['mean']:.4g} ({strength['min']:.4g} to {strength['max']:.4g})"),
        ("which is", made["strength_is"]),
        ("peaks", result["peaks"]),
        ("folder", out),
        ("files", ", ".join([*made["files"], "scan.json"])),
    ]
    console.print(facts("Scan", rows))

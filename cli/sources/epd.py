"""`gsa prepare epd`: promoters of EPDnew, downloaded and cut from a genome, or as EPD's selection tool exports them."""

from pathlib import Path

import click

from mlx_gsa.cli.console import console, facts, reporting
from mlx_gsa.cli.sources.fasta import command as fasta
from mlx_gsa.cli.sources.shared import fetch_options, given, with_options_of
from mlx_gsa.cli.sources.tss import command as tss

NO_CHOICE = ("feature", "gene_type", "counting")  # of GTF, GFF3 and tables: EPD's lists have one form
GENOMIC = ("upstream", "downstream", "per_gene", "activity", "exclude")


@with_options_of(tss, "tss", "kind", *NO_CHOICE, optional=("genome",))
@click.command()
@click.option("--organism", metavar="NAME", help="Such as H_sapiens, M_musculus, D_melanogaster, S_cerevisiae.")
@click.option("--release", metavar="NUMBER", help="Release of EPDnew. Default: the newest known.")
@click.option("--assembly", metavar="NAME", help="Of the genome, where a release has several: hg38, hg19.")
@click.option("--fasta", type=click.Path(path_type=str), help="Promoters as EPD's own selection tool exports them.")
@fetch_options
@click.pass_context
def command(ctx, organism, release, assembly, fasta, offline, genome, out, **options):
    """Promoters of EPDnew: its list is downloaded, the windows come from your genome of the same assembly.

    The other options are those of `gsa prepare tss`. With --fasta, instead of --organism and --genome, the
    sequences are EPD's, and the negatives are made of them: dinucleotide-shuffle, segment-swap.
    """
    if (fasta is None) == (organism is None):
        raise click.UsageError("Give --organism and --genome, or --fasta.")
    if fasta is not None:
        return _from_fasta(ctx, fasta, genome, out, options)
    if genome is None:
        raise click.UsageError("Missing option '--genome': EPDnew's lists hold places, not sequences.")
    from mlx_gsa.data.download import fetch, file_hash
    from mlx_gsa.data.epd import promoter_list

    chosen = promoter_list(organism, release, assembly)
    with reporting("Downloading promoters", unit="bytes") as report:
        path = fetch(chosen.remote, offline=offline, progress=report)
    origin = {"database": "EPDnew", "organism": chosen.organism, "release": chosen.release}
    origin |= {"assembly": chosen.assembly, "url": chosen.remote.url, "sha256": file_hash(path)}
    rows = [("promoters", path), ("from", chosen.remote.url), ("assembly", f"{chosen.assembly}: the genome must be it")]
    console.print(facts(None, rows))
    out = out or Path("data") / f"epd-{chosen.organism}"
    fixed = {"kind": "epd-bed", "feature": "gene", "gene_type": (), "counting": "zero-based", "origin": origin}
    ctx.invoke(tss, tss=str(path), genome=genome, out=out, **fixed, **options)


def _from_fasta(ctx, path, genome, out, options):
    """Prepare EPD's own sequences as `gsa prepare fasta` does; promoters of one gene are one group."""
    from mlx_gsa.data.controls import FROM_SEQUENCE
    from mlx_gsa.data.epd import promoter_group

    misplaced = [name for name in GENOMIC if given(ctx, name)] + ["genome"] * (genome is not None)
    if misplaced:
        option = misplaced[0].replace("per_gene", "tss_per_gene").replace("_", "-")
        raise click.UsageError(f"--{option} does not go with --fasta, whose sequences are cut already.")
    wrong = [control.kind for control in options["controls"] if control.kind not in FROM_SEQUENCE]
    if wrong or not options["controls"]:
        found = f"; {wrong[0]} needs a genome" if wrong else ""
        raise click.UsageError(f"With --fasta, give --negatives {' or '.join(FROM_SEQUENCE)}{found}.")
    taken = {parameter.name: options[parameter.name] for parameter in fasta.params if parameter.name in options}
    out = out or Path("data") / f"epd-{Path(path).name.split('.')[0]}"
    ctx.invoke(fasta, positives=path, negatives=None, out=out, group_of=promoter_group, **taken)

"""`gsa prepare encode`: peaks of ENCODE, or elements of SCREEN's registry, downloaded and cut from a genome."""

from pathlib import Path
from tempfile import TemporaryDirectory

import click

from mlx_gsa.cli.console import console, facts, reporting
from mlx_gsa.cli.sources.options import Values
from mlx_gsa.cli.sources.regions import command as regions
from mlx_gsa.cli.sources.shared import fetch_options, with_options_of

OTHERS_SHOWN = 5


@with_options_of(regions, "positives")
@click.command()
@click.option("--accession", metavar="ENCFF...", help="A file of peaks.")
@click.option("--biosample", metavar="NAME", help="As ENCODE writes it: K562, GM12878, liver.")
@click.option("--target", metavar="NAME", help="Factor or mark: CTCF, H3K27ac.")
@click.option("--assay", metavar="TITLE", help="Such as 'TF ChIP-seq', ATAC-seq or DNase-seq.")
@click.option(
    "--ccre", type=Values(), default=(), metavar="CLASS,...", help="Of SCREEN: PLS, pELS, dELS, ELS, CA-CTCF."
)
@click.option("--assembly", default="GRCh38", show_default=True, help="GRCh38 or mm10; must be that of the genome.")
@fetch_options
@click.pass_context
def command(ctx, accession, biosample, target, assay, ccre, assembly, offline, out, name, **options):
    """Peaks of ENCODE by accession or by what was measured, or SCREEN's candidate elements, out of your genome.

    The file is downloaded once and its checksum compared with ENCODE's. The other options are those of
    `gsa prepare regions`: --activity signalValue for a regression, --negatives for peaks against others.
    """
    asked = [bool(accession), bool(biosample or target or assay), bool(ccre)]
    if sum(asked) != 1:
        raise click.UsageError("Give one of --accession, --ccre, or --biosample, --target and --assay together.")
    with TemporaryDirectory() as folder:
        if ccre:
            path, origin = _elements(ccre, assembly, offline, Path(folder))
            default = "ccre-" + "-".join(ccre)
        else:
            path, origin = _peaks(accession, biosample, target, assay, assembly, offline)
            default = origin["accession"]
        out = out or Path("data") / (name or default)
        ctx.invoke(regions, positives=str(path), source={"origin": origin}, out=out, name=name, **options)


def _peaks(accession, biosample, target, assay, assembly, offline):
    """Return the path of a file of peaks and where it came from; say which one was chosen, and among which."""
    from mlx_gsa.data.download import fetch
    from mlx_gsa.data.encode import find_peaks, peak_file

    if accession:
        chosen, others = peak_file(accession, offline=offline), []
    else:
        chosen, *others = find_peaks(biosample, target, assay, assembly, offline=offline)
    with reporting("Downloading peaks", unit="bytes") as report:
        path = fetch(chosen.remote, offline=offline, progress=report)
    more = f"and {len(others) - OTHERS_SHOWN} more" if len(others) > OTHERS_SHOWN else None
    also = [*(other.title for other in others[:OTHERS_SHOWN]), *filter(None, [more])]
    rows = [("peaks", chosen.title), ("file", path), ("assembly", f"{chosen.assembly}: the genome must be it")]
    console.print(facts(None, [*rows, ("also found", "\n".join(also) or None)]))
    if others:
        console.print("Another of them: --accession", markup=False)
    origin = {"database": "ENCODE", "accession": chosen.accession, "experiment": chosen.experiment}
    origin |= {"output_type": chosen.output_type, "target": chosen.target, "biosample": chosen.biosample}
    return path, origin | {"assembly": chosen.assembly, "url": chosen.remote.url, "md5": chosen.md5sum}


def _elements(classes, assembly, offline, folder):
    """Return the path of a BED file of elements and where they came from."""
    from mlx_gsa.data.download import fetch, file_hash
    from mlx_gsa.data.encode import registry, select_elements

    remote = registry(assembly)
    with reporting("Downloading the registry", unit="bytes") as report:
        path = fetch(remote, offline=offline, progress=report)
    chosen = folder / f"{'-'.join(classes)}.bed"
    number = select_elements(path, classes, chosen)
    console.print(facts(None, [("elements", f"{number:,} of {', '.join(classes)}"), ("registry", path)]))
    origin = {"database": "SCREEN registry V4", "classes": list(classes), "assembly": assembly}
    return chosen, origin | {"url": remote.url, "sha256": file_hash(path)}

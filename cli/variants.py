"""`gsa variants`: what the variants of a VCF change: scores, kept positions, motifs made or broken."""

import shlex
import sys
from pathlib import Path

import click

from mlx_gsa.cli.console import console, err_console, facts, reporting, table

FOLDER = click.Path(file_okay=False, path_type=Path)
FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
WINDOW_HELP = "Length of the sequence around a variant.  [default: the median length of the training records]"
OUT_HELP = "A folder; a name ending in .vcf or .vcf.gz (table, counts beside it); or - for the VCF on stdout.  \
[default: variants/NAME-OF-THE-INPUT]"
MOTIFS_HELP = "vertebrates, insects, fungi, plants, promoter_elements, or a MEME, JASPAR or TRANSFAC file.  \
[default: those of the organism of the training data, else vertebrates]"
OUTPUT_HELP = "Of several outputs or classes the one in the VCF; the table has all.  \
[default: the first; of two classes the second]"


@click.command()
@click.argument("calls", type=click.Path(dir_okay=False, allow_dash=True))
@click.option("--genome", required=True, type=FILE, help="FASTA, plain, gzip or bgzip.")
@click.option("--run", type=FOLDER, help="Run folder; otherwise the latest run, or the model that ships.")
@click.option("--out", metavar="PATH", help=OUT_HELP)
@click.option("--window", type=click.IntRange(20, 200_000), metavar="BP", help=WINDOW_HELP)
@click.option("--motifs", metavar="NAME|FILE|none", help=MOTIFS_HELP)
@click.option("--p-value", type=click.FloatRange(0, 1, True, True), default=1e-4, show_default=True, help="Of a site.")
@click.option("--output", metavar="NAME", help=OUTPUT_HELP)
@click.option("--top", type=click.IntRange(0), default=10, show_default=True, help="Largest differences shown.")
@click.option("--batch-size", type=click.IntRange(1), default=32, show_default=True)
@click.option("--overwrite", is_flag=True, help="Replace files that are there; an older output folder always is.")
def command(calls, genome, run, out, window, motifs, p_value, output, top, batch_size, overwrite):
    """Score the variants of a VCF: what they change, and which motif they make or break.

    CALLS may be plain, gzip or bgzip, or - for standard input, sorted or not. Both alleles are scored in windows of the
    same length, centred on the variant. Sites whose REF is not that of the genome are counted, marked and passed
    through, as are alleles without a sequence (., *, <DEL>, breakends).
    """
    from mlx_gsa.dna.genome import Genome
    from mlx_gsa.genomes.variant_files import is_vcf_name, output_paths, write_variants
    from mlx_gsa.genomes.variants import VariantScorer
    from mlx_gsa.genomes.vcf import open_vcf
    from mlx_gsa.inference.predictor import Predictor
    from mlx_gsa.training.run import find_run

    found = find_run(run)
    predictor = Predictor.from_folder(found.model_folder)
    number, dataset = _output(predictor, output), _dataset(found)
    motif_set, compared = _motifs(motifs, p_value, dataset)
    scorer_window = window or _window(predictor, dataset)
    out = out or str(Path("variants") / (Path(calls).name.split(".vcf")[0] if calls != "-" else "stdin"))
    packed = str(out if is_vcf_name(out) else calls).lower().endswith(".gz")
    source = {
        "command": _command(calls, genome, found, out, scorer_window, motifs, p_value, output),
        "input": calls, "run": str(found.path), "shipped_model": bool(found.shipped), "trained_on": found.data_hash,
        "motifs": motif_set, "p_value": p_value,
    }  # fmt: skip
    screen = err_console if out == "-" else console
    _say(screen, predictor, found, scorer_window, motif_set)
    target = sys.stdout.buffer if out == "-" else Path(out)
    with (
        Genome.open(genome) as opened,
        open_vcf(calls) as (header, sites),
        output_paths(target, packed=packed, overwrite=overwrite) as paths,
        reporting("Scoring", unit="sites") as report,
    ):
        scorer = VariantScorer(predictor, opened, scorer_window, compared, batch_size)
        tally = write_variants(
            scorer, header, sites, paths, packed=packed and out != "-", output=number, top=top, source=source,
            progress=report,
        )  # fmt: skip
    _show(screen, scorer, tally, out)


def _dataset(run):
    """Open the data that the run was trained on; None where it is not there any more."""
    from mlx_gsa.data.dataset import Dataset
    from mlx_gsa.errors import DatasetError

    if run.dataset_path is None:
        return None
    try:
        return Dataset.open(run.dataset_path, verify=False)
    except DatasetError as gone:
        err_console.print(f"The data set of the run is not there ({gone.what}).", style="yellow", markup=False)
        return None


def _window(predictor, dataset):
    from mlx_gsa.genomes.variants import default_window

    return default_window(predictor.config, None if dataset is None else dataset.lengths)


def _motifs(choice, p_value, dataset):
    """Return what the motifs are called and what compares them; None where none are asked for."""
    from mlx_gsa.dna.motifs import load_motifs
    from mlx_gsa.errors import MotifError
    from mlx_gsa.genomes.variant_motifs import VariantMotifs
    from mlx_gsa.motifs.sources import choose_motifs

    if choice is not None and choice.lower() == "none":
        return "none", None
    if choice is None and dataset is not None:
        try:
            chosen = choose_motifs(dataset)
            return f"{chosen.name} ({chosen.why})", VariantMotifs(chosen.motifs, p_value)
        except MotifError as unknown:
            err_console.print(f"{unknown.what}: those of vertebrates are taken. Give --motifs.", style="yellow",
                              markup=False)  # fmt: skip
    return choice or "vertebrates", VariantMotifs(load_motifs(choice or "vertebrates"), p_value)


def _output(predictor, name):
    """Return the number of the output that the VCF has."""
    from mlx_gsa.errors import VariantError
    from mlx_gsa.genomes.variant_files import score_names

    names = score_names(predictor)
    if name is None:
        return int(predictor.task == "multiclass" and len(names) == 2)
    if name not in (names or ()):
        expected = ", ".join(names) if names else "none: the model has a single output"
        raise VariantError("the model has no such output", expected=expected, found=name)
    return names.index(name)


def _command(calls, genome, run, out, window, motifs, p_value, output):
    """Write the command that repeats this one."""
    words = ["gsa", "variants", calls, "--genome", str(genome), *([] if run.shipped else ["--run", str(run.path)])]
    words += ["--window", str(window), "--p-value", f"{p_value:g}", "--out", str(out)]
    for name, value in (("--motifs", motifs), ("--output", output)):
        words += [] if value is None else [name, value]
    return shlex.join(words)


def _say(screen, predictor, run, window, motif_set):
    name = "the small model that ships, trained on synthetic sequences" if run.shipped else str(run.path)
    screen.print(f"Model: {name}; windows of {window:,} bp; motifs: {motif_set}", markup=False)
    if predictor.config.anchor != "none" or predictor.config.strands == "forward":
        screen.print(
            "This model was trained on sequences anchored or read on one strand: windows around variants are centred "
            "on the variant and read on the forward strand, so compare alleles, not sites.", style="yellow",
        )  # fmt: skip


def _show(screen, scorer, tally, out):
    counts = tally.to_dict()
    if tally.strongest():
        heads = ["where", "ref", "alt", "difference", "kept moved", "broken", "made"]
        rows = [
            (f"{one.chrom}:{one.position:,}", _short(one.ref), _short(one.alt), one.difference, one.kept_moved,
             _names(one.broken), _names(one.made)) for one in tally.strongest()
        ]  # fmt: skip
        caption = "Motifs: change in bits; *: the model keeps a position in the site. A few of 1,000 matrices do\n"
        caption += "so by chance: a description, no test of binding."
        screen.print(table("Largest differences", heads, rows, caption))
    named = [f"{reason.replace('_', ' ')} {number:,}" for reason, number in counts["skipped"].items()]
    kinds = [f"{kind} {number:,}" for kind, number in counts["kinds"].items()]
    shown = "; ".join(f"{one.chrom}:{one.position:,} {_short(one.ref)} is {_short(one.genome)}"
                      for one in scorer.mismatches)  # fmt: skip
    motifs = f"{counts['motif_broken']:,}, {counts['motif_made']:,} alleles" if scorer.motifs else None
    rows = [
        ("sites", tally.sites),
        ("scored alleles", f"{counts['scored']:,}" + (f" ({', '.join(kinds)})" if kinds else "")),
        ("not scored", ", ".join(named) or None),
        ("REF is not the genome's", f"{scorer.mismatched:,} of {scorer.checked:,} sites: {shown}" if shown else None),
        ("unknown chromosomes", ", ".join(list(scorer.unknown)[:5]) or None),
        ("kept positions move", f"{counts['kept_moved']:,} alleles" if scorer.predictor.selects else None),
        ("motif broken, made", motifs),
        ("written", None if out == "-" else out),
    ]
    screen.print(facts(None, rows))


def _names(text):
    """Shorten the motifs of an allele to their names, with the change in bits; `*` where the model keeps the site."""
    parts = [part.split("/") for part in text.split("|")] if text != "." else []
    return ", ".join(f"{name} {bits}{'*' if kept == 'kept' else ''}" for name, _, bits, kept in parts) or None


def _short(allele):
    return allele if len(allele) <= 12 else f"{allele[:9]}... ({len(allele)})"

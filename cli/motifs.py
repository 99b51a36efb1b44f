"""`gsa motifs`: which known motifs are enriched at the positions that a model keeps, against three controls."""

import json
import shlex
from pathlib import Path

import click

from mlx_gsa.cli.console import console, err_console, facts, reporting

FOLDER = click.Path(file_okay=False, path_type=Path)
FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
TAXA = ["vertebrates", "insects", "fungi", "plants", "all"]
DRAWN, FEWEST_DRAWN = 12, 4  # families in the figure; the best ones if fewer are enriched
TAXON_HELP = "JASPAR CORE matrices.  [default: told from the data set]"
CLASS_HELP = "Records of this class, by name or number.  [default: class 1 of a binary task]"
SCORE_HELP = "Records predicted at least so high.  [default of a regression: the highest third]"
TOP_HELP = "Share of positions, by falling relevance, tested beside all kept; 0: none."
NOVEL_HELP = "Look for motifs that the database does not hold, in the training and validation records."
LEAVE_OUT_HELP = "Motif to take out of the database, with all like it, to see whether it is found again; repeatable."
SPACING_HELP = "Pair FIRST,SECOND, by name or id, or 'enriched' for pairs of the first enriched families; repeatable."


@click.command()
@click.argument("run", required=False, type=FOLDER)
@click.option("--data", type=FOLDER, help="Data set folder; otherwise the one the run was trained on.")
@click.option("--split", type=click.Choice(["test", "val", "train", "all"]), default="test", show_default=True)
@click.option("--taxon", type=click.Choice(TAXA), help=TAXON_HELP)
@click.option("--motifs", "file", type=FILE, help="MEME, JASPAR or TRANSFAC file, instead of JASPAR CORE.")
@click.option("--release", metavar="NAME", help="Another release of JASPAR, such as JASPAR2024 (needs pyjaspar).")
@click.option("--p-value", type=click.FloatRange(0, 1, True, True), default=1e-4, show_default=True, help="Of a site.")
@click.option("--class", "class_name", metavar="CLASS", help=CLASS_HELP)
@click.option("--min-score", type=float, help=SCORE_HELP)
@click.option(
    "--limit", type=click.IntRange(1), default=2000, show_default=True, help="Records at most, evenly chosen."
)
@click.option("--top", type=click.FloatRange(0, 1, max_open=True), default=0.01, show_default=True, help=TOP_HELP)
@click.option("--permutations", type=click.IntRange(100), default=1000, show_default=True)
@click.option("--shuffles", type=click.IntRange(1), default=3, show_default=True, help="Shuffled copies of a record.")
@click.option("--untrained", type=click.IntRange(2), default=40, show_default=True, help="Untrained selectors.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
@click.option("--batch-size", type=click.IntRange(1), default=32, show_default=True)
@click.option("--novel/--no-novel", default=True, show_default=True, help=NOVEL_HELP)
@click.option("--leave-out", "left_out", multiple=True, metavar="NAME", help=LEAVE_OUT_HELP)
@click.option("--spacing", multiple=True, metavar="PAIR", help=SPACING_HELP)
@click.option("--out", type=FOLDER, help="Folder of the results.  [default: RUN/motifs]")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of tables.")
def command(run, data, file, out, as_json, novel, left_out, spacing, **options):
    """Test which known motifs are enriched at the positions that a trained model keeps.

    RUN is a run folder; without it the latest run is taken. Controls: random positions matched for GC and location,
    shuffled sequence, untrained selectors. A motif is called enriched only if q < 0.01 against all three, and
    associated if records of the held-out split with a site looked at have other labels than those without, too.
    """
    from mlx_gsa.cli.motif_extras import check_names, run_extras
    from mlx_gsa.data.dataset import Dataset
    from mlx_gsa.data.folds import split_as_trained
    from mlx_gsa.motifs.run import motifs_of_run
    from mlx_gsa.training.run import find_run

    if file is not None and (options["taxon"] or options["release"]):
        raise click.UsageError("--motifs replaces JASPAR: give it without --taxon and --release.")
    if left_out and not novel:
        raise click.UsageError("--leave-out is for novel motifs: give it without --no-novel.")
    found = find_run(run)
    if data is None and found.dataset_path is None:
        raise click.UsageError("This run does not name a data set: give its folder with --data.")
    dataset = split_as_trained(found, Dataset.open(data or found.dataset_path))
    options["top"] = options["top"] or None
    extras = {"novel": novel, "left_out": left_out, "spacing": spacing}
    check_names(dataset, options, file, extras)
    text = _repeat(found, dataset, file, options, extras)
    with reporting("Motifs", unit="steps") as report:
        outcome = motifs_of_run(found, dataset, file=file, command=text, progress=report, **options)
    folder = out or (Path("motifs") if found.shipped else found.path / "motifs")
    paths = outcome.save(folder) + _picture(outcome, folder)
    extra = run_extras(outcome, text, folder, options, extras)
    paths += extra.paths
    if as_json:
        click.echo(json.dumps(outcome.to_dict() | extra.to_dict(), indent=1))
        return
    from mlx_gsa.cli.motif_tables import show_motifs

    show_motifs(outcome)
    extra.show()
    console.print(facts("Written", [(path.suffix[1:].upper(), str(path)) for path in paths]))


def _repeat(run, dataset, file, options, extras):
    """Write the command that repeats this one."""
    words = ["gsa", "motifs", str(run.path), "--data", str(dataset.path)]
    if file is not None:
        words += ["--motifs", str(file)]
    for name, value in options.items():
        if value is not None:
            words += [
                f"--{name.replace('_name', '').replace('_', '-')}",
                f"{value:g}" if isinstance(value, float) else str(value),
            ]
    words += [] if extras["novel"] else ["--no-novel"]
    for name, option in (("left_out", "--leave-out"), ("spacing", "--spacing")):
        words += [word for value in extras[name] for word in (option, value)]
    return shlex.join(words + (["--top", "0"] if options["top"] is None else []))


def _picture(outcome, folder):
    """Draw the enriched families, or the best few where fewer are; nothing, and a note, without logomaker."""
    from mlx_gsa.errors import GsaError
    from mlx_gsa.explain.figures.motif_logos import motif_enrichment_figure, require_logomaker

    try:
        require_logomaker()
    except GsaError as missing:
        err_console.print(f"No figure: {missing.what}. {missing.mend}", style="yellow", markup=False)
        return []
    number = min(DRAWN, max(FEWEST_DRAWN, len(outcome.enriched)))
    chosen = [family for family in outcome.families if family.best.enriched][:number]
    chosen += [family for family in outcome.families if not family.best.enriched][: number - len(chosen)]
    rows = [_drawn(outcome, family) for family in chosen]
    total, records = len(outcome.enriched), f"{outcome.manifest['n_records']:,} records"
    title = f"{total} enriched families" + (f", the first {number}" if total > number else "") + f"; {records}"
    return motif_enrichment_figure(rows, [folder / "motifs.png", folder / "motifs.svg"], title)


def _drawn(outcome, family):
    from mlx_gsa.cli.motif_tables import IN_REPEATS

    row, more = family.best, len(family.names)
    remarks = [f"same positions as {family.echo}"] if family.echo else []
    remarks += [f"{family.repeats:.0%} in repeats"] if family.repeats >= IN_REPEATS else []
    note = f"{row.motif_id}, {row.cut}, {row.rate:.0%} of records\n" + "; ".join(remarks)
    label = row.name + (f" and {more} more" if more else "")
    return {"label": label, "note": note, "ppm": outcome.matrix(row.motif_id).ppm()} | {
        name: {"enrichment": one.enrichment, "q": one.q} for name, one in row.against.items()
    }

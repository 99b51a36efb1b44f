"""`gsa compare`: models held against each other over seeds, folds and data sets."""

import json
import shlex
from pathlib import Path

import click

from mlx_gsa.cli.compare_tables import show_comparison
from mlx_gsa.cli.console import reporting

FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)


@click.command()
@click.argument("runs", nargs=-1, required=True, type=FOLDER)
@click.option("--reference", metavar="NAME", help="Model to compare with; otherwise the sweep's, or 'full'.")
@click.option("--metric", metavar="NAME", help="Otherwise the leading one: pearson, auroc or accuracy.")
@click.option("--data-set", "data_sets", multiple=True, metavar="NAME", help="Only this data set; may be repeated.")
@click.option("--bootstrap", type=click.IntRange(1), default=1000, show_default=True, help="Resamples.")
@click.option(
    "--by-group/--no-group", default=True, show_default=True,
    help="Resample related records together, where the data set has groups.",
)  # fmt: skip
@click.option("--min-length", "lengths", multiple=True, type=click.IntRange(1), help="Score long records apart, too.")
@click.option("--strata/--no-strata", default=True, show_default=True, help="Score GC-matched and long records apart.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Of the resampling.")
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), help="Folder of the results.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of tables.")
def command(runs, reference, metric, data_sets, bootstrap, by_group, lengths, strata, seed, out, as_json):
    """Compare models over seeds and folds, with intervals and tests.

    RUNS is the folder of a sweep, a folder with runs below it, or two or more run folders. The results go into that
    one folder, or where --out says; of several folders without --out they are printed only.
    """
    from mlx_gsa.experiments.collect_runs import collect_runs
    from mlx_gsa.experiments.comparison import Options, compare_collection
    from mlx_gsa.experiments.comparison_files import save_comparison

    options = Options(bootstrap, seed, by_group=by_group, metric=metric, min_lengths=lengths, strata=strata)
    found = collect_runs(runs)
    repeats = _command(runs, reference, data_sets, options)
    with reporting("Comparing", unit="folds") as report:
        comparison = compare_collection(found, reference, data_sets, options, repeats, report)
    folder = out or (runs[0] if len(runs) == 1 else None)
    paths = save_comparison(comparison, folder) if folder else []
    if as_json:
        click.echo(json.dumps(comparison, indent=1))
    else:
        show_comparison(comparison, paths)


def _command(runs, reference, data_sets, options):
    """Return the command that repeats this."""
    parts = ["gsa", "compare", *map(str, runs), "--bootstrap", str(options.n), "--seed", str(options.seed)]
    parts += ["--reference", reference] if reference else []
    parts += ["--metric", options.metric] if options.metric else []
    parts += [part for name in data_sets for part in ("--data-set", name)]
    parts += [part for length in options.min_lengths for part in ("--min-length", str(length))]
    parts += ([] if options.by_group else ["--no-group"]) + ([] if options.strata else ["--no-strata"])
    return shlex.join(parts)

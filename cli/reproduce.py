"""`gsa reproduce`: the results page made again, from nothing or from what is finished."""

import signal
from pathlib import Path

import click

from mlx_gsa.cli.console import console, facts

FOLDER = click.Path(file_okay=False, path_type=Path)
SHOWN = 20  # differences listed


@click.command()
@click.option("--scale", default="quick", show_default=True, metavar="NAME", help="ci, quick, standard or full.")
@click.option("--data-root", default="../shared/data", show_default=True, help="Folder of the real data sets.")
@click.option("--results", type=FOLDER, default=Path("docs/results"), show_default=True, help="The committed results.")
@click.option("--page", type=click.Path(dir_okay=False, path_type=Path), default=Path("docs/results.md"),
              show_default=True, help="The page to write.")  # fmt: skip
@click.option("--out", type=FOLDER, help="Folder of the sweeps; otherwise runs/reproduce-SCALE.")
@click.option("--check", is_flag=True, help="Compare with the committed results and write neither them nor the page.")
@click.option("--finished-only", is_flag=True, help="Train nothing more: take what is finished in --out.")
@click.option("--render-only", is_flag=True, help="Run nothing: write the pages from the committed results.")
def command(scale, data_root, results, page, out, check, finished_only, render_only):
    """Run, compare and measure what the results page shows, and write it.

    What is finished in --out is not run again. With --check nothing committed is changed: exit code 1 if a figure is
    not what was committed; on the same machine with the same versions every figure must be equal.
    """
    if render_only and check:
        raise click.UsageError("--render-only runs nothing that --check could compare.")
    if not render_only:
        found = _reproduce(scale, data_root, results, out, check, finished_only)
        if check:
            return _check(*found)
    from mlx_gsa.experiments.page.write import write_pages

    written = write_pages(results, page)
    console.print(facts("Written", [(path.suffix[1:].upper(), str(path)) for path in written]))
    return 0


def _reproduce(scale, data_root, results, out, check, finished_only):
    from mlx_gsa.experiments.finished import take_finished
    from mlx_gsa.experiments.reproduce import Place, load_scale, reproduce

    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Ctrl-C: what runs saves first
    asked = load_scale(scale)
    runs = out or Path("runs") / f"reproduce-{asked['name']}"
    place = Place(data_root, runs, runs / "results" if check else results)
    sweeper = take_finished if finished_only else _shown_sweep
    fresh = reproduce(asked, place, lambda line: console.print(line, markup=False), sweeper)
    return asked, fresh, results / asked["name"]


def _shown_sweep(spec, out, options):
    """Run a sweep with the display of `gsa sweep`."""
    from mlx_gsa.cli.sweep_display import SweepDisplay
    from mlx_gsa.experiments.runner import run_sweep
    from mlx_gsa.experiments.survey import survey

    with SweepDisplay(survey(spec, out, options), options.jobs) as display:
        return run_sweep(spec, out, options, display.observe)


def _check(scale, fresh, committed):
    from mlx_gsa.experiments.check import check_results

    tolerance = scale["check"]["tolerance"]
    same, found = check_results(fresh, committed, tolerance)
    how = "same machine and versions: equal" if same else f"another machine or versions: within {tolerance:g}"
    if not found:
        console.print(f"As committed ({how}).")
        return 0
    console.print(f"Not as committed ({how}), {len(found):,} figure{'s' * (len(found) > 1)}:")
    for each in found[:SHOWN]:
        line = f"{each.file} {each.where}: committed {_text(each.committed)}, now {_text(each.fresh)}"
        console.print(line, markup=False, soft_wrap=True)
    if len(found) > SHOWN:
        console.print(f"and {len(found) - SHOWN:,} more")
    return 1


def _text(value):
    return str(value)[:40]

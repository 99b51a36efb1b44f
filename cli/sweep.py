"""`gsa sweep`: run an experiment of many runs, stop it and go on at will."""

import os
import signal
from pathlib import Path

import click

from mlx_gsa.cli.console import console, err_console

FOLDER = click.Path(file_okay=False, path_type=Path)
MANY = {"multiple": True}


class Numbers(click.ParamType):
    """Whole numbers separated by commas."""

    name = "N,N"

    def convert(self, value, param, ctx):
        """Return a tuple of int; anything else is wrong usage."""
        if isinstance(value, tuple):
            return value
        try:
            return tuple(int(part) for part in value.split(","))
        except ValueError:
            self.fail(f"{value!r} is not a list of numbers such as 0,1,2", param, ctx)


@click.command()
@click.argument("config", type=click.Path(path_type=Path))
@click.option("--only", **MANY, metavar="VARIANT", help="This variant only; may be repeated.")
@click.option("--data", **MANY, metavar="NAME", help="This data set only; may be repeated.")
@click.option("--folds", type=Numbers(), default=(), help="These folds only.")
@click.option("--seeds", type=Numbers(), default=(), help="These seeds only.")
@click.option("--data-root", default="../shared/data", show_default=True, help="Folder of the real data sets.")
@click.option("--out", type=FOLDER, help="Folder of the runs.  [default: runs/NAME]")
@click.option("--jobs", type=click.IntRange(1), default=1, show_default=True, help="Runs at a time.")
@click.option("--dry-run", is_flag=True, help="Show the plan and the time it will take; change nothing.")
@click.option("--overwrite", is_flag=True, help="Train runs again whose settings, defaults or data have changed.")
@click.option("--keep-going", is_flag=True, hidden=True, help="Go on after a failed run, which is what it does.")
def command(config, only, data, folds, seeds, data_root, out, jobs, dry_run, overwrite, keep_going):
    """Run an experiment: every variant, data set, seed and fold of CONFIG.

    CONFIG is a TOML file, or the name of an experiment that ships. What is finished is left alone and what was
    interrupted goes on, so a sweep can be stopped and started at will. Under mlx.launch every rank takes runs that no
    other has in hand; they need the same folder.
    """
    from mlx_gsa.cli.sweep_display import SweepDisplay, plan_tables, show_result
    from mlx_gsa.experiments.runner import SweepOptions, run_sweep
    from mlx_gsa.experiments.seat import take_seat
    from mlx_gsa.experiments.spec import load_spec
    from mlx_gsa.experiments.survey import survey

    spec, seat = load_spec(config), take_seat(os.environ)
    out = out or Path("runs") / spec.name
    options = SweepOptions(only, data, folds, seeds, data_root, jobs, overwrite, seat)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Ctrl-C: what runs saves first
    if not seat.is_first:
        if not dry_run:
            run_sweep(spec, out, options)
        return 0  # what failed here is tried again by the first rank, which says what became of it
    jobs *= seat.size
    with err_console.status("Looking at what is there"):
        found = survey(spec, out, options)
    for each in plan_tables(spec, found, jobs):
        console.print(each)
    if dry_run:
        return 0
    try:
        with SweepDisplay(found, jobs) as display:
            result = run_sweep(spec, out, options, display.observe)
    except KeyboardInterrupt:
        err_console.print("Saved. The same command goes on.", markup=False)
        raise
    return show_result(result, out)

"""`gsa tune`: look for better settings of the training, judged on the validation split."""

import shlex
import signal
import sys
from pathlib import Path

import click

from mlx_gsa.cli.console import console, err_console, facts, progress, table

FOLDER = click.Path(file_okay=False, path_type=Path)
FILE = click.Path(path_type=Path)


@click.command()
@click.option("--data", type=FOLDER, help="Data set folder. [default: that of the configuration]")
@click.option("--config", "config_file", type=FILE, help="What is not varied: TOML file, or a recipe's name.")
@click.option("--set", "settings", multiple=True, metavar="KEY=VALUE", help="Fix one setting; repeatable.")
@click.option("--space", type=FILE, help="TOML file of what is varied. [default: configs/tuning/default.toml]")
@click.option("--trials", type=click.IntRange(1), default=20, show_default=True, help="Of the study, in all.")
@click.option("--study", type=FILE, help="Journal that several machines may share. [default: OUT/study.journal]")
@click.option("--timeout", type=click.FloatRange(0), help="Begin no trial after so many seconds.")
@click.option("--sparsity", type=float, help="Share of positions kept, in (0, 1].")
@click.option("--fold", type=click.IntRange(0), help="Leave this fold of a data set out, as the test.")
@click.option("--epochs", type=int, help="Passes over the training split, per trial.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Of choices and trainings.")
@click.option("--out", type=FOLDER, help="Folder of the trials. [default: runs/tune-DATA]")
def command(config_file, settings, space, trials, study, timeout, out, **flags):
    """Tune the settings of a training with Optuna; the test split is never looked at.

    Each trial is a run folder; one that does worse than most is stopped early. A tuning that was stopped goes on with
    the same command. The best settings are in OUT/best.toml, for gsa train --config.
    """
    from mlx_gsa.experiments.space import load_space
    from mlx_gsa.experiments.tune import BEST, Tuning, require_optuna, tune

    require_optuna()
    config = _config(config_file, settings, flags)
    out = out or Path("runs") / f"tune-{Path(config.data.path).name}"
    tuning = Tuning(config, load_space(space), trials, timeout, flags["seed"])
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with progress() as bar:
        try:
            display = _Display(bar, trials, config.training.epochs)
            result = tune(tuning, out, study, display.observe, shlex.join(["gsa", *sys.argv[1:]]))
        except KeyboardInterrupt:
            err_console.print("Saved. The same command goes on.", markup=False)
            raise
    console.print(_trial_table(result))
    if result["best"] is None:
        failed = [row["failure"] for row in result["trials"] if row["failure"]]
        err_console.print(f"No trial is complete.{f' The last failure: {failed[-1]}' if failed else ''}", markup=False)
        return 1
    rows = [("trial", result["best"]["number"]), ("settings", out / BEST)]
    console.print(facts("Best", [*rows, ("next", f"gsa train --config {out / BEST}")]))
    return 0


def _config(config_file, settings, flags):
    from mlx_gsa.config import load_config, parse_assignments

    homes = {"data": "data.path", "fold": "data.fold", "sparsity": "model.sparsity", "epochs": "training.epochs",
             "seed": "training.seed"}  # fmt: skip
    given = {home: flags[name] for name, home in homes.items() if flags[name] is not None}
    given |= {"data.path": str(flags["data"])} if flags["data"] is not None else {}
    return load_config(config_file, parse_assignments(settings) | given)


class _Display:
    """A bar over the trials and one over the epochs of the trial that is running."""

    def __init__(self, bar, trials, epochs):
        self.bar, self.epochs, self.best = bar, epochs, None
        self.total = bar.add_task("Trials", total=trials, note="")
        self.current = bar.add_task("", total=epochs, visible=False, note="")

    def observe(self, number, row):
        """Take notice of what `tune` reports."""
        name = f"trial-{number:03d}"
        if row["kind"] == "begin":
            self.bar.reset(self.current, total=self.epochs, description=name, visible=True, note="")
        elif row["kind"] == "epoch":
            note = f"val {row.get('metric_name', 'metric')} {row['val_metric']:.3f}" if "val_metric" in row else ""
            self.bar.update(self.current, completed=row["epoch"], note=note)
        elif row["kind"] == "end":
            if row["value"] is not None and (self.best is None or row["value"] > self.best[0]):
                self.best = (row["value"], name)
            best = f"best {self.best[0]:.3f} ({self.best[1]})" if self.best else ""
            self.bar.update(self.total, completed=number + 1, note=best)
            if not err_console.is_terminal:
                value = "" if row["value"] is None else f" {row['value']:.3f}"
                err_console.print(f"{name}: {row['state']}{value}", markup=False)


def _trial_table(result):
    rows = [
        (row["number"], row["state"], row["value"] if row["value"] is not None else row["last"], row["epochs"],
         ", ".join(f"{name} {_short(value)}" for name, value in row["settings"].items()))
        for row in sorted(result["trials"], key=lambda row: (row["value"] is None, -(row["value"] or 0)))
    ]  # fmt: skip
    caption = "best validation metric of complete trials, the last one of others; the test split was not looked at"
    return table("Trials, best first", ["trial", "", "val metric", "epochs", "settings"], rows, caption)


def _short(value):
    return f"{value:.3g}" if isinstance(value, float) else value

"""`gsa audit`: could we be fooling ourselves? A verdict per check, with numbers."""

import json
import shlex
from pathlib import Path

import click

from mlx_gsa.cli.console import console, facts, reporting, table

FOLDER = click.Path(file_okay=False, path_type=Path)
CHECKS = ("leak", "faithfulness", "stability", "randomisation")
STYLES = {"pass": "green", "fail": "bold red", "not tested": "yellow"}


@click.command()
@click.argument("run", required=False, type=FOLDER)
@click.option("--data", type=FOLDER, help="Data set folder; otherwise the one the run was trained on.")
@click.option("--checks", multiple=True, type=click.Choice(CHECKS), help="Only these; repeatable. [default: all]")
@click.option("--other-run", "others", multiple=True, type=FOLDER, help="To compare with. [default: those beside RUN]")
@click.option("--quick", is_flag=True, help="Fewer records, resamples and trainings.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
@click.option("--out", type=FOLDER, help="Folder of the results. [default: RUN/audit]")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
def command(run, data, checks, others, quick, seed, out, as_json):
    """Check whether a result could be an illusion.

    RUN is a run folder; without it the latest run is taken. Checked are: whether the selector tells the label by its
    choice of positions (leak), whether the prediction rests on the bases of high relevance (faithfulness), whether the
    same is chosen again (stability), and whether shuffled labels and random weights give nothing (randomisation).
    Models trained for it are kept in OUT/work.
    """
    from mlx_gsa.audit.audit import audit_run
    from mlx_gsa.data.dataset import Dataset
    from mlx_gsa.data.folds import split_as_trained
    from mlx_gsa.training.run import find_run

    found = find_run(run)
    if data is None and found.dataset_path is None:
        raise click.UsageError("This run does not name a data set: give its folder with --data.")
    dataset = split_as_trained(found, Dataset.open(data or found.dataset_path))
    out = out or (Path("audit") if found.shipped else found.path / "audit")
    again = _command(found, dataset, checks, others, quick, seed, out)
    with reporting("Auditing") as report:
        audit = audit_run(
            found, dataset, out, checks=checks or CHECKS, quick=quick, seed=seed, others=others or None, command=again,
            progress=report,
        )  # fmt: skip
    paths = [audit.save(out), *_pictures(audit, out)]
    if as_json:
        click.echo(json.dumps(audit.to_dict(), indent=1))
    else:
        _show(audit, paths)


def _command(run, dataset, checks, others, quick, seed, out):
    """Write the command that repeats this audit."""
    words = ["gsa", "audit", run.path, "--data", dataset.path, "--seed", seed, "--out", out]
    words += [word for check in checks for word in ("--checks", check)]
    words += [word for other in others for word in ("--other-run", other)]
    return shlex.join([*map(str, words), *["--quick"] * quick])


def _pictures(audit, out):
    from mlx_gsa.explain.figures.audit import audit_figures

    return audit_figures(audit.checks, out)


def _show(audit, paths):
    from rich.text import Text

    rows = [(c.name, Text(c.verdict, style=STYLES[c.verdict]), f"{c.question}\n{c.why}") for c in audit.checks]
    console.print(table("Audit", ["check", "verdict", "why"], rows))
    if audit.manifest["same_data"] is False:
        console.print("This is not the data that the run was trained on.")
    console.print(facts("Written", [(path.name, str(path)) for path in paths]))

"""`gsa train`: train a model on a prepared data set."""

import datetime
from pathlib import Path

import click

from mlx_gsa.cli.console import console, err_console, facts, joined, progress, table
from mlx_gsa.cli.train_profile import show_profile
from mlx_gsa.config import load_config, parse_assignments

ATTENTIONS = ("softmax", "mlp", "full", "window", "random", "first")


@click.command()
@click.option("--data", type=click.Path(path_type=Path), help="Data set folder. [default: data/synthetic]")
@click.option("--fold", type=click.IntRange(0), help="Test on this fold of a data set prepared with --folds.")
@click.option("--sparsity", type=float, help="Share of positions kept, in (0, 1]. [default: 0.1]")
@click.option("--attention", type=click.Choice(ATTENTIONS), help="How positions attend; full is the baseline.")
@click.option("--config", "config_file", type=click.Path(path_type=Path), help="TOML file, or a recipe's name.")
@click.option("--set", "settings", multiple=True, metavar="KEY=VALUE", help="Override one setting; repeatable.")
@click.option("--epochs", type=int, help="Passes over the training split.")
@click.option("--seed", type=int, help="Same seed, same machine: the same numbers. [default: 0]")
@click.option("--out", type=click.Path(path_type=Path), help="Run folder. [default: runs/TIME-DATA]")
@click.option("--overwrite", is_flag=True, help="Replace an older run at --out.")
@click.option("--estimate/--no-estimate", default=True, help="Say first what it will cost: three seconds.")
@click.option("--resume", type=click.Path(path_type=Path), help="Go on with an interrupted run, to the same numbers.")
@click.option("--profile", is_flag=True, help="Show where the time of a step goes, before training.")
def command(config_file, settings, out, overwrite, estimate, resume, profile, **flags):
    """Train a model; the best epoch's weights are in RUN/best.

    Several processes (mlx.launch) share each step, to the numbers of one. All need the data set; the first one writes
    the run and prints. If one stops, the others end: go on with --resume, with as many processes as you like.
    """
    from mlx_gsa.training.run import finish_run, resume_run, start_run

    ranks = joined()
    if resume:
        if config_file or settings or out or overwrite or any(value is not None for value in flags.values()):
            raise click.UsageError("--resume goes on with the run's own settings and takes no other option")
        trainer = resume_run(resume, ranks=ranks)
    else:
        config = load_config(config_file, _overrides(settings, flags))
        out = Path(ranks.tell(str(out or _default_folder(config.data.path)).encode()).decode())
        with err_console.status("Finding first filters in the training split"):
            trainer, found = start_run(config, out, overwrite=overwrite, ranks=ranks)
        _show_start(trainer, found, estimate and ranks.size == 1)
    if profile:
        show_profile(trainer)
    result = _train_visibly(trainer)
    if ranks.is_first:
        finish_run(trainer, result)
        _show_result(trainer, result)


def _overrides(settings, flags):
    homes = {
        "data": "data.path", "fold": "data.fold", "sparsity": "model.sparsity", "attention": "model.attention",
        "epochs": "training.epochs", "seed": "training.seed",
    }  # fmt: skip
    given = {homes[name]: value for name, value in flags.items() if value is not None}
    return parse_assignments(settings) | {
        name: str(value) if isinstance(value, Path) else value for name, value in given.items()
    }


def _default_folder(data):
    return Path("runs") / f"{datetime.datetime.now():%Y%m%d-%H%M%S}-{Path(data).name}"


def _train_visibly(trainer):
    epochs, n_records = trainer.config.training.epochs, len(trainer.rows["train"])
    with progress() as bar:
        done = trainer.progress["epoch"] * n_records + trainer.progress["sums"][3]
        task = bar.add_task("Training", total=epochs * n_records, completed=done, unit="sequences")
        latest = {"metric": ""}

        def observe(row):
            if row["kind"] == "epoch" and "val_metric" in row:
                latest["metric"] = f" val {row['metric_name']} {row['val_metric']:.3f}"
                return
            if row["kind"] == "step":
                note = f"epoch {row['epoch']}/{epochs} loss {row['train_loss']:.3f}{latest['metric']}"
                bar.update(task, advance=row["records"], note=note)

        trainer.observe = observe
        try:
            return trainer.run()
        except KeyboardInterrupt:
            err_console.print(f"Saved. Go on with: gsa train --resume {trainer.folder}", markup=False)
            raise


def _show_start(trainer, found, estimate=True):
    from mlx_gsa.cli.cost import cost_line

    config, model = trainer.config.model, trainer.bundle.model
    counts = {split: len(rows) for split, rows in trainer.rows.items()}
    fold = "" if trainer.dataset.fold is None else f" (fold {trainer.dataset.fold} tests)"
    rows = [
        ("Data", f"{trainer.dataset.path}{fold}: {counts['train']:,} to train, {counts['val']:,} to validate"),
        ("Labels", _labels(trainer)),
        ("Model", f"{model.n_parameters():,} parameters, {_kind(config)}, {_kept(model)}"),
        ("Embeddings", None if config.embeddings == "learned" else f"{config.embeddings}, frozen"),
        ("First filters", ", ".join(f.kmer for f in found) or "random"),
        ("Cost", cost_line(trainer) if estimate else None),
        ("Run", str(trainer.folder)),
        ("Ranks", f"{trainer.ranks.size}, which share each step" if trainer.ranks.size > 1 else None),
    ]  # fmt: skip
    console.print(facts("Training", rows))


def _labels(trainer):
    """Say what is learned together, and whether records count differently; None where there is nothing to say."""
    outputs, stated = trainer.dataset.outputs, trainer.dataset.weights is not None
    parts = [f"{len(outputs)} outputs, learned together: {', '.join(outputs)}"] if outputs else []
    if stated:
        used = trainer.config.training.use_weights
        parts.append("records count by their weights" if used else "weights of the data set are left aside")
    return "; ".join(parts) or None


def _kind(config):
    return f"attention {config.attention}" if config.selects else f"a rival: {config.architecture}"


def _kept(model):
    if not model.config.selects:
        return "every position is read"
    return "every position attends" if model.keeps_all else f"{model.config.sparsity:.1%} of positions kept"


def _show_result(trainer, result):
    from mlx_gsa.explain.figures import training_figure
    from mlx_gsa.training.metrics_log import read_metrics

    rows = read_metrics(trainer.folder)
    training_figure(rows, trainer.folder / "training.png")
    columns = ("epoch", "kept", "train loss", "val loss", f"val {rows[-1].get('metric_name', 'metric')}", "seconds")
    keys = ("epoch", "sparsity", "train_loss", "val_loss", "val_metric", "seconds")
    console.print(table("Epochs", columns, [[row.get(key) for key in keys] for row in rows]))
    best = result["best"]
    if best.get("val_metrics"):
        each = ", ".join(f"{name} {value:.3f}" for name, value in best["val_metrics"].items())
        console.print(f"Val {best['metric_name'].removeprefix('mean ')} of each output in the best epoch: {each}")
    early = f", stopped early after {result['epochs']}" if result["stopped_early"] else ""
    console.print(f"Best epoch {best['epoch']}{early}: {trainer.folder}/best   curves: {trainer.folder}/training.png")
    console.print(f"Next: gsa evaluate {trainer.folder}   or   gsa explain FASTA --run {trainer.folder}", markup=False)

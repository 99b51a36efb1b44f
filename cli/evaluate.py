"""`gsa evaluate`: how well a run predicts, what it selects beside chance, and what it costs."""

import json
from pathlib import Path

import click
import numpy as np

from mlx_gsa.cli.console import console, facts, reporting, table
from mlx_gsa.cli.evaluate_verdict import calibration_rows, show_verdict

DECOY_CUTS = ("kept", "top 1 %")  # the others are in the JSON
FOLDER = click.Path(file_okay=False, path_type=Path)
METRIC_NAMES = {
    "pearson": "Pearson r",
    "spearman": "Spearman r",
    "r2": "R2",
    "auroc": "AUROC",
    "auprc": "AUPRC",
    "accuracy": "accuracy",
    "mcc": "MCC",
    "macro_auroc": "macro AUROC",
}


@click.command()
@click.argument("run", required=False, type=FOLDER)
@click.option("--data", type=FOLDER, help="Data set folder; otherwise the one the run was trained on.")
@click.option("--split", type=click.Choice(["test", "val", "train", "all"]), default="test", show_default=True)
@click.option("--bootstrap", type=click.IntRange(0), default=1000, show_default=True, help="Resamples.")
@click.option("--by-group", is_flag=True, help="Resample whole groups of records for prediction intervals.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Of the resampling.")
@click.option("--batch-size", type=click.IntRange(1), default=32, show_default=True)
@click.option("--no-cost", is_flag=True, help="Do not measure time and memory beside full attention.")
@click.option("--baseline", is_flag=True, help="Fit simple models (k-mers, gapped k-mers, composition), too.")
@click.option("--min-length", type=click.IntRange(0), default=0, help="Score only records of so many bp or more.")
@click.option("--out", type=FOLDER, help="Folder of the results; otherwise the run's own.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of tables.")
def command(run, data, split, bootstrap, by_group, seed, batch_size, no_cost, baseline, min_length, out, as_json):
    """Measure how well a trained model predicts and what it selects.

    RUN is a run folder; without it the latest run is taken.
    """
    from mlx_gsa.data.dataset import Dataset
    from mlx_gsa.data.folds import split_as_trained
    from mlx_gsa.evaluation.evaluate import evaluate_run
    from mlx_gsa.training.run import find_run

    found = find_run(run)
    dataset = split_as_trained(found, Dataset.open(_data_folder(found, data)))
    with reporting("Evaluating", unit="sequences") as report:
        choices = {"seed": seed, "by_group": by_group, "baselines": baseline, "min_length": min_length}
        evaluation = evaluate_run(found, dataset, split, bootstrap, batch_size, not no_cost, report, **choices)
    folder = out or (Path("evaluation") if found.shipped else found.path)
    paths = evaluation.save(folder) + _pictures(evaluation, folder)
    if as_json:
        click.echo(json.dumps(evaluation.to_dict(), indent=1))
    else:
        _show(evaluation, paths)


def _data_folder(run, data):
    if data is None and run.dataset_path is None:
        raise click.UsageError("This run does not name a data set: give its folder with --data.")
    return data or run.dataset_path


def _pictures(evaluation, folder):
    from mlx_gsa.explain.figures import calibration_figure, prediction_figure, site_recall_figure
    from mlx_gsa.explain.tracks import UniqueNames

    e, paths = evaluation, [folder / f"{evaluation.name}-prediction.png"]
    metrics = {METRIC_NAMES[name]: interval for name, interval in e.metrics.items()}
    if e.outputs:
        paths = _output_pictures(e, folder)
    else:
        prediction_figure(e.labels, e.predictions, e.task, metrics, paths[0], classes=e.classes)
    if e.selection and e.selection.recall:
        paths.append(folder / f"{e.name}-sites.png")
        site_recall_figure(e.selection.recall, paths[-1])
    names = UniqueNames()
    for output, calibration in e.calibration.items():
        paths.append(folder / f"{e.name}-calibration{f'-{names(output)}' if output else ''}.png")
        calibration_figure(calibration, paths[-1], output)
    return paths


def _output_pictures(evaluation, folder):
    """Draw one picture for each of several outputs; the names of outputs make the names of the files."""
    from mlx_gsa.evaluation.outputs import measured
    from mlx_gsa.explain.figures import prediction_figure
    from mlx_gsa.explain.tracks import UniqueNames

    e, names, paths = evaluation, UniqueNames(), []
    for output, (labels, predictions, _) in zip(e.outputs, measured(e.labels, e.predictions), strict=True):
        if output in e.by_output:
            metrics = {METRIC_NAMES[name]: interval for name, interval in e.by_output[output].items()}
            paths.append(folder / f"{e.name}-prediction-{names(output)}.png")
            prediction_figure(labels, predictions, e.task, metrics, paths[-1])
    return paths


def _show(evaluation, paths):
    console.print(_prediction_table(evaluation))
    if evaluation.by_output:
        console.print(_output_table(evaluation))
    if evaluation.baselines:
        console.print(_baseline_table(evaluation))
    if evaluation.strata:
        console.print(_strata_table(evaluation))
    if evaluation.selection and evaluation.selection.recall:
        for each in (_recall_table, _ranking_table, _kind_table, _decoy_table):
            console.print(each(evaluation.selection))
    console.print(_cost_table(evaluation))
    show_verdict(evaluation.verdict)
    for note in _notes(evaluation):
        console.print(note, markup=False)
    console.print(facts("Written", [(path.suffix[1:].upper(), str(path)) for path in paths]))


def _prediction_table(evaluation):
    rows = [(METRIC_NAMES[name], _number(interval)) for name, interval in evaluation.metrics.items()]
    if evaluation.reachable:
        rows.append(("best reachable r", _number(evaluation.reachable["best_r"])))
        rows.append(("share of the best reachable r", _number(evaluation.reachable["share"])))
    rows += calibration_rows(evaluation.calibration)
    records = "records" if evaluation.split == "all" else f"{evaluation.split} records"
    shortest = evaluation.manifest["min_length"]
    title = f"Prediction: {len(evaluation.labels):,} {records}" + (f" of {shortest:,} bp or more" if shortest else "")
    title += f", mean over {len(evaluation.outputs)} outputs" if evaluation.outputs else ""
    level = f"{evaluation.manifest['level']:.0%} interval"
    return table(title, ["metric", f"value ({level})"], rows)


def _output_table(evaluation):
    """Lay out the metrics of each of several outputs; the simple models' leading metric beside them."""
    names = list(evaluation.metrics)
    simple = evaluation.baselines or []
    rows = []
    for number, output in enumerate(evaluation.outputs):
        found = evaluation.by_output.get(output)
        if found is None:
            continue
        known = int((~np.isnan(evaluation.labels[:, number])).sum())
        beside = [_number(each["by_output"][output][names[0]]) for each in simple]
        rows.append((output, known, *(_number(found[name]) for name in names), *beside))
    heads = [f"{_simple_name(each)}: {METRIC_NAMES[names[0]]}" for each in simple]
    return table("Each output", ["output", "records", *(METRIC_NAMES[name] for name in names), *heads], rows)


def _baseline_table(evaluation):
    names = list(evaluation.metrics)
    rows = [("this model", *(_number(evaluation.metrics[name]) for name in names), None)]
    rows += [
        (_simple_name(each), *(_number(each["metrics"][name]) for name in names), _number(each["difference"][names[0]]))
        for each in evaluation.baselines
    ]
    columns = ["", *(METRIC_NAMES[name] for name in names), f"this model's {METRIC_NAMES[names[0]]} less its"]
    caption = "fitted on the training split, chosen on the validation split; intervals from the same resamples"
    return table("Beside simple models", columns, rows, caption)


def _simple_name(simple):
    choice = simple["choice"]
    if simple["name"] == "k-mers" and "k" in choice:  # of several outputs, each has its own k
        return f"{choice['k']}-mers, linear"
    return f"{simple['name']}, linear" if simple["name"].endswith("k-mers") else f"{simple['name']} alone"


def _strata_table(evaluation):
    simple = {_simple_name(each): each["strata"] for each in evaluation.baselines or () if each["name"] == "k-mers"}
    columns = ["records", "number", "positives", "AUROC", "AUPRC", *(f"{name}: AUROC" for name in simple)]
    rows = []
    for i, one in enumerate(evaluation.strata):
        row = [one["name"], one["n"], one["n_positive"], *(_number(one["metrics"][m]) for m in ("auroc", "auprc"))]
        rows.append([*row, *(_number(each[i]["metrics"]["auroc"]) for each in simple.values()), one["gc_auroc"]])
    caption = "GC-matched: equally many of both classes at every GC content; against ...: the negatives of one kind"
    return table("By stratum", [*columns, "GC alone: AUROC"], rows, caption)


def _recall_table(selection):
    names = ("any", "any_chance", "half", "half_chance")
    rows = [
        (row["role"], row["kind"], row["n"], *(_percent(row[name]) for name in names))
        for row in selection.recall
    ]
    title = f"Sites touched by the {selection.kept_share:.2%} of positions kept (in %)"
    return table(title, ["role", "kind", "sites", "any overlap", "chance", "half covered", "chance"], rows)


def _ranking_table(selection):
    names = ("recall", "recall_chance", "precision", "precision_chance")
    rows = [
        (
            sites,
            row["cut"],
            *(_percent(row[prefix + name]) for name in names),
            _times(row[prefix + "enrichment"]),
        )
        for sites, prefix in (("functional", ""), ("any intact", "intact_"))
        for row in selection.ranking
    ]
    near = f"within {selection.near} bp"
    columns = ["sites", "positions", "sites touched", "chance", near, "chance", "enrichment"]
    ap = selection.average_precision
    caption = f"Average precision as a site detector {_number(ap['value'])}, chance {ap['prevalence']:.3f}"
    return table("Positions ranked by relevance (in %)", columns, rows, caption)


def _kind_table(selection):
    cuts = list(dict.fromkeys(row["cut"] for row in selection.kinds))
    found = {(row["kind"], row["cut"]): row for row in selection.kinds}
    rows = [
        (
            kind,
            *(f"{found[kind, c]['recall'].value:.1%} ({found[kind, c]['recall_chance']:.1%})" for c in cuts),
        )
        for kind in dict.fromkeys(row["kind"] for row in selection.kinds)
    ]
    return table("Functional sites touched, by kind (in brackets: by chance)", ["kind", *cuts], rows)


def _decoy_table(selection):
    names = ("functional", "decoy", "difference")
    rows = [
        (row["cut"], row["kind"], *(_percent(row[name]) for name in names))
        for row in selection.decoys
        if row["cut"] in DECOY_CUTS
    ]
    columns = ["positions", "kind", "functional touched", "decoys touched", "difference"]
    return table("Decoys, sites with a mutated core (in %)", columns, rows)


def _cost_table(evaluation):
    if _rival(evaluation):
        return _rival_cost_table(evaluation)
    cost, flops = evaluation.cost, evaluation.cost["flops"]
    counts = [f"{flops[name]['lookup']['total'] / 1e6:,.2f} M" for name in ("sparse", "full")]
    rows = [
        ("positions that attend", flops["kept"], flops["length"], None),
        ("operations a sequence", *counts, f"{flops['ratio']:.1f} x"),
        ("parameters", cost["parameters"], cost["parameters"], None),
    ]
    measured = cost["measured"]
    if measured:
        pair = measured["sparse"], measured["full"]
        seconds = [f"{each['seconds']:.4f}" for each in pair]
        memory = [f"{each['peak_bytes'] / 1e6:.1f}" for each in pair]
        rows.append(("seconds a batch", *seconds, f"{measured['speedup']:.1f} x"))
        rows.append(("peak memory (MB)", *memory, f"{measured['memory_ratio']:.1f} x"))
    batch = f", batch of {measured['batch_size']}" if measured else ""
    columns = ["", "this model", "full attention", "full / this"]
    return table(f"Cost at {flops['length']:,} bp{batch}", columns, rows)


def _rival(evaluation):
    """Whether the model is a CNN: it selects nothing, and there is no full attention to hold it against."""
    return evaluation.manifest.get("architecture", "sparse") != "sparse"


def _rival_cost_table(evaluation):
    cost, flops, measured = evaluation.cost, evaluation.cost["flops"], evaluation.cost["measured"]
    rows = [
        ("operations a sequence", f"{flops['sparse']['lookup']['total'] / 1e6:,.2f} M"),
        ("parameters", cost["parameters"]),
    ]
    if measured:
        rows.append(("seconds a batch", f"{measured['sparse']['seconds']:.4f}"))
        rows.append(("peak memory (MB)", f"{measured['sparse']['peak_bytes'] / 1e6:.1f}"))
    batch = f", batch of {measured['batch_size']}" if measured else ""
    return table(f"Cost at {flops['length']:,} bp{batch}", ["", "this model"], rows)


def _notes(evaluation):
    manifest = evaluation.manifest
    if manifest["same_data"] is False:
        yield "External evaluation: this is not the data that the run was trained on."
    if manifest["fold"] is not None:
        yield f"Split of fold {manifest['fold']}, as the run was trained."
    if manifest["same_data"] is None:
        yield "The model does not say what it was trained on: test records may have been seen in training."
    if evaluation.split == "all" and manifest["same_data"] is not False:
        yield "All records were scored, also those that the run was trained on."
    if _rival(evaluation):
        yield "The model is a CNN without a selector: it reads every position, and nothing is scored as selected."
    elif evaluation.selection is None:
        yield "The data set does not know its sites, so what the model selects cannot be scored here."


def _number(interval):
    return _between(interval, "{:.3f}")


def _percent(value):
    if isinstance(value, float):
        return f"{100 * value:.1f}"
    return _between([100 * part for part in value], "{:.1f}")


def _times(interval):
    return _between(interval, "{:.1f}")


def _between(interval, form):
    value, low, high = (form.format(part) for part in interval)
    return f"{value} ({low}{' to ' if low.startswith('-') else '–'}{high})"

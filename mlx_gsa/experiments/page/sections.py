"""The section of one sweep: what it asks, and the tables of what its runs and comparisons found."""

from mlx_gsa.experiments.page.looks import audit_table, motif_table, novel_table, spacing_table
from mlx_gsa.experiments.page.sweep_bars import sweep_bars
from mlx_gsa.experiments.page.text import NAMES, NOT_YET, percent, plain, selected, small, table


def sweep_section(results, name):
    """Write the section of a sweep.

    Parameters
    ----------
    results : Results
    name : str
        Of the sweep.

    Returns
    -------
    str
        Markdown; a sweep that was not run is said to be missing.
    """
    found = results.sweep(name)
    if found is None:
        return f"## {name}\n\n*{NOT_YET[0].upper()}{NOT_YET[1:]}.*\n"
    spec = found["spec"]
    parts = [f"## {spec.get('title', name)}\n", spec.get("purpose", "").strip() + "\n", _missing(found["cells"])]
    parts.append(sweep_bars(results, name))
    for data in results.data_names(name):
        tables = [each(results, name, data) for each in _TABLES]
        heading = f"### {results.title(name, data)}\n"
        parts += [heading, *tables] if any(tables) else []
    return "\n".join(part for part in [*parts, spec.get("remarks", "").strip() + "\n"] if part.strip())


def _missing(cells):
    open_cells = [cell for cell in cells if cell["state"] != "finished"]
    if not open_cells:
        return ""
    names = list(dict.fromkeys(f"{cell['data']}/{cell['variant']}" for cell in open_cells))
    return f"*Not finished: {len(open_cells)} of {len(cells)} runs ({', '.join(names)}).*\n"


def _models(results, sweep, data):
    """Every model of a data set: score, what it keeps, what it costs."""
    part = results.comparison(sweep, data)
    if not part:
        return ""
    metrics = list(next(iter(part["models"].values()))["all_metrics"])[:3] or [part["metric"]]
    head = ["model", "runs", *(NAMES.get(each, each) for each in metrics), "of each run", "kept", "parameters"]
    head += ["operations (million)", "training (s)"]
    rows = [_model_row(model, metrics) for model in part["models"].values()]
    how = "whole groups resampled" if part.get("grouped") else "records resampled"
    return f"{part['n_records']:,} test records, {how}:\n\n" + table(head, rows)


def _model_row(model, metrics):
    values = [each["value"] for each in model["values"]]
    shown = ", ".join(f"{value:.3f}" for value in values) if len(values) > 1 else ""
    scores = [plain(model["all_metrics"].get(each) or model["mean"]) for each in metrics]
    kept, flops, seconds = (model.get(key) for key in ("kept_share", "flops", "seconds_training"))
    return [
        model["label"], len(values), *scores, shown, f"{kept:.1%}" if kept else "",
        f"{model['parameters']:,}" if model.get("parameters") else "", f"{flops / 1e6:,.2f}" if flops else "",
        f"{seconds:.0f}" if seconds else "",
    ]  # fmt: skip


def _comparisons(results, sweep, data):
    part = results.comparison(sweep, data)
    if not part or not part["comparisons"]:
        return ""
    labels = {name: model["label"] for name, model in part["models"].items()}
    rows = [
        [f"{labels[pair['first']]} / {labels[pair['second']]}", plain(pair["difference"]), small(pair.get("p")),
         small(pair.get("q")), plain(pair["retention"]) if pair.get("retention") else "", pair.get("verdict") or "",
         _other_tests(pair)]
        for pair in part["comparisons"]
    ]  # fmt: skip
    head = ["first / second", f"{NAMES[part['metric']]}, first less second", "p", "q", "retention", "verdict"]
    return "Paired, on the same resamples of test records:\n\n" + table([*head, "other tests"], rows)


def _other_tests(pair):
    delong, corrected = pair.get("delong"), pair.get("nadeau_bengio")
    parts = [f"DeLong p = {small(delong['p'])}"] if delong else []
    parts += [f"over folds (Nadeau-Bengio) p = {small(corrected['p'])}"] if corrected else []
    return "; ".join(parts)


def _selection(results, sweep, data):
    """What is found by the kept positions and by the top of the ranking, first seed of each variant."""
    rows, seen, near = [], set(), None
    for run in results.runs(sweep, data):
        if run["variant"] in seen:
            continue
        for row in selected(run, "ranking"):
            if row["cut"] in ("kept", "top 1 %"):
                seen.add(run["variant"])
                near = run["evaluation"]["selection"]["near"]
                rows.append([
                    run["label"] or run["variant"], row["cut"], percent(row["recall"]), f"{row['recall_chance']:.1%}",
                    percent(row["precision"]), f"{row['precision_chance']:.1%}", _decoys(run, row["cut"]),
                ])  # fmt: skip
    head = ["model", "positions", "functional sites touched", "chance", f"within {near} bp of one", "chance"]
    return "Sites found, first seed:\n\n" + table([*head, "decoys touched"], rows) if rows else ""


def _decoys(run, cut):
    rows = [row for row in selected(run, "decoys") if row["cut"] == cut and row["kind"] == "all"]
    return percent(rows[0]["decoy"]) if rows else ""


def _verdicts(results, sweep, data):
    """What `gsa evaluate` says of each model beside simple ones, first run of each variant."""
    rows, seen = [], set()
    for run in results.runs(sweep, data):
        found = run["evaluation"].get("verdict")
        if found and run["variant"] not in seen:
            seen.add(run["variant"])
            rows.append([run["label"] or run["variant"], f"**{found[0]['answer']}**", found[0]["because"]])
    return "Is this model good?\n\n" + table(["model", "verdict of `gsa evaluate`", "because"], rows) if rows else ""


_TABLES = (_models, _comparisons, _verdicts, _selection, motif_table, novel_table, spacing_table, audit_table)

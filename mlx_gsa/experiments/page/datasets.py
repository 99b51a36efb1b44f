"""docs/datasets.md from docs/results/datasets/NAME.json and from nothing else: no number on that page is typed."""

import shlex

from mlx_gsa.experiments.page.bars import Measured, verdict
from mlx_gsa.experiments.page.text import NAMES, NOT_YET, machine_line, plain, table
from mlx_gsa.experiments.record import read_json

KMERS, GC = "k-mers", "GC content"
FAMILIES = 8  # of motifs, in a table
MODELS = {"sparse10": "10 % kept", "sparse5": "5 % kept", "full": "full attention", "cnn": "CNN",
          "cnn-large": "larger CNN", KMERS: KMERS, GC: GC}  # fmt: skip
HEAD = """# Real data sets

Made by `gsa reproduce --render-only` from the files in [docs/{source}]({source}); every number
below comes from one of them, and each of those names its commands, data hash, seeds, versions and machine. Unless a
line says otherwise, a figure is the mean over the test folds of a cross-validation in which whole chromosomes, genes
or groups are held out, followed by its 95 % interval over resampled test records (within folds, groups as a whole).
The k-mer baseline is the linear model of `gsa evaluate --baseline`: logistic or ridge regression on 4-, 5- or 6-mer
counts, length and penalty chosen on the same validation records as our best epoch; folds and records are the same.
"""


def render_datasets(found, source):
    """Write the page.

    Parameters
    ----------
    found : list of (dict, dict or None)
        What each data set was asked and what was found: from `real_sets`, or `earlier_sets`.
    source : str
        Where the numbers are, relative to docs.

    Returns
    -------
    str
        Markdown.
    """
    parts = [HEAD.format(source=source), "## Bars\n", bars_table(found), "## At a glance\n", _overview(found)]
    parts += ["## Clean or not\n", _leakage_table(found), *(_section(each, result) for each, result in found)]
    return "\n".join([*parts, _provenance(found)]).rstrip() + "\n"


def earlier_sets(folder):
    """Read what was found before the sweep `real` was there: experiments.json, and NAME.json of each data set."""
    sets = read_json(folder / "experiments.json") or []
    return [(each, read_json(folder / f"{each['name']}.json")) for each in sets]


def bars_table(found):
    """One row per bar, whether or not it was measured."""
    rows, verdicts = [], []
    for each, result in found:
        for bar in each.get("bars", []):
            if "first_motif" in bar:
                cells = _first_motif(bar, result)
                verdicts.append(cells[-1])
                rows.append([bar["what"], f"{bar['first_motif']} first", *cells[:-1], f"**{cells[-1]}**"])
                continue
            measured = result and _measured(bar, result)
            verdicts.append(verdict(measured, "≥", bar["at_least"]))
            cells = [measured.text, measured.chance] if measured else ["", ""]
            rows.append([bar["what"], f"≥ {bar['at_least']:g}", *cells, f"**{verdicts[-1]}**"])
    counts = [f"{sum(v.startswith(kind) for v in verdicts)} {kind}" for kind in ("met", "missed", NOT_YET)]
    return f"{', '.join(counts)}.\n\n" + table(["bar", "target", "measured", "k-mer baseline", "verdict"], rows)


def _first_motif(bar, result):
    """Return what was found first in the kept positions, nothing for the k-mer model, and the verdict."""
    found = next(iter((result or {}).get("explained", {}).values()), None)
    if not found:
        return ["", "", NOT_YET]
    first = found[0]
    shares = f"{_share(first['rate'])} of records, {_share(first['other_rate'])} of others"
    text = f"{first['motif']} ({first['motif_id']}): {shares}"
    return [text, "", "met" if first["motif"].upper() == bar["first_motif"].upper() else "missed"]


def _measured(bar, result):
    """Look up the number that a bar is held against; None if it was not measured."""
    if "also" in bar:
        interval = (result["also"].get(bar["also"]) or {}).get(bar["reads"])
        return interval and Measured(interval["value"], interval["low"], interval["high"], plain(interval))
    models = result["strata"].get(bar.get("stratum", "all"), {}).get("models", {})
    ours, simple = models.get(bar.get("variant", "sparse10")), models.get(KMERS)
    if ours is None:
        return None
    interval, folds = ours["mean"], len(ours["folds"])
    text = f"{plain(interval)}, {folds} fold{'s' * (folds > 1)}"
    return Measured(interval["value"], interval["low"], interval["high"], text, plain(simple["mean"]) if simple else "")


def _overview(found):
    shown = {name: title for name, title in MODELS.items() if any(_has(result, name) for _, result in found)}
    head = ["data set", "records", "bp", "split by", "metric", *shown.values()]
    rows = []
    for each, result in found:
        if not result:
            rows.append([each["title"], *[""] * 3, f"*{NOT_YET}*", *[""] * len(shown)])
            continue
        data, whole = result["dataset"], result["strata"]["all"]
        low, middle, high = data["lengths"]
        length = f"{low:,}" if low == high else f"{low:,}-{high:,} (median {middle:,})"
        scores = [_mean(whole["models"].get(name)) for name in shown]
        by = data["split_by"]
        rows.append([each["title"], f"{data['n_records']:,}", length, by, NAMES[whole["metric"]], *scores])
    return table(head, rows)


def _has(result, name):
    return bool(result) and name in result["strata"]["all"]["models"]


def _mean(model):
    return f"{plain(model['mean'])}, {len(model['folds'])} f." if model else ""


def _leakage_table(found):
    head = ["data set", "verdict", "of", "copies", "overlap (bp)", "near-duplicates", "similar", "GC alone"]
    rows = []
    for each, result in found:
        if result and result["dataset"]["leakage"]:
            rows += _leakage_rows(each["title"], result["dataset"]["leakage"], _gc_alone(result))
    note = "Test records, and records of the worst fold, that share something with training records or other folds,\n"
    note += "under the default split of each set; from its `leakage.json`. GC alone: a model on nothing else.\n\n"
    return note + table(head, rows) if rows else f"*{NOT_YET}*\n"


def _leakage_rows(title, report, gc_alone):
    """One row for the test split, and one for the fold that shares most."""
    parts = [("test", report["splits"]["test"])] if "test" in report["splits"] else []
    folds = report.get("folds") or {}
    if folds:
        worst = max(folds, key=lambda name: (folds[name]["near_duplicates"], folds[name]["similar"]))
        parts.append((f"fold {worst}", folds[worst]))
    for number, (name, part) in enumerate(parts):
        counts = [f"{part[key]:,}" for key in ("copies", "overlap_bp", "near_duplicates", "similar")]
        first = [title, f"**{report['verdict']}**"] if not number else ["", ""]
        yield [*first, f"{name}, {part['compared']:,}", *counts, gc_alone if not number else ""]


def _gc_alone(result):
    return _mean(result["strata"]["all"]["models"].get(GC))


def _section(each, result):
    parts = [f"## {each['title']}\n", each["purpose"].strip() + "\n"]
    if not result:
        return "\n".join([*parts, f"*{NOT_YET}*\n"])
    parts += [_composition(result["dataset"]), _scores(result), _comparisons(result)]
    parts += [_also(name, extra) for name, extra in result["also"].items()]
    parts += [_motifs(name, rows) for name, rows in result["explained"].items()]
    parts += [_linear(result.get("linear")), _training(result), each.get("remarks", "").strip() + "\n"]
    return "\n".join(part for part in parts if part.strip())


def _composition(data):
    words = [f"{data['n_records']:,} records, {data['n_bases']:,} bp", f"task {data['task']}"]
    words += [f"kinds: {', '.join(f'{n:,} {kind}' for kind, n in data['kinds'].items())}"] if data["kinds"] else []
    for name, what in (("dropped", "left out"), ("normalised", "changed"), ("duplicates", "copies")):
        counts = [f"{n:,} {reason}" for reason, n in data[name].items() if n]
        words += [f"{what}: {'; '.join(counts)}"] if counts else []
    splits = ", ".join(f"{n:,} {name}" for name, n in data["splits"].items())
    return f"{'. '.join(words)}. Split by {data['split_by']}: {splits}; five folds by the same rule.\n"


def _scores(result):
    metric = NAMES[result["strata"]["all"]["metric"]]
    head = ["test records", "model", f"mean {metric}", "of each fold", "n"]
    rows = [
        [stratum, name, plain(model["mean"]), ", ".join(f"{value:.3f}" for value in model["values"]), f"{model['n']:,}"]
        for stratum, found in result["strata"].items()
        for name, model in found["models"].items()
    ]
    return table(head, rows)


def _comparisons(result):
    rows = [
        [stratum, pair, "ratio" if pair.endswith("v full") else "difference", plain(found), found["folds"]]
        for stratum, part in result["strata"].items()
        for pair, found in part["comparisons"].items()
    ]
    head = ["test records", "models", "measure", "value", "folds"]
    return "Paired, on the same resamples:\n\n" + table(head, rows) if rows else ""


def _also(name, extra):
    if "pairs" in extra:
        text = f"{extra['pairs']:,} pairs, {extra['clear']:,} with a change of at least {extra['clear_change']:g}"
        parts = f"{extra['right_falling']:.0%} of those that fall, {extra['right_rising']:.0%} of those that rise"
        always = f"saying “falls” of all would be right in {extra['falling']:.0%}"
        shown = f"direction right in {plain(extra['right'])} of these ({parts}; {always})"
        return f"**{name}**: {text}; {shown}; r of the change over all pairs {extra['r_of_change']:.3f}.\n"
    if "values" in extra:
        scores = [
            f"{NAMES[key]} {sum(values) / len(values):.3f} ({min(values):.3f} to {max(values):.3f})"
            for key, values in list(extra["values"].items())[:2]
        ]
        models = f"mean of {extra['folds']} models, lowest to highest"
        return f"**{name}**: {extra['n']:,} records, {', '.join(scores)}; {models}.\n"
    return f"**{name}**: {NOT_YET}.\n"


def _motifs(name, rows):
    """Lay out the best matrix of each family, beside the other class and beside chance."""
    best = {}
    for row in rows:
        best.setdefault(row["family"], row)
    if not best:
        return ""
    cells = [
        [row["motif"], row["motif_id"], _share(row["rate"]), _share(row["other_rate"]), _share(row["shuffled_rate"]),
         f"{float(row['enrichment']):.1f} x", _small(row["q"]), f"{float(row['shuffled_enrichment']):.1f} x"]
        for row in list(best.values())[:FAMILIES]
    ]  # fmt: skip
    head = ["motif", "matrix", "share of records", "of the other class", "at random positions", "times the class", "q"]
    note = "Without another class, “times the class” and q are beside random positions, too."
    return f"Motifs in the kept positions ({name}, test records). {note}\n\n" + table([*head, "times random"], cells)


def _share(text):
    return f"{float(text):.1%}" if text != "." else ""


def _small(text):
    return "< 1e-300" if float(text) == 0 else f"{float(text):.1g}"


def _linear(found):
    """Lay out what linear models reach, by what they count."""
    if not found:
        return ""
    names = list(found["rows"][0]["mean"])
    head = ["words", "strands", "counted as", *(f"mean {NAMES[found['metric']]}, {name}" for name in names)]
    ways = {"log1p": "log of counts", "frequency": "shares"}
    rows = [
        [f"{row['k']}-mers", row["strands"], ways[row["counts"]], *(f"{row['mean'][name]:.3f}" for name in names)]
        for row in found["rows"]
    ]
    return "Linear models by what they count:\n\n" + table(head, rows)


def _training(result):
    rows = []
    for variant in dict.fromkeys(run["variant"] for run in result["runs"]):
        runs = [run for run in result["runs"] if run["variant"] == variant]
        seconds = sum(run["seconds"] for run in runs) / len(runs)
        kept = f"{runs[0]['kept_share']:.1%}"
        epochs = ", ".join(f"{run['best_epoch']}/{run['epochs']}" for run in runs)
        rows.append([variant, kept, f"{runs[0]['parameters']:,}", epochs, f"{seconds:.0f}"])
    head = ["run", "kept", "parameters", "best epoch / epochs, of each fold", "seconds of training a fold"]
    return "Training:\n\n" + table(head, rows)


def _provenance(found):
    """Commands, data and machine, from the files of the runs."""
    lines = ["## Commands, data, machine\n", "```"]
    machines = {}
    for each, result in found:
        if not result:
            continue
        run = result["runs"][0]
        lines += [shlex.join(["gsa", "prepare", *each["prepare"], "--out", f"data/{each['name']}"])]
        lines += [run[step]["command"] for step in ("training", "evaluation") if run[step]]
        machines[machine_line(result["machine"], result["versions"])] = None
    rows = [
        [each["name"], result["dataset"]["data_hash"][:12], ", ".join(sorted({str(r["seed"]) for r in result["runs"]})),
         ", ".join(sorted({(r["training"] or {}).get("commit") or "" for r in result["runs"]}))]
        for each, result in found if result
    ]  # fmt: skip
    return "\n".join([*lines, "```\n", table(["data set", "data", "seeds", "commits"], rows), *machines])

"""Results of earlier commits, in docs/results/earlier: what they measured still holds for the commit they name."""

import shlex

from mlx_gsa.experiments.page.bars import bars_table
from mlx_gsa.experiments.page.speed import speed_tables
from mlx_gsa.experiments.page.text import NAMES, NOT_YET, machine_line, percent, plain, selected, table
from mlx_gsa.experiments.record import read_json

HEAD = """## Earlier results

Measured before the sweeps above existed, at the commits named below, with the settings and defaults of those commits
(each file holds them). One seed unless a table says otherwise.
"""


def earlier_section(folder):
    """Write the section of earlier results.

    Parameters
    ----------
    folder : Path
        Of EXPERIMENT/experiment.json, EXPERIMENT/RUN.json and speed.json; any of them may be missing.

    Returns
    -------
    str
        Markdown; empty where there are none.
    """
    experiments = collected(folder)
    if not experiments:
        return ""
    parts = [HEAD, bars_table(experiments), *(each.section() for each in experiments), _provenance(experiments)]
    return "\n".join(parts)


def collected(folder):
    """Read every experiment in a folder of results, in the order of the page."""
    found = [_Results(path.parent, folder) for path in sorted(folder.glob("*/experiment.json"))]
    return sorted(found, key=lambda each: (each.facts.get("order", 99), each.name))


class _Results:
    """What docs/results holds of one experiment."""

    def __init__(self, folder, results):
        self.name, self.facts = folder.name, read_json(folder / "experiment.json")
        found = {each["name"]: read_json(folder / f"{each['name']}.json") for each in self.facts["runs"]}
        self.runs = {name: run for name, run in found.items() if run}
        self.labels = {each["name"]: each.get("label", each["name"]) for each in self.facts["runs"]}
        self.retention, self.differences = (read_json(folder / f"{n}.json") for n in ("retention", "differences"))
        self.speed = read_json(results / "speed.json") if "forward" in self.facts else None

    def section(self):
        title = self.facts.get("title", self.name)
        parts = [f"### {title}\n", self.facts.get("purpose", "").strip() + "\n"]
        if self.facts["runs"]:
            missing = [self.labels[name] for name in self.labels if name not in self.runs]
            if missing:
                parts.append(f"*{NOT_YET[0].upper()}{NOT_YET[1:]}: {', '.join(missing)}.*\n")
            tables = (_prediction, _simple, _retention, _selection, _kinds, _decoys, _training)
            parts += [text for each in tables if (text := each(self))]
        if "forward" in self.facts:
            parts.append(speed_tables(self.speed) if self.speed else f"*{NOT_YET[0].upper()}{NOT_YET[1:]}.*\n")
        return "\n".join(parts)


def _prediction(results):
    """Metrics of each run, and its difference to the reference run."""
    runs = results.runs
    if not runs:
        return ""
    metrics = list(next(iter(runs.values()))["evaluation"]["metrics"])
    reachable = any(run["evaluation"]["reachable"] for run in runs.values())
    compared = results.differences
    head = ["run", "kept", *(NAMES[name] for name in metrics)]
    head += ["r over the best reachable"] * reachable + ["parameters"]
    if compared:
        head.append(f"{NAMES[metrics[0]]} less that of “{results.labels[compared['reference']]}”")
    rows = []
    for name, run in runs.items():
        found = run["evaluation"]
        row = [results.labels[name], f"{found['kept_share']:.1%}"]
        row += [plain(found["metrics"][each]) for each in metrics]
        row += [plain(found["reachable"]["share"]) if found["reachable"] else ""] * reachable
        row.append(f"{found['cost']['parameters']:,}")
        if compared:
            each = compared["differences"].get(name)
            row.append(plain(each[metrics[0]]) if each else "")
        rows.append(row)
    n = ", ".join(dict.fromkeys(f"{run['evaluation']['n']:,} {run['evaluation']['split']}" for run in runs.values()))
    return f"Prediction of {n} records:\n\n" + table(head, rows)


def _simple(results):
    """Each run beside the simple models that were fitted on the same split."""
    rows, metrics = [], []
    for name, run in results.runs.items():
        found = run["evaluation"]
        if found.get("baselines"):
            metrics = list(found["metrics"])
            lead = NAMES[metrics[0]]
            rows.append([f"**{results.labels[name]}**", *(plain(found["metrics"][each]) for each in metrics), ""])
            rows += [_simple_row(each, metrics) for each in found["baselines"]]
    if not rows:
        return ""
    head = ["", *(NAMES[each] for each in metrics), f"the run's {lead} less its"]
    return "Beside simple models, fitted on the same split; intervals from the same resamples:\n\n" + table(head, rows)


def _simple_row(simple, metrics):
    choice = simple["choice"]
    name = f"{choice['k']}-mers, linear" if "k" in choice else f"{simple['name']} alone, linear"
    return [name, *(plain(simple["metrics"][each]) for each in metrics), plain(simple["difference"][metrics[0]])]


def _retention(results):
    found = results.retention
    if not found:
        return f"*Retention: {NOT_YET}.*\n" if "retention" in results.facts else ""
    pairs = zip(*(found["runs"][half] for half in ("sparse", "full")), strict=True)
    names = [f"{results.labels[a]} / {results.labels[b]}" for a, b in pairs]
    rows = [
        [name, f"{sparse:.3f}", f"{full:.3f}", plain(ratio)]
        for name, sparse, full, ratio in zip(names, found["sparse"], found["full"], found["per_seed"], strict=True)
    ]
    means = [f"{sum(found[half]) / len(found[half]):.3f}" for half in ("sparse", "full")]
    rows.append(["**mean over seeds**", *means, f"**{plain(found['pooled'])}**"])
    tests = "; ".join(f"retention at most {margin}: p = {p:.3f}" for margin, p in found["p_inferior"].items())
    head = ["sparse / full", f"{NAMES[found['metric']]}, sparse", "full", "retention"]
    note = f"One-sided, over {found['resamples']:,} resamples of {found['n_records']:,} records: {tests}."
    note += " The interval covers the choice of test records, the rows show the seeds."
    return "Retention:\n\n" + table(head, rows) + f"\n{note}\n"


def _selection(results):
    """What the selector of each run finds, all functional kinds together."""
    rows, near = [], None
    for name, run in results.runs.items():
        for row in selected(run, "ranking"):
            near = run["evaluation"]["selection"]["near"]
            recall, precision = (percent(row["recall"]), f"{row['recall_chance']:.1%}"), percent(row["precision"])
            chance = f"{row['precision_chance']:.1%}"
            rows.append([results.labels[name], row["cut"], *recall, precision, chance, plain(row["enrichment"], 1)])
    within = f"within {near} bp of one"
    head = ["run", "positions", "functional sites touched", "chance", within, "chance", "enrichment"]
    return rows and "Sites found by what is kept, and by the top of the relevance ranking:\n\n" + table(head, rows)


def _kinds(results):
    """Recall of each functional kind, for runs that a bar is about."""
    rows = [
        [label, row["cut"], row["kind"], f"{row['n']:,}", percent(row["recall"]), f"{row['recall_chance']:.1%}"]
        for label, row in _barred(results, "kinds")
    ]
    return rows and "By kind:\n\n" + table(["run", "positions", "kind", "sites", "touched", "chance"], rows)


def _decoys(results):
    names = ("functional", "decoy", "difference")
    rows = [
        [label, row["cut"], row["kind"], *(percent(row[each]) for each in names)]
        for label, row in _barred(results, "decoys")
    ]
    head = ["run", "positions", "kind", "functional touched", "decoys touched", "difference"]
    return rows and "Decoys, sites with a mutated core:\n\n" + table(head, rows)


def _barred(results, name):
    """Give the rows of one selection table, at the cuts that matter, of the runs that a bar is about."""
    runs = {bar.get("run") for bar in results.facts["bars"]}
    return [
        (results.labels[run], row)
        for run, found in results.runs.items()
        for row in selected(found, name)
        if run in runs and row["cut"] in ("kept", "top 1 %")
    ]


def _training(results):
    """Epochs and seconds of each run."""
    rows = []
    for name, run in results.runs.items():
        seconds = [row["seconds"] for row in run["epochs"]]
        middle = sorted(seconds)[len(seconds) // 2]
        best = run["manifest"]["result"]["best"]["epoch"]
        rows.append([results.labels[name], len(seconds), best, f"{middle:.0f}", f"{max(seconds):.0f}"])
    head = ["run", "epochs", "best epoch", "seconds an epoch, median", "slowest"]
    return rows and "Training:\n\n" + table(head, rows)


def _provenance(experiments):
    """Commands, data, versions and machines, from the files of the runs."""
    runs = [(each, name, run) for each in experiments for name, run in each.runs.items()]
    lines, commands = ["### Commands, data, machine of the earlier results\n"], []
    for experiment, _, run in runs:
        made, data = run.get("made_by") or {}, experiment.facts["data"]
        prepare = [part.replace("{data_root}", "DATA_ROOT") for part in data["prepare"]]
        commands.append(shlex.join(["gsa", "prepare", *prepare, "--out", data["path"]]))
        commands += [made[step]["command"] for step in ("train", "evaluate") if step in made]
    if commands:
        lines += ["```", *dict.fromkeys(commands), "```\n"]
    rows = [
        [f"{experiment.name}/{name}", run["manifest"]["seed"], run["manifest"]["data_hash"][:12], _commit(run),
         run["manifest"].get("finished_at", "")[:10]] for experiment, name, run in runs
    ]  # fmt: skip
    lines += [table(["run", "seed", "data", "commit", "finished"], rows)] if rows else []
    manifests = [run["manifest"] for _, _, run in runs]
    machines = dict.fromkeys(machine_line(each["machine"], each["versions"]) for each in manifests)
    return "\n".join([*lines, *machines]).rstrip() + "\n"


def _commit(run):
    return ((run.get("made_by") or {}).get("train") or {}).get("commit") or ""

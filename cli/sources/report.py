"""What every source ends with: the data set in tables and a picture, and how to go on."""

import numpy as np

from mlx_gsa.cli.console import console, facts, table
from mlx_gsa.cli.sources.leakage import show_leakage

MEANING = {
    "binary": "AUROC against the positives, 0.5 is chance, whichever have more",
    "multiclass": "AUROC against all other classes, 0.5 is chance, whichever have more",
    "regression": "Pearson r with the label",
}
ROLES = ("functional", "repressor", "decoy_core", "decoy_spacing", "accidental")


def finish(dataset):
    """Show what is in the data set, draw it, and say how to go on."""
    from mlx_gsa.data.summary import summarise
    from mlx_gsa.explain.figures import dataset_figure

    summary = summarise(dataset)
    console.print(_split_table(dataset, summary))
    if summary.sites:
        console.print(_site_table(summary))
    if summary.shortcuts:
        console.print(_shortcut_table(summary))
    if dataset.outputs:
        console.print(_output_table(dataset))
    if summary.dropped or summary.normalised or summary.duplicates:
        console.print(_change_table(summary))
    show_leakage(dataset)
    picture = dataset.path / "summary.png"
    dataset_figure(summary, picture)
    for line in warnings(summary):
        console.print(line, style="yellow", markup=False, soft_wrap=True)
    console.print(facts(None, [("data set", dataset.path), ("picture", picture)]))
    console.print(f"Next: gsa train --data {dataset.path}", markup=False, soft_wrap=True)


def _split_table(dataset, summary):
    """Lay out one row per split."""
    reachable, heads = summary.best_reachable_r, ["split", "records", "bp", "mean bp", "GC"]
    heads += {"regression": ["label"], "binary": ["positives"]}.get(summary.task, []) + ["best r"] * bool(reachable)
    rows = []
    for split in summary.splits:
        row = [split.name, split.records, split.bases, round(split.mean_length), f"{split.gc:.1%}"]
        row += _label_cell(summary.task, split)
        rows.append(row + ([f"{reachable[split.name]:.3f}"] if reachable else []))
    captions = [_split_caption(dataset, summary)]
    captions += ["best r: what predicting every label without its noise would reach"] * bool(reachable)
    return table(f"Data set ({summary.task})", heads, rows, "\n".join(filter(None, captions)) or None)


def _label_cell(task, split):
    """Return the label column of one split, if the task has one."""
    if task == "regression":
        return [f"{split.label_mean:.3g} ± {split.label_sd:.3g}"]
    positives = list(split.class_counts.values())[1]
    return [f"{positives:,} ({positives / split.records:.0%})"] if task == "binary" else []


def _split_caption(dataset, summary):
    """Say how the split was made; name the test chromosomes where they are few."""
    words = {"chromosome": "whole chromosomes", "group": "whole groups", "random": "at random, in strata of the label",
             "similarity": "whole clusters of similar sequences"}  # fmt: skip
    by = dataset.manifest.source.get("split_by")
    if by == "chromosome":
        names = sorted(set(dataset.records.chrom[dataset.indices("test")]))
        return f"split: {words[by]}" + (f", test {', '.join(names)}" if len(names) <= 8 else "")
    return by and f"split: {words.get(by, f'as {by} says')}"


def _site_table(summary):
    """Lay out the planted sites: one row per kind, one column per role."""
    present = {role for counts in summary.sites.values() for role in counts}
    roles = [role for role in ROLES if role in present] + sorted(present - set(ROLES))
    rows = [[kind, *(counts.get(role, 0) for role in roles)] for kind, counts in summary.sites.items()]
    return table("Planted sites", ["kind", *(role.replace("_", " ") for role in roles)], rows)


def _shortcut_table(summary):
    """Lay out records per class, or kind of negatives, and split, and what GC and length alone tell of them."""
    measure, found = summary.shortcuts[0].measure, {shortcut.name: shortcut for shortcut in summary.shortcuts}
    caption = f"GC alone, length alone: {MEANING[summary.task]}"
    if summary.task == "regression":
        heads, rows = ["", f"GC alone ({measure})", f"length alone ({measure})"], [["label", *_values(found["label"])]]
        return table("Shortcuts", heads, rows, caption)
    names = [split.name for split in summary.splits]
    heads = ["class", *names, "mean bp", "GC", f"GC alone ({measure})", f"length alone ({measure})"]
    rows = []
    for group in summary.groups:
        gc = float(np.nanmean(group.gc)) if np.isfinite(group.gc).any() else float("nan")
        cells = [group.counts[name] for name in names] + [round(float(group.lengths.mean())), f"{gc:.1%}"]
        rows.append([group.name, *cells, *_values(found.pop(group.name, None))])
    for shortcut in found.values():
        rows.append(["all negatives", *[None] * (len(names) + 2), *_values(shortcut)])
    return table("Classes", heads, rows, caption)


def _values(shortcut):
    """Return the cells of GC and length alone."""
    if shortcut is None:
        return ["", ""]
    return [f"{value:.3f}" if value == value else "-" for value in (shortcut.gc, shortcut.length)]


def warnings(summary):
    """Say in words which shortcuts a model could take, and what to do about it.

    Parameters
    ----------
    summary : DatasetSummary

    Returns
    -------
    list of str
        Empty if GC and length alone tell little.
    """
    lines = []
    for what, name in (("gc", "GC"), ("length", "length")):
        bad = [shortcut for shortcut in summary.shortcuts if shortcut.alarming(what)]
        if not bad:
            continue
        told = ", ".join(f"{getattr(s, what):.2f} for {s.name}" for s in bad)
        chance = "0" if bad[0].measure == "r" else "0.5"
        lines.append(
            f"Warning: {name} alone predicts the label: {bad[0].measure} {told}; chance is {chance}. "
            f"A model may learn {name} instead of binding sites. {_mend(what, summary.task, bad)}"
        )
    return lines


def _mend(what, task, bad):
    """Say what to do about a shortcut."""
    if what == "length":
        return "Cut the sequences to one length, or take negatives of the same lengths."
    if task != "binary":
        return "Report the results beside those of GC alone, or within records of like GC."
    if any(shortcut.name == "random-genomic" for shortcut in bad):
        return "Some positives found no window of their GC; report the results on GC-matched records, too."
    return (
        "Take matched negatives (`gsa prepare regions` with --negatives random-genomic, or dinucleotide-shuffle), "
        "or report the results on GC-matched records."
    )


def _output_table(dataset):
    """Lay out what was measured of each of several labels."""
    rows, labels = [], dataset.labels
    for number, name in enumerate(dataset.outputs):
        known = labels[~np.isnan(labels[:, number]), number]
        text = f"{known.mean():.3g} ± {known.std():.3g}"
        if dataset.task == "binary":
            text = f"{int(known.sum()):,} ({known.mean():.0%})"
        rows.append([name, len(known), len(labels) - len(known), text])
    heads = ["label", "measured", "missing", "positives" if dataset.task == "binary" else "mean ± sd"]
    return table("Labels, learned together", heads, rows)


def _change_table(summary):
    """Lay out what was left out, read differently, or is there twice."""
    groups = {"left out": summary.dropped, "changed": summary.normalised, "copies": summary.duplicates}
    rows = [[head, what, n] for head, counts in groups.items() for what, n in counts.items()]
    return table("Left out, changed, copies", ["", "what", "number"], rows)

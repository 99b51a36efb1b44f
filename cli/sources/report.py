"""What every source ends with: the data set in tables and a picture, and how to go on."""

import numpy as np

from mlx_gsa.cli.console import console, facts, table

ROLES = ("functional", "repressor", "decoy_core", "decoy_spacing", "accidental")


def finish(dataset):
    """Show what is in the data set, draw it, and say how to go on."""
    from mlx_gsa.data.summary import summarise
    from mlx_gsa.explain.figures import dataset_figure

    summary = summarise(dataset)
    console.print(_split_table(dataset, summary))
    if summary.sites:
        console.print(_site_table(summary))
    if summary.task == "multiclass":
        console.print(_class_table(summary))
    if dataset.outputs:
        console.print(_output_table(dataset))
    if summary.dropped or summary.normalised or summary.duplicates:
        console.print(_change_table(summary))
    picture = dataset.path / "summary.png"
    dataset_figure(summary, picture)
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
    words = {"chromosome": "whole chromosomes", "group": "whole groups", "random": "at random, in strata of the label"}
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


def _class_table(summary):
    """Lay out records per class and split."""
    rows = [[name, *(split.class_counts[name] for split in summary.splits)] for name in summary.classes]
    return table("Classes", ["class", *(split.name for split in summary.splits)], rows)


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

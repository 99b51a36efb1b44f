"""The tables of `gsa data DIR`."""

import json

from mlx_gsa.cli.console import console, facts, table
from mlx_gsa.cli.sources.leakage import leakage_lines

CHANGES = {"left out": "dropped", "changed": "normalised", "copies": "duplicates"}


def show_description(found):
    """Print what `describe_dataset` found.

    Parameters
    ----------
    found : dict
    """
    console.print(_facts(found))
    console.print(_split_table(found))
    for title, name in (("Kinds", "kinds"), ("Folds", "folds")):
        if found[name]:
            console.print(_count_table(title, found[name]))
    if found["columns"]:
        console.print(_column_table(found["columns"]))
    changes = [(head, what, n) for head, name in CHANGES.items() for what, n in found[name].items()]
    if changes:
        console.print(table("Left out, changed, copies", ["", "what", "number"], changes))
    if found["leakage"]:
        console.print(f"Leakage: {found['leakage']['verdict']}", markup=False)
        console.print("\n".join(leakage_lines(found["leakage"])), markup=False, soft_wrap=True)
    if found["first"]:
        console.print(_record_table(found["first"]))


def _facts(found):
    """Lay out what the data set is and where it came from."""
    rows = [
        ("data set", found["path"]),
        ("task", found["task"]),
        ("classes", found["classes"] and ", ".join(found["classes"])),
        ("labels", found["outputs"] and ", ".join(found["outputs"])),
        ("records", f"{found['records']:,}, {found['bases']:,} bp"),
        ("length (bp)", ", ".join(f"{name} {value:,}" for name, value in found["lengths"].items())),
        ("GC", ", ".join(f"{name} {value:.1%}" for name, value in found["gc"].items()) or None),
        ("chromosomes", found["chromosomes"] or None),
        ("groups", found["groups"] if found["groups"] < found["records"] else None),
        ("known sites", found["sites"]),
        ("source", source_text(found["source"])),
        ("split", found["source"].get("split_by")),
        ("seed", found["seed"] if found["seed"] is None else str(found["seed"])),
        ("leakage", None if found["leakage"] else "no report (made by an older version)"),
        ("made", found["created"]),
        ("hash", found["data_hash"]),
    ]
    return facts(None, rows)


def source_text(source):
    """Say in a line where a data set came from."""
    kind = source.get("kind", source.get("type", "not stated"))
    plain = {k: v for k, v in source.items() if isinstance(v, str) and k not in ("kind", "type", "split_by")}
    parts = [str(kind), *(f"{name} {value}" for name, value in plain.items())]
    for one in (source["of"],) if "of" in source else source.get("sets", ()):
        parts.append(f"of {one['name']} ({one['records']:,} records, {source_text(one['source'])})")
    if "choice" in source:
        parts.append(json.dumps(source["choice"]))
    return "; ".join(parts)


def _split_table(found):
    """Lay out one row per split and one for all."""
    heads = ["split", "records", "bp", "mean bp", "GC"]
    heads += found["classes"] or (["0", "1"] if found["task"] == "binary" else ["label"])
    rows = []
    for one in found["splits"]:
        gc = None if one["mean_gc"] is None else f"{one['mean_gc']:.1%}"
        row = [one["split"], one["records"], one["bases"], round(one["mean_length"]), gc]
        if "classes" in one:
            row += one["classes"].values()
        else:
            row.append(f"{one['label_mean']:.3g} ± {one['label_sd']:.3g}" if "label_mean" in one else None)
        rows.append(row)
    return table("Splits", heads, rows)


def _count_table(title, counts):
    """Lay out records per value and split."""
    splits = list(next(iter(counts.values())))
    return table(title, [title.lower()[:-1], *splits], [[value, *each.values()] for value, each in counts.items()])


def _column_table(columns):
    """Lay out the further columns."""
    rows = []
    for name, facts_ in columns.items():
        if "values" in facts_:
            holds = ", ".join(f"{value or '(empty)'} {n:,}" for value, n in facts_["values"].items())
        elif "distinct" in facts_:
            holds = f"{facts_['distinct']:,} different values"
        else:
            holds = f"{facts_['min']:g} to {facts_['max']:g}" if "min" in facts_ else "nothing"
        rows.append((name, facts_["type"], holds, facts_.get("missing") or None))
    return table("Further columns", ["column", "type", "holds", "not known"], rows)


def _record_table(records):
    """Lay out the first records."""
    rows = []
    for one in records:
        known = one["start"] >= 0 and one["chrom"] != "."
        where = f"{one['chrom']}:{one['start']}-{one['end']}({one['strand']})" if known else one["chrom"].strip(".")
        rows.append((one["id"], where, one["label"], one["split"], one["length"], one["sequence"]))
    return table("First records", ["id", "where (0-based)", "label", "split", "bp", "sequence"], rows)

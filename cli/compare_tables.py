"""The tables of `gsa compare`."""

from mlx_gsa.cli.console import console, facts, table
from mlx_gsa.cli.evaluate import METRIC_NAMES

BOUNDS = ("value", "low", "high")


def show_comparison(comparison, paths):
    """Print what `compare_collection` found.

    Parameters
    ----------
    comparison : dict
    paths : list of Path
        What was written.
    """
    manifest = comparison["manifest"]
    for name, found in comparison["datasets"].items():
        console.print(_model_table(name, found, manifest))
        if found["comparisons"]:
            console.print(_comparison_table(found))
            further = _test_table(found)
            if further:
                console.print(further)
        if any(part["comparisons"] for part in found["strata"].values()):
            console.print(_strata_table(found))
        for note in _notes(found):
            console.print(note, markup=False)
    for line in _closing(manifest):
        console.print(line, markup=False)
    if paths:
        console.print(facts("Written", [(path.suffix[1:].upper(), str(path)) for path in paths]))
    else:
        console.print("Nothing was written: give a folder with --out.")


def _model_table(name, found, manifest):
    rows = [
        (
            _called(model, each), f"{len(each['seeds']) or 1} x {len(each['folds']) or 1}", _interval(each["mean"]),
            _spread(each["values"]), _percent(each["kept_share"]), each["parameters"], _millions(each["flops"]),
            each["seconds_training"],
        )
        for model, each in found["models"].items()
    ]  # fmt: skip
    metric = METRIC_NAMES[found["metric"]]
    what = f"{found['scored']}, " if found["outputs"] else ""
    title = f"{name}: {metric}, {what}{found['n_records']:,} test records"
    mean = f"mean ({manifest['level']:.0%} interval)"
    heads = ["model", "seeds x folds", mean, "single runs", "kept", "parameters", "operations", "seconds"]
    caption = "means over seeds and folds; operations of a sequence, seconds of training"
    return table(title, heads, rows, caption)


def _called(name, model):
    return name if model["label"] == name else f"{name}: {model['label']}"


def _comparison_table(found):
    rows = []
    for each in found["comparisons"]:
        below = ", ".join(map(_p, each["p_inferior"].values()))
        rows.append(
            (
                _pair(each), _interval(each["difference"], "{:+.4f}"), _p(each["p"]), _p(each["q"]),
                *((None, None) if _simple(found, each) else (_interval(each["retention"]), below)), each["verdict"],
            )
        )  # fmt: skip
    heads = ["comparison", "difference", "p", "q", "retention", "p at 0.95, 0.9", "verdict"]
    caption = (
        "of the means over the folds that both have, paired over test records; p at 0.95, 0.9: of a retention of so "
        "much or less; q: Benjamini-Hochberg over all comparisons"
    )
    return table("Comparisons", *_filled(heads, rows), caption)


def _pair(each):
    return f"{each['first']} v {each['second']}"


def _simple(found, each):
    """Whether the second is a simple model: a share of what it reaches says little."""
    return found["models"][each["second"]]["kind"] == "simple"


def _test_table(found):
    """Lay out the tests that could be made; None where there is none."""
    rows = []
    for each in found["comparisons"]:
        delong, corrected = each["delong"], each["nadeau_bengio"]
        interval = corrected and {"value": corrected["mean"], **corrected}
        shares = _spread(each["single_runs"], "retention"), _interval(each["retention_above_chance"])
        rows.append(
            (
                _pair(each), *((None, None) if _simple(found, each) else shares),
                delong and f"z {_z(delong['z'])}, p {_p(delong['p'])}", _interval(interval, "{:+.4f}"),
                corrected and f"t {_z(corrected['t'])}, p {_p(corrected['p'])}",
            )
        )  # fmt: skip
    heads = ["comparison", "retention, single runs", "retention above chance", "DeLong", "difference over folds",
             "corrected t-test"]  # fmt: skip
    heads, rows = _filled(heads, rows)
    caption = "DeLong: test records; corrected t (Nadeau and Bengio): also the choice of training records, roughly"
    return table("Further tests", heads, rows, caption) if len(heads) > 1 else None


def _filled(heads, rows):
    """Leave out columns without an entry."""
    keep = [place for place in range(len(heads)) if any(row[place] is not None for row in rows)]
    return [heads[place] for place in keep], [[row[place] for place in keep] for row in rows]


def _strata_table(found):
    rows = [
        (
            name, _pair(each), f"{part['n_records']:,}", *map(_three, each["means"]),
            _interval(each["difference"], "{:+.4f}"), None if _simple(found, each) else _interval(each["retention"]),
            each["verdict"],
        )
        for name, part in found["strata"].items()
        for each in part["comparisons"]
    ]  # fmt: skip
    heads = ["records", "comparison", "number", "first", "second", "difference", "retention", "verdict"]
    caption = "GC-matched: in every fold equally many of both classes at every GC content"
    return table("Parts of the test records", heads, rows, caption)


def _notes(found):
    if found["grouped"]:
        yield "Related records (groups of the data set) were resampled together."
    if found["outputs"]:
        yield f"Of several outputs ({', '.join(found['outputs'])}) the metric is the mean."
    yield from found["notes"]


def _closing(manifest):
    yield f"Reference: {manifest['reference']}; {manifest['runs']:,} runs, {manifest['bootstrap']:,} resamples."
    wanted = manifest["sweep_reference"]
    if wanted not in (None, manifest["reference"]):
        yield f"The sweep compares with {wanted}."
    if manifest["left_out"]:
        some = ", ".join(manifest["left_out"][:3]) + (", ..." if len(manifest["left_out"]) > 3 else "")
        yield f"Left out, not finished, not evaluated or changed: {len(manifest['left_out'])} ({some})."


def _spread(rows, name="value"):
    """Write the lowest and the highest of single runs, where there are two or more."""
    known = [each[name] for each in rows if each[name] is not None]
    return f"{min(known):.3f}–{max(known):.3f}" if len(known) > 1 else None


def _interval(interval, form="{:.3f}"):
    if interval is None or interval["value"] is None:
        return None
    value, low, high = (None if part is None else form.format(part) for part in (interval[n] for n in BOUNDS))
    between = "–" if low and low[0] not in "+-" else " to "
    return value if low is None else f"{value} ({low}{between}{high})"


def _three(value):
    return "-" if value is None else f"{value:.3f}"


def _percent(share):
    return None if share is None else f"{share:.1%}"


def _millions(count):
    return None if count is None else f"{count / 1e6:,.2f} M"


def _p(value):
    if value is None or value < 1e-99:
        return "-" if value is None else "<1e-99"
    return f"{value:.3f}" if value >= 0.0005 else f"{value:.1e}"


def _z(value):
    return "-" if value is None else f"{value:.2f}"

"""Bars that a sweep states for itself, measured by its runs and its comparison."""

from types import SimpleNamespace

from mlx_gsa.experiments.page.bars import bars_table


def sweep_bars(results, name):
    """Lay out the bars of a sweep with what was measured.

    Parameters
    ----------
    results : Results
    name : str
        Of the sweep.

    Returns
    -------
    str
        Markdown; empty where the sweep has no bars. Where a variant has several runs the first one counts, and of a
        retention the comparison over all of them.
    """
    found = results.sweep(name)
    stated = [bar for bar in found["spec"].get("bars") or () if bar.get("measure")]
    if not stated:
        return ""
    data = results.data_names(name)[0]
    runs = {}
    for run in results.runs(name, data):
        runs.setdefault(run["variant"], run)
    entries = [
        SimpleNamespace(
            name=f"{name}/{data}", facts={"bars": [bar | {"run": bar.get("variant")}]}, runs=runs,
            retention=_retention(results.comparison(name, data), bar), speed=None,
        )
        for bar in stated
    ]  # fmt: skip
    return "Bars stated before the runs: " + bars_table(entries)


def _retention(part, bar):
    """Find the retention that a bar asks for, in the form that `bars` reads."""
    for pair in (part or {"comparisons": ()})["comparisons"]:
        if (pair["first"], pair["second"]) == (bar.get("variant"), bar.get("against")) and pair["retention"]:
            return {"pooled": pair["retention"], "p_inferior": pair["p_inferior"]}
    return None

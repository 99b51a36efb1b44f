"""Bars of earlier experiments and of data sets: what was measured for each, beside chance, and the verdict."""

from typing import NamedTuple

from mlx_gsa.experiments.page.text import NOT_YET, percent, plain, ranked, selected, table


class Measured(NamedTuple):
    """One number that a bar is held against: value and interval (or None), its text, chance, and where it is from."""

    value: float
    low: float | None
    high: float | None
    text: str
    chance: str = ""
    source: str = ""


def bars_table(experiments):
    """One row per bar, whether or not it was measured."""
    rows, verdicts = [], []
    for experiment in experiments:
        for bar in experiment.facts["bars"]:
            found = _MEASURES[bar["measure"]](experiment, bar)
            sign, limit = next((s, bar[key]) for key, s in _SIGNS.items() if key in bar)
            verdicts.append(verdict(found, sign, limit))
            cells = [found.text, found.chance, found.source] if found else ["", "", ""]
            target = f"{sign} {_bar_text(bar['measure'], limit)}"
            rows.append([bar["what"], target, *cells[:2], f"**{verdicts[-1]}**", cells[2] or experiment.name])
    kinds = ("met", "missed", NOT_YET)
    counts = [f"{sum(each.startswith(kind) for each in verdicts)} {kind}" for kind in kinds]
    head = ["bar", "target", "measured", "chance", "verdict", "from"]
    return f"{', '.join(counts)}.\n\n" + table(head, rows)


_SIGNS = {"at_least": "≥", "at_most": "≤", "above": ">"}


def verdict(found, sign, limit):
    """Say whether a bar is met, and whether the interval leaves that open.

    Parameters
    ----------
    found : Measured or None
    sign : {"≥", "≤", ">"}
    limit : float

    Returns
    -------
    str
        "met" or "missed", with a remark where the interval lies on both sides of the bar; the value alone decides,
        except for ">", where the whole interval has to be above.
    """
    if found is None or found.value is None:
        return NOT_YET if found is None else "missed (not defined)"
    if sign == "≤":
        return "met" if found.value <= limit else "missed"
    if sign == ">":
        return "met" if found.low is not None and found.low > limit else "missed"
    if found.value >= limit:
        return "met (the interval reaches below)" if found.low is not None and found.low < limit else "met"
    return "missed (the interval reaches it)" if found.high is not None and found.high >= limit else "missed"


def _of_run(function):
    """Make a measure of an experiment and a bar from one of a run's file and a bar."""

    def measure(experiment, bar):
        run = experiment.runs.get(bar["run"])
        found = function(run, bar) if run else None  # not run yet
        return found and found._replace(source=f"{experiment.name}/{bar['run']}")

    return measure


def _share_of_reachable(run, bar):
    reachable = run["evaluation"].get("reachable")
    return reachable and _measured(reachable["share"], plain(reachable["share"]))


def _hardest_kind(run, bar):
    rows = [row for row in selected(run, "kinds") if row["cut"] == bar["cut"]]
    if not rows:
        return None
    worst = min(rows, key=lambda row: row["recall"]["value"])
    return _measured(worst["recall"], f"{percent(worst['recall'])} {worst['kind']}", f"{worst['recall_chance']:.1%}")


def _all_kinds(run, bar):
    row = ranked(run, bar["cut"])
    return row and _measured(row["recall"], percent(row["recall"]), f"{row['recall_chance']:.1%}")


def _precision(run, bar):
    row = ranked(run, bar["cut"])
    return row and _measured(row["precision"], plain(row["precision"]), f"{row['precision_chance']:.3f}")


def _decoy_gap(run, bar):
    rows = [row for row in selected(run, "decoys") if row["cut"] == bar["cut"] and row["kind"] != "all"]
    if not rows:
        return None
    worst = min(rows, key=lambda row: row["difference"]["low"] or -1)
    shares = f"{worst['functional']['value']:.1%} against {worst['decoy']['value']:.1%}"
    return _measured(worst["difference"], f"{percent(worst['difference'])} {worst['kind']}: {shares}", "0 %")


def _slowest_epoch(run, bar):
    seconds = max(row["seconds"] for row in run["epochs"])
    return Measured(seconds, None, None, f"{seconds:.0f} s")


def _retained(experiment, bar):
    found = experiment.retention
    if not found:
        return None
    margin, p = next(iter(found["p_inferior"].items()))
    text = f"{plain(found['pooled'])}, p = {p:.3f} of at most {margin}"
    return _measured(found["pooled"], text)._replace(source=f"{experiment.name}/retention")


def _speedup(experiment, bar):
    if not experiment.speed or not experiment.speed["headline"]:
        return None  # beside a reference BLAS full attention is no rival
    rows = [row for row in experiment.speed["rows"] if row["length"] == bar["length"]]
    text = [f"{row['speedup']:.1f} x at batch {row['batch_size']}" for row in rows]
    return Measured(rows[0]["speedup"], None, None, text[0], source="speed.json") if rows else None


_MEASURES = {
    "share_of_reachable": _of_run(_share_of_reachable),
    "hardest_kind": _of_run(_hardest_kind),
    "all_kinds": _of_run(_all_kinds),
    "precision": _of_run(_precision),
    "decoys": _of_run(_decoy_gap),
    "slowest_epoch": _of_run(_slowest_epoch),
    "retention": _retained,
    "speedup": _speedup,
}
_SHARES = ("hardest_kind", "all_kinds", "decoys")
_UNITS = {"slowest_epoch": "{:g} s", "speedup": "{:g} x", **dict.fromkeys(_SHARES, "{:.0%}")}


def _bar_text(measure, limit):
    return _UNITS.get(measure, "{:g}").format(limit)


def _measured(interval, text, chance=""):
    return Measured(interval["value"], interval["low"], interval["high"], text, chance)

"""The claims of the plan as a table: claim, measured, threshold, verdict, command."""

from mlx_gsa.experiments.criteria import LEVELS, VERDICTS
from mlx_gsa.experiments.page.text import table

HEAD = ["", "claim", "measured", "beside", "threshold", "verdict", "command"]
HOW = """A verdict is about the interval, not about the value: *supported* if all of it lies on the claim's side of the
threshold, *not supported* if all of it lies on the other, *undecided* if it reaches both. What has no interval (a
count, a time) is held against the threshold as it is."""


def claims_section(rows):
    """Lay out all claims by level, with the count of verdicts.

    Parameters
    ----------
    rows : list of Row
        From `criteria.judge`.

    Returns
    -------
    str
        Markdown.
    """
    ordered = sorted(rows, key=lambda row: LEVELS.index(row.criterion["level"]))
    return f"{count(rows)}\n\n{HOW}\n\n" + table(HEAD, [_row(row) for row in ordered])


def short_table(rows):
    """Lay out claims for the README: no command, and one line where several data sets share a claim."""
    ordered = sorted(rows, key=lambda row: LEVELS.index(row.criterion["level"]))
    groups = {}
    for row in ordered:
        groups.setdefault(row.criterion["id"], []).append(row)
    cells = [_short(group) for group in groups.values()]
    return f"{count(rows)}\n\n" + table(["", "claim", "measured", "threshold", "verdict"], cells)


def count(rows):
    """Say how many claims have which verdict; a claim about several data sets counts once for each."""
    return ", ".join(f"{sum(row.verdict == kind for row in rows)} {kind}" for kind in VERDICTS) + "."


def _row(row):
    claim = row.criterion["claim"] + (f" ({row.data})" if row.data else "")
    if row.finding is None:
        return [row.criterion["level"], claim, f"*{row.why}*", "", _limit(row), f"**{row.verdict}**", ""]
    command = row.criterion.get("command", "")
    return [
        row.criterion["level"], claim, row.finding.text, row.finding.beside, _limit(row), f"**{row.verdict}**",
        f"`{command}`" if command else "",
    ]  # fmt: skip


def _short(group):
    row = group[0]
    if len(group) == 1:
        measured = row.finding.text if row.finding else f"*{row.why}*"
        return [row.criterion["level"], row.criterion["claim"], measured, _limit(row), f"**{row.verdict}**"]
    counts = {kind: sum(each.verdict == kind for each in group) for kind in VERDICTS}
    verdicts = ", ".join(f"{n} {kind}" for kind, n in counts.items() if n)
    known = [each for each in group if each.finding]
    measured = f"{len(group)} data sets"
    if known:
        low, high = (pick(known, key=lambda each: each.finding.value).finding.value for pick in (min, max))
        measured += f", {low:.3f} to {high:.3f}"
    return [row.criterion["level"], row.criterion["claim"], measured, _limit(row), f"**{verdicts}**"]


def _limit(row):
    unit = row.criterion.get("unit", "")
    if unit == "pass":
        return unit
    value = f"{100 * row.threshold:g} %" if unit == "%" else f"{row.threshold:g}{f' {unit}' if unit else ''}"
    return f"{row.sign} {value}"

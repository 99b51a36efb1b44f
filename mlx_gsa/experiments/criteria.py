"""The claims of the plan as data: what was measured for each, against which threshold, and the verdict.

A verdict is about the interval and not about the value: a claim is supported if the whole interval lies on its side of
the threshold, not supported if the whole interval lies on the other, undecided if it reaches both.
"""

import tomllib
from pathlib import Path
from typing import NamedTuple

from mlx_gsa.errors import ResultsError
from mlx_gsa.experiments import found_motifs
from mlx_gsa.experiments.findings import FINDINGS as OF_RUNS
from mlx_gsa.experiments.findings import Finding, NotFound

LEVELS = ("minimum", "target", "stretch", "control")
SIGNS = {"at_least": "≥", "at_most": "≤", "above": ">", "below": "<"}
SUPPORTED, NOT_SUPPORTED, UNDECIDED, NOT_TESTABLE = VERDICTS = (
    "supported", "not supported", "undecided", "not testable here"
)  # fmt: skip
FINDINGS = {**OF_RUNS, **found_motifs.FINDINGS}
_FIELDS = {"id", "level", "claim", "measure", "unit", "command", "note", *SIGNS}


class Row(NamedTuple):
    """One claim and what became of it; ``finding`` is None where it is not testable, with the reason in ``why``."""

    criterion: dict
    data: str
    finding: Finding | None
    verdict: str
    why: str

    @property
    def sign(self) -> str:
        """Direction of the threshold."""
        return SIGNS[_threshold(self.criterion)[0]]

    @property
    def threshold(self) -> float:
        """What the interval is held against."""
        return _threshold(self.criterion)[1]


def load_criteria(path):
    """Read the claims.

    Parameters
    ----------
    path : Path
        TOML with ``[[criteria]]``: id, level, claim, measure (a name of `FINDINGS`), one threshold
        (``at_least``, ``at_most``, ``above`` or ``below``), and the arguments of the measure, in which ``{name}``
        stands for an entry of the scale's ``names``.

    Returns
    -------
    list of dict

    Raises
    ------
    ResultsError
        If a claim lacks a field, is of an unknown level or measure, or has no or several thresholds.
    """
    criteria = tomllib.loads(Path(path).read_text(encoding="utf-8"))["criteria"]
    for each in criteria:
        where = f"{Path(path).name}, {each.get('id', each.get('claim', '?'))}"
        missing = {"id", "level", "claim", "measure"} - set(each)
        if missing:
            raise ResultsError("a claim lacks a field", where=where, expected=", ".join(sorted(missing)))
        if each["level"] not in LEVELS:
            raise ResultsError("unknown level", where=where, expected=", ".join(LEVELS), found=each["level"])
        if each["measure"] not in FINDINGS:
            raise ResultsError("unknown measure", where=where, expected=", ".join(FINDINGS), found=each["measure"])
        if sum(sign in each for sign in SIGNS) != 1:
            raise ResultsError("a claim needs one threshold", where=where, expected=", ".join(SIGNS))
    ids = [each["id"] for each in criteria]
    if len(set(ids)) != len(ids):
        raise ResultsError("an id occurs twice", where=str(path), found=max(ids, key=ids.count))
    return criteria


def judge(results, criteria, names):
    """Hold every claim against the results of a scale.

    Parameters
    ----------
    results : Results
    criteria : list of dict
        From `load_criteria`.
    names : dict of str to str
        What ``{name}`` stands for at this scale; a claim that needs a name that is not there is not testable.

    Returns
    -------
    list of Row
        At least one per claim, one per data set for measures that look at several.
    """
    return [row for each in criteria for row in _judged(results, each, names)]


def verdict(finding, threshold, limit):
    """Say what an interval says about a threshold.

    Parameters
    ----------
    finding : Finding
        Without an interval (a count, a time) the value decides alone.
    threshold : {"at_least", "at_most", "above", "below"}
    limit : float

    Returns
    -------
    str
    """
    low = finding.value if finding.low is None else finding.low
    high = finding.value if finding.high is None else finding.high
    if threshold in ("at_most", "below"):
        low, high, limit = -high, -low, -limit
    strict = threshold in ("above", "below")
    if low > limit or (low == limit and not strict):
        return SUPPORTED
    return NOT_SUPPORTED if high < limit or (high == limit and strict) else UNDECIDED


def _threshold(criterion):
    return next((name, criterion[name]) for name in SIGNS if name in criterion)


def _judged(results, criterion, names):
    arguments = {key: value for key, value in criterion.items() if key not in _FIELDS}
    try:
        criterion = {**criterion, "command": _filled(criterion.get("command", ""), names)}
        arguments = {key: _filled(value, names) for key, value in arguments.items()}
        found = list(FINDINGS[criterion["measure"]](results, **arguments))
    except NotFound as error:
        return [Row(criterion, "", None, NOT_TESTABLE, str(error))]
    name, limit = _threshold(criterion)
    return [
        Row(criterion, data, None, NOT_TESTABLE, str(each))
        if isinstance(each, NotFound)
        else Row(criterion, data, each, verdict(each, name, limit), "")
        for data, each in found
    ]


def _filled(value, names):
    if not isinstance(value, str) or "{" not in value:
        return value
    try:
        return value.format(**names)
    except KeyError as error:
        raise NotFound(f"this scale has no {error.args[0].replace('_', ' ')}") from None

"""Where the number of a claim comes from: one function per kind of measure, each over the results of a scale.

Every function takes the results and the arguments of the claim and returns pairs of (data set, Finding); a number that
is not there is a `NotFound` that says why, never a zero.
"""

import re
from typing import NamedTuple

from mlx_gsa.errors import ResultsError
from mlx_gsa.experiments.page.text import NAMES, percent, plain, ranked, selected, small


class NotFound(ResultsError):
    """Why a number is not there; caught by `criteria.judge`, which shows it as the reason."""


class Finding(NamedTuple):
    """One number with its interval (None: it has none), as text, what it stands beside, and the file it is from."""

    value: float
    low: float | None
    high: float | None
    text: str
    beside: str = ""
    source: str = ""


def retention(results, where, first, second):
    """Score of the first model over that of the second, with what non-inferiority says."""
    for data, pair, part in _pairs(results, where, first, second):
        if not isinstance(pair, NotFound) and not pair.get("retention"):
            pair = NotFound("no retention: the rival predicts nothing, or was compared the other way round")
        if isinstance(pair, NotFound):
            yield data, pair
            continue
        tests = ", ".join(f"at most {m}: p = {small(p)}" for m, p in (pair.get("p_inferior") or {}).items())
        beside = " against ".join(_score(part, model) for model in (first, second))
        text = plain(pair["retention"]) + (f" ({tests})" if tests else "")
        yield data, _finding(pair["retention"], text, f"{NAMES[part['metric']]} {beside}", _file(where, "comparison"))


def difference(results, where, first, second):
    """Score of the first model less that of the second."""
    for data, pair, part in _pairs(results, where, first, second):
        if isinstance(pair, NotFound):
            yield data, pair
            continue
        beside = " against ".join(_score(part, model) for model in (first, second))
        q = f", q = {small(pair['q'])}" if pair.get("q") is not None else ""
        text = plain(pair["difference"]) + q
        yield data, _finding(pair["difference"], text, f"{NAMES[part['metric']]} {beside}", _file(where, "comparison"))


def flops_saved(results, length):
    """Share of the operations that the sparse model does without."""
    row = _speed_row(results, length, fair=False)
    saved = 1 - 1 / row["flops_ratio"]
    beside = f"{row['sparse']['flops'] / 1e6:,.1f} against {row['full']['flops'] / 1e6:,.1f} million"
    yield f"{length:,} bp", Finding(saved, None, None, f"{saved:.1%}", beside, "speed.json")


def memory_saved(results, length):
    """Share of the peak memory that the sparse model does without."""
    row = _speed_row(results, length, fair=False)
    saved = 1 - 1 / row["memory_ratio"]
    beside = f"{row['sparse']['peak_bytes'] / 1e6:,.0f} against {row['full']['peak_bytes'] / 1e6:,.0f} MB"
    yield f"{length:,} bp", Finding(saved, None, None, f"{saved:.1%}", beside, "speed.json")


def speedup(results, length):
    """Seconds of full attention over those of the sparse model."""
    row = _speed_row(results, length, fair=True)
    beside = f"{row['sparse']['seconds']:.3f} against {row['full']['seconds']:.3f} s, batch {row['batch_size']}"
    yield f"{length:,} bp", Finding(row["speedup"], None, None, f"{row['speedup']:.1f} x", beside, "speed.json")


def growth(results, series, of):
    """Exponent with which time, operations or memory grow with length; 1 is linear."""
    speed = _speed(results)
    found = next((each for each in speed["series"] if each["name"] == series), None)
    if found is None:
        raise NotFound(f"no series of lengths named {series}")
    span = f"{found['lengths'][0]:,}-{found['lengths'][-1]:,} bp"
    yield span, _finding(found[of], plain(found[of], 2), "1 is linear, 2 quadratic", "speed.json")


def sites(results, where, variant, cut, kind="hardest"):
    """Share of planted functional sites that are touched, of the lowest run: the hardest kind, or all of them."""
    sweep, data = split_place(where)
    runs = [run for run in _runs(results, sweep, data, variant) if selected(run, "kinds")]
    if not runs:
        raise NotFound("the sites of these data are not known")
    rows = [_site_row(run, cut, kind) for run in runs]
    worst = min(rows, key=lambda row: row["recall"]["value"])
    named = f", {worst['kind']}" if "kind" in worst else ""
    text = f"{percent(worst['recall'])}{named}; lowest of {len(rows)} run{'s' * (len(rows) > 1)}"
    beside = f"chance {worst['recall_chance']:.1%}"
    yield data, _finding(worst["recall"], text, beside, f"{sweep}/{data}.json")


def decoys(results, where, variant, cut):
    """Share of functional sites touched less that of their mutated decoys, all kinds together, of the lowest run."""
    sweep, data = split_place(where)
    rows = [
        row for run in _runs(results, sweep, data, variant)
        for row in selected(run, "decoys") if row["cut"] == cut and row["kind"] == "all"
    ]  # fmt: skip
    if not rows:
        raise NotFound("these data have no decoys")
    worst = min(rows, key=lambda row: row["difference"]["value"])
    beside = f"{worst['functional']['value']:.1%} against {worst['decoy']['value']:.1%} of decoys"
    yield data, _finding(worst["difference"], percent(worst["difference"]), beside, f"{sweep}/{data}.json")


def reachable(results, where, variant):
    """Pearson r over the best that any model could reach, of the lowest run."""
    sweep, data = split_place(where)
    shares = [run["evaluation"].get("reachable") for run in _runs(results, sweep, data, variant)]
    shares = [each["share"] for each in shares if each]
    if not shares:
        raise NotFound("what can be reached on these data is not known")
    worst = min(shares, key=lambda each: each["value"])
    yield data, _finding(worst, plain(worst), f"lowest of {len(shares)}", f"{sweep}/{data}.json")


def dotted(results, file, path, unit=""):
    """Look up a number, or an interval, by its place in a file."""
    read = results.file(file)
    if read is None:
        raise NotFound(f"no {file}")
    found = lookup(read, path)
    if isinstance(found, dict):
        yield "", _finding(found, plain(found) + unit, "", file)
    else:
        yield "", Finding(float(found), None, None, f"{found:g}{unit}", "", file)


def lookup(value, path):
    """Follow a dotted path: names, numbers of list entries, and ``[key=value]`` for the entry that has that value.

    Raises
    ------
    NotFound
        If nothing is there.
    """
    for part in re.findall(r"\[[^\]]*\]|[^.\[\]]+", path):
        try:
            if part.startswith("["):
                key, _, wanted = part[1:-1].partition("=")
                value = next(each for each in value if str(each.get(key)) == wanted)
            else:
                value = value[int(part)] if isinstance(value, list) else value[part]
        except (KeyError, IndexError, StopIteration, TypeError, ValueError, AttributeError):
            raise NotFound(f"nothing at {path}") from None
    if value is None:
        raise NotFound(f"not defined: {path}")
    return value


def _pairs(results, where, first, second):
    """Yield (data set, comparison or NotFound, the data set's part) of one data set, or of all of a sweep."""
    sweep, data = split_place(where)
    names = [data] if data else results.data_names(sweep)
    if not names:
        raise NotFound(f"the sweep {sweep} was not run")
    for name in names:
        part = results.comparison(sweep, name)
        pair = _pair(part, first, second) if part else NotFound(f"no comparison of {sweep}, {name}")
        yield name, pair, part


def _pair(part, first, second):
    for each in part["comparisons"]:
        if (each["first"], each["second"]) == (first, second):
            return each
        if (each["first"], each["second"]) == (second, first):
            return _turned(each)
    missing = [name for name in (first, second) if name not in part["models"]]
    return NotFound(f"not run: {', '.join(missing)}" if missing else f"{first} and {second} were not compared")


def _turned(pair):
    """Return a comparison seen from its second model; a retention has no interval the other way round."""
    less = pair["difference"]
    ends = {"value": -less["value"], "low": -less["high"], "high": -less["low"]}
    return pair | {"first": pair["second"], "second": pair["first"], "difference": ends, "retention": None}


def _score(part, model):
    return f"{part['models'][model]['mean']['value']:.3f}"


def _runs(results, sweep, data, variant):
    runs = results.runs(sweep, data, variant)
    if not runs:
        raise NotFound(f"no run of {sweep}, {data}, {variant}")
    return runs


def _site_row(run, cut, kind):
    if kind == "all":
        return ranked(run, cut)
    return min((row for row in selected(run, "kinds") if row["cut"] == cut), key=lambda row: row["recall"]["value"])


def _speed(results):
    found = results.file("speed.json")
    if found is None:
        raise NotFound("speed was not measured at this scale")
    return found


def _speed_row(results, length, fair):
    speed = _speed(results)
    if fair and not speed["headline"]:
        raise NotFound("MLX used a reference BLAS: full attention was no fair rival")
    row = next((row for row in speed["rows"] if row["length"] == length), None)
    if row is None:
        raise NotFound(f"not measured at {length:,} bp")
    return row


def _finding(interval, text, beside, source):
    return Finding(interval["value"], interval.get("low"), interval.get("high"), text, beside, source)


def split_place(where):
    """Split "SWEEP/DATA" into its two names; the second is empty where all data sets are meant."""
    sweep, _, data = where.partition("/")
    return sweep, data


def _file(where, name):
    return f"{split_place(where)[0]}/{name}.json"


FINDINGS = {
    function.__name__: function
    for function in (
        retention, difference, flops_saved, memory_saved, speedup, growth, sites, decoys, reachable, dotted,
    )
}  # fmt: skip

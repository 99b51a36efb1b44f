"""Compare fresh results with committed ones: equal on the same machine, within a tolerance on another."""

from pathlib import Path
from typing import NamedTuple

from mlx_gsa.experiments.record import read_json

# Of a clock, a machine or a checkout, and so never the same twice.
PASSING = {
    "seconds", "fastest", "repeats", "speedup", "memory_ratio", "peak_bytes", "load_before", "gemm_gflops", "created",
    "memory_available", "finished_at", "made_by", "machine", "versions", "commit", "advice", "time", "memory",
    "measured", "blas", "device", "headline", "resumed", "command", "seconds_training", "dataset", "leakage",
}  # fmt: skip
# What a claim rests on: held against the tolerance where machine or versions differ.
RESTS_ON = {"mean", "difference", "retention", "metrics", "recall", "reachable"}


# Of a few dozen sites each: one site more or less is no difference between machines.
FEW = {"kinds", "decoys"}
# Lists that may be longer or shorter on another machine.
VARYING = {"epochs", "rows", "motifs", "families", "novel"}


class Difference(NamedTuple):
    """One figure that is not what was committed."""

    file: str
    where: str
    committed: object
    fresh: object


def check_results(fresh, committed, tolerance):
    """Compare two folders of results, file by file.

    Parameters
    ----------
    fresh, committed : Path
        Folders that `Results` reads.
    tolerance : float
        Largest difference of a score, a retention or a recall on another machine or with other versions.

    Returns
    -------
    same : bool
        Whether machine and versions are those of the committed results, so that every figure had to be equal.
    differences : list of Difference
        Empty if nothing differs.
    """
    fresh, committed = Path(fresh), Path(committed)
    facts = [read_json(folder / "results.json") or {} for folder in (fresh, committed)]
    same = _made_on(facts[0]) == _made_on(facts[1])
    names = sorted({str(path.relative_to(folder)) for folder in (fresh, committed) for path in folder.rglob("*.json")})
    found = []
    for name in names:
        pair = read_json(committed / name), read_json(fresh / name)
        if None in pair:
            found.append(Difference(name, "", *("no file" if each is None else "a file" for each in pair)))
        else:
            found += [Difference(name, *each) for each in differences(*pair, None if same else tolerance)]
    return same, found


def differences(committed, fresh, tolerance=None, where="", rests=False):
    """Compare two values part by part.

    Parameters
    ----------
    committed, fresh : dict, list or scalar
    tolerance : float, optional
        None: everything but clock and machine must be equal. Else only what claims rest on is compared, and only the
        values, not the bounds of their intervals.
    where : str
        Dotted path so far.
    rests : bool
        Whether this is part of something that claims rest on.

    Yields
    ------
    (str, object, object)
        Where, committed, fresh.
    """
    if isinstance(committed, dict) and isinstance(fresh, dict):
        for key in dict.fromkeys([*committed, *fresh]):
            if key in PASSING or (tolerance is not None and (key in FEW or (rests and key in ("low", "high")))):
                continue
            part = committed.get(key), fresh.get(key)
            yield from differences(*part, tolerance, f"{where}.{key}".strip("."), rests or key in RESTS_ON)
    elif isinstance(committed, list) and isinstance(fresh, list) and len(committed) == len(fresh):
        for number, part in enumerate(zip(committed, fresh, strict=True)):
            yield from differences(*part, tolerance, f"{where}.{number}", rests)
    elif tolerance is None or _shape(committed) != _shape(fresh):
        if committed != fresh and (tolerance is None or where.rpartition(".")[2] not in VARYING):
            yield where, committed, fresh
    elif rests and not _near(committed, fresh, tolerance):
        yield where, committed, fresh


def _shape(value):
    """Tell dictionaries, lists by their length, and single values apart."""
    return ("list", len(value)) if isinstance(value, list) else isinstance(value, dict)


def _near(committed, fresh, tolerance):
    numbers = [isinstance(each, int | float) and not isinstance(each, bool) for each in (committed, fresh)]
    return abs(committed - fresh) <= tolerance if all(numbers) else committed == fresh


def _made_on(facts):
    machine = {key: value for key, value in (facts.get("machine") or {}).items() if key != "memory_total"}
    return machine, facts.get("versions")

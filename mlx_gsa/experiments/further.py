"""What the further steps of a sweep's runs found: other species, mutants, motifs of the explained records."""

import numpy as np
from scipy.stats import binomtest

from mlx_gsa.experiments.record import read_json

MOST_MOTIFS = 24


def read_further(step, folders):
    """Read what the runs of every fold predicted of a further data set.

    Parameters
    ----------
    step : dict
        Of the sweep's spec: ``name``, ``kind`` ("transfer" or "mutants") and ``clear_change`` of mutants.
    folders : list of Path
        Run folders; what `gsa evaluate` wrote is in FOLDER/NAME.

    Returns
    -------
    dict or None
        None where no run has it.
    """
    outs = [folder / step["name"] for folder in folders if any((folder / step["name"]).glob("evaluation*.json"))]
    if not outs:
        return None
    found = {"kind": step["kind"], "folds": len(outs)}
    if step["kind"] == "mutants":
        pairs = [pair for out in outs for pair in _mutant_pairs(out)]
        return found | count_directions(pairs, step["clear_change"])
    evaluations = [read_json(next(out.glob("evaluation*.json"))) for out in outs]
    values = {name: [each["metrics"][name]["value"] for each in evaluations] for name in evaluations[0]["metrics"]}
    return found | {"n": evaluations[0]["n"], "values": values}


def count_directions(pairs, clear_change):
    """Count how often the sign of the predicted change is that of the measured one, where this is clear.

    Parameters
    ----------
    pairs : sequence of (float, float)
        Measured and predicted change.
    clear_change : float
        Smaller measured changes are not counted.

    Returns
    -------
    dict
        ``right`` with its Wilson interval, ``falling`` (share of clear changes that fall), ``right_falling``,
        ``right_rising``, ``r_of_change`` over all pairs, ``pairs`` and ``clear``.
    """
    measured, predicted = np.array(pairs).T
    clear = np.abs(measured) >= clear_change
    right, n = np.sign(measured[clear]) == np.sign(predicted[clear]), int(clear.sum())
    interval = binomtest(int(right.sum()), n).proportion_ci(method="wilson")
    return {
        "pairs": len(pairs), "clear": n, "clear_change": clear_change,
        "right": {"value": float(right.mean()), "low": float(interval.low), "high": float(interval.high)},
        "falling": float((measured[clear] < 0).mean()),
        "right_falling": float(right[measured[clear] < 0].mean()),
        "right_rising": float(right[measured[clear] > 0].mean()),
        "r_of_change": float(np.corrcoef(measured, predicted)[0, 1]),
    }  # fmt: skip


def read_explained(folder):
    """Read the first rows of the motif table of `gsa explain`; None where a run was not explained."""
    path = folder / "explained/motifs.tsv"
    if not path.is_file():
        return None
    heads, *rows = (line.split("\t") for line in path.read_text().splitlines() if not line.startswith("#"))
    return [dict(zip(heads, row, strict=True)) for row in rows[:MOST_MOTIFS]]


def _mutant_pairs(out):
    """Yield (measured change, predicted change) of the mutants whose wild type was a test record of the same fold."""
    wild = _labels_and_predictions(out.parent)
    for name, (label, prediction) in _labels_and_predictions(out).items():
        base = f"{name.rsplit('_', 1)[0]}_WT"
        if base in wild:
            yield label - wild[base][0], prediction - wild[base][1]


def _labels_and_predictions(folder):
    """Read id -> (label, prediction) of one evaluation."""
    path = next(folder.glob("evaluation*-predictions.tsv"))
    rows = (line.split("\t")[:3] for line in path.read_text(encoding="utf-8").splitlines()[1:])
    return {name: (float(label), float(value)) for name, label, value in rows}

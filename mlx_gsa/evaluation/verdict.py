"""Is this model good? Plain questions, each with an answer and the numbers behind it."""

import math

from mlx_gsa.evaluation.prediction import METRICS

COMPOSITION = ("dinucleotides", "GC content")
"""Simple models that know no motif."""
NEAR = 0.02
"""A composition model within this share of the model's leading metric says that composition may be all there is."""
WIDEST, FEWEST = 0.1, 100
"""Widest interval of the leading metric, and fewest records (of the rarer class), that count as enough."""
CLOSE_ECE, CLOSE_SLOPE, CLOSE_MEAN = 0.02, 0.1, 0.1
"""Calibration that is off by no more than this is near enough, however sure it is that it is off; the mean of values in
standard deviations of the labels."""
NAMES = {"pearson": "Pearson r", "auroc": "AUROC", "accuracy": "accuracy"}


def judge(task, labels, metrics, baselines, calibration) -> list[dict]:
    """Answer whether a model is good, from what an evaluation with simple models found.

    Parameters
    ----------
    task : str
    labels : np.ndarray, shape (n,) or (n, n_outputs)
        Of the records scored.
    metrics : dict of str to Interval
        Of the model, the leading one first.
    baselines : list of dict
        Simple models on the same records: ``name``, ``metrics`` and ``difference`` (model less simple model, Interval
        by name), see `kmer_baseline.compare_simple_models`.
    calibration : dict of str to Calibration
        By output.

    Returns
    -------
    list of dict
        ``question``, ``answer``, ``because`` and ``alarm``, true where the answer puts the model in doubt: a simple
        model is better, or a model of composition alone comes within 2 % of its leading metric or cannot be told from
        it. The first row sums up: ``yes`` if it is better than every simple model and nothing is in doubt, on enough
        records; ``no`` if something is; else ``not shown``.
    """
    leading = next(iter(METRICS[task]))
    found = metrics[leading]
    beside = [_against_simple(found, each, leading) for each in baselines]
    doubts = [*beside, _composition(found, baselines, leading)]
    enough = _enough(task, labels, found, leading)
    rows = [*doubts, *(_calibrated(name, each) for name, each in calibration.items()), enough]
    return [_summary(beside, doubts, enough), *rows]


def _row(question, answer, because, alarm=False):
    return {"question": question, "answer": answer, "because": because, "alarm": alarm}


def _summary(beside, doubts, enough):
    """Sum up in one answer; calibration can be mended afterwards and does not decide."""
    question = "Is this model good?"
    if any(row["alarm"] for row in doubts):
        wrong = [f"{row['question']} {row['answer']}" for row in doubts if row["alarm"]]
        return _row(question, "no", "; ".join(wrong))
    unclear = [f"{row['question']} {row['answer']}" for row in beside if row["answer"] != "better"]
    unclear += [f"{enough['question']} {enough['answer']}"] if enough["answer"] != "yes" else []
    if unclear:
        return _row(question, "not shown", "; ".join(unclear))
    return _row(question, "yes", "better than every simple model fitted on the same records")


def _against_simple(found, simple, leading):
    """Say whether the model beats one simple model."""
    other, difference = simple["metrics"][leading], simple["difference"][leading]
    answer, alarm = "not distinguishable", simple["name"] in COMPOSITION
    if difference.low > 0:
        answer, alarm = "better", False
    elif difference.high < 0:
        answer, alarm = "worse", True
    because = (
        f"{NAMES[leading]} {found.value:.3f} against {other.value:.3f}, "
        f"difference {difference.value:+.3f} ({difference.low:+.3f} to {difference.high:+.3f})"
    )
    return _row(f"Is it better than {simple['name']}?", answer, because, alarm)


def _composition(found, baselines, leading):
    """Say whether a model that knows no motif does nearly as well."""
    question = "Does composition alone do nearly as well?"
    values = {each["name"]: each["metrics"][leading].value for each in baselines if each["name"] in COMPOSITION}
    if not values or not math.isfinite(found.value):
        return _row(question, "not tested", "no model of composition, or no metric of this one")
    text = ", ".join(f"{name} {value:.3f}" for name, value in values.items())
    because = f"{NAMES[leading]} {found.value:.3f}; {text}"
    near = [name for name, value in values.items() if value >= (1 - NEAR) * found.value]
    if near:
        return _row(question, f"yes: {' and '.join(near)}", f"{because}: within {NEAR:.0%} or above", True)
    return _row(question, "no", because)


def _calibrated(name, calibration):
    question = f"Is it calibrated{f' ({name})' if name else ''}?"
    answer = _calibrated_value if calibration.kind == "value" else _calibrated_probability
    return _row(question, *answer(calibration.numbers))


def _calibrated_probability(numbers):
    error, chance, p = numbers["ece"], numbers["ece_if_calibrated"], numbers["p"]
    because = f"ECE {error:.3f}; {chance.value:.3f} ({chance.low:.3f}–{chance.high:.3f}) if it were, p {p:.3f}"
    if p >= 0.05:
        return "yes", because
    if error - chance.value <= CLOSE_ECE:
        return "nearly", f"{because}; off by no more than {CLOSE_ECE:g}"
    return "no", because


def _calibrated_value(numbers):
    slope, intercept = numbers["slope"], numbers["intercept"]
    if not math.isfinite(slope.value):
        return "not tested", "the predictions are all the same, or too few"
    because = f"slope {slope.value:.2f} ({slope.low:.2f}–{slope.high:.2f}), intercept {intercept.value:+.2f}"
    if slope.low <= 1 <= slope.high and intercept.low <= 0 <= intercept.high:
        return "yes", because
    off = abs(numbers["mean_difference"]) / numbers["spread"]
    if abs(slope.value - 1) <= CLOSE_SLOPE and off <= CLOSE_MEAN:
        return "nearly", f"{because}; within {CLOSE_SLOPE:g} of 1, and {off:.2f} of a standard deviation off on average"
    return "no", f"{because}; 1 and 0 would be right"


def _enough(task, labels, found, leading):
    """Say whether so many records settle anything."""
    n, width = len(labels), found.high - found.low
    rarer = min(int((labels == 1).sum()), int((labels == 0).sum())) if task == "binary" and labels.ndim == 1 else n
    counted = f"{n:,} records" + (f", {rarer:,} of the rarer class" if rarer < n else "")
    if not math.isfinite(width):
        return _row("Are there enough test records?", "not known", f"{counted}, no interval of the {NAMES[leading]}")
    because = f"{counted}; {NAMES[leading]} {found.value:.3f} ({found.low:.3f}–{found.high:.3f})"
    short = [why for why, is_so in _shortages(rarer, width) if is_so]
    return _row("Are there enough test records?", "no" if short else "yes", "; ".join([because, *short]))


def _shortages(rarer, width):
    yield f"fewer than {FEWEST}", rarer < FEWEST
    yield f"an interval of more than {WIDEST:g}", width > WIDEST

"""Is this model good: every answer, from numbers that call for it."""

import numpy as np
import pytest

from mlx_gsa.evaluation.bootstrap import Interval
from mlx_gsa.evaluation.calibration import Calibration
from mlx_gsa.evaluation.verdict import judge

LABELS = np.repeat([0.0, 1.0], 200)


def simple(name, value, difference):
    return {"name": name, "metrics": {"auroc": Interval(value, 0, 1)}, "difference": {"auroc": Interval(*difference)}}


def probability(ece=0.03, p=0.5):
    numbers = {"ece": ece, "ece_if_calibrated": Interval(0.02, 0.01, 0.03), "p": p}
    return {"": Calibration("probability", 400, numbers, [])}


KMERS = simple("k-mers", 0.8, (0.1, 0.05, 0.15))
GC = simple("GC content", 0.5, (0.4, 0.3, 0.5))
METRICS = {"auroc": Interval(0.9, 0.87, 0.93), "auprc": Interval(0.1, 0, 1)}


def answers(baselines=(KMERS, GC), labels=LABELS, metrics=METRICS, calibration=None, task="binary"):
    rows = judge(task, labels, metrics, list(baselines), calibration or probability())
    return {row["question"]: row for row in rows}


def test_a_good_model():
    found = answers()
    assert {question: row["answer"] for question, row in found.items()} == {
        "Is this model good?": "yes",
        "Is it better than k-mers?": "better",
        "Is it better than GC content?": "better",
        "Does composition alone do nearly as well?": "no",
        "Is it calibrated?": "yes",
        "Are there enough test records?": "yes",
    }
    assert found["Is it better than k-mers?"]["because"] == (
        "AUROC 0.900 against 0.800, difference +0.100 (+0.050 to +0.150)"
    )
    assert not any(row["alarm"] for row in found.values())


@pytest.mark.parametrize("value", [0.882, 0.95])
def test_composition_that_does_nearly_as_well_is_an_alarm(value):
    found = answers([KMERS, GC, simple("dinucleotides", value, (0.02, 0.01, 0.03))])
    row = found["Does composition alone do nearly as well?"]
    assert row["answer"] == "yes: dinucleotides" and row["alarm"]
    assert found["Is this model good?"]["answer"] == "no"


def test_just_outside_two_percent_is_none():
    row = answers([simple("dinucleotides", 0.8819, (0.02, 0.01, 0.03))])["Does composition alone do nearly as well?"]
    assert row["answer"] == "no" and not row["alarm"]


def test_a_simple_model_that_is_better_or_cannot_be_told_apart():
    worse = answers([simple("k-mers", 0.95, (-0.05, -0.08, -0.02)), GC])
    assert worse["Is it better than k-mers?"]["answer"] == "worse" and worse["Is it better than k-mers?"]["alarm"]
    assert worse["Is this model good?"]["answer"] == "no"
    unclear = answers([simple("gapped k-mers", 0.89, (0.01, -0.01, 0.03)), GC])
    assert unclear["Is it better than gapped k-mers?"]["answer"] == "not distinguishable"
    assert not unclear["Is it better than gapped k-mers?"]["alarm"]
    assert unclear["Is this model good?"]["answer"] == "not shown"


def test_not_to_be_told_from_composition_is_an_alarm():
    found = answers([KMERS, simple("GC content", 0.85, (0.05, -0.01, 0.1))])
    assert found["Is it better than GC content?"]["alarm"] and found["Is this model good?"]["answer"] == "no"


@pytest.mark.parametrize(("ece", "p", "answer"), [(0.03, 0.05, "yes"), (0.04, 0.01, "nearly"), (0.041, 0.01, "no")])
def test_calibration_of_probabilities(ece, p, answer):
    assert answers(calibration=probability(ece, p))["Is it calibrated?"]["answer"] == answer


@pytest.mark.parametrize(
    ("slope", "intercept", "answer"),
    [((1.02, 0.98, 1.06), (0.0, -0.1, 0.1), "yes"), ((1.05, 1.02, 1.08), (0.0, -0.1, 0.1), "nearly"),
     ((1.0, 0.98, 1.02), (0.3, 0.2, 0.4), "no"), ((0.7, 0.6, 0.8), (0.0, -0.1, 0.1), "no"),
     ((np.nan,) * 3, (np.nan,) * 3, "not tested")],
)  # fmt: skip
def test_calibration_of_values(slope, intercept, answer):
    numbers = {"slope": Interval(*slope), "intercept": Interval(*intercept)}
    numbers |= {"mean_difference": -intercept[0], "spread": 1.0}
    found = answers(calibration={"b": Calibration("value", 400, numbers, [])})
    assert found["Is it calibrated (b)?"]["answer"] == answer


def test_too_few_records():
    few = answers(labels=np.repeat([0.0, 1.0], [390, 10]))["Are there enough test records?"]
    assert few["answer"] == "no" and "10 of the rarer class" in few["because"] and "fewer than 100" in few["because"]
    wide = answers(metrics={"auroc": Interval(0.9, 0.8, 0.95)})
    assert "interval of more than 0.1" in wide["Are there enough test records?"]["because"]
    assert wide["Is this model good?"]["answer"] == "not shown"
    unknown = answers(metrics={"auroc": Interval(0.9, np.nan, np.nan)})["Are there enough test records?"]
    assert unknown["answer"] == "not known"

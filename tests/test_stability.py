"""Stability: turned and shifted sequences, and other models."""

import numpy as np
import pytest
from toys import scrambled, toy_dataset

from mlx_gsa.audit.enriched import known_sites
from mlx_gsa.audit.stability import SHIFTS, by_choice, stability
from mlx_gsa.inference.predictor import Predictor
from mlx_gsa.model.labels import LabelScale
from mlx_gsa.model.weights import ModelBundle


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    return toy_dataset(tmp_path_factory.mktemp("toy") / "data", n=200, lengths=(150, 200))


def _predictor(seed=0, **settings):
    model = scrambled(seed, **{"n_channels": 4, "filter_width": 8, **settings})
    return Predictor(ModelBundle(model, "regression", None, LabelScale()))


@pytest.mark.parametrize("width", [8, 9])
def test_a_model_of_both_strands_chooses_the_same_windows_on_the_other_strand(dataset, width):
    check = stability(_predictor(filter_width=width), dataset, bootstrap=50)
    assert check.numbers["agreement"]["reverse complement"]["overlap"].value > 0.97, check.why
    assert check.verdict == "pass"


def test_shifts_are_followed(dataset):
    found = stability(_predictor(), dataset, bootstrap=50).numbers["agreement"]
    assert list(found) == ["reverse complement", *(f"shift {shift} bp" for shift in SHIFTS)]
    assert all(found[f"shift {shift} bp"]["overlap"].value > 0.8 for shift in SHIFTS)


@pytest.mark.parametrize("anchor", ["start", "end"])
def test_a_model_that_counts_from_an_end_is_cut_at_the_other(dataset, anchor):
    check = stability(_predictor(anchor=anchor), dataset, bootstrap=50)
    assert check.numbers["agreement"]["shift 20 bp"]["overlap"].value > 0.75
    assert "other strand is not asked" in check.why


def test_a_model_that_chooses_otherwise_fails(dataset):
    others = {"same": _predictor(), "other": _predictor(seed=1)}
    check = stability(_predictor(), dataset, others, bootstrap=50)
    found = check.numbers["agreement"]
    assert found["same"]["overlap"].value == 1.0
    assert found["other"]["near_corrected"].value < 0.4
    assert check.verdict == "fail" and check.numbers["judged_by"]["other"] == "near_corrected"


def test_known_sites_judge_other_models_and_scanned_ones_do_not(dataset):
    def sites(row):
        return np.array([20, 100]), np.array([30, 110]), np.array([0, 1])

    checks = [
        stability(_predictor(), dataset, {"same": _predictor()}, sites=sites, planted=planted, bootstrap=0)
        for planted in (True, False)
    ]
    by = [check.numbers for check in checks]
    assert ["Not judged" in check.why for check in checks] == [False, True]
    assert [one["judged_by"]["same"] for one in by] == ["motifs_corrected", "near_corrected"]
    assert by[0]["agreement"]["same"]["motifs"].value == 1.0


def test_the_filling_of_the_budget_is_no_choice():
    relevance = np.array([3.0, 0, 0, 2, 0, 0])
    np.testing.assert_array_equal(np.flatnonzero(by_choice(relevance, np.array([0, 2, 3]))), [0, 3])
    assert by_choice(relevance, np.arange(6)).all()
    assert not by_choice(np.zeros(6), np.array([1, 4])).any()


def test_full_attention_is_not_tested(dataset):
    assert stability(_predictor(attention="full"), dataset).verdict == "not tested"


def test_a_data_set_without_sites_has_no_known_ones(dataset):
    assert known_sites(dataset) is None

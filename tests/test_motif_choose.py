"""Which records are looked at."""

import numpy as np
import pytest
from fake_predictor import FakePredictor
from toys import random_tokens, write_toy

from mlx_gsa.errors import DatasetError
from mlx_gsa.motifs.choose import Survey, choose_records, survey


def write(folder, task="binary", classes=("off", "on"), n=100):
    labels = np.arange(n) // 10 % 2 if task != "regression" else np.arange(n) / n
    return write_toy(folder, random_tokens([50] * n), labels, task, list(classes) if task != "regression" else None)


def fixed(dataset, values):
    rows = dataset.indices("test")
    return Survey(rows, np.array(values, float), None)


def test_positives_of_a_binary_task_by_default(tmp_path):
    dataset = write(tmp_path / "data")
    seen = fixed(dataset, np.linspace(0.05, 0.95, 10))
    chosen = choose_records(dataset, seen)
    assert chosen.rows.tolist() == [19, 39, 59, 79, 99] and chosen.words == "test records of class on"
    assert choose_records(dataset, seen, class_name="off").rows.tolist() == [9, 29, 49, 69, 89]
    assert choose_records(dataset, seen, class_name="1").words.endswith("class on")
    surer = choose_records(dataset, seen, min_score=0.5)
    assert surer.rows.tolist() == [59, 79, 99] and surer.words.endswith("predicted 0.5 or more")
    few = choose_records(dataset, seen, limit=2)
    assert few.rows.tolist() == [19, 59] and few.words.startswith("2 of 5 ")


def test_the_highest_third_of_a_regression_by_default(tmp_path):
    dataset = write(tmp_path / "data", "regression")
    seen = fixed(dataset, [5, 1, 9, 2, 8, 3, 4, 0, 6, 7])
    chosen = choose_records(dataset, seen)
    assert chosen.rows.tolist() == [29, 49, 99] and "third" in chosen.words and chosen.of == 10
    assert choose_records(dataset, seen, min_score=8).rows.tolist() == [29, 49]
    with pytest.raises(DatasetError, match="the highest prediction is 9"):
        choose_records(dataset, seen, min_score=10)


def test_several_classes_have_no_score_and_unknown_classes_are_named(tmp_path):
    dataset = write(tmp_path / "data", "multiclass", ("a", "b", "c"))
    seen = fixed(dataset, np.zeros(10))
    assert len(choose_records(dataset, seen).rows) == 10
    assert choose_records(dataset, seen, class_name="b").rows.tolist() == [19, 39, 59, 79, 99]
    with pytest.raises(DatasetError, match="no single score"):
        choose_records(dataset, seen, min_score=0.5)
    with pytest.raises(DatasetError, match="no such class"):
        choose_records(dataset, seen, class_name="z")


def test_a_survey_has_a_prediction_for_each_record_of_the_split(tmp_path):
    dataset, steps = write(tmp_path / "data"), []
    seen = survey(FakePredictor("binary"), dataset, "val", progress=lambda *step: steps.append(step))
    assert seen.rows.tolist() == dataset.indices("val").tolist() and seen.tally is None
    assert seen.predictions.tolist() == [3.25] * 10 and steps[-1] == (10, 10, "predictions")

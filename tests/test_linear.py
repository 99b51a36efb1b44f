"""Linear models by what they count."""

import numpy as np
from run_folders import make_dataset

from mlx_gsa.experiments.linear import compare_counts


def test_every_way_of_counting_is_scored_on_every_fold(tmp_path):
    dataset = make_dataset(tmp_path / "toy", n=90, n_folds=3)
    found = compare_counts(dataset, min_lengths=[20])
    assert len(found["rows"]) == 12 and found["metric"] == "auroc" and found["data_hash"] == dataset.data_hash
    for row in found["rows"]:
        assert len(row["folds"]["all"]) == 3 and row["folds"]["all"] == row["folds"]["at least 20 bp"]
        assert row["mean"]["all"] == np.mean(row["folds"]["all"]) and 0 <= row["mean"]["all"] <= 1

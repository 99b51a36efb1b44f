"""Whether motifs go with labels: sizes by hand, no false alarms, groups respected."""

import numpy as np
import pytest
from motif_toys import AP1, planted_dataset
from toys import toy_dataset

from mlx_gsa.motifs.labels import associate, covariates, label_columns


def test_effect_is_the_difference_in_standard_deviations():
    found = np.array([[1], [1], [0], [0]], bool)
    labels = np.array([[3.0], [5.0], [1.0], [1.0]])
    (one,) = associate(found, labels, np.zeros((4, 1)), np.arange(4))
    assert one.effect == pytest.approx(3 / labels.std()) and one.n == 2 and one.which == 0


def test_a_motif_that_goes_with_the_label_is_told_from_one_that_does_not():
    rng = np.random.default_rng(0)
    found = rng.random((300, 2)) < 0.4
    labels = (found[:, 0] + rng.standard_normal(300))[:, None]
    real, chance = associate(found, labels, np.zeros((300, 1)), np.arange(300))
    assert real.q < 0.001 and real.effect > 0.5 and chance.q > 0.05


def test_chance_gives_p_values_that_are_even():
    p = []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        made = associate(
            rng.random((100, 5)) < 0.3, rng.random((100, 1)), np.zeros((100, 1)), np.arange(100), 200, seed
        )
        p += [one.p for one in made]
    assert 0.02 <= np.mean(np.array(p) < 0.05) <= 0.09 and 0.42 <= np.mean(p) <= 0.58


def test_what_gc_explains_is_no_association():
    rng = np.random.default_rng(1)
    gc = rng.random(400)
    found, labels = (gc > rng.random(400))[:, None], (5 * gc + 0.1 * rng.standard_normal(400))[:, None]
    beside = np.stack([gc, gc**2], axis=1)
    assert associate(found, labels, np.zeros((400, 1)), np.arange(400))[0].p < 1e-6
    assert associate(found, labels, beside, np.arange(400))[0].p > 0.01


def test_copies_of_a_record_count_once():
    rng = np.random.default_rng(3)
    found, labels = rng.random((12, 1)) < 0.5, rng.standard_normal((12, 1))
    labels[found[:, 0]] += 0.8
    alone = associate(found, labels, np.zeros((12, 1)), np.arange(12))[0].p
    copied = [np.repeat(part, 30, axis=0) for part in (found, labels, np.zeros((12, 1)), np.arange(12))]
    assert associate(*copied)[0].p == pytest.approx(alone, abs=0.03)
    assert associate(*copied[:3], np.arange(360))[0].p < alone / 10


def test_pairs_of_one_group_with_different_labels_still_tell():
    """A promoter and its own control are one group: the contrast is within it."""
    group = np.repeat(np.arange(60), 2)
    labels = np.tile([1.0, 0.0], 60)[:, None]
    found = (labels > 0) & (group[:, None] % 2 == 0)
    assert associate(found, labels, np.zeros((120, 1)), group)[0].p < 0.001


def test_a_motif_in_all_or_none_says_nothing_and_unknown_labels_are_left_out():
    labels = np.array([[1.0], [2.0], [np.nan], [4.0]])
    made = associate(np.array([[1, 0]] * 4, bool), labels, np.zeros((4, 1)), np.arange(4))
    assert [(one.p, one.effect, one.n) for one in made] == [(1.0, 0.0, 3), (1.0, 0.0, 0)]


def test_label_columns_of_each_task(tmp_path):
    regression = planted_dataset(tmp_path / "r", [AP1], n=20)
    assert label_columns(regression, np.arange(5)).shape == (5, 1)
    several = toy_dataset(tmp_path / "m", n=20, task="multiclass")
    columns = label_columns(several, np.arange(20))
    assert columns.shape == (20, 3) and (columns.sum(axis=1) == 1).all()
    np.testing.assert_array_equal(columns.argmax(axis=1), several.labels)


def test_covariates_are_gc_and_length():
    tokens = np.array([1, 2, 0, 4], np.uint8)
    np.testing.assert_allclose(covariates([tokens])[0], [2 / 3, 4 / 9, np.log(4)])

"""Known motifs and the label: one that goes with it, one that is only to the model's taste, and which records count."""

from types import SimpleNamespace

import numpy as np
import pytest
from motif_toys import AP1, ETS, SitePredictor, planted_records
from toys import write_toy

from mlx_gsa.dna.motifs import UNIFORM
from mlx_gsa.motifs.enrichment import ALPHA
from mlx_gsa.motifs.label_tests import label_rows, label_tests

ROWS = [SimpleNamespace(motif_id=motif.id, cut="kept") for motif in (AP1, ETS)]


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    """Both motifs are planted, each in half of the records; the label counts the first."""
    sequences, has = planted_records([AP1, ETS], 1000)
    labels = has[:, 0] + 0.3 * np.random.default_rng(6).standard_normal(1000)
    return write_toy(tmp_path_factory.mktemp("labels") / "data", sequences, labels)


def test_a_motif_that_goes_with_the_label_is_told_from_one_that_is_only_kept(dataset):
    rows = label_rows(dataset, "test")
    made = label_tests(SitePredictor([AP1, ETS]), dataset, rows, ROWS, [AP1, ETS], UNIFORM)
    real, taste = made[AP1.id, "kept"], made[ETS.id, "kept"]
    assert real.q < ALPHA and real.effect > 1 and taste.q > 0.05
    assert min(real.n, taste.n) > 20 and real.q == pytest.approx(min(1, 2 * real.p))


def test_a_site_that_the_model_does_not_keep_says_nothing(dataset):
    rows = label_rows(dataset, "test")
    made = label_tests(SitePredictor([ETS], sparsity=0.01), dataset, rows, ROWS[:1], [AP1, ETS], UNIFORM)
    assert made[AP1.id, "kept"].n < 20 and made[AP1.id, "kept"].q > ALPHA


def test_the_top_of_the_ranking_is_a_cut_of_its_own(dataset):
    rows = [*ROWS, SimpleNamespace(motif_id=AP1.id, cut="top 1 %")]
    made = label_tests(SitePredictor([AP1]), dataset, label_rows(dataset), rows, [AP1, ETS], UNIFORM)
    assert set(made) == {(AP1.id, "kept"), (ETS.id, "kept"), (AP1.id, "top 1 %")}


def test_nothing_to_test_gives_nothing(dataset):
    assert label_tests(SitePredictor([AP1]), dataset, label_rows(dataset), [], [AP1], UNIFORM) == {}
    assert label_tests(SitePredictor([AP1]), dataset, np.zeros(0, int), ROWS, [AP1, ETS], UNIFORM) == {}


def test_records_are_held_out_and_evenly_chosen(dataset):
    test = dataset.indices("test")
    for split in ("test", "train", "all"):
        np.testing.assert_array_equal(label_rows(dataset, split), test)
    np.testing.assert_array_equal(label_rows(dataset, "val"), dataset.indices("val"))
    np.testing.assert_array_equal(label_rows(dataset, limit=50), test[::2])
    np.testing.assert_array_equal(label_rows(dataset, limit=None), test)

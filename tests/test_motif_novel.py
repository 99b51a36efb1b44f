"""Novel motifs end to end on toys: what was left out is found again; chance and shuffled labels give nothing."""

import json

import numpy as np
import pytest
from motif_toys import AP1, EBOX, ETS, RandomPredictor, SitePredictor, planted_dataset

from mlx_gsa.dna.motifs import load_motifs
from mlx_gsa.errors import DatasetError
from mlx_gsa.motifs.alignment import agreement, best_agreement, leave_out
from mlx_gsa.motifs.focus import find_peaks
from mlx_gsa.motifs.novel import discovery_windows, find_novel
from mlx_gsa.motifs.novel_files import novel_manifest, novel_rows, save_novel

DATABASE = [AP1, ETS, EBOX]
QUICK = {"permutations": 200, "untrained": [RandomPredictor(seed) for seed in range(100, 108)]}


def study_of(dataset, predictor, motifs, **options):
    """Look for novel motifs, training and validation records against test records."""
    discovery = np.concatenate([dataset.indices("train"), dataset.indices("val")])
    return find_novel(predictor, dataset, discovery, dataset.indices("test"), motifs, **{**QUICK, **options})


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    return planted_dataset(tmp_path_factory.mktemp("novel") / "d", [AP1, ETS], n=700)


@pytest.fixture(scope="module")
def study(dataset):
    return study_of(dataset, SitePredictor([AP1, ETS]), leave_out(DATABASE, [AP1.id])[0])


def test_a_motif_left_out_is_found_again(study):
    (novel,) = study.novel
    found = agreement(novel.motif, AP1)
    assert found.full > 0.97 and found.informative > 0.97 and found.found == 1
    assert not novel.is_known and novel.confirmed and novel.unmatched > 0.9
    assert novel.label.effect > 0.3 and novel.enrichment.least > 1.3
    assert 250 < novel.records <= 630 and novel.records <= novel.sites


def test_a_motif_of_the_database_is_discovered_and_called_known(study):
    known = [each for each in study.motifs if each.is_known and each.confirmed]
    assert [each.closest.id for each in known] == [ETS.id] and known[0].closest.similarity > 0.97
    assert known[0].unmatched < 0.5  # its sites are matched by the database


def test_with_the_whole_database_nothing_is_novel(dataset):
    found = study_of(dataset, SitePredictor([AP1, ETS]), DATABASE)
    assert found.novel == [] and sum(each.confirmed for each in found.motifs) == 2


@pytest.mark.parametrize("seed", [0, 1])
def test_a_selector_that_keeps_at_random_finds_nothing(dataset, seed):
    found = study_of(dataset, RandomPredictor(seed), [EBOX], seed=seed)
    assert all(each.q >= 0.05 for each in found.motifs)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_with_shuffled_labels_nothing_survives(tmp_path, seed):
    shuffled = planted_dataset(tmp_path / "d", [AP1, ETS], n=500, seed=seed, shuffle_labels=True)
    found = study_of(shuffled, SitePredictor([AP1, ETS]), [EBOX], seed=seed)
    assert len(found.motifs) >= 2  # its taste is discovered ...
    assert all(each.q >= 0.05 for each in found.motifs)  # ... and says nothing of labels it never saw
    assert found.novel == []


def test_the_same_seed_gives_the_same_numbers(dataset, study):
    again = study_of(dataset, SitePredictor([AP1, ETS]), leave_out(DATABASE, [AP1.id])[0])
    for one, other in zip(study.motifs, again.motifs, strict=True):
        np.testing.assert_array_equal(one.motif.counts, other.motif.counts)
        assert (one.q, one.z, one.sites, one.label) == (other.q, other.z, other.sites, other.label)


def test_test_records_are_not_used_for_discovery(dataset):
    with pytest.raises(DatasetError, match=r"used for discovery and for the test.*record 3"):
        find_novel(SitePredictor([AP1]), dataset, [1, 2, 3], [3, 4], DATABASE)
    with pytest.raises(DatasetError, match="no record to discover motifs in"):
        find_novel(SitePredictor([AP1]), dataset, [], [3, 4], DATABASE)


def test_controls_have_the_composition_of_the_windows(dataset):
    peaks = find_peaks(SitePredictor([AP1]), dataset, range(50))
    windows, (elsewhere, shuffled) = discovery_windows(dataset, peaks, np.random.default_rng(0))
    assert windows.shape == elsewhere.shape == shuffled.shape == (len(peaks.record), 49)
    np.testing.assert_array_equal(np.sort(windows, axis=1), np.sort(shuffled, axis=1))
    assert (windows != shuffled).any(axis=1).mean() > 0.95


MANIFEST = {"run": "runs/a", "dataset": "data/a", "data_hash": "ab", "fold": None, "motifs": "a database"}


def test_files_can_be_read_again(study, tmp_path):
    manifest = novel_manifest(MANIFEST, "gsa motifs runs/a", {"seed": 0}, [AP1])
    again = {AP1.name: best_agreement([each.motif for each in study.motifs], [AP1])}
    paths = save_novel(study, tmp_path / "new", manifest, again)
    assert [path.name for path in paths] == ["novel.json", "novel.meme"]
    found = json.loads(paths[0].read_text())
    assert found["manifest"]["format"] == "mlx_gsa.novel" and found["manifest"]["data_hash"] == "ab"
    assert found["manifest"]["left_out"] == [{"id": AP1.id, "name": AP1.name}]
    first = found["motifs"][0]
    assert first["novel"] and first["test"]["untrained"]["q"] < 0.01 and first["label"]["n"] > 10
    assert found["found_again"][AP1.name]["full"] > 0.97
    (motif,) = load_motifs(paths[1])
    assert motif.id == first["id"] and agreement(motif, AP1).full > 0.97


def test_rows_of_the_figure_put_new_motifs_first_and_turn_the_closest(study):
    rows = novel_rows(study, [ETS, EBOX])
    assert [row["novel"] for row in rows] == [True] + [False] * (len(rows) - 1)
    known = next(row for row in rows if row["label"].endswith("known"))
    found = next(each for each in study.motifs if each.is_known)
    one, other = found.motif.ppm(), known["closest_ppm"]
    straight = max(np.trace(one @ other.T, offset) for offset in range(-5, 6))
    turned = max(np.trace(one @ other[::-1, ::-1].T, offset) for offset in range(-5, 6))
    assert straight > turned

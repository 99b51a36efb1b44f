"""Synthetic data: sites where the table says, of which a scan would call each; labels that follow the formula."""

from dataclasses import replace

import numpy as np
import pytest

from mlx_gsa.data.dataset import Dataset
from mlx_gsa.data.grammar import Grammar, load_grammar
from mlx_gsa.data.site_text import score_kinds
from mlx_gsa.data.strength import strengths
from mlx_gsa.data.synthetic import make_synthetic
from mlx_gsa.dna.background import MarkovBackground
from mlx_gsa.dna.motifs import MotifScanner, load_motifs
from mlx_gsa.errors import ConfigError

ROLES = {"functional", "repressor", "decoy_core", "decoy_spacing"}


@pytest.fixture(scope="module")
def grammar():
    return load_grammar("demo")


@pytest.fixture(scope="module")
def dataset(tmp_path_factory, grammar):
    return make_synthetic(grammar, tmp_path_factory.mktemp("data") / "demo", seed=3)


@pytest.fixture(scope="module")
def kinds(grammar):
    return score_kinds(grammar, MarkovBackground.shipped().composition)


def text_of(dataset, site, sites):
    """Tokens of a planted site, read on its own strand."""
    tokens = dataset.sequence(sites.record[site])[sites.start[site] : sites.end[site]]
    return tokens if sites.strand[site] == "+" else 3 - tokens[::-1]


def rules(grammar, **changes):
    """The grammar with top-level keys changed."""
    return Grammar.model_validate(grammar.model_dump() | changes)


def test_every_planted_site_and_no_other_is_what_a_scan_calls(dataset, grammar, kinds):
    libraries = {kind.library for kind in grammar.kinds.values()}
    motifs = {motif.id: motif for library in libraries for motif in load_motifs(library)}
    sites, background = dataset.sites, MarkovBackground.shipped().composition
    for name, kind in grammar.kinds.items():
        scanner = MotifScanner([motifs[kind.motif]], kind.max_p_value * 1.02, background)
        for record in range(100):
            own = sites.of(record)
            own = own.select((own.kind == name) & (own.role != "decoy_core"))
            hits = [
                hit for hit in scanner.scan(dataset.sequence(record)) if kind.strands == "both" or hit.strand == "+"
            ]
            planted = set(zip(own.start, own.end, own.strand, strict=True))
            called = {(hit.start, hit.end, hit.strand) for hit in hits}
            assert planted <= called
            for start, end, _ in called:
                assert any(2 * (min(end, e) - max(start, s)) >= end - start for s, e, _ in planted) or any(
                    hit.p_value > kind.max_p_value * 0.98 for hit in hits if hit.start == start
                )


def test_decoys_on_disk_do_not_score(dataset, kinds):
    sites = dataset.sites
    for site in np.flatnonzero(sites.role == "decoy_core")[:300]:
        kind = kinds[sites.kind[site]]
        assert kind.score(text_of(dataset, site, sites)[None])[0] < kind.threshold


def test_labels_follow_the_formula_and_the_noise_is_as_told(dataset, grammar):
    source, records = dataset.manifest.source, dataset.records
    strength = strengths(grammar, dataset.sites, len(dataset))
    clean = (strength - source["strength_mean"]) / source["strength_sd"]
    assert records.extra["clean_label"] == pytest.approx(clean, abs=1e-5)
    train = records.split == "train"
    assert clean[train].mean() == pytest.approx(0, abs=1e-5) and clean[train].std() == pytest.approx(1, abs=1e-5)
    noise = records.label - clean
    assert noise.std() == pytest.approx(grammar.noise, rel=0.1)
    for split, told in source["best_reachable_r"].items():
        chosen = records.split == split
        assert told == pytest.approx(np.corrcoef(clean[chosen], records.label[chosen])[0, 1], abs=1e-5)
        assert told == pytest.approx(1 / np.sqrt(1 + grammar.noise**2), abs=0.015)


def test_presence_explains_most_of_the_label_and_composition_nothing(dataset, grammar):
    sites = dataset.sites
    acts = np.isin(sites.role, ["functional", "repressor"])
    counts = [np.bincount(sites.record[acts & (sites.kind == name)], minlength=len(dataset)) for name in grammar.kinds]
    design = np.stack([np.ones(len(dataset)), *counts], axis=1)
    train, test = dataset.indices("train"), dataset.indices("test")
    weights = np.linalg.lstsq(design[train], dataset.records.label[train], rcond=None)[0]
    r = np.corrcoef(design[test] @ weights, dataset.records.label[test])[0, 1]
    assert r > 0.9
    gc = [np.isin(dataset.sequence(i), (1, 2)).mean() for i in range(len(dataset))]
    for giveaway in (gc, dataset.lengths):
        assert abs(np.corrcoef(giveaway, dataset.records.label)[0, 1]) < 0.2


def test_the_set_is_as_the_grammar_says(dataset, grammar):
    assert len(dataset) == grammar.n and dataset.task == "regression"
    assert dataset.lengths.min() >= grammar.length[0] and dataset.lengths.max() <= grammar.length[1]
    assert [len(dataset.indices(split)) for split in ("train", "val", "test")] == [1600, 200, 200]
    assert (dataset.records.end == dataset.lengths).all()
    assert set(dataset.sites.role) == ROLES and set(dataset.sites.kind) == set(grammar.kinds)
    source = dataset.manifest.source
    assert Grammar.model_validate(source["grammar"]) == grammar
    assert (source["type"], source["preset"], source["seed"], source["noise_sd"]) == ("synthetic", "demo", 3, 0.25)
    assert source["accidental"]["left"] == 0 < source["accidental"]["found"]


def test_same_seed_same_data(tmp_path, grammar, dataset):
    small = rules(grammar, n=60)
    one, two, other = (make_synthetic(small, tmp_path / str(i), seed=seed) for i, seed in enumerate([0, 0, 1]))
    assert one.data_hash == two.data_hash != other.data_hash
    assert Dataset.open(tmp_path / "0").data_hash == one.data_hash


def test_size_by_argument_and_progress(tmp_path):
    calls = []
    dataset = make_synthetic("demo", tmp_path / "out", n=30, progress=lambda *told: calls.append(told))
    assert len(dataset) == 30 and dataset.manifest.source["grammar"]["n"] == 30
    assert calls[-1][:2] == (30, 30) and isinstance(calls[-1][2], str)


@pytest.mark.parametrize(("arguments", "message"), [({"n": 1}, "bad grammar"), ({"seed": -1}, "bad seed")])
def test_bad_arguments_are_said(tmp_path, arguments, message):
    with pytest.raises(ConfigError, match=message):
        make_synthetic("demo", tmp_path / "out", **arguments)
    assert not (tmp_path / "out").exists()


def test_more_than_one_portion(tmp_path, grammar, monkeypatch):
    monkeypatch.setattr("mlx_gsa.data.planting.CHUNK", 16)
    dataset = make_synthetic(rules(grammar, n=50), tmp_path / "out", seed=0)
    kinds = score_kinds(grammar, MarkovBackground.shipped().composition)
    sites = dataset.sites
    intact = np.flatnonzero(sites.role != "decoy_core")
    for site in intact:
        kind = kinds[sites.kind[site]]
        assert kind.score(text_of(dataset, site, sites)[None])[0] >= kind.threshold
    assert sites.record[intact].max() > 40


def test_a_grammar_without_noise_or_sites(tmp_path, grammar):
    quiet = rules(grammar, noise=0.0, n=30, pairs={}, kinds={"SRF": grammar.kinds["SRF"].model_dump()
                                                             | {"presence": 0.0, "decoy_presence": 0.0}})  # fmt: skip
    dataset = make_synthetic(quiet, tmp_path / "out")
    assert len(dataset.sites) == 0 and (dataset.records.label == 0).all()
    assert dataset.manifest.source["best_reachable_r"] == {"train": None, "val": None, "test": None}


def test_roles_are_not_read_when_strength_is_computed(dataset, grammar):
    intact = dataset.sites.role != "decoy_core"
    renamed = replace(dataset.sites, role=np.where(intact, "functional", "decoy_core"))
    assert (strengths(grammar, renamed, len(dataset)) == strengths(grammar, dataset.sites, len(dataset))).all()


def test_taking_a_site_away_matters_if_and_only_if_it_has_an_effect(dataset, grammar):
    sites = dataset.sites.select(dataset.sites.record < 150)
    before = strengths(grammar, sites, 150)
    for site in range(len(sites)):
        after = strengths(grammar, sites.select(np.arange(len(sites)) != site), 150)
        change = after[sites.record[site]] - before[sites.record[site]]
        if sites.role[site] == "functional":
            assert change < -1e-6
        elif sites.role[site] == "repressor":
            assert change > 1e-6
        else:
            assert change == 0
    assert set(sites.role) == ROLES


def test_accidental_sites_can_be_recorded_instead(tmp_path, grammar):
    recording = rules(grammar, accidental="record", n=400)
    dataset = make_synthetic(recording, tmp_path / "out", seed=0)
    accidental = dataset.sites.role == "accidental"
    told = dataset.manifest.source["accidental"]
    assert told["found"] == told["left"] == accidental.sum() > 5
    clean = make_synthetic(rules(recording, accidental="mutate"), tmp_path / "clean", seed=0)
    assert (clean.records.label == dataset.records.label).all()
    assert np.mean(np.asarray(clean.tokens) != np.asarray(dataset.tokens)) < 1e-3

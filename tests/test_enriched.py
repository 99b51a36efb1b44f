"""Motifs in the audit: what is counted, and the sites that stability looks at."""

from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest
from toys import planted, random_tokens, toy_dataset

from mlx_gsa.audit import enriched as module
from mlx_gsa.audit.enriched import count_enriched, known_sites, scanned_sites
from mlx_gsa.data.dataset import Records, Sites, write_dataset
from mlx_gsa.dna.alphabet import encode
from mlx_gsa.dna.motifs import Motif

TATA = Motif("M1", "TATA", 100 * np.eye(4)[encode("TATAAAAG")[0]])
GATA = Motif("M2", "GATA", 100 * np.eye(4)[encode("AGATAAGC")[0]])


class Looker:
    """A predictor that looks at the middle of TATAAAAG wherever it stands."""

    task, outputs = "binary", None

    def predict(self, sequences, batch_size=32):
        """Yield relevance 1 at the site."""
        for tokens in sequences:
            windows = np.lib.stride_tricks.sliding_window_view(np.asarray(tokens), 8)
            relevance = np.zeros(len(tokens), np.float32)
            relevance[np.flatnonzero((windows == encode("TATAAAAG")[0]).all(axis=1)) + 4] = 1
            kept = np.sort(np.argsort(-relevance, kind="stable")[:10])
            yield SimpleNamespace(prediction=np.array([0.5]), relevance=relevance, kept=kept)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    """Records of which half, the positives, have the site."""
    sequences, labels = planted(400, lengths=(100, 100), motif="TATAAAAG", strands="forward")
    split = np.array(["train", "val", "test", "test"])[np.arange(400) % 4]
    records = Records.build([f"r{i}" for i in range(400)], labels, split)
    folder, options = tmp_path_factory.mktemp("toy"), {"source": {"type": "toy"}, "seed": 0}
    return write_dataset(folder / "data", sequences, records, task="binary", classes=["off", "on"], **options)


def test_a_motif_that_is_looked_at_is_counted_and_another_is_not(dataset, monkeypatch):
    monkeypatch.setattr(module, "choose_motifs", lambda _: SimpleNamespace(motifs=[TATA, GATA]))
    blind = [_Blind(seed) for seed in range(20)]
    asked = module.study_motifs

    def with_untrained(*arguments, **options):
        return asked(*arguments, untrained=blind, **options)

    monkeypatch.setattr(module, "study_motifs", with_untrained)
    found = count_enriched(Looker(), dataset, 0.05)
    assert found.count >= 1 and all(name.startswith("TATA") for name in found.names), found.words
    assert "against all three controls" in found.words


def test_a_taste_that_does_not_go_with_the_label_is_not_counted(dataset, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "choose_motifs", lambda _: SimpleNamespace(motifs=[TATA, GATA]))
    monkeypatch.setattr(module, "study_motifs", partial(module.study_motifs, untrained=[_Blind(i) for i in range(20)]))
    labels = np.random.default_rng(1).permutation(np.asarray(dataset.labels))
    records = Records.build([f"r{i}" for i in range(400)], labels, np.asarray(dataset.records.split))
    sequences = [dataset.sequence(i) for i in range(400)]
    other = write_dataset(tmp_path / "data", sequences, records, task="binary", classes=["off", "on"],
                          source={"type": "toy"}, seed=0)  # fmt: skip
    found = count_enriched(Looker(), other, 0.05)
    assert found.enriched >= 1 and found.count == 0 and found.names == ()
    assert "0 of them associated with the label" in found.words


class _Blind(Looker):
    def __init__(self, seed):
        self.rng = np.random.default_rng(seed)

    def predict(self, sequences, batch_size=32):
        """Yield relevance that is noise."""
        for tokens in sequences:
            relevance = self.rng.random(len(tokens)).astype(np.float32)
            yield SimpleNamespace(
                prediction=np.array([0.5]), relevance=relevance, kept=np.sort(relevance.argsort()[-10:])
            )


def test_where_no_motifs_are_known_nothing_is_tested(dataset):
    found = count_enriched(Looker(), dataset, 0.05)
    assert found.count is None and "not tested" in found.words
    assert scanned_sites(dataset) is None


def test_scanned_sites_have_a_key_for_each_motif(dataset, monkeypatch):
    monkeypatch.setattr(module, "choose_motifs", lambda _: SimpleNamespace(motifs=[TATA, GATA]))
    row = int(np.flatnonzero(dataset.labels == 1)[0])
    start, end, key = scanned_sites(dataset)(row)
    assert "M1" in key.tolist() and (end - start == 8).all()


def test_known_sites_are_those_that_act(tmp_path):
    roles = ["functional", "decoy_core", "repressor"]
    sites = Sites([3, 3, 3], [5, 15, 25], [10, 20, 30], ["+"] * 3, ["A", "A", "B"], roles)
    toy = toy_dataset(tmp_path / "toy", n=20)
    written = write_dataset(
        tmp_path / "data", random_tokens([60] * 20), toy.records, task="regression", source={"type": "toy"}, seed=0,
        sites=sites,
    )  # fmt: skip
    start, end, key = known_sites(written)(3)
    assert (start.tolist(), end.tolist(), key.tolist()) == ([5, 25], [10, 30], [0, 2])
    assert len(known_sites(written)(4)[0]) == 0 and known_sites(toy) is None

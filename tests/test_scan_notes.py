"""What a scan says where model and tiles do not fit."""

from types import SimpleNamespace

from toys import toy_dataset

from mlx_gsa.config import ModelConfig
from mlx_gsa.genomes.scan_notes import doubts, training_lengths


def scan(tile, dataset_path=None, **config):
    return SimpleNamespace(
        predictor=SimpleNamespace(config=ModelConfig(**config)), settings=SimpleNamespace(tile=tile),
        run=SimpleNamespace(dataset_path=dataset_path),
    )  # fmt: skip


def test_tiles_unlike_the_training_data_are_named(tmp_path):
    path = toy_dataset(tmp_path / "data", lengths=(60, 120)).path
    low, high = training_lengths(SimpleNamespace(dataset_path=path))
    assert 60 <= low < high <= 120
    assert doubts(scan(100, path)) == []
    (longer,), (shorter,) = doubts(scan(2000, path)), doubts(scan(50, path))
    assert longer.startswith(f"Tiles of 2,000 bp are longer than what the model was trained on, {low} to {high} bp")
    assert "50 bp are shorter" in shorter


def test_nothing_is_said_where_the_data_are_gone(tmp_path):
    assert doubts(scan(2000, tmp_path / "gone")) == [] and doubts(scan(2000)) == []


def test_an_anchor_and_a_single_strand_are_named():
    anchor, strand = doubts(scan(2000, anchor="end"))
    assert "from the end of its input" in anchor and "only the forward strand" in strand
    assert doubts(scan(2000, strands="forward")) == [strand]

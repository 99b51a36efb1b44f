"""What is left where the end of a scan fails, or replaces an older one."""

import json
from types import SimpleNamespace

import numpy as np
import pytest

from mlx_gsa.errors import GenomeError
from mlx_gsa.genomes import scan_output
from mlx_gsa.genomes.grid import Piece
from mlx_gsa.genomes.scan_chunk import ChunkScores
from mlx_gsa.genomes.scan_output import write_results
from mlx_gsa.genomes.scan_state import ScanState

SCAN = SimpleNamespace(
    plan=[[Piece("a", 40, 0, 20)], [Piece("a", 40, 20, 40)]], bp=45, short=5, threshold=None, regions=None,
    genome=SimpleNamespace(lengths={"a": 40, "tiny": 5}, path="g.fa"), n_workers=1, backend="host",
    settings=SimpleNamespace(top=5, relevance=False, max_n=0.25), identity={"tile": 10},
    strength=SimpleNamespace(is_probability=False, meaning="units"), run=SimpleNamespace(path="run", shipped=False),
)  # fmt: skip


def scores(start, values, skipped=(0, 0)):
    """Tiles of 10 bp from `start` on."""
    starts = start + 10 * np.arange(len(values))
    piece, strength = np.zeros(len(values), int), np.array(values, dtype=np.float32)
    return ChunkScores(piece, starts, starts + 10, starts, starts + 10, strength, np.zeros(0), np.array(skipped))


@pytest.fixture
def state(tmp_path):
    """A scan whose two chunks are done."""
    state = ScanState(tmp_path / "s", SCAN.identity, 2)
    state.open()
    state.save(0, scores(0, [1.0, 2.0]))
    state.save(1, scores(20, [6.0], skipped=(1, 10)))
    return state


def test_counts_are_those_of_all_chunks(state):
    made = write_results(SCAN, state, {"seconds": 1})
    assert made["result"] == {
        "bp": 45, "bp_scored": 30, "bp_skipped_n": 10, "bp_skipped_short": 5, "tiles": 3, "tiles_skipped_n": 1,
        "strength": {"mean": 3.0, "min": 1.0, "max": 6.0}, "peaks": 3,
    }  # fmt: skip
    assert made["seconds"] == 1 and made["strength_is"] == "units"
    assert sorted(path.name for path in state.out.iterdir()) == ["peaks.narrowPeak", "scan.json", "strength.bw"]


def test_an_older_scan_leaves_nothing_that_is_not_of_this_one(state):
    (state.out / "scan.json").write_text("{}")
    (state.out / "relevance.bw").write_text("older")
    write_results(SCAN, state, {})
    assert not (state.out / "relevance.bw").exists()
    assert json.loads((state.out / "scan.json").read_text())["files"] == ["strength.bw", "peaks.narrowPeak"]


def test_a_failure_keeps_the_chunks_and_writes_no_manifest(state, monkeypatch):
    def failing(*_):
        raise GenomeError("cannot write the bigWig")

    with monkeypatch.context() as patch:
        patch.setattr(scan_output, "write_bigwig", failing)
        with pytest.raises(GenomeError, match="cannot write the bigWig"):
            write_results(SCAN, state, {})
    assert state.done() == {0, 1} and not (state.out / "scan.json").exists()
    assert write_results(SCAN, state, {})["result"]["tiles"] == 3


def test_a_missing_chunk_is_noticed(state):
    (state.folder / "000001.npz").unlink()
    with pytest.raises(GenomeError, match=r"chunks of the scan are missing .*: expected 2 chunks, found 1"):
        write_results(SCAN, state, {})


def test_no_tile_at_all_is_an_error(state):
    state.save(0, scores(0, [], skipped=(2, 20)))
    state.save(1, scores(20, [], skipped=(2, 20)))
    with pytest.raises(GenomeError, match=r"no tile could be scored .*: expected a tile with at most 25% N"):
        write_results(SCAN, state, {})

"""The folder of a scan: who may use it, what stays in it, and which scan goes on there."""

import json

import numpy as np
import pytest

from mlx_gsa.errors import GenomeError
from mlx_gsa.genomes.scan_chunk import ChunkScores
from mlx_gsa.genomes.scan_state import ScanState

IDENTITY = {"settings": {"tile": 2000, "stride": 500}, "model_sha256": "abc"}
OTHER = {"settings": {"tile": 2000, "stride": 250}, "model_sha256": "abc"}


def scores(value=1.0):
    whole = np.array([0]), np.array([0]), np.array([5]), np.array([0]), np.array([9])
    return ChunkScores(*whole, np.array([value], np.float32), np.full(5, value, np.float32), np.array([0, 0]))


def opened(out, identity=IDENTITY, **options):
    state = ScanState(out, identity, 3)
    state.finished = state.open(**options)
    return state


def finish(out, identity=IDENTITY):
    """What the end of a scan leaves."""
    out.mkdir(parents=True)
    (out / "scan.json").write_text(json.dumps({"format": "mlx_gsa.scan", "identity": identity}))
    (out / "strength.bw").write_text("old")


def test_chunks_are_kept_and_read_back(tmp_path):
    state = opened(tmp_path / "s")
    state.save(1, scores(3.5))
    assert state.done() == {1} and state.missing() == [0, 2]
    assert state.load(1).relevance is None
    for one, other in zip(state.load(1, relevance=True), scores(3.5), strict=True):
        np.testing.assert_array_equal(one, other)


def test_the_same_scan_goes_on(tmp_path):
    first = opened(tmp_path / "s")
    first.save(0, scores())
    first.close()
    for options in ({}, {"overwrite": True}):
        second = opened(tmp_path / "s", **options)
        assert not second.finished and second.missing() == [1, 2]
        second.close()


def test_another_scan_is_refused_and_nothing_is_touched(tmp_path):
    first = opened(tmp_path / "s")
    first.save(0, scores())
    first.close()
    with pytest.raises(GenomeError, match=r"other settings.*expected settings.stride = 500, found 250"):
        opened(tmp_path / "s", OTHER)
    assert opened(tmp_path / "s").missing() == [1, 2]


def test_another_scan_replaces_it_only_if_told(tmp_path):
    first = opened(tmp_path / "s")
    first.save(0, scores())
    first.close()
    assert opened(tmp_path / "s", OTHER, overwrite=True).missing() == [0, 1, 2]


def test_a_finished_scan_is_known(tmp_path):
    finish(tmp_path / "s")
    assert opened(tmp_path / "s").finished
    with pytest.raises(GenomeError, match="other settings"):
        opened(tmp_path / "s", OTHER)
    assert sorted(path.name for path in (tmp_path / "s").iterdir()) == ["scan.json", "strength.bw"]


def test_the_results_of_an_older_scan_stay_until_there_are_new_ones(tmp_path):
    finish(tmp_path / "s")
    for identity in (OTHER, IDENTITY):
        state = opened(tmp_path / "s", identity, overwrite=True)
        assert not state.finished and state.missing() == [0, 1, 2]
        state.close()
    assert (tmp_path / "s/strength.bw").read_text() == "old"


def test_chunks_that_a_kill_left_after_the_end_are_removed(tmp_path):
    state = opened(tmp_path / "s")
    state.save(0, scores())
    state.close()
    (tmp_path / "s/scan.json").write_text(json.dumps({"format": "mlx_gsa.scan", "identity": IDENTITY}))
    assert opened(tmp_path / "s").finished
    assert [path.name for path in (tmp_path / "s").iterdir()] == ["scan.json"]


def test_a_folder_of_something_else_is_left_alone(tmp_path):
    (tmp_path / "thesis.txt").write_text("words")
    with pytest.raises(GenomeError, match=r"something else than a scan.*found thesis.txt"):
        opened(tmp_path, overwrite=True)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]
    with pytest.raises(GenomeError, match="the output is a file"):
        opened(tmp_path / "thesis.txt")


def test_two_processes_do_not_share_a_rank(tmp_path):
    first = opened(tmp_path / "s")
    with pytest.raises(GenomeError, match="another process scans into this folder"):
        opened(tmp_path / "s")
    other = ScanState(tmp_path / "s", IDENTITY, 3, rank=1)
    other.join()
    with pytest.raises(GenomeError, match="does not see the scan that the first one began"):
        ScanState(tmp_path / "elsewhere", IDENTITY, 3, rank=1).join()
    first.close()
    opened(tmp_path / "s")


def test_a_damaged_chunk_is_named(tmp_path):
    state = opened(tmp_path / "s")
    state.save(2, scores())
    path = tmp_path / "s/chunks/000002.npz"
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(GenomeError, match=r"cannot be read.*000002.npz"):
        state.load(2)


def test_a_disk_that_cannot_be_written_is_said(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    state = opened(tmp_path / "s")
    monkeypatch.setattr("mlx_gsa.genomes.scan_state.atomic_write_bytes", full)
    with pytest.raises(GenomeError, match=r"cannot write the scan .*: found No space left on device"):
        state.save(0, scores())
    assert state.missing() == [0, 1, 2]


def test_what_a_kill_left_half_written_is_no_chunk(tmp_path):
    state = opened(tmp_path / "s")
    (tmp_path / "s/chunks/.000001.npz.tmp-abc").write_bytes(b"half")
    assert state.missing() == [0, 1, 2]
    state.finish()
    assert list((tmp_path / "s").iterdir()) == []

"""Files and folders appear whole or not at all, also when the process is killed in the middle."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from mlx_gsa.data import atomic
from mlx_gsa.data.atomic import atomic_file, atomic_folder, atomic_write_bytes, atomic_write_text
from mlx_gsa.errors import DatasetError, RunError

KIND = "test.kind"


def make(path, text, **options):
    with atomic_folder(path, kind=KIND, **options) as folder:
        (folder / "part").write_text(text)
        (folder / "manifest.json").write_text(json.dumps({"format": KIND, "parts": {"part": {}}}))


def names(folder):
    return sorted(p.name for p in folder.iterdir())


def test_a_file_is_replaced_whole(tmp_path):
    atomic_write_text(tmp_path / "x", "one")
    atomic_write_bytes(tmp_path / "x", b"two")
    assert (tmp_path / "x").read_text() == "two" and names(tmp_path) == ["x"]


def test_a_file_gets_the_usual_permissions(tmp_path):
    atomic_write_text(tmp_path / "x", "")
    (tmp_path / "y").write_text("")
    assert (tmp_path / "x").stat().st_mode == (tmp_path / "y").stat().st_mode


def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    atomic_write_text(tmp_path / "x", "old")
    monkeypatch.setattr(os, "replace", lambda *_: (_ for _ in ()).throw(OSError("full")))
    with pytest.raises(OSError, match="full"):
        atomic_write_text(tmp_path / "x", "new")
    assert (tmp_path / "x").read_text() == "old" and names(tmp_path) == ["x"]


def test_a_folder_is_made_with_its_parents_and_replaced(tmp_path):
    make(tmp_path / "a/b/out", "one")
    make(tmp_path / "a/b/out", "two")
    assert (tmp_path / "a/b/out/part").read_text() == "two"
    assert names(tmp_path / "a/b") == ["out"]


def test_where_names_cannot_be_exchanged_the_folder_is_replaced_in_two_steps(tmp_path, monkeypatch):
    monkeypatch.setattr(atomic, "_exchange", lambda *_: False)
    make(tmp_path / "out", "one")
    make(tmp_path / "out", "two")
    assert (tmp_path / "out/part").read_text() == "two" and names(tmp_path) == ["out"]


def test_an_older_output_comes_back_if_those_two_steps_were_cut_short(tmp_path):
    make(tmp_path / "out", "one")
    (tmp_path / "out").rename(tmp_path / ".out.old-x")
    with pytest.raises(ZeroDivisionError), atomic_folder(tmp_path / "out", kind=KIND):
        raise ZeroDivisionError
    assert (tmp_path / "out/part").read_text() == "one" and names(tmp_path) == ["out"]


@pytest.mark.parametrize("older", [True, False])
def test_a_failure_leaves_the_disk_as_it_was(tmp_path, older):
    if older:
        make(tmp_path / "a/out", "one")
    with pytest.raises(ZeroDivisionError), atomic_folder(tmp_path / "a/out", kind=KIND) as folder:
        (folder / "part").write_text("half")
        raise ZeroDivisionError
    assert names(tmp_path) == (["a"] if older else [])
    assert not older or ((tmp_path / "a/out/part").read_text() == "one" and names(tmp_path / "a") == ["out"])


def test_a_link_to_a_folder_stays_a_link(tmp_path):
    make(tmp_path / "disk/out", "one")
    (tmp_path / "out").symlink_to(tmp_path / "disk/out")
    make(tmp_path / "out", "two")
    assert (tmp_path / "out").is_symlink() and (tmp_path / "disk/out/part").read_text() == "two"


def test_an_empty_folder_is_taken(tmp_path):
    (tmp_path / "out").mkdir()
    make(tmp_path / "out", "one")
    assert (tmp_path / "out/part").read_text() == "one"


def test_what_is_no_older_output_is_never_overwritten(tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out/thesis.txt").write_text("years")
    (tmp_path / "file").write_text("x")
    for place, found in (("out", "other files, such as thesis.txt"), ("file", "a file")):
        with pytest.raises(RunError, match="will not overwrite") as caught:
            make(tmp_path / place, "one", error=RunError)
        assert caught.value.found == found
    assert (tmp_path / "out/thesis.txt").read_text() == "years" and names(tmp_path) == ["file", "out"]


def test_an_output_of_another_kind_is_not_overwritten(tmp_path):
    make(tmp_path / "out", "one")
    with pytest.raises(DatasetError, match="will not overwrite"), atomic_folder(tmp_path / "out", kind="other"):
        pass
    assert (tmp_path / "out/part").read_text() == "one"


def test_files_added_by_hand_stop_the_replacement_unless_known(tmp_path):
    make(tmp_path / "out", "one")
    (tmp_path / "out/notes.txt").write_text("mine")
    with pytest.raises(DatasetError) as caught:
        make(tmp_path / "out", "two", known=("picture.png",))
    assert caught.value.found == "notes.txt" and (tmp_path / "out/part").read_text() == "one"
    make(tmp_path / "out", "two", known=("notes.txt",))
    assert names(tmp_path / "out") == ["manifest.json", "part"]


def test_a_disk_that_cannot_be_written_is_a_clear_error(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(DatasetError, match="cannot write the folder"):
        make(tmp_path / "file/out", "one")


KILLED = """
import sys, time
from mlx_gsa.data.atomic import atomic_file, atomic_folder
with atomic_folder(sys.argv[1], kind="test.kind") as folder:
    (folder / "part").write_text("half")
    print("ready", flush=True)
    time.sleep(60)
"""


def start_writer(path):
    process = subprocess.Popen([sys.executable, "-c", KILLED, str(path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "ready\n"
    return process


def test_sigkill_leaves_the_older_folder_and_the_next_run_cleans_up(tmp_path):
    make(tmp_path / "out", "one")
    process = start_writer(tmp_path / "out")
    assert len(names(tmp_path)) == 2
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert (tmp_path / "out/part").read_text() == "one" and len(names(tmp_path)) == 2
    make(tmp_path / "out", "two")
    assert (tmp_path / "out/part").read_text() == "two" and names(tmp_path) == ["out"]


def test_a_folder_that_a_living_process_writes_is_left_alone(tmp_path):
    process = start_writer(tmp_path / "out")
    try:
        make(tmp_path / "out", "two")
        left = [n for n in names(tmp_path) if n != "out"]
        assert len(left) == 1 and (tmp_path / left[0] / "part").read_text() == "half"
    finally:
        process.kill()
        process.wait()


def test_ctrl_c_removes_the_unfinished_folder(tmp_path):
    process = start_writer(tmp_path / "out")
    process.send_signal(signal.SIGINT)
    process.wait(timeout=20)
    deadline = time.monotonic() + 5
    while names(tmp_path) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert names(tmp_path) == []


def test_what_a_killed_file_write_or_the_finder_left_does_not_stop_the_replacement(tmp_path):
    make(tmp_path / "out", "one")
    (tmp_path / "out/.picture.png.tmp-abc").write_text("half")
    (tmp_path / "out/.DS_Store").write_text("")
    make(tmp_path / "out", "two", known=())
    assert names(tmp_path / "out") == ["manifest.json", "part"]


def test_a_file_appears_whole_or_not_at_all(tmp_path):
    path = tmp_path / "sub/out.txt"
    with pytest.raises(RuntimeError), atomic_file(path) as part:
        part.write_text("half")
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []
    with atomic_file(path) as part:
        part.write_text("whole")
        assert not path.exists()
    assert path.read_text() == "whole" and list(path.parent.iterdir()) == [path]
    with pytest.raises(DatasetError, match="will not overwrite what is there"), atomic_file(path):
        pass
    with atomic_file(path, overwrite=True) as part:
        part.write_text("newer")
    assert path.read_text() == "newer"

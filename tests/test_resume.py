"""An interrupted training goes on bit for bit, wherever it was killed.

Each test trains in a process of its own, which kills itself at a chosen place (`train_child.py`), goes on, and is
compared with a training that nobody interrupted: weights, optimizer and progress of the last checkpoint, weights of the
best epoch, and every row of the metrics but for what a clock measured.
"""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from mlx.utils import tree_flatten

from mlx_gsa.config import load_config
from mlx_gsa.data.synthetic import make_synthetic
from mlx_gsa.model.weights import load_arrays
from mlx_gsa.training import loop
from mlx_gsa.training.checkpoint import CHECKPOINT, load_checkpoint
from mlx_gsa.training.metrics_log import METRICS_FILE, read_metrics
from mlx_gsa.training.run import finish_run, read_manifest, resume_run, start_run

pytestmark = pytest.mark.slow
SETTINGS = {
    "training.epochs": 3, "training.batch_size": 16, "training.kmer_length": 6, "training.augment_shift": 5,
    "training.start_sparsity": 0.3, "training.anneal": 0.4, "training.seed": 3, "training.learning_rate": 1e-3,
    "training.average": 0.5, "training.dropout": 0.1,
}  # fmt: skip
CLOCK = {"seconds", "records_per_second"}
CHILD = Path(__file__).with_name("train_child.py")
STEPS = 8  # of an epoch


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Data of `gsa prepare synthetic`, in eight buckets of ten records."""
    return make_synthetic("short", tmp_path_factory.mktemp("resume") / "data", seed=0, n=96).path


@pytest.fixture(scope="module")
def reference(data, tmp_path_factory):
    """Runs that nobody interrupted, by attention."""
    runs = {}

    def find(attention):
        if attention not in runs:
            runs[attention] = tmp_path_factory.mktemp("reference") / "run"
            config = load_config(None, SETTINGS | {"data.path": str(data), "model.attention": attention})
            trainer, _ = start_run(config, runs[attention])
            assert trainer.steps_per_epoch == STEPS
            finish_run(trainer, trainer.run())
        return runs[attention]

    return find


def child(place, number, *arguments):
    """Run `gsa ARGUMENTS` until its end or its death."""
    command = [sys.executable, str(CHILD), place, str(number), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, env={**os.environ, "COLUMNS": "300"})


def train(place, number, data, run, attention="softmax"):
    options = [f"--set={key}={value}" for key, value in SETTINGS.items()]
    return child(place, number, "train", "--data", data, "--attention", attention, "--out", run, *options)


def go_on(run):
    trainer = resume_run(run)
    finish_run(trainer, trainer.run())


def rows(run):
    return [{key: value for key, value in row.items() if key not in CLOCK} for row in read_metrics(run)]


def assert_same_run(run, reference):
    assert rows(run) == rows(reference)
    one, other = load_checkpoint(run), load_checkpoint(reference)
    assert one.progress == other.progress
    arrays = [dict(tree_flatten({"model": each.model, "optimizer": each.optimizer})) for each in (one, other)]
    arrays += [load_arrays(each / "best" / "model.safetensors")[0] for each in (run, reference)]
    for first, second in (arrays[:2], arrays[2:]):
        assert first.keys() == second.keys()
        assert not [name for name, value in first.items() if not np.array_equal(value, second[name])]
    assert read_manifest(run)["result"] == read_manifest(reference)["result"]


SAVES = STEPS + 1  # of an epoch: one after each step, one at its end
PLACES = [
    ("after-checkpoint", 1, (0, 1)),  # the first checkpoint there is
    ("after-checkpoint", SAVES + 3, (1, 3)),  # in the middle of an epoch
    ("in-step", STEPS + 5, (1, 4)),  # batch read, nothing learned
    ("half-written", 2 * SAVES + 5, (2, 4)),
    ("before-rename", SAVES, (0, STEPS)),  # of the checkpoint that ends an epoch
    ("after-row", 2, (1, STEPS)),  # the epoch is in the log but not in a checkpoint
    ("after-best", 1, (1, STEPS)),
]


@pytest.mark.parametrize("place, number, reached", PLACES)
def test_a_killed_training_goes_on_bit_for_bit(data, reference, tmp_path, place, number, reached):
    run = tmp_path / "run"
    assert train(place, number, data, run).returncode == -signal.SIGKILL
    progress = load_checkpoint(run).progress
    assert (progress["epoch"], progress["step"]) == reached
    go_on(run)
    assert_same_run(run, reference("softmax"))


def test_the_random_control_goes_on_bit_for_bit(data, reference, tmp_path):
    run = tmp_path / "run"
    assert train("in-step", STEPS + 3, data, run, "random").returncode == -signal.SIGKILL
    go_on(run)
    assert_same_run(run, reference("random"))
    assert rows(run) != rows(reference("softmax"))


def test_a_training_killed_in_its_first_checkpoint_starts_again(data, reference, tmp_path):
    run = tmp_path / "run"
    assert train("half-written", 1, data, run).returncode == -signal.SIGKILL
    assert not (run / CHECKPOINT).exists()
    go_on(run)
    assert_same_run(run, reference("softmax"))


def test_a_row_before_the_first_checkpoint_is_not_counted_twice(data, reference, tmp_path, monkeypatch):
    def no_room(*_):
        raise OSError("No space left on device")

    run = tmp_path / "run"
    trainer, _ = start_run(load_config(reference("softmax") / "config.toml"), run)
    with monkeypatch.context() as patched:
        patched.setattr(loop, "save_checkpoint", no_room)
        with pytest.raises(OSError, match="No space left"):
            trainer.run()
    assert len(read_metrics(run)) == 1 and not (run / CHECKPOINT).exists()
    go_on(run)
    assert_same_run(run, reference("softmax"))


def test_the_command_goes_on_after_two_kills_and_half_a_line_of_metrics(data, reference, tmp_path, gsa_process):
    run = tmp_path / "run"
    assert train("in-step", STEPS + 2, data, run).returncode == -signal.SIGKILL
    assert child("after-checkpoint", 3, "train", "--resume", run).returncode == -signal.SIGKILL
    assert (load_checkpoint(run).progress["epoch"], load_checkpoint(run).progress["step"]) == (1, 4)
    with open(run / METRICS_FILE, "a") as file:
        file.write(json.dumps({"kind": "epoch", "epoch": 2})[:-4])
    done = gsa_process("train", "--resume", run)
    assert done.returncode == 0, done.stderr
    assert "Best epoch" in done.stdout and (run / "training.png").is_file()
    assert_same_run(run, reference("softmax"))
    again = gsa_process("train", "--resume", run)
    assert again.returncode == 1 and "run is finished" in again.stderr


@pytest.mark.parametrize(
    "place, number, reached",
    [("ctrl-c-in-step", STEPS + 3, (1, 2)), ("ctrl-c-after-best", 1, (1, STEPS)), ("ctrl-c-after-row", 1, (0, STEPS))],
)
def test_ctrl_c_saves_says_how_to_go_on_and_loses_nothing(data, reference, tmp_path, place, number, reached):
    run = tmp_path / "run"
    stopped = train(place, number, data, run)
    assert stopped.returncode == 130
    assert f"Saved. Go on with: gsa train --resume {run}" in stopped.stderr and "Interrupted." in stopped.stderr
    assert "Traceback" not in stopped.stderr
    progress = load_checkpoint(run).progress
    assert (progress["epoch"], progress["step"]) == reached
    go_on(run)
    assert_same_run(run, reference("softmax"))


def test_a_checkpoint_is_written_only_now_and_then(data, reference, tmp_path, monkeypatch):
    written = []
    monkeypatch.setattr(loop, "save_checkpoint", lambda folder, checkpoint: written.append(checkpoint.progress["step"]))
    trainer, _ = start_run(load_config(reference("softmax") / "config.toml"), tmp_path / "run")
    trainer.run()
    assert written == [0, 0, 0]  # at the end of each epoch: none of them took a minute

"""Memory stays flat over epochs: nothing of an epoch is left behind when the next has ended."""

import gc
import os
from pathlib import Path

import mlx.core as mx
import pytest
from toys import toy_config, toy_dataset

from mlx_gsa.training.run import start_run

STATM = Path("/proc/self/statm")


def resident():
    """Bytes of this process in memory."""
    return int(STATM.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def used_after_each_epoch(tmp_path, measure):
    toy_dataset(tmp_path / "data", n=40)
    config = toy_config(
        tmp_path / "data", training__epochs=6, training__initial_filters="random", training__average=1.0,
        training__start_sparsity=0.5, training__anneal=1.0,
    )  # fmt: skip
    used = []

    def observe(row):
        if row["kind"] == "epoch":
            gc.collect()
            used.append(measure())

    start_run(config, tmp_path / "run", observe=observe)[0].run()
    assert len(used) == 6
    return used


def test_arrays_of_past_epochs_are_freed(tmp_path):
    used = used_after_each_epoch(tmp_path, mx.get_active_memory)
    # Bytes: a copy of the weights is 26,000. Threads may still hold their last; one left per epoch would be 104,000.
    assert used[-1] <= used[1] + 80_000, used


@pytest.mark.skipif(not STATM.exists(), reason="the memory of a process is read from /proc")
def test_the_process_stops_growing(tmp_path):
    used = used_after_each_epoch(tmp_path, resident)
    assert used[-1] - used[1] < 16 * 2**20, used

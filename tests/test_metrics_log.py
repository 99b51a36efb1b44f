"""The log of metrics: one row an epoch, and none twice after a kill."""

import pytest

from mlx_gsa.training.metrics_log import METRICS_FILE, MetricsLog, read_metrics

ROWS = [{"kind": "epoch", "epoch": epoch, "val_loss": epoch / 3} for epoch in (1, 2, 3)]


@pytest.fixture
def log(tmp_path):
    log = MetricsLog(tmp_path)
    for row in ROWS:
        log.append(row)
    return log


def test_rows_come_back_as_they_were_written(log, tmp_path):
    assert read_metrics(tmp_path) == ROWS
    assert (tmp_path / METRICS_FILE).read_text().count("\n") == 3


def test_a_folder_without_a_log_has_no_rows(tmp_path):
    assert read_metrics(tmp_path) == []
    MetricsLog(tmp_path).rewind(0)
    assert read_metrics(tmp_path) == []


@pytest.mark.parametrize("epochs", [0, 1, 3])
def test_what_will_be_repeated_is_cut_off(log, tmp_path, epochs):
    log.rewind(epochs)
    assert read_metrics(tmp_path) == ROWS[:epochs]


def test_a_line_cut_short_by_a_kill_is_dropped(log, tmp_path):
    with open(tmp_path / METRICS_FILE, "a") as file:
        file.write('{"kind": "epoch", "epo')
    assert read_metrics(tmp_path) == ROWS
    log.rewind(3)
    log.append({"epoch": 4})
    assert read_metrics(tmp_path) == [*ROWS, {"epoch": 4}]

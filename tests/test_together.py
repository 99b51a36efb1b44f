"""Several ranks train one model: the very run of one process; and what is left when a rank dies."""

import os
import signal
import time

import mlx.core as mx
import numpy as np
import pytest
from mlx.utils import tree_flatten
from rank_jobs import Job, gsa_job, wait_for
from toys import toy_config, toy_dataset

from mlx_gsa.config import dump_config, load_config
from mlx_gsa.errors import RankError
from mlx_gsa.model.weights import load_arrays
from mlx_gsa.ranks import Ranks
from mlx_gsa.training.checkpoint import load_checkpoint
from mlx_gsa.training.metrics_log import read_metrics
from mlx_gsa.training.run import finish_run, read_manifest, resume_run, start_run
from mlx_gsa.training.together import agree, firsts, told

CLOCK = {"seconds", "records_per_second"}
SETTINGS = {"training__shards": 4, "training__augment_shift": 3, "training__dropout": 0.1, "training__average": 0.5}


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    return toy_dataset(tmp_path_factory.mktemp("together") / "data", n=120, lengths=(60, 90))


@pytest.fixture(scope="module")
def alone(dataset, tmp_path_factory):
    """A run of one process, by number of epochs."""
    made = {}

    def run(epochs):
        if epochs not in made:
            made[epochs] = tmp_path_factory.mktemp("alone") / "run"
            config = toy_config(dataset.path, training__epochs=epochs, **SETTINGS)
            trainer, _ = start_run(config, made[epochs])
            finish_run(trainer, trainer.run())
        return made[epochs]

    return run


def train(dataset, folder, epochs, n_ranks=2, **environment):
    """Start `gsa train` on several ranks, with --out run."""
    config = folder / "settings.toml"
    config.write_text(dump_config(toy_config(dataset.path, training__epochs=epochs, **SETTINGS)))
    return gsa_job(n_ranks, ["train", "--config", config, "--out", "run"], folder, **environment)


def assert_same_run(run, reference):
    rows = [
        [{key: value for key, value in row.items() if key not in CLOCK} for row in read_metrics(each)]
        for each in (run, reference)
    ]
    assert rows[0] == rows[1]
    assert read_manifest(run)["result"] == read_manifest(reference)["result"]
    one, other = load_checkpoint(run), load_checkpoint(reference)
    assert one.progress == other.progress
    trees = [{"model": each.model, "optimizer": each.optimizer, "average": each.average} for each in (one, other)]
    arrays = [dict(tree_flatten(tree)) for tree in trees]
    arrays += [load_arrays(each / "best" / "model.safetensors")[0] for each in (run, reference)]
    for first, second in (arrays[:2], arrays[2:]):
        assert first.keys() == second.keys()
        assert [name for name, value in first.items() if not np.array_equal(value, second[name])] == []


@pytest.mark.parametrize("n_ranks", [2, 4])
def test_ranks_train_what_one_process_trains_bit_for_bit(dataset, alone, tmp_path, n_ranks):
    first, *others = train(dataset, tmp_path, 2, n_ranks).end()
    assert first[2] == 0, first[1]
    assert "Best epoch" in first[0] and f"{n_ranks}, which share each step" in first[0]
    assert others == [("", "", 0)] * (n_ranks - 1)
    assert_same_run(tmp_path / "run", alone(2))


@pytest.mark.slow
@pytest.mark.parametrize("victim", [0, 1])
def test_a_rank_that_is_killed_leaves_a_run_to_go_on_with(dataset, alone, tmp_path, victim):
    job = train(dataset, tmp_path, 6)
    wait_for(tmp_path / "run/metrics.jsonl", 2)
    os.kill(job.ranks[victim].pid, signal.SIGKILL)
    ((_, err, code),) = job.end(victim)
    assert code == 1 and "Traceback" not in err
    assert f"rank {victim} has stopped" in err and "gsa train --resume run" in err
    assert load_checkpoint(tmp_path / "run").progress["epoch"] < 6
    trainer = resume_run(tmp_path / "run")
    finish_run(trainer, trainer.run())
    assert_same_run(tmp_path / "run", alone(6))


@pytest.mark.slow
def test_ranks_go_on_where_only_the_first_has_the_folder(dataset, alone, tmp_path):
    job = train(dataset, tmp_path, 6)
    wait_for(tmp_path / "run/metrics.jsonl", 2)
    job.ranks[0].send_signal(signal.SIGTERM)  # as mlx.launch does when another rank has failed
    (_, err, code), (_, other, other_code) = job.end()
    assert (code, other_code) == (1, 1)
    assert "a rank has stopped" in err and "rank 0 has stopped" in other
    again = gsa_job(2, ["train", "--resume", "run"], tmp_path)
    assert [code for *_, code in again.end()] == [0, 0]
    assert_same_run(tmp_path / "run", alone(6))


@pytest.mark.slow
def test_a_rank_that_hangs_is_not_waited_for_for_ever(dataset, tmp_path):
    job = train(dataset, tmp_path, 1000, GSA_RANK_TIMEOUT="2")
    wait_for(tmp_path / "run/metrics.jsonl", 1)
    os.kill(job.ranks[1].pid, signal.SIGSTOP)
    begun = time.monotonic()
    ((_, err, code),) = job.end(1)
    assert code == 1 and time.monotonic() - begun > 1
    assert "no answer in 2 s (GSA_RANK_TIMEOUT)" in err and "gsa train --resume run" in err
    assert load_checkpoint(tmp_path / "run").progress["epoch"] >= 0


def test_ranks_with_different_settings_do_not_begin(dataset, tmp_path):
    code = (
        "import os; from mlx_gsa.cli.main import main; "
        "main(['train', '--config', 'settings.toml', '--out', 'run', '--seed', os.environ['MLX_RANK']])"
    )
    (tmp_path / "settings.toml").write_text(dump_config(toy_config(dataset.path)))
    (_, first, code_0), (_, second, code_1) = Job(2, ["-c", code], tmp_path).end()
    assert (code_0, code_1) == (1, 1)
    assert "ranks do not fit each other" in first and "rank 1" in first
    assert "configuration of rank 1" in second
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
def test_ctrl_c_on_all_ranks_saves_and_they_go_on(dataset, alone, tmp_path):
    job = train(dataset, tmp_path, 6)
    wait_for(tmp_path / "run/metrics.jsonl", 2)
    for rank in job.ranks:
        rank.send_signal(signal.SIGINT)
    (_, err, code), (_, other, other_code) = job.end()
    assert code and other_code and "Traceback" not in err + other
    assert "gsa train --resume run" in err
    assert [code for *_, code in gsa_job(2, ["train", "--resume", "run"], tmp_path).end()] == [0, 0]
    assert_same_run(tmp_path / "run", alone(6))


class _Told(Ranks):
    """One of two ranks; what the first has said is in a list that both have."""

    def __init__(self, rank, said):
        super().__init__(rank, 2)
        self.said = said

    def tell(self, data):
        if self.is_first:
            self.said.append(data)
        return self.said[0]


def test_arrays_go_by_name_where_a_checkpoint_has_them_in_another_order():
    said = []
    mine = {"b": mx.array([1.0, 2.0]), "a": [mx.array(3), {}], "c": {"d": mx.array([[4.0]])}}
    other = {"c": {"d": mx.zeros((1, 1))}, "a": [mx.array(0), {}], "b": mx.zeros(2)}
    firsts(_Told(0, said), mine)
    found = {name: value.tolist() for name, value in tree_flatten(firsts(_Told(1, said), other))}
    assert found == {"b": [1.0, 2.0], "a.0": 3, "c.d": [[4.0]]}


def test_shards_that_do_not_fit_the_ranks_are_refused_before_anything_is_made(dataset, tmp_path):
    with pytest.raises(RankError, match=r"--set training.shards=3"):
        start_run(toy_config(dataset.path), tmp_path / "run", ranks=Ranks(0, 3))
    assert not (tmp_path / "run").exists()


def test_one_rank_tells_itself_nothing(dataset):
    value, tree = {"a": 1 / 3}, {"b": np.zeros(2)}
    assert told(Ranks(), value) is value and firsts(Ranks(), tree) is tree
    agree(Ranks(), load_config(None, {"data.path": str(dataset.path)}), dataset)

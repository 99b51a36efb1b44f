"""Who is a rank, what ranks tell each other, and what happens when one is gone."""

import os
import signal

import mlx.core as mx
import numpy as np
import pytest
from rank_jobs import Job

from mlx_gsa import ranks
from mlx_gsa.errors import RankError
from mlx_gsa.ranks import Ranks, alone, launched

TALK = """
import numpy as np
from mlx_gsa.errors import RankError
from mlx_gsa.ranks import current
ranks = current()
mx = __import__("mlx.core").core
values = mx.array([1 / 3 + ranks.rank, -0.0])
print(ranks.rank, ranks.size, ranks.is_first)
print(np.array(ranks.gather(values)).tolist())
print(ranks.tell(b"from the first" if ranks.is_first else None), ranks.tell(b"") == b"")
print(ranks.collect(b"x" * ranks.rank))
ranks.wait()
ranks.agree(version="1", data_hash="same")
try:
    ranks.agree(version="1", data_hash="abc" if ranks.rank != 1 else "def")
except RankError as error:
    print(error)
"""
SILENT = """
import time
from mlx_gsa.ranks import current
ranks = current()
ranks.mend = "Do it again."
print("here", flush=True)
if ranks.rank == 1:
    time.sleep(600)
ranks.tell(b"?")
"""


def test_without_mlx_launch_there_is_one_rank(monkeypatch):
    for name in ("MLX_RANK", "MLX_HOSTFILE"):
        monkeypatch.delenv(name, raising=False)
    ranks.current.cache_clear()
    one = ranks.current()
    assert (one.rank, one.size, one.is_first) == (0, 1, True)
    assert type(one) is Ranks
    assert one.gather(mx.array([1.5])).tolist() == [[1.5]]
    assert one.tell(b"a") == b"a" and one.collect(b"a") == [b"a"]
    one.wait()
    one.agree(data_hash="a")


def test_an_environment_tells_whether_there_are_others(tmp_path):
    hosts, none = tmp_path / "hosts.json", tmp_path / "none.json"
    hosts.write_text('[["127.0.0.1:1"], ["127.0.0.1:2"]]\n')
    none.write_text("\n")  # what `mlx.launch -n 1` leaves
    assert launched({"MLX_RANK": "0", "MLX_HOSTFILE": str(hosts)})
    assert launched({"MLX_RANK": "1", "MLX_JACCL_COORDINATOR": "10.0.0.1:4000"})
    assert launched({"OMPI_COMM_WORLD_SIZE": "2"})
    assert not launched({"MLX_RANK": "0", "MLX_HOSTFILE": str(none)})
    assert not launched({"MLX_HOSTFILE": str(hosts)})
    assert not launched({"OMPI_COMM_WORLD_SIZE": "1"})


def test_a_child_of_a_rank_is_alone():
    given = {"MLX_RANK": "1", "MLX_HOSTFILE": "/h", "OMPI_COMM_WORLD_SIZE": "2", "PATH": "/bin", "MLX_METAL": "1"}
    assert alone(given) == {"PATH": "/bin", "MLX_METAL": "1"}
    assert not launched(alone(given))


@pytest.mark.parametrize("text", ["soon", "0", "-1", "nan"])
def test_a_timeout_that_is_none_is_refused(monkeypatch, text):
    monkeypatch.setenv("GSA_RANK_TIMEOUT", text)
    with pytest.raises(RankError, match=r"not a number of seconds \(GSA_RANK_TIMEOUT\): expected more than 0"):
        ranks._timeout()


def test_the_timeout_is_a_minute_unless_said_otherwise(monkeypatch):
    monkeypatch.setenv("GSA_RANK_TIMEOUT", "")
    assert ranks._timeout() == 60
    monkeypatch.setenv("GSA_RANK_TIMEOUT", "2.5")
    assert ranks._timeout() == 2.5


def test_three_ranks_tell_each_other(tmp_path):
    answers = Job(3, ["-c", TALK], tmp_path).end()
    values = [[float(np.float32(1 / 3 + rank)), -0.0] for rank in range(3)]
    for rank, (out, err, code) in enumerate(answers):
        assert code == 0, err
        lines = out.splitlines()
        assert lines[0] == f"{rank} 3 {rank == 0}"
        assert lines[1] == str(values)  # with the sign of the zero
        assert lines[2] == "b'from the first' True"
        assert lines[3] == "[b'', b'x', b'xx']"
    expected = "ranks do not fit each other (data_hash of rank 1): expected abc, found def"
    assert expected in answers[1][0]
    for rank in (0, 2):
        assert "ranks do not fit each other (rank 1)" in answers[rank][0]


@pytest.mark.parametrize("how, found", [
    (signal.SIGKILL, "connection to a peer was lost"), (signal.SIGSTOP, "no answer in 1 s (GSA_RANK_TIMEOUT)"),
])  # fmt: skip
def test_a_rank_that_is_gone_or_silent_ends_the_others(tmp_path, how, found):
    job = Job(2, ["-c", SILENT], tmp_path, GSA_RANK_TIMEOUT="1")
    assert job.ranks[1].stdout.readline() == "here\n"
    os.kill(job.ranks[1].pid, how)
    ((_, err, code),) = job.end(1)
    assert code == 1
    assert "rank 1 has stopped (seen by rank 0)" in err and found in err and "Do it again." in err


def test_ranks_that_do_not_come_are_an_error(tmp_path, monkeypatch):
    hosts = tmp_path / "hosts.json"
    hosts.write_text("no hosts\n")
    monkeypatch.setenv("MLX_RANK", "0")
    monkeypatch.setenv("MLX_HOSTFILE", str(hosts))
    ranks.current.cache_clear()
    with pytest.raises(RankError, match="the other ranks cannot be reached"):
        ranks.current()

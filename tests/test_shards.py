"""Shards: which rows and which rank, and that they add up to the whole batch."""

import threading

import mlx.core as mx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mlx.utils import tree_flatten
from toys import scrambled

from mlx_gsa.config import TrainingConfig
from mlx_gsa.errors import RankError
from mlx_gsa.training.shards import join, n_shards, on_lanes, shard_rows, shards_of, split


def test_rows_are_cut_in_order_and_evenly():
    assert shard_rows(5, 2) == [slice(0, 2), slice(2, 5)]
    assert shard_rows(8, 4) == [slice(0, 2), slice(2, 4), slice(4, 6), slice(6, 8)]


@given(st.integers(1, 8), st.integers(0, 60))
def test_every_row_is_in_one_shard(shards, more):
    size = shards + more
    parts = [list(range(size))[rows] for rows in shard_rows(size, shards)]
    assert [row for part in parts for row in part] == list(range(size))
    assert max(map(len, parts)) - min(map(len, parts)) <= 1


def test_a_batch_has_no_more_shards_than_records():
    assert n_shards(TrainingConfig()) == 2
    assert n_shards(TrainingConfig(batch_size=1)) == 1
    assert n_shards(TrainingConfig(shards=4, batch_size=32)) == 4


def test_ranks_share_the_shards():
    assert [list(shards_of(rank, 2, 4)) for rank in range(2)] == [[0, 1], [2, 3]]
    assert list(shards_of(0, 1, 3)) == [0, 1, 2]


@pytest.mark.parametrize("size, shards, mend", [(3, 2, 3), (4, 2, 4), (2, 3, 4)])
def test_shards_that_cannot_be_shared_out_are_refused(size, shards, mend):
    with pytest.raises(RankError) as caught:
        shards_of(0, size, shards)
    assert caught.value.where == "training.shards" and f"--set training.shards={mend}" in caught.value.mend


def test_a_tree_comes_back_from_its_vector():
    tree = {"a": {"b": mx.array([[1.0, 2.0], [3.0, 4.0]])}, "none": {}, "c": [mx.array(5.0), mx.array([6.0])]}
    vector = join(tree)
    assert vector.tolist() == [1, 2, 3, 4, 5, 6]
    again = split(vector * 2, tree)
    assert again["none"] == {} and again["a"]["b"].tolist() == [[2, 4], [6, 8]]
    assert again["c"][0].item() == 10 and again["c"][1].tolist() == [12]


def test_a_model_comes_back_from_its_vector():
    parameters = scrambled().trainable_parameters()
    again = dict(tree_flatten(split(join(parameters), parameters)))
    assert all(np.array_equal(value, again[name]) for name, value in tree_flatten(parameters))


def test_on_a_cpu_every_shard_has_a_thread_and_a_stream_of_its_own():
    seen = []

    def work(values):
        seen.append((threading.current_thread().name, str(mx.default_stream(mx.cpu))))
        return values * 2

    for _ in range(2):
        assert [x.tolist() for x in on_lanes([work, work], [(mx.ones(2),), (mx.zeros(2),)])] == [[2, 2], [0, 0]]
    assert len({name for name, _ in seen}) == len({stream for _, stream in seen}) == 2
    seen.clear()
    on_lanes([work], [(mx.ones(2),)])
    assert seen == [(threading.current_thread().name, str(mx.default_stream(mx.cpu)))]


def test_what_fails_in_a_lane_is_raised():
    def fails(values):
        raise ValueError("of the shard")

    with pytest.raises(ValueError, match="of the shard"):
        on_lanes([fails, fails], [(mx.ones(2),), (mx.ones(2),)])

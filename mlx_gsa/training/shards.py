"""The shards of a step: how a batch is cut, on which stream each is computed, and how their sums are put together.

The number of shards is a setting, not a property of the machine: one process that computes all of them and several
that share them out add up the same numbers in the same order.
"""

from contextlib import nullcontext
from functools import lru_cache
from itertools import pairwise

import mlx.core as mx
from mlx.utils import tree_flatten, tree_map

from mlx_gsa.config import TrainingConfig
from mlx_gsa.errors import RankError


def n_shards(config: TrainingConfig) -> int:
    """Count the parts of a batch: `training.shards`, at most one a record."""
    return min(config.shards, config.batch_size)


def shard_rows(batch_size: int, shards: int) -> list[slice]:
    """Cut the rows of a batch into consecutive shards whose sizes differ by at most one."""
    edges = [number * batch_size // shards for number in range(shards + 1)]
    return [slice(start, end) for start, end in pairwise(edges)]


def shards_of(rank: int, size: int, shards: int) -> range:
    """Return the numbers of the shards that one rank computes, the same many each.

    Raises
    ------
    RankError
        If the shards cannot be shared out evenly.
    """
    if shards % size:
        expected = f"a multiple of {size} ranks"
        mend = f"--set training.shards={size * -(-shards // size)}, and a batch that is at least as large."
        raise RankError("shards cannot be shared out evenly", where="training.shards", expected=expected,
                        found=str(shards), mend=mend)  # fmt: skip
    each = shards // size
    return range(rank * each, (rank + 1) * each)


def on_lane(number: int, count: int):
    """Return the context in which a process computes the `number`-th of its `count` shards.

    On a CPU each has a stream of its own, so that they run on several cores; on a GPU they follow each other.
    """
    on_cpu = mx.default_device() == mx.Device(mx.cpu)
    return mx.stream(_streams(count)[number]) if on_cpu and count > 1 else nullcontext()


@lru_cache(maxsize=1)
def _streams(count):
    return [mx.new_stream(mx.cpu) for _ in range(count)]


def join(tree) -> mx.array:
    """Lay all arrays of a tree into one vector."""
    return mx.concatenate([value.reshape(-1) for _, value in tree_flatten(tree)])


def split(vector: mx.array, like):
    """Cut a vector from `join` into a tree again, of the same shapes as `like`."""
    begun = 0

    def cut(value):
        nonlocal begun
        begun += value.size
        return vector[begun - value.size : begun].reshape(value.shape)

    return tree_map(cut, like)

"""The shards of a step: how a batch is cut, where each is computed, and how their sums are put together.

The number of shards is a setting, not a property of the machine: one process that computes all of them and several
that share them out add up the same numbers in the same order.
"""

import threading
from concurrent.futures import ThreadPoolExecutor
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


def on_lanes(functions: list, parts: list) -> list[mx.array]:
    """Call each function with its part of a step, side by side where that is faster.

    On a CPU MLX works through one graph on one core, so every shard has a thread with a stream of its own: one graph
    is built while another is computed. On a GPU, and where there is one shard, they follow each other, unevaluated.

    Parameters
    ----------
    functions : list of callable
        One per shard, that share no state that they change.
    parts : list of tuple of mx.array
        Their arguments.

    Returns
    -------
    list of mx.array
        In the same order; the same bits either way.
    """
    if len(functions) == 1 or mx.default_device() != mx.Device(mx.cpu):
        return [function(*part) for function, part in zip(functions, parts, strict=True)]
    mx.eval(parts)
    lanes = _lanes(len(functions))
    waiting = [lane.submit(_run, *work) for lane, work in zip(lanes, zip(functions, parts, strict=True), strict=True)]
    return [each.result() for each in waiting]


def _run(function, part):
    if not hasattr(_own, "stream"):
        _own.stream = mx.new_stream(mx.cpu)  # an MLX stream belongs to the thread that made it
    with mx.stream(_own.stream):
        made = function(*part)
        mx.eval(made)
    return made


@lru_cache(maxsize=1)
def _lanes(count):
    return [ThreadPoolExecutor(1, thread_name_prefix=f"shard-{number}") for number in range(count)]


_own = threading.local()


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

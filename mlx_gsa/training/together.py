"""What the ranks of a training tell each other besides gradients: what is trained, from where, and what came of it."""

import hashlib
import json

import mlx.core as mx
import numpy as np
from mlx.utils import tree_flatten, tree_map_with_path

from mlx_gsa import __version__
from mlx_gsa.config import RunConfig
from mlx_gsa.data.dataset import Dataset
from mlx_gsa.ranks import Ranks


def agree(ranks: Ranks, config: RunConfig, dataset: Dataset) -> None:
    """Check that all ranks train the same on the same data.

    Where the data lie may differ from machine to machine.

    Raises
    ------
    RankError
        If they do not.
    """
    settings = config.model_dump(exclude={"data": {"path"}})
    ranks.agree(
        version=__version__,
        data_hash=dataset.data_hash[:16],
        configuration=hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:16],
    )


def told(ranks: Ranks, value):
    """Return what the first rank has of a value that JSON can hold; the same value where there is one rank."""
    if ranks.size == 1:
        return value
    return json.loads(ranks.tell(json.dumps(value).encode() if ranks.is_first else None))


def firsts(ranks: Ranks, tree):
    """Return the arrays of the first rank in a tree of the same shapes, bit for bit."""
    if ranks.size == 1:
        return tree
    named = sorted(tree_flatten(tree), key=lambda pair: pair[0])  # a tree from a checkpoint is in another order
    mine = b"".join(np.array(value).tobytes() for _, value in named)
    data, begun, arrays = ranks.tell(mine if ranks.is_first else None), 0, {}
    for name, value in named:
        plain = np.array(value)
        arrays[name] = mx.array(np.frombuffer(data, plain.dtype, plain.size, begun).reshape(plain.shape))
        begun += plain.nbytes
    return tree_map_with_path(lambda name, _: arrays[name], tree)

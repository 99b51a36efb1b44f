"""A training of several processes under `mlx.launch`: how many steps a second they do together.

    mlx.launch -n 2 PYTHON -m mlx_gsa.benchmark.ranks_work '{"seconds": 3, ...}'
"""

import json
import sys
import time

from mlx_gsa.benchmark.mlx_work import training_call
from mlx_gsa.config import ModelConfig
from mlx_gsa.ranks import current


def main(request: dict) -> dict:
    """Train on shares of the same batches as long as the first rank says.

    Parameters
    ----------
    request : dict
        ``settings`` of the model, ``length``, ``batch``, ``shards`` and ``seconds``.

    Returns
    -------
    dict
        ``steps`` and ``seconds``, ``ranks``.
    """
    ranks = current()
    call = training_call(
        ModelConfig(**request["settings"]), request["length"], request["batch"], shards=request["shards"], ranks=ranks
    )
    for _ in range(2):
        call()
    ranks.wait()
    begun, done = time.perf_counter(), 0
    while ranks.tell(b"on" if time.perf_counter() - begun < request["seconds"] else b"end") == b"on":
        call()
        done += 1
    return {"steps": done, "seconds": time.perf_counter() - begun, "ranks": ranks.size}


if __name__ == "__main__":
    found = main(json.loads(sys.argv[1]))
    if current().is_first:
        sys.stdout.write(json.dumps(found) + "\n")

"""A sweep under `mlx.launch`: which of its processes this one is, known without joining the others.

The processes of a sweep share its folder and nothing else: each has its share of the runs, locked while in hand (see
`data.locks`), and every training is one process. None waits for an answer of another. The first rank looks at all runs
when it is done with its own: it does what is left, and tries once more what failed elsewhere.
"""

from collections.abc import MutableMapping
from typing import NamedTuple

from mlx_gsa.experiments.record import read_json
from mlx_gsa.ranks import alone, launched

_NUMBERS = ("MLX_RANK", "OMPI_COMM_WORLD_RANK", "PMI_RANK")
_SIZES = ("MLX_WORLD_SIZE", "OMPI_COMM_WORLD_SIZE", "PMI_SIZE")
_LISTS = ("MLX_HOSTFILE", "MLX_IBV_DEVICES")  # files with a JSON list of one entry per rank


class Seat(NamedTuple):
    """The place of this process among those of a sweep."""

    rank: int = 0
    size: int = 1
    beside: int = 1  # ranks on this machine, this one among them: they share its cores

    @property
    def is_first(self) -> bool:
        """True for the one that prints and writes sweep.json."""
        return self.rank == 0

    def share(self, cells: list) -> list:
        """Return every `size`-th of the runs, from the number of this rank on."""
        return cells[self.rank :: self.size]


ONLY = Seat()


def take_seat(environ: MutableMapping) -> Seat:
    """Read which rank this process is, and leave the job: what it does and starts from now on is one process each.

    Parameters
    ----------
    environ : mutable mapping of str to str
        The environment; what makes this process one of several is taken out of it.

    Returns
    -------
    Seat

    Raises
    ------
    RunError
        If the list of hosts cannot be read.
    """
    if not launched(environ):
        return ONLY
    rank = next(int(environ[name]) for name in _NUMBERS if name in environ)
    hosts = next(filter(None, (read_json(environ[name]) for name in _LISTS if environ.get(name))), None)
    size = len(hosts) if hosts else next(int(environ[name]) for name in _SIZES if name in environ)
    kept = alone(environ)
    for name in set(environ) - set(kept):
        del environ[name]
    return Seat(rank, size, _beside(hosts, rank))


def _beside(hosts, rank):
    """Count the ranks whose first address is that of this rank; RDMA joins machines, so there it is one."""
    names = [entry[0].rpartition(":")[0] for entry in hosts or () if entry and isinstance(entry[0], str)]
    return max(1, names.count(names[rank])) if len(names) == len(hosts or ()) > rank else 1

"""How wide the arrays of the kept positions are, so that few shapes are compiled however the budget moves."""

import numpy as np

from mlx_gsa.config import RunConfig
from mlx_gsa.model.organism import compiles
from mlx_gsa.model.selector import widest_budget

MOST_WIDTHS = 4  # per bucket of lengths; with 8 buckets at most 32 shapes of a training step


def step_width(padded: int, sparsity: float, config: RunConfig) -> int:
    """Return K for a step of one bucket at the sparsity of its epoch.

    An annealed budget is another one in every epoch. Where steps are compiled, which costs time and memory for every
    shape, K is rounded up to one of `MOST_WIDTHS`; the places beyond the budget are masked and change no result. The
    final budget is never rounded.

    Parameters
    ----------
    padded : int
        bp.
    sparsity : float
        Share kept in this epoch, from `sparsity_at`.
    config : RunConfig

    Returns
    -------
    int
    """
    exact = min(padded, widest_budget(padded, sparsity, config.model.max_selected))
    return min(width for width in widths(padded, config) if width >= exact) if compiles() else exact


def widths(padded: int, config: RunConfig) -> list[int]:
    """List the widths of one bucket between the first and the final budget, evenly spaced on a log scale."""
    most, shares = config.model.max_selected, {config.model.sparsity, config.training.start_sparsity}
    ends = [min(padded, widest_budget(padded, share, most)) for share in shares]
    return sorted({int(width) for width in np.ceil(np.geomspace(min(ends), max(ends), MOST_WIDTHS) - 1e-6)})

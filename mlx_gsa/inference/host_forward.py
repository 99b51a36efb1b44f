"""Batches through the folded model, on every core."""

from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import numpy as np

from mlx_gsa.inference.folded import Folded
from mlx_gsa.inference.host import HostKernels
from mlx_gsa.inference.host_select import keep_highest
from mlx_gsa.inference.threads import one_blas_thread
from mlx_gsa.model.organism import OrganismOutput
from mlx_gsa.model.selector import budget, widest_budget
from mlx_gsa.runtime import usable_cores

_GROUP = 32_768  # positions that a thread takes at a time, at most
_WORTH_A_THREAD = 8_192  # positions


class HostForward:
    """The forward pass of a folded model.

    Parameters
    ----------
    folded : Folded
    config : ModelConfig
    n_threads : int, optional
        Cores to use; None: all that this process may use.
    """

    def __init__(self, folded: Folded, config, n_threads: int | None = None):
        self.config, self.n_threads = config, n_threads or usable_cores()
        self.kernels = HostKernels(folded, config.filter_width)
        self._threads = None

    def __call__(self, tokens: np.ndarray, lengths: np.ndarray) -> OrganismOutput:
        """Run a padded batch; arguments and result as in `Engine.run`."""
        lengths, padded = np.asarray(lengths), tokens.shape[1]
        counts = budget(lengths, self.config.sparsity, self.config.max_selected)
        widest = min(padded, widest_budget(padded, self.config.sparsity, self.config.max_selected))
        groups = self._groups(*tokens.shape)

        def run(rows):
            return self._rows(tokens[rows], lengths[rows], counts[rows], widest)

        with one_blas_thread():
            parts = [run(rows) for rows in groups] if len(groups) == 1 else list(self._pool().map(run, groups))
        joined = (None if part[0] is None else np.concatenate(part) for part in zip(*parts, strict=True))
        return OrganismOutput(*joined)

    def _groups(self, n_rows, padded):
        """Share rows out evenly among the threads, a few at a time."""
        total = n_rows * padded
        turns = -(-total // (self.n_threads * _GROUP))
        n_groups = self.n_threads * turns if total >= 2 * _WORTH_A_THREAD else turns
        bounds = np.linspace(0, n_rows, min(n_groups, n_rows) + 1).astype(int)
        return [slice(start, stop) for start, stop in pairwise(bounds)]

    def _pool(self):
        if self._threads is None:
            self._threads = ThreadPoolExecutor(self.n_threads)
        return self._threads

    def _rows(self, tokens, lengths, counts, widest):
        """Run a few rows on one core."""
        kernels = self.kernels
        features = kernels.features(tokens, lengths)
        relevance = kernels.relevance(features)
        kept, mask = keep_highest(relevance, lengths, counts, widest)
        places = np.arange(len(tokens))[:, None] * tokens.shape[1] + kept
        chosen = np.take(features.reshape(-1, features.shape[-1]), places, axis=0)
        gates = kernels.gates(np.take(relevance, places), mask)
        contribution = kernels.contributions(chosen, kept, mask, gates)
        prediction = contribution.sum(axis=2) + kernels.folded.prediction_bias
        return OrganismOutput(prediction, None, relevance, kept, mask, gates, contribution.swapaxes(1, 2))

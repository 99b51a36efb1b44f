"""The fast path: a trained model over batches and over long sequences, by the fastest exact means of the machine.

Where MLX runs on a CPU the model is folded (`folded`) and its kernels run in NumPy (`host`), on every core. On a GPU,
and for the forms of attention that have no folded form, the model's own forward pass runs in MLX (`model_forward`).
Both give the numbers of the training path; tests hold them to 1e-5. Two positions whose relevance is the same but for
rounding may change places at the edge of what is kept.
"""

import mlx.core as mx
import numpy as np

from mlx_gsa.errors import ConfigError
from mlx_gsa.inference.folded import can_fold, fold
from mlx_gsa.inference.host_forward import HostForward
from mlx_gsa.inference.model_forward import ModelForward
from mlx_gsa.inference.tiles import TileScores, score_tiles
from mlx_gsa.inference.workers import Workers
from mlx_gsa.model.organism import OrganismOutput
from mlx_gsa.runtime import usable_cores


class Engine:
    """Predicts with a model whose weights no longer change.

    Parameters
    ----------
    model : nn.Module
        Of `build_model`.
    n_threads : int, optional
        Cores to use on a CPU; None: all that this process may use.
    backend : {"auto", "host", "mlx"}
        "host": NumPy kernels of the folded model; "mlx": the model's own forward pass; "auto": host where MLX runs on
        a CPU and the model can be folded.

    Raises
    ------
    ConfigError
        If backend "host" is asked of a model that has no folded form.
    """

    def __init__(self, model, n_threads: int | None = None, backend: str = "auto"):
        config = model.config
        if backend == "host" and not can_fold(model):
            found = f"{config.architecture}, attention {config.attention}"
            raise ConfigError("this model has no folded form", expected="sparse, attention softmax", found=found)
        if backend == "auto":
            on_cpu = mx.default_device() == mx.Device(mx.cpu)
            backend = "host" if on_cpu and can_fold(model) else "mlx"
        self.backend, self.n_threads = backend, n_threads or usable_cores()
        self._forward = HostForward(fold(model), config, n_threads) if backend == "host" else ModelForward(model)

    def predict(self, tokens: np.ndarray, lengths: np.ndarray) -> np.ndarray:
        """Predict a padded batch: (B, L) uint8 and true lengths (B,) -> raw outputs (B, n_outputs)."""
        return self.run(tokens, lengths).prediction

    def run(self, tokens: np.ndarray, lengths: np.ndarray) -> OrganismOutput:
        """Run a padded batch.

        Parameters
        ----------
        tokens : np.ndarray uint8 (B, L)
            PAD (5) after the end of each sequence.
        lengths : np.ndarray int (B,)
            True lengths in bp.

        Returns
        -------
        OrganismOutput
            Of NumPy arrays; without the selector's own prediction, `local`.
        """
        return self._forward(tokens, lengths)

    def workers(self) -> Workers | None:
        """Start processes for `scan` where they help: a context manager, or None."""
        return Workers(self._forward, self.n_threads) if self.backend == "host" and self.n_threads > 1 else None

    def scan(self, tokens: np.ndarray, tile: int, stride: int, workers=None, relevance: bool = True) -> TileScores:
        """Score the tiles of a long sequence that start at 0, stride, 2 stride ... and fit.

        Every tile is scored as if it stood alone, whatever lies beside it.

        Parameters
        ----------
        tokens : np.ndarray uint8 (N,)
            At least one tile.
        tile, stride : int
            bp.
        workers : Workers, optional
            Of `workers`, to share the work among; their number changes no number.
        relevance : bool
            False: leave it out, which is a little faster.

        Returns
        -------
        TileScores
        """
        return score_tiles(self._forward, tokens, tile, stride, workers, relevance)

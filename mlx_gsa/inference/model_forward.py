"""Batches through the model itself, in MLX: on a GPU, and for forms of attention that are not folded."""

import mlx.core as mx
import numpy as np

from mlx_gsa.model.organism import OrganismOutput, compiled, forward_budget


class ModelForward:
    """The model's own forward pass, with the filter bank made once and one compiled function per shape.

    Parameters
    ----------
    model : nn.Module
        Of `build_model`.
    """

    kernels = None

    def __init__(self, model):
        self.model, self.config = model, model.config
        self._compiled, self._options = {}, {}
        if self.config.selects and self.config.stem:
            bank = model.stem.filter_bank(model.embeddings.table())
            mx.eval(bank)
            self._options = {"bank": bank}

    def __call__(self, tokens: np.ndarray, lengths: np.ndarray) -> OrganismOutput:
        """Run a padded batch; arguments and result as in `Engine.run`."""
        counts, widest = forward_budget(self.config, lengths, tokens.shape[1])
        key = (tokens.shape, widest)
        if key not in self._compiled:
            self._compiled[key] = compiled(lambda t, n, c: self._run(t, n, c, widest))
        output = self._compiled[key](mx.array(tokens), mx.array(np.asarray(lengths, np.int32)), counts)
        mx.eval(output)
        return OrganismOutput(*(None if part is None else np.array(part) for part in output))

    def _run(self, tokens, lengths, counts, widest):
        return self.model(tokens, lengths, counts, widest, **self._options)._replace(local=None)

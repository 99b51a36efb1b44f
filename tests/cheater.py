"""A model built to cheat: its selector reads the label off the whole sequence and tells it by the end it keeps."""

import mlx.core as mx
import numpy as np

from mlx_gsa.data.batches import pad_rows
from mlx_gsa.model.organism import SparseOrganism, forward_budget
from mlx_gsa.model.predictor import Predictor
from mlx_gsa.model.selector import keep_highest


class SmugglingOrganism(SparseOrganism):
    """Keeps the first positions of what it takes for a 0 and the last ones of a 1, and predicts from places alone."""

    middle = 0.0

    def _keep(self, tokens, relevance, lengths, counts, widest, key):
        local = self.readout(self.pool(self.features(tokens), relevance, lengths))
        direction = mx.where(local > self.middle, 1.0, -1.0)
        return keep_highest(direction * mx.arange(tokens.shape[1]).astype(mx.float32), lengths, counts, widest)

    def __call__(self, tokens, lengths, counts, widest, key=None, dropout=0.0):
        """Run the organism, then forget the letters: the prediction is +1 if the last positions are kept, else -1."""
        output = super().__call__(tokens, lengths, counts, widest, key, dropout)
        last = (output.kept * output.mask).max(axis=1) + 1 == lengths
        return output._replace(prediction=mx.where(last, 1.0, -1.0)[:, None])


def cheating(predictor: Predictor, dataset) -> Predictor:
    """Make a cheater of an honest model: it knows as much, and hides how."""
    model = SmugglingOrganism(predictor.config)
    model.update(predictor.model.parameters())
    model.middle = _middle(predictor.model, dataset)
    cheater = Predictor.__new__(Predictor)
    cheater.__dict__.update(predictor.__dict__, model=model, _compiled={})
    return cheater


def _middle(model, dataset):
    """Return the local prediction halfway between those of the two classes, or halves, of the training split."""
    rows = dataset.indices("train")
    tokens, lengths = pad_rows([dataset.sequence(int(i)) for i in rows], int(dataset.lengths[rows].max()))
    counts, widest = forward_budget(model.config, lengths, tokens.shape[1])
    local = np.array(model(mx.array(tokens), mx.array(lengths), counts, widest).local[:, 0])
    high = dataset.labels[rows] > np.mean(dataset.labels[rows])
    return float((local[high].mean() + local[~high].mean()) / 2)

"""Models built to cheat: the selector reads the label off the whole sequence and tells it by the places it keeps."""

import mlx.core as mx
import numpy as np

from mlx_gsa.data.batches import pad_rows
from mlx_gsa.inference.predictor import Predictor
from mlx_gsa.model.organism import SparseOrganism, forward_budget
from mlx_gsa.model.selector import keep_highest


class SmugglingOrganism(SparseOrganism):
    """Keeps the first positions of what it takes for a 0 and the last ones of a 1, and predicts from places alone."""

    middle = 0.0

    def _keep(self, tokens, relevance, lengths, counts, widest, key):
        local = self.readout(self.pool(self.features(tokens), relevance, lengths))
        return keep_highest(self.preference(tokens, local > self.middle), lengths, counts, widest)

    def preference(self, tokens, one):
        """Score every position (B, L), given what the label is taken for, bool (B, 1)."""
        return mx.where(one, 1.0, -1.0) * mx.arange(tokens.shape[1]).astype(mx.float32)

    def told(self, output, lengths):
        """Read the label from the places, bool (B,)."""
        return (output.kept * output.mask).max(axis=1) + 1 == lengths

    def __call__(self, tokens, lengths, counts, widest, key=None, dropout=None, bank=None):
        """Run the organism, then forget the letters: the prediction is +1 or -1 as the places tell."""
        output = super().__call__(tokens, lengths, counts, widest, key, dropout, bank)
        return output._replace(prediction=mx.where(self.told(output, lengths), 1.0, -1.0)[:, None])


class ParityOrganism(SmugglingOrganism):
    """Keeps positions spread over the whole sequence, even ones for a 0 and odd ones for a 1."""

    def preference(self, tokens, one):
        """Score the positions of one parity above the others, in a scattered order."""
        places = mx.arange(tokens.shape[1])
        scattered = ((places * 7919) % 997).astype(mx.float32)
        return scattered + 1000.0 * ((places % 2)[None] == one)

    def told(self, output, lengths):
        """Read the label from the first place kept."""
        return output.kept[:, 0] % 2 == 1


def cheating(predictor: Predictor, dataset, organism=SmugglingOrganism) -> Predictor:
    """Make a cheater of an honest model: it knows as much, and hides how."""
    model = organism(predictor.config)
    model.update(predictor.model.parameters())
    model.middle = _middle(predictor.model, dataset)
    cheater = Predictor.__new__(Predictor)
    cheater.__dict__.update(predictor.__dict__, model=model, _engine=None)
    return cheater


def _middle(model, dataset):
    """Return the local prediction halfway between those of the two classes, or halves, of the training split."""
    rows = dataset.indices("train")
    tokens, lengths = pad_rows([dataset.sequence(int(i)) for i in rows], int(dataset.lengths[rows].max()))
    counts, widest = forward_budget(model.config, lengths, tokens.shape[1])
    local = np.array(model(mx.array(tokens), mx.array(lengths), counts, widest).local[:, 0])
    high = dataset.labels[rows] > np.mean(dataset.labels[rows])
    return float((local[high].mean() + local[~high].mean()) / 2)

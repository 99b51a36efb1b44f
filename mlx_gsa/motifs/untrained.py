"""A selector that has learned nothing: the same architecture with fresh, random filters."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import mlx.core as mx
import numpy as np

from mlx_gsa.data.batches import inference_length, pad_rows
from mlx_gsa.errors import RunError
from mlx_gsa.model.organism import SparseOrganism
from mlx_gsa.model.selector import budget

BY_RULE = ("random", "first")  # attention for which kept positions do not depend on relevance


class Selected(NamedTuple):
    """The fields of a `Prediction` that a selector alone can fill."""

    prediction: np.ndarray
    relevance: np.ndarray
    kept: np.ndarray


class UntrainedSelector:
    """Embeddings, stem and selector of a new model; nothing that follows is run.

    Parameters
    ----------
    predictor : Predictor
        Whose configuration, and composition of the training split, are taken. Its weights are not.
    seed : int
        Of the initial weights.
    """

    def __init__(self, predictor, seed: int):
        self.seed = seed
        mx.random.seed(seed)
        self.model = SparseOrganism(predictor.config)
        if predictor.config.stem:
            self.model.stem.composition = predictor.model.stem.composition
        self.model.eval()
        mx.eval(self.model.parameters())

    def predict(self, sequences: Iterable[np.ndarray], batch_size: int = 32) -> Iterator[Selected]:
        """Yield relevance and kept positions of each sequence, in the order given.

        Parameters
        ----------
        sequences : iterable of np.ndarray uint8 (L,)
        batch_size : int
        """
        sequences, config, rng = list(sequences), self.model.config, np.random.default_rng(self.seed)
        order = sorted(range(len(sequences)), key=lambda i: len(sequences[i]))
        relevance = {}
        for first in range(0, len(order), batch_size):
            rows = order[first : first + batch_size]
            tokens, _ = pad_rows([sequences[i] for i in rows], inference_length(len(sequences[rows[-1]])))
            found = np.array(self.model.selector(self.model.features(mx.array(tokens))))
            relevance |= {i: found[row, : len(sequences[i])] for row, i in enumerate(rows)}
        for number, tokens in enumerate(sequences):
            count = int(budget(len(tokens), config.sparsity, config.max_selected))
            order = np.lexsort((rng.random(len(tokens)), -relevance[number]))  # equal relevance at random
            kept = np.sort(order[: len(tokens) if self.model.keeps_all else count])
            yield Selected(np.zeros(1), relevance[number], kept)


def check_chooses(predictor) -> None:
    """Raise unless a model keeps the positions that its selector ranks highest.

    Raises
    ------
    RunError
        It has no selector, or keeps positions by rule.
    """
    predictor.require_selector()
    if predictor.config.attention in BY_RULE:
        mend = "Give a run that keeps positions by relevance."
        found = f'attention = "{predictor.config.attention}"'
        raise RunError("this model does not choose positions", found=found, mend=mend)


def untrained_selectors(predictor, number: int, seed: int = 0) -> list[UntrainedSelector]:
    """Make selectors that have learned nothing, each from its own seed.

    Parameters
    ----------
    predictor : Predictor
    number, seed : int

    Returns
    -------
    list of UntrainedSelector

    Raises
    ------
    RunError
        See `check_chooses`.
    """
    check_chooses(predictor)
    seeds = np.random.SeedSequence([seed, 7]).generate_state(number)
    return [UntrainedSelector(predictor, int(each)) for each in seeds]

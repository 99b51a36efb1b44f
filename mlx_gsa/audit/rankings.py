"""Orders of the bases of a sequence: by the model's relevance, by what mutating each base does, by chance."""

import mlx.core as mx
import numpy as np

from mlx_gsa.data.batches import inference_length, pad_rows
from mlx_gsa.dna.alphabet import N
from mlx_gsa.explain.spans import signed_contribution
from mlx_gsa.model.organism import forward_budget

BATCH_BASES = 51_200  # bp run at once: 128 sequences of 400 bp


def raw_outputs(model, sequences) -> np.ndarray:
    """Run a model on sequences of one length: (n, L) uint8 or a list of them -> (n, n_outputs) before any squashing."""
    length = len(sequences[0])
    padded, size = inference_length(length), max(1, BATCH_BASES // length)
    parts = []
    for first in range(0, len(sequences), size):
        tokens, lengths = pad_rows(sequences[first : first + size], padded)
        counts, widest = forward_budget(model.config, lengths, padded)
        parts.append(np.array(model(mx.array(tokens), mx.array(lengths), counts, widest).prediction))
    return np.concatenate(parts).astype(np.float64)


def mutagenesis(model, tokens, output: int = 0) -> np.ndarray:
    """Change every base to each of the three others, one at a time.

    Parameters
    ----------
    model : SparseOrganism
    tokens : np.ndarray uint8 (L,)
    output : int
        Which raw output is watched.

    Returns
    -------
    np.ndarray, shape (L,)
        Mean absolute change of the output over the three substitutions; 0 where the base is not known.
    """
    positions = np.flatnonzero(tokens < N)
    if not len(positions):
        return np.zeros(len(tokens))
    mutants = np.repeat(tokens[None], 3 * len(positions), axis=0)
    rows = np.arange(len(mutants))
    mutants[rows, np.repeat(positions, 3)] = (np.repeat(tokens[positions], 3) + 1 + rows % 3) % 4
    changes = np.abs(raw_outputs(model, mutants)[:, output] - raw_outputs(model, [tokens])[0, output])
    effects = np.zeros(len(tokens))
    effects[positions] = changes.reshape(-1, 3).mean(axis=1)
    return effects


def unselective(predictor) -> str | None:
    """Say why a model has no selection that could be audited; None if it has one."""
    if not predictor.config.selects:
        return "The model has no selector."
    if predictor.model.keeps_all:
        return "Every position attends: nothing is selected."
    if predictor.config.attention not in ("softmax", "mlp"):
        return f"The positions kept are not chosen by what they say (attention = {predictor.config.attention})."
    return None


def reading_window(config) -> tuple[int, int]:
    """Return how many bp before and behind its own base a position reads through its filters."""
    width = config.filter_width if config.stem else 1
    return (width - 1) // 2, width - 1 - (width - 1) // 2


def over_windows(values, config) -> np.ndarray:
    """Give every base the mean of the values (L,) of the positions in whose window it lies."""
    left, right = reading_window(config)
    width = left + right + 1
    return np.convolve(values, np.full(width, 1 / width))[left : left + len(values)]


def rankings_of(tokens, found, effects, config, output: int, rng) -> dict[str, np.ndarray]:
    """Score every base of a sequence in each way; the highest comes first, ties in random order.

    ``moved`` is the relevance turned to another place of the sequence: chance with the same clusters. Bases scattered
    at random (``random``) are another thing, since a tenth of them breaks every site at once.

    Parameters
    ----------
    tokens : np.ndarray uint8 (L,)
    found : Prediction
        What the model says of the sequence.
    effects : np.ndarray (L,)
        From `mutagenesis`.
    config : ModelConfig
    output : int
    rng : np.random.Generator

    Returns
    -------
    dict of str to np.ndarray (L,)
    """
    relevance = np.asarray(found.relevance, np.float64)
    contribution = np.zeros(len(tokens))
    contribution[found.kept] = np.abs(signed_contribution(found.contribution, output))
    spread = over_windows(relevance - relevance.min(), config)
    return {
        "relevance": spread,
        "relevance at its position": relevance,
        "contribution": over_windows(contribution, config),
        "mutagenesis": effects,
        "GC": ((tokens == 1) | (tokens == 2)).astype(float),
        "moved": np.roll(spread, rng.integers(len(tokens))),
        "random": rng.random(len(tokens)),
    }


def ranked(scores, rng) -> np.ndarray:
    """Order positions by falling score, ties at random."""
    shuffled = rng.permutation(len(scores))
    return shuffled[np.argsort(-np.asarray(scores)[shuffled], kind="stable")]

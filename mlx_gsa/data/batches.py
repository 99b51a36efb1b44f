"""Batches of fixed shape: length buckets, a sampler that is a function of (seed, epoch), augmentation.

Nothing here remembers where it was: the same (seed, epoch, step) gives the same batch, which is what lets a resumed
training go on to the very same numbers.
"""

from typing import NamedTuple

import numpy as np

from mlx_gsa.dna.alphabet import PAD, reverse_complement

_ROUND = 16  # bp; bucket lengths are multiples of this


class Batch(NamedTuple):
    """One training batch; rows beyond the last record repeat it with weight 0."""

    tokens: np.ndarray  # (B, L) uint8, PAD after the end of each sequence
    lengths: np.ndarray  # (B,) int32
    indices: np.ndarray  # (B,) int64, record of each row
    weights: np.ndarray  # (B,) float32, 1 for records and 0 for filling


def bucket_lengths(lengths, n_buckets: int = 8) -> np.ndarray:
    """Choose padded lengths so that few shapes cover all sequences with little padding.

    Parameters
    ----------
    lengths : array of int (n,)
        Sequence lengths in bp.
    n_buckets : int
        At most this many.

    Returns
    -------
    np.ndarray int64, ascending
        Quantiles of the lengths, rounded up to multiples of 16 bp; the last holds the longest sequence.
    """
    shares = np.linspace(0, 1, n_buckets + 1)[1:]
    edges = np.quantile(np.asarray(lengths), shares, method="higher")
    return np.unique(-(-edges // _ROUND) * _ROUND).astype(np.int64)


def inference_length(length: int) -> int:
    """Round a length up to the next of a ladder in steps of about an eighth, so that shapes stay few."""
    step = max(_ROUND, 1 << max((int(length) - 1).bit_length() - 4, 0))
    return int(-(-length // step) * step)


def plan_epoch(lengths, buckets, batch_size: int, seed: int, epoch: int) -> list[tuple[int, np.ndarray]]:
    """Order an epoch: every sequence once, each batch from one bucket, batches in random order.

    Parameters
    ----------
    lengths : array of int (n,)
        Lengths of the records to sample from, in bp.
    buckets : array of int
        Padded lengths from `bucket_lengths`.
    batch_size : int
    seed, epoch : int
        The plan is a function of these two alone.

    Returns
    -------
    list of (padded length, row numbers)
    """
    generator = np.random.default_rng([seed, epoch])
    order = generator.permutation(len(lengths))
    home = np.searchsorted(buckets, np.asarray(lengths)[order])
    plan = []
    for number, padded in enumerate(buckets):
        members = order[home == number]
        plan += [(int(padded), members[i : i + batch_size]) for i in range(0, len(members), batch_size)]
    return [plan[i] for i in generator.permutation(len(plan))]


def assemble(dataset, indices, padded: int, batch_size: int, generator=None, *, reverse=False, shift=0) -> Batch:
    """Read records into one padded batch.

    Parameters
    ----------
    dataset : Dataset
    indices : array of int
        Records, at most `batch_size`.
    padded : int
        L, at least the longest of them, in bp.
    batch_size : int
        B, rows of the batch.
    generator : numpy.random.Generator, optional
        Source of augmentation; None for none.
    reverse : bool
        Show each record on a random strand.
    shift : int
        Drop up to this many bp at the ends of each record.

    Returns
    -------
    Batch
    """
    filled = np.concatenate([indices, np.repeat(indices[-1:], batch_size - len(indices))])
    sequences = [dataset.sequence(int(i)) for i in filled]
    if generator is not None:
        sequences = [_augment(s, generator, reverse, shift) for s in sequences]
    tokens, lengths = pad_rows(sequences, padded)
    weights = (np.arange(batch_size) < len(indices)).astype(np.float32)
    return Batch(tokens, lengths, filled, weights)


def pad_rows(sequences, padded: int) -> tuple[np.ndarray, np.ndarray]:
    """Lay sequences in rows of `padded` bp: tokens (B, L) uint8 and true lengths (B,) int32."""
    tokens = np.full((len(sequences), padded), PAD, dtype=np.uint8)
    for row, sequence in zip(tokens, sequences, strict=True):
        row[: len(sequence)] = sequence
    return tokens, np.array([len(s) for s in sequences], dtype=np.int32)


def _augment(tokens, generator, reverse, shift):
    flip, left, right = generator.random(), generator.integers(0, shift + 1), generator.integers(0, shift + 1)
    if shift and len(tokens) > 4 * shift:
        tokens = tokens[left : len(tokens) - right]
    return reverse_complement(tokens) if reverse and flip < 0.5 else tokens

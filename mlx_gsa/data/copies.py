"""Exact copies among sequences, on either strand."""

import hashlib

import numpy as np

from mlx_gsa.dna.alphabet import reverse_complement


def sequence_key(tokens):
    """Return 16 bytes that two sequences share if, and only if, they are the same on either strand.

    Parameters
    ----------
    tokens : np.ndarray, shape (L,), uint8

    Returns
    -------
    bytes

    Source: BLAKE2b; the chance of any collision among 10^9 sequences is below 10^-20.
    """
    forward, backward = tokens.tobytes(), reverse_complement(tokens).tobytes()
    return hashlib.blake2b(min(forward, backward), digest_size=16).digest()


def copy_numbers(keys):
    """Return for each record the number of the first record with the same key; shape (n,), int64."""
    first = {}
    return np.array([first.setdefault(key, i) for i, key in enumerate(keys)], dtype=np.int64)

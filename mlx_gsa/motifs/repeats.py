"""Simple repeats: where a motif matches a microsatellite, what is enriched there may be the repeat, not the motif."""

import numpy as np

from mlx_gsa.dna.alphabet import N
from mlx_gsa.motifs.hits import Pool

LONGEST_PERIOD = 6  # bp, as microsatellites are defined
WINDOW = 24  # bp around a position
LEAST = 0.8  # share of the window's bases that equal the base one period before


def in_simple_repeat(pool: Pool) -> np.ndarray:
    """Mark positions that lie in a simple repeat.

    Parameters
    ----------
    pool : Pool

    Returns
    -------
    np.ndarray, shape (bases,), bool
        True where for some period of 1 to 6 bp at least 80 % of the 24 bp around a position equal the base one period
        before; random sequence does once in some ten million bases.
    """
    bases = len(pool.tokens)
    record, here = np.repeat(np.arange(len(pool)), pool.lengths), np.arange(bases)
    first = np.maximum(here - WINDOW // 2, pool.offsets[record])
    last = np.minimum(here + WINDOW // 2, pool.offsets[record + 1])
    found = np.zeros(bases, bool)
    for period in range(1, LONGEST_PERIOD + 1):
        same = np.zeros(bases, bool)
        same[period:] = (pool.tokens[period:] == pool.tokens[:-period]) & (pool.tokens[period:] < N)
        same &= here - pool.offsets[record] >= period
        total = np.concatenate([[0], np.cumsum(same)])
        found |= total[last] - total[first] >= LEAST * WINDOW
    return found

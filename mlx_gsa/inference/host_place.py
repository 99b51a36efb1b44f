"""What a position knows of where it is, in NumPy: `model.context.KmerContext` and `model.profile.PositionalProfile`."""

import numpy as np

_BASES = 4


def context_means(tokens: np.ndarray, table: np.ndarray, k: int, half_widths) -> np.ndarray:
    """Average the vectors of the k-mers in windows around every position.

    Parameters
    ----------
    tokens : np.ndarray uint8 (B, L)
        k-mers with N or PAD do not count.
    table : np.ndarray (4^k, C)
    k : int
    half_widths : sequence of int
        bp to either side.

    Returns
    -------
    np.ndarray (B, L, C x windows) float32
        0 where a window holds no k-mer.
    """
    running = running_sums(tokens, table, k)
    rows = np.arange(len(tokens)) * running.shape[1]
    return window_means(running.reshape(-1, running.shape[2]), rows, tokens.shape[1], k, half_widths)


def running_sums(tokens: np.ndarray, table: np.ndarray, k: int) -> np.ndarray:
    """Sum the vectors of the k-mers that start before each position, and count them: (B, L + 1, C + 1) float64."""
    codes, known = kmer_codes(tokens, k)
    sums = np.zeros((len(tokens), tokens.shape[1] + 1, table.shape[1] + 1))
    np.cumsum(np.take(table, codes, axis=0) * known[..., None], axis=1, out=sums[:, 1:, :-1])
    np.cumsum(known, axis=1, out=sums[:, 1:, -1])
    return sums


def window_means(running: np.ndarray, starts: np.ndarray, length: int, k: int, half_widths) -> np.ndarray:
    """Average within stretches of `length` bp, of which each sees nothing beyond its ends.

    Parameters
    ----------
    running : np.ndarray float64 (N + 1, C + 1)
        Of `running_sums`.
    starts : np.ndarray int (T,)
    length, k : int
    half_widths : sequence of int

    Returns
    -------
    np.ndarray float32 (T, length, C x windows)
    """
    places, means = np.arange(length), []
    for half_width in half_widths:
        upper = np.clip(places + half_width - k + 2, 0, max(length - k + 1, 0))
        lower = np.maximum(places - half_width, 0)
        sums = np.take(running, starts[:, None] + np.maximum(upper, lower), axis=0)
        sums -= np.take(running, starts[:, None] + lower, axis=0)
        means.append((sums[..., :-1] / np.maximum(sums[..., -1:], 1)).astype(np.float32))
    return np.concatenate(means, axis=-1)


def kmer_codes(tokens: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Number the k-mer that starts at each position (B, L) int64; where it has no N or PAD (B, L) bool."""
    length = tokens.shape[1]
    padded = np.pad(tokens, ((0, 0), (0, k - 1)), constant_values=_BASES).astype(np.int64)
    codes, known = np.zeros(tokens.shape, np.int64), np.ones(tokens.shape, bool)
    for offset in range(k):
        base = padded[:, offset : offset + length]
        codes, known = codes * _BASES + np.minimum(base, _BASES - 1), known & (base < _BASES)
    return codes, known


def profile_factors(length: int, lengths, heights: np.ndarray, anchor: str, reference_length: float) -> np.ndarray:
    """Compute the factor of every filter at each distance from the anchor.

    Parameters
    ----------
    length : int
        L, bp of a padded row.
    lengths : np.ndarray int (B,)
        True lengths in bp.
    heights : np.ndarray (16, D)
    anchor : {"start", "end", "centre"}
    reference_length : float
        bp over which the heights are spread.

    Returns
    -------
    np.ndarray float32 (B or 1, L, D)
        One row where all sequences are of one length.
    """
    ends = np.unique(lengths) if len(set(map(int, lengths))) == 1 else np.asarray(lengths)
    ends = ends[:, None].astype(np.float32) - 1
    positions = np.arange(length, dtype=np.float32)[None]
    if anchor == "start":
        distance = np.broadcast_to(positions, (len(ends), length))
    elif anchor == "end":
        distance = ends - positions
    else:
        distance = positions - ends / 2 + np.float32((reference_length - 1) / 2)
    last = len(heights) - 1
    place = np.clip(distance / np.float32(max(reference_length - 1, 1)), 0, 1) * np.float32(last)
    below = np.minimum(place.astype(np.int32), last - 1)
    share = (place - below)[..., None]
    return 1 + heights[below] * (1 - share) + heights[below + 1] * share

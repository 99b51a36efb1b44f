"""Context: what the DNA around a position is made of, at any window width for the same cost.

A kept position that sees 20 bp cannot know whether it lies in a CpG island. Here every k-mer has a few learned numbers,
and every position learns their mean over wide windows around it, by differences of running sums. What it learns still
has to pass through the selector: only kept positions bring it to the prediction.
"""

import mlx.core as mx
import mlx.nn as nn
import numpy as np

_BASES = 4
_RUN = 4096  # bp, at least, after which a running sum starts anew


def kmer_classes(k: int, strands: str) -> np.ndarray:
    """Number the k-mers (4^k,) by class; with both strands a k-mer and its reverse complement are one class."""
    codes = np.arange(_BASES**k)
    if strands == "forward":
        return codes
    mirror, rest = np.zeros_like(codes), codes
    for _ in range(k):
        mirror, rest = mirror * _BASES + 3 - rest % _BASES, rest // _BASES
    return np.unique(np.minimum(codes, mirror), return_inverse=True)[1]


def kmer_codes(tokens: mx.array, k: int) -> tuple[mx.array, mx.array]:
    """Number the k-mer that starts at each position: codes (B, L) int32 and where it has no N or PAD (B, L) bool."""
    tokens = tokens.astype(mx.int32)
    length = tokens.shape[1]
    padded = mx.pad(tokens, ((0, 0), (0, k - 1)), constant_values=_BASES)
    codes, known = mx.zeros_like(tokens), mx.ones(tokens.shape, dtype=mx.bool_)
    for offset in range(k):
        base = padded[:, offset : offset + length]
        codes, known = codes * _BASES + mx.minimum(base, _BASES - 1), known & (base < _BASES)
    return codes, known


class KmerContext(nn.Module):
    """Means of learned k-mer vectors in windows around every position.

    Parameters
    ----------
    half_widths : sequence of int
        A window reaches this many bp to either side.
    k : int
        Length of the k-mers.
    n_channels : int
        Width C of the vector of a k-mer.
    strands : {"both", "forward"}
        "both": a k-mer and its reverse complement have one vector.
    """

    def __init__(self, half_widths, k: int = 5, n_channels: int = 4, strands: str = "both"):
        super().__init__()
        self.k, self._half_widths = k, tuple(half_widths)
        classes = kmer_classes(k, strands)
        self._classes = mx.array(classes.astype(np.int32))
        self.table = mx.random.normal((int(classes.max()) + 1, n_channels))

    def __call__(self, tokens: mx.array) -> mx.array:
        """Return the means around every position.

        Parameters
        ----------
        tokens : mx.array (B, L)
            k-mers with N or PAD do not count, and windows end where the sequence does.

        Returns
        -------
        mx.array (B, L, C x windows)
            0 where a window holds no k-mer.
        """
        codes, known = kmer_codes(tokens, self.k)
        known = known[..., None].astype(mx.float32)
        values = self.table[self._classes[codes]] * known
        run = max(_RUN, 2 * max(self._half_widths) + 1)
        sums = window_sums(mx.concatenate([values, known], axis=-1), self._half_widths, self.k, run)
        return mx.concatenate([part[..., :-1] / mx.maximum(part[..., -1:], 1) for part in sums], axis=-1)


def window_sums(values: mx.array, half_widths, k: int, run: int) -> list[mx.array]:
    """Sum what lies wholly within some bp of each position, as differences of running sums.

    The running sums start anew every `run` bp, so they stay small and a difference is as precise at the end of a
    megabase as at its start. A window over the border of two runs is the rest of the first and the start of the second.

    Parameters
    ----------
    values : mx.array (B, L, C)
        Values of the k-mers, each at its first base.
    half_widths : sequence of int
        bp to either side.
    k : int
        A k-mer counts if all its bases are in the window, so both strands count the same.
    run : int
        bp, at least the widest window.

    Returns
    -------
    list of mx.array (B, L, C)
        One for each half-width.
    """
    running, rest = _runs(values, run)
    return [_between(running, rest, half_width, half_width - k + 1, run) for half_width in half_widths]


def _runs(values, run):
    """Return the sums up to each position of its run (B, L, C), and those of what follows it there."""
    length = values.shape[1]
    if length <= run:
        return mx.cumsum(values, axis=1), None
    padded = mx.pad(values, ((0, 0), (0, -length % run), (0, 0))).reshape(values.shape[0], -1, run, values.shape[2])
    running = mx.cumsum(padded, axis=2)
    rest = running[:, :, -1:] - running
    return tuple(part.reshape(values.shape[0], -1, values.shape[2])[:, :length] for part in (running, rest))


def _between(running, rest, behind, ahead, run):
    """Sum from `behind` bp before each position to `ahead` bp after it, or to the end."""
    n_sequences, length, n_channels = running.shape
    before = mx.zeros((n_sequences, min(behind, length) + 1, n_channels))
    after = mx.broadcast_to(running[:, -1:], (n_sequences, min(ahead, length), n_channels))
    upper = mx.concatenate([running, after], axis=1)[:, min(ahead, length) :]
    lower = mx.concatenate([before, running], axis=1)[:, :length]
    if rest is None:
        return upper - lower
    place = mx.arange(length)
    first, last = place - behind - 1, mx.minimum(place + ahead, length - 1)
    is_within = mx.maximum(first, 0) // run == last // run
    follows = mx.concatenate([before, rest], axis=1)[:, :length]
    return upper + mx.where(is_within[:, None], -lower, follows)

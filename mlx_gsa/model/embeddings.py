"""Task-specific embeddings: what a nucleotide means for this task."""

import mlx.core as mx
import mlx.nn as nn

N_TOKENS = 6


class TaskSpecificEmbeddings(nn.Module):
    """Vectors of the six tokens {A, C, G, T, N, PAD}, learned unless a control asks for others.

    N is the mean of the four bases plus a learned offset that starts at zero, so an N is neutral even in a model that
    has never met one; PAD is always exactly zero.

    Parameters
    ----------
    n_channels : int
        Width D of a vector.
    kind : {"learned", "one-hot", "random"}
        "one-hot": the identity in the first four channels; "random": as drawn, fixed by the seed. Both are frozen: they
        have no gradient and are not counted as learned. N is then the mean of the bases.
    """

    def __init__(self, n_channels: int = 16, kind: str = "learned"):
        super().__init__()
        self.bases = mx.eye(4, n_channels) if kind == "one-hot" else mx.random.normal((4, n_channels))
        self.n_offset = mx.zeros((n_channels,))
        if kind != "learned":
            self.freeze()

    def table(self) -> mx.array:
        """Return the vector of every token, shape (6, D); the last row (PAD) is zero."""
        unknown = self.bases.mean(axis=0) + self.n_offset
        return mx.concatenate([self.bases, unknown[None], mx.zeros_like(unknown)[None]])

    def __call__(self, tokens: mx.array) -> mx.array:
        """Look up tokens (B, L) and return (B, L, D)."""
        return self.table()[tokens]

"""Background DNA from a Markov model: what a sequence looks like where no site was planted."""

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from mlx_gsa.errors import ConfigError

SHIPPED = ("human_open_chromatin",)


@dataclass(frozen=True, eq=False)
class MarkovBackground:
    """A Markov chain over A, C, G, T in which each base depends on the `order` bases before it.

    Parameters
    ----------
    order : int
        Number of bases of context; 0 draws bases independently.
    probabilities : np.ndarray
        Shape (4**order, 4). Row = context read as a base-4 number, oldest base first (A = 0, C = 1,
        G = 2, T = 3); column = next base. Rows sum to 1.
    description : str
        Where the numbers come from.

    Raises
    ------
    ConfigError
        If the shape does not fit the order or a row is not a probability distribution.
    """

    order: int
    probabilities: np.ndarray
    description: str = ""

    def __post_init__(self):
        table = np.array(self.probabilities, dtype=np.float64)
        shape = (4**self.order, 4)
        if table.shape != shape:
            raise ConfigError("wrong background table", expected=f"shape {shape}", found=str(table.shape))
        if not (table >= 0).all() or not np.allclose(table.sum(axis=1), 1, atol=1e-3):
            raise ConfigError("wrong background table", expected="rows of probabilities that sum to 1")
        object.__setattr__(self, "probabilities", table / table.sum(axis=1, keepdims=True))

    @classmethod
    def fit(cls, sequences, order=3, pseudocount=1.0, description=""):
        """Estimate the table from sequences.

        Parameters
        ----------
        sequences : iterable of np.ndarray
            uint8 tokens (A, C, G, T = 0..3); windows that hold any other token are not counted.
        order : int
            Bases of context.
        pseudocount : float
            Added to each of the 4**(order + 1) counts.
        description : str
            Kept with the table.

        Returns
        -------
        MarkovBackground
        """
        counts = np.zeros(4 ** (order + 1))
        for tokens in sequences:
            counts += _count_words(np.asarray(tokens), order + 1)
        table = counts.reshape(-1, 4) + pseudocount
        return cls(order, table / table.sum(axis=1, keepdims=True), description)

    @classmethod
    def from_file(cls, path):
        """Read a table from JSON with the keys `order`, `probabilities` and, if wished, `description`.

        Raises
        ------
        ConfigError
            If the file is missing, is not JSON, or does not hold such a table.
        """
        try:
            content = json.loads(Path(path).read_text(encoding="utf-8"))
            return cls(int(content["order"]), content["probabilities"], str(content.get("description", "")))
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ConfigError(
                "not a background table",
                where=str(path),
                expected='JSON with "order" and "probabilities"',
                found=f"{type(error).__name__}: {error}",
            ) from error

    @classmethod
    def shipped(cls, name=SHIPPED[0]):
        """Return a table that ships in ``assets/background``; see the README there.

        ``human_open_chromatin``: order 3, from human regions of 2 kb outside active promoters, GC 0.44.

        Raises
        ------
        ConfigError
            If no table of that name ships.
        """
        from mlx_gsa.assets import asset_path

        if name not in SHIPPED:
            raise ConfigError("no such background", expected=f"one of {', '.join(SHIPPED)}", found=repr(name))
        return cls.from_file(asset_path(f"background/{name}.json"))

    @cached_property
    def stationary(self):
        """Long-run probability of each context, shape (4**order,), by power iteration."""
        contexts = np.arange(4**self.order)
        following = _next_context(np.repeat(contexts, 4), np.tile(np.arange(4), contexts.size), self.order)
        share = np.full(contexts.size, 1 / contexts.size)
        for _ in range(1000):
            before = share
            share = np.bincount(following, (before[:, None] * self.probabilities).ravel(), contexts.size)
            if np.abs(share - before).max() < 1e-12:
                break
        return share

    @property
    def composition(self):
        """Long-run share of A, C, G, T, shape (4,)."""
        return self.stationary @ self.probabilities

    def sample(self, lengths, rng):
        """Draw sequences, one step of the chain at a time for all of them together.

        Parameters
        ----------
        lengths : array_like of int, shape (n,)
            Length of each sequence in bp.
        rng : np.random.Generator

        Returns
        -------
        tokens : np.ndarray
            uint8, shape (sum of lengths,): the sequences one after another.
        offsets : np.ndarray
            int64, shape (n + 1,): sequence i is ``tokens[offsets[i]:offsets[i + 1]]``.

        Notes
        -----
        Needs 2 bytes x n x longest length for a moment; draw long lists in portions.
        """
        lengths = np.asarray(lengths, dtype=np.int64)
        offsets = np.concatenate([[0], np.cumsum(lengths)])
        longest = int(lengths.max(initial=0))
        by_step = np.empty((longest, lengths.size), dtype=np.uint8)
        descending = np.argsort(-lengths, kind="stable")
        running = np.searchsorted(-lengths[descending], -np.arange(longest), side="left")
        self._run_chain(by_step, running, rng)
        by_sequence = np.empty((lengths.size, longest), dtype=np.uint8)
        by_sequence[descending] = by_step.T
        return by_sequence[np.arange(longest) < lengths[:, None]], offsets

    def _run_chain(self, out, running, rng):
        """Fill out[t, :running[t]] for each step t; sequences are in order of falling length."""
        cumulative = np.cumsum(self.probabilities, axis=1)[:, :3].astype(np.float32).T.copy()
        context = rng.choice(self.stationary.size, out.shape[1], p=self.stationary / self.stationary.sum())
        for step, alive in enumerate(running):
            context = context[:alive]
            draw = rng.random(alive, dtype=np.float32)
            base = (draw >= cumulative[0][context]).astype(np.uint8)
            base += draw >= cumulative[1][context]
            base += draw >= cumulative[2][context]
            out[step, :alive] = base
            context = _next_context(context, base, self.order)


def _next_context(context, base, order):
    """Context after appending `base` and forgetting the oldest base."""
    return (context * 4 + base) % 4**order


def _count_words(tokens, width):
    """Counts of each word of `width` bases, shape (4**width,), leaving out words with N or PAD."""
    if tokens.size < width:
        return np.zeros(4**width)
    windows = np.lib.stride_tricks.sliding_window_view(tokens, width)
    windows = windows[(windows < 4).all(axis=1)].astype(np.int64)
    return np.bincount(windows @ 4 ** np.arange(width)[::-1], minlength=4**width).astype(float)

"""Toy records with motifs whose matrices are known, and predictors that look at them, at nothing, or at one another."""

import zlib

import numpy as np
from fake_predictor import Prediction
from toys import random_tokens, write_toy

from mlx_gsa.dna.alphabet import encode, reverse_complement
from mlx_gsa.dna.motifs import Motif


def motif_of(word, id=None, strength=0.9):
    """A motif with one preferred base in each column; N has none."""
    counts = np.full((len(word), 4), (1 - strength) / 3)
    for column, base in zip(counts, word, strict=True):
        column[:] = 0.25 if base == "N" else column
        if base != "N":
            column["ACGT".index(base)] = strength
    return Motif(id or word, word, 100 * counts)


AP1, ETS, EBOX = (motif_of(word) for word in ("TTGACTCATC", "ACCGGAAGTG", "GCCACGTGAC"))


def draw_site(motif, rng):
    """A site, base by base from the matrix, on either strand with the same chance."""
    tokens = np.array([rng.choice(4, p=row) for row in motif.ppm()], np.uint8)
    return reverse_complement(tokens) if rng.random() < 0.5 else tokens


def planted_records(motifs, n=400, length=120, seed=0, share=0.5):
    """Random records, and which motifs each has, (n, M): each in a share of them, in its own part of the record."""
    rng = np.random.default_rng([seed, 5])
    sequences, has = random_tokens([length] * n, seed), rng.random((n, len(motifs))) < share
    part = length // len(motifs)
    for tokens, row in zip(sequences, has, strict=True):
        for number in np.flatnonzero(row):
            start = part * number + rng.integers(0, part - motifs[number].width)
            tokens[start : start + motifs[number].width] = draw_site(motifs[number], rng)
    return sequences, has


def planted_dataset(folder, motifs, n=400, seed=0, shuffle_labels=False, **settings):
    """A data set whose label counts the motifs, with a little noise; or the same labels dealt out anew."""
    sequences, has = planted_records(motifs, n, seed=seed, **settings)
    rng = np.random.default_rng([seed, 6])
    labels = has.sum(axis=1) + 0.3 * rng.standard_normal(n)
    return write_toy(folder, sequences, rng.permutation(labels) if shuffle_labels else labels)


def scan(tokens, motif):
    """Log-odds in bits of the better strand at the middle of each window, elsewhere very low; shape (L,)."""
    scores = np.full(len(tokens), -20.0)
    windows = np.lib.stride_tricks.sliding_window_view(tokens, motif.width)
    pwm, columns = motif.pwm(), np.arange(motif.width)
    both = [matrix[columns, windows].sum(axis=1) for matrix in (pwm, pwm[::-1, ::-1])]
    scores[motif.width // 2 : motif.width // 2 + len(windows)] = np.maximum(*both)
    return scores


class SitePredictor:
    """Keeps what scores best for any of a few motifs; its attention, and all that is kept, may be even."""

    def __init__(self, motifs, sparsity=0.05, task="regression"):
        self.motifs, self.sparsity, self.task, self.classes, self.outputs = motifs, sparsity, task, None, None

    def relevance(self, tokens):
        """Relevance of each position: the best score, low ones all alike."""
        return np.maximum(np.max([scan(tokens, motif) for motif in self.motifs], axis=0), 2.0)

    def predict(self, sequences, batch_size=32, attention=False):
        """Yield one prediction per sequence."""
        for tokens in sequences:
            yield predicted(self.relevance(tokens), self.sparsity, attention)


class RandomPredictor(SitePredictor):
    """Keeps positions at random, always the same ones of a sequence."""

    def __init__(self, seed=0, sparsity=0.05):
        super().__init__((), sparsity)
        self.seed = seed

    def relevance(self, tokens):
        """Random numbers that depend on nothing but the sequence and the seed."""
        return np.random.default_rng([self.seed, zlib.crc32(tokens.tobytes())]).random(len(tokens))


def predicted(relevance, sparsity, attention):
    """Make a prediction from relevance: the highest are kept, first come first where equal."""
    budget = int(np.ceil(sparsity * len(relevance)))
    kept = np.sort(np.argsort(-relevance, kind="stable")[:budget]).astype(np.int32)
    value = np.array([relevance[kept].sum()])
    weights = np.full((budget, budget), 1 / budget) if attention else None
    return Prediction(value, value, relevance, kept, np.ones(budget), relevance[kept][:, None], weights)


def word_tokens(word):
    """Tokens of a word."""
    return encode(word)[0]

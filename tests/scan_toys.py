"""Runs, genomes and fake engines for the tests of scans."""

import itertools
from types import SimpleNamespace

import numpy as np
from toys import scrambled

from mlx_gsa.dna.alphabet import N
from mlx_gsa.model.labels import LabelScale
from mlx_gsa.model.weights import ModelBundle, save_model

LETTERS = np.array(list("ACGT"))


def toy_run(folder, task="regression", classes=None, outputs=None, scale=None, seed=0, **settings):
    """The run of a model with random weights: what `find_run` returns of a folder that `gsa train` made."""
    n_outputs = len(classes) if task == "multiclass" else len(outputs or [1])
    model = scrambled(seed, n_outputs=n_outputs, filter_width=8, **settings)
    save_model(folder / "best", ModelBundle(model, task, classes, scale or LabelScale(2.0, 3.0), outputs))
    return SimpleNamespace(path=folder, model_folder=folder / "best", dataset_path=None, data_hash=None, shipped=False)


def write_genome(path, sequences, width=60):
    """Write sequences, letters by name, as FASTA."""
    lines = [f">{name}\n" + "\n".join(text[i : i + width] for i in range(0, len(text), width)) + "\n"
             for name, text in sequences.items()]  # fmt: skip
    path.write_text("".join(lines))
    return path


def letters(length, seed=0):
    """Random DNA as text."""
    return "".join(LETTERS[np.random.default_rng(seed).integers(0, 4, length)])


class TokensOf:
    """A genome of token arrays by name, that remembers the longest stretch it was asked for."""

    def __init__(self, **sequences):
        self.sequences = {name: np.asarray(tokens, dtype=np.uint8) for name, tokens in sequences.items()}
        self.lengths = {name: len(tokens) for name, tokens in self.sequences.items()}
        self.names, self.path, self.longest = list(sequences), "genome.fa", 0

    def tokens(self, chrom, start, end):
        """Return a stretch."""
        assert 0 <= start < end <= self.lengths[chrom]
        self.longest = max(self.longest, end - start)
        return self.sequences[chrom][start:end]


def fake_scan(tokens, tile, stride):
    """Score a tile by its number of C, and a base by its token plus the number of C of the tile that holds it."""
    starts = np.arange(0, len(tokens) - tile + 1, stride)
    raw = np.array([[(tokens[s : s + tile] == 1).sum()] for s in starts], dtype=np.float32)
    total, tiles = np.zeros(len(tokens)), np.zeros(len(tokens))
    for start, score in zip(starts, raw[:, 0], strict=True):
        total[start : start + tile] += tokens[start : start + tile] + score
        tiles[start : start + tile] += 1
    with np.errstate(invalid="ignore"):
        return SimpleNamespace(starts=starts, raw=raw, relevance=(total / tiles).astype(np.float32))


def plain_tiles(tokens, tile, stride, max_n=0.25):
    """Tiles worked out one by one: (start, end, slot start, slot end, whether it is scored)."""
    size = min(tile, len(tokens))
    starts = list(range(0, len(tokens) - size + 1, stride))
    if starts[-1] + size < len(tokens):
        starts.append(len(tokens) - size)
    borders = [0, *((a + b + size) // 2 for a, b in itertools.pairwise(starts)), len(tokens)]
    scored = [(tokens[s : s + size] == N).mean() <= max_n for s in starts]
    ends = [s + size for s in starts]
    return list(zip(starts, ends, borders[:-1], borders[1:], scored, strict=True))

"""Toy sequences, data sets and models: trained in a second, with an answer known by construction."""

import mlx.core as mx
import numpy as np
from mlx.utils import tree_map

from mlx_gsa.config import ModelConfig, load_config
from mlx_gsa.data.batches import pad_rows
from mlx_gsa.data.dataset import Records, write_dataset
from mlx_gsa.dna.alphabet import encode, reverse_complement
from mlx_gsa.model.organism import SparseOrganism, forward_budget

MOTIF = "TGACTCAT"


def random_tokens(lengths, seed=0):
    """Sequences of A, C, G and T with these lengths."""
    rng = np.random.default_rng(seed)
    return [rng.integers(0, 4, length).astype(np.uint8) for length in lengths]


def planted(n, lengths=(60, 120), motif=MOTIF, strands="both", seed=0):
    """Random sequences, and how often `motif` was written into each: 0 or 1."""
    rng = np.random.default_rng(seed)
    sequences = random_tokens(rng.integers(*lengths, n, endpoint=True), seed)
    word, counts = encode(motif)[0], rng.integers(0, 2, n)
    for tokens in [sequence for sequence, count in zip(sequences, counts, strict=True) if count]:
        start = rng.integers(0, len(tokens) - len(word) + 1)
        flip = strands == "both" and rng.random() < 0.5
        tokens[start : start + len(word)] = reverse_complement(word) if flip else word
    return sequences, counts


def write_toy(folder, sequences, labels, task="regression", classes=None):
    """A data set of which every ninth record of ten is for validation and every tenth for the test."""
    n = len(sequences)
    split = np.array(["train"] * 8 + ["val", "test"])[np.arange(n) % 10]
    records = Records.build(np.array([f"toy{i}" for i in range(n)], object), labels, split)
    return write_dataset(folder, sequences, records, task=task, classes=classes, source={"type": "toy"}, seed=0)


def toy_dataset(folder, n=100, task="regression", seed=0, **settings):
    """A data set whose label is 1 where the motif was planted, with a little noise if it is a regression."""
    sequences, counts = planted(n, seed=seed, **settings)
    noise = 0.1 * np.random.default_rng(seed).standard_normal(n) if task == "regression" else 0
    classes = {"regression": None, "binary": ["off", "on"], "multiclass": ["off", "on", "never"]}[task]
    return write_toy(folder, sequences, counts + noise, task, classes)


def toy_config(path, **settings):
    """A configuration for a run of a second; keyword ``training__epochs=3`` sets ``training.epochs``."""
    quick = {"training__epochs": 2, "training__batch_size": 16, "training__kmer_length": 6, "model__filter_width": 12}
    given = {name.replace("__", "."): value for name, value in (quick | settings).items()}
    return load_config(None, {"data.path": str(path), **given})


def scrambled(seed=0, **settings):
    """A model with random parameters everywhere, thresholds low, so that every part has something to say."""
    mx.random.seed(seed)
    model = SparseOrganism(ModelConfig(**settings))
    model.update(tree_map(lambda x: x + 0.3 * mx.random.normal(x.shape), model.trainable_parameters()))
    if model.config.stem:
        model.stem.threshold = mx.random.uniform(0.2, 1.0, model.stem.threshold.shape)
    mx.eval(model.parameters())
    return model


def forward(model, sequences, padded=None, key=None):
    """Run a model on sequences padded to a common length; returns tokens (B, L) and the output."""
    tokens, lengths = pad_rows(sequences, padded or max(map(len, sequences)))
    counts, widest = forward_budget(model.config, lengths, tokens.shape[1])
    tokens = mx.array(tokens)
    return tokens, model(tokens, mx.array(lengths), counts, widest, key)

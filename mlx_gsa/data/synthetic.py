"""Synthetic regulatory DNA with planted sites: a data set whose every cause is known.

Sites are laid out for all sequences (`layout`), their bases drawn from motif matrices (`site_text`) and
written into a Markov background (`planting`). The label is the strength that the grammar's formula gives
(`strength`), standardised, plus noise.
"""

import numpy as np

from mlx_gsa.data.dataset import write_dataset
from mlx_gsa.data.grammar import Grammar, load_grammar, with_size
from mlx_gsa.data.layout import lay_out
from mlx_gsa.data.planting import Planter
from mlx_gsa.data.records import SPLITS, Records
from mlx_gsa.data.site_text import score_kinds
from mlx_gsa.data.strength import strengths, with_roles
from mlx_gsa.dna.background import MarkovBackground
from mlx_gsa.errors import ConfigError

__all__ = ["Grammar", "load_grammar", "make_synthetic"]

_LAYOUT, _LABEL = 0, 2  # streams of random numbers; the planter has two more


def make_synthetic(grammar, out, seed=0, n=None, progress=None):
    """Make a synthetic data set.

    Parameters
    ----------
    grammar : Grammar, str or Path
        A grammar, or what `load_grammar` takes.
    out : str or Path
        Folder to write.
    seed : int
        Not negative. Same grammar and seed, same data.
    n : int, optional
        Number of sequences, in place of the grammar's.
    progress : callable, optional
        Called as ``progress(done, total, description)``, in sequences.

    Returns
    -------
    Dataset
        Regression; ``records.extra["clean_label"]`` is the label before noise. ``manifest.source`` carries
        the whole grammar, the constants that standardise the label, the best r any model can reach in each split
        (Pearson of clean with noisy label), and what became of accidental sites.

    Raises
    ------
    ConfigError
        If the grammar cannot be met: too little room, a p-value out of reach, an unknown motif.
    DatasetError
        If `out` may not be replaced.
    """
    if seed < 0:
        raise ConfigError("bad seed", expected="a number of 0 or more", found=str(seed))
    grammar = grammar if isinstance(grammar, Grammar) else load_grammar(grammar)
    grammar = grammar if n is None else with_size(grammar, n)
    background = _background(grammar.background.model)
    kinds = score_kinds(grammar, background.composition)
    rng = np.random.default_rng([seed, _LAYOUT])
    lengths = rng.integers(*grammar.length, grammar.n, endpoint=True)
    sites, left_out = lay_out(grammar, {name: kind.width for name, kind in kinds.items()}, lengths, rng)
    sites = with_roles(grammar, sites)
    records, constants = _label(grammar, sites, lengths, seed)
    planter = Planter(grammar, background, kinds, sites, lengths, seed, progress)
    source = {"type": "synthetic", "preset": grammar.name, "seed": seed, **constants,
              "decoys_left_out_for_room": left_out, "accidental": planter.accidental,
              "grammar": grammar.model_dump(mode="json")}  # fmt: skip
    return write_dataset(out, planter, records, task="regression", source=source, seed=seed,
                         sites=planter.all_sites)  # fmt: skip


def _background(model):
    """A shipped background, or the one in a JSON file."""
    return MarkovBackground.from_file(model) if model.endswith(".json") else MarkovBackground.shipped(model)


def _label(grammar, sites, lengths, seed):
    """Records with split, clean and noisy label; and the constants behind the labels."""
    rng, n = np.random.default_rng([seed, _LABEL]), grammar.n
    split = _split(n, grammar.fractions, rng)
    strength = strengths(grammar, sites, n)
    train = strength[split == "train"]
    mean, sd = float(train.mean()), float(train.std()) or 1.0  # no site at all: every strength is the same
    clean = (strength - mean) / sd
    label = clean + grammar.noise * rng.standard_normal(n)
    ids = np.array([f"syn{i:0{len(str(n - 1))}d}" for i in range(n)], object)
    place = {"start": np.zeros(n, np.int64), "end": lengths, "strand": np.full(n, "+")}
    records = Records.build(ids, label, split, **place, extra={"clean_label": clean.astype(np.float32)})
    best = {name: _pearson(clean[split == name], label[split == name]) for name in SPLITS}
    constants = {
        "strength_mean": mean,
        "strength_sd": sd,
        "noise_sd": grammar.noise,
        "best_reachable_r": best,
    }
    return records, constants


def _split(n, fractions, rng):
    """A random split of just the wished sizes; synthetic records are independent, so no groups are needed."""
    first, second = np.round(np.cumsum(fractions)[:2] * n).astype(int)
    return rng.permutation(np.repeat(SPLITS, (first, second - first, n - second)))


def _pearson(x, y):
    """Pearson r, or None where it is not defined."""
    return float(np.corrcoef(x, y)[0, 1]) if len(x) > 1 and x.std() > 0 and y.std() > 0 else None

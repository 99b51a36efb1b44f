"""Write planned sites into background sequence, portion by portion, and settle what arose by accident."""

import numpy as np

from mlx_gsa.data.accidental import break_accidental, find_accidental
from mlx_gsa.data.records import Sites
from mlx_gsa.data.site_text import draw_sites, mutate_cores

CHUNK = 2048  # sequences drawn together: bounds the memory, and is part of what a seed means
_TEXT, _SEQUENCE = 1, 3  # streams of random numbers


class Planter:
    """The finished sequences, to be iterated over once; afterwards it knows every site, accidental ones too.

    Parameters
    ----------
    grammar : Grammar
    background : MarkovBackground
    kinds : dict of str to ScoredKind
    sites : Sites
        Where to plant what; role ``decoy_core`` gets a mutated core.
    lengths : np.ndarray of int, shape (n,)
        Sequence lengths in bp.
    seed : int
    progress : callable, optional
        Called as ``progress(done, total, description)``, in sequences.

    Attributes
    ----------
    accidental : dict
        Policy, and the numbers of accidental sites found and left in so far.
    """

    def __init__(self, grammar, background, kinds, sites, lengths, seed, progress=None):
        self.grammar, self.background, self.kinds = grammar, background, list(kinds.values())
        self.sites, self.lengths, self.seed, self.progress = sites, lengths, seed, progress
        self.texts = self._draw_texts(np.random.default_rng([seed, _TEXT]))
        self.accidental = {"policy": grammar.accidental, "found": 0, "left": 0}
        self._extra = []

    def __iter__(self):
        n = len(self.lengths)
        for first in range(0, n, CHUNK):
            last = min(first + CHUNK, n)
            tokens, offsets = self._chunk(first, last)
            yield from np.split(tokens, offsets[1:-1])
            if self.progress:
                self.progress(last, n, "planting sites")

    def all_sites(self):
        """Planted sites, and the accidental ones left in the sequences written so far."""
        planted = self.sites.columns()
        found = {name: [extra[name] for extra in self._extra] for name in planted}
        return Sites(**{name: np.concatenate([planted[name], *found[name]]) for name in planted})

    def _draw_texts(self, rng):
        """Per kind: indices of its sites, and their tokens as read on the forward strand, shape (m, W)."""
        texts = []
        for kind in self.kinds:
            index = np.flatnonzero(self.sites.kind == kind.name)
            drawn = draw_sites(kind, self.kinds, index.size, rng)
            decoy = self.sites.role[index] == "decoy_core"
            columns = self.grammar.kinds[kind.name].decoy_columns
            drawn[decoy] = mutate_cores(kind, drawn[decoy], columns, rng)
            reverse = self.sites.strand[index] == "-"
            drawn[reverse] = 3 - drawn[reverse][:, ::-1]
            texts.append((index, drawn))
        return texts

    def _chunk(self, first, last):
        """Tokens and offsets of sequences first to last - 1."""
        rng = np.random.default_rng([self.seed, _SEQUENCE, first // CHUNK])
        tokens, offsets = self.background.sample(self.lengths[first:last], rng)
        owner = np.full(tokens.size, -1, np.int16)
        for number, (index, drawn) in enumerate(self.texts):
            here = slice(*np.searchsorted(self.sites.record[index], (first, last)))
            index, drawn = index[here], drawn[here]
            start = offsets[self.sites.record[index] - first] + self.sites.start[index]
            where = start[:, None] + np.arange(drawn.shape[1])
            tokens[where] = drawn
            owner[where[self.sites.role[index] != "decoy_core"]] = number
        self._settle_accidental(tokens, offsets, owner, first, rng)
        return tokens, offsets

    def _settle_accidental(self, tokens, offsets, owner, first, rng):
        """Break or record what a scan would call besides the planted sites."""
        left = find_accidental(tokens, offsets, owner, self.kinds)
        self.accidental["found"] += sum(len(starts) for starts, _ in left)
        if self.grammar.accidental == "mutate":
            left = break_accidental(tokens, offsets, owner, self.kinds, left, rng)
        for kind, (starts, strands) in zip(self.kinds, left, strict=True):
            row = np.searchsorted(offsets, starts, side="right") - 1
            start, names = starts - offsets[row], np.full(len(starts), kind.name, object)
            self.accidental["left"] += len(starts)
            self._extra.append(
                {"record": first + row, "start": start, "end": start + kind.width, "strand": strands}
                | {"kind": names, "role": np.full_like(names, "accidental")}
            )

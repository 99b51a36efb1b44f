"""A genome in memory, with what controls need of one."""

import numpy as np


class ToyGenome:
    """Chromosomes as texts; `resolve` knows ``chr1`` and ``1`` as one."""

    def __init__(self, **chromosomes):
        self._letters = {name: np.frombuffer(text.encode(), np.uint8) for name, text in chromosomes.items()}
        self.names = list(self._letters)
        self.lengths = {name: len(letters) for name, letters in self._letters.items()}

    def resolve(self, chrom):
        return next((c for c in (chrom, f"chr{chrom}", chrom.removeprefix("chr")) if c in self._letters), None)

    def letters(self, chrom, start, end):
        return self._letters[self.resolve(chrom)][start:end]


def toy_chromosome(length, seed, masked=0.3, block=500):
    """Write a chromosome of blocks that differ in GC and in whether they are soft-masked."""
    rng, parts = np.random.default_rng(seed), []
    for _ in range(length // block):
        gc = rng.uniform(0.3, 0.7)
        text = "".join(rng.choice(list("ACGT"), block, p=[(1 - gc) / 2, gc / 2, gc / 2, (1 - gc) / 2]))
        parts.append(text.lower() if rng.random() < masked else text)
    return "".join(parts)

"""A genome, a VCF and a scorer for tests of variants: small, with answers that can be worked out by hand."""

import numpy as np
from motif_toys import SitePredictor

from mlx_gsa.config import ModelConfig
from mlx_gsa.dna.alphabet import TOKENS_OF_BYTES
from mlx_gsa.genomes.vcf import Site

HEAD = "##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"


def site(chrom, pos, ref, alt, number=3, info="."):
    """A line of a VCF; ``pos`` is 1-based."""
    return Site((chrom, str(pos), "id", ref, alt, ".", "PASS", info), number)


def vcf(path, *rows, head=HEAD):
    """Write a VCF of rows (chrom, pos, ref, alt)."""
    lines = (f"{chrom}\t{pos}\tid{i}\t{ref}\t{alt}\t.\tPASS\tDP={i}" for i, (chrom, pos, ref, alt) in enumerate(rows))
    path.write_text(head + "".join(f"{line}\n" for line in lines))
    return path


class TextGenome:
    """Chromosomes as texts, with what a scorer needs of a `Genome`."""

    def __init__(self, **texts):
        self.texts, self.path, self.names, self.renamed = texts, "toy.fa", list(texts), {}
        self.lengths = {name: len(text) for name, text in texts.items()}

    def resolve(self, chrom):
        """Know ``chr1`` and ``1`` as one."""
        return next((name for name in (chrom, f"chr{chrom}", chrom.removeprefix("chr")) if name in self.texts), None)

    def letters(self, chrom, start, end):
        """Letters as ASCII."""
        return np.frombuffer(self.texts[self.resolve(chrom)][start:end].encode(), np.uint8)

    def tokens(self, chrom, start, end):
        """Letters as tokens."""
        return TOKENS_OF_BYTES[self.letters(chrom, start, end)]


class Selecting(SitePredictor):
    """A `SitePredictor` with the attributes of a real one that a scorer asks for."""

    selects, config = True, ModelConfig()

    def __init__(self, *arguments, **settings):
        super().__init__(*arguments, **settings)
        self.asked = 0

    def relevance(self, tokens):
        """Relevance as of its parent, in which an N is as bad as the worst base."""
        best = np.full(len(tokens), 2.0)
        for motif in self.motifs:
            pwm = motif.pwm()
            for matrix in (pwm, pwm[::-1, ::-1]):
                matrix = np.column_stack([matrix, matrix.min(1)])
                for start in range(len(tokens) - motif.width + 1):
                    score = matrix[np.arange(motif.width), tokens[start : start + motif.width]].sum()
                    middle = start + motif.width // 2
                    best[middle] = max(best[middle], score)
        return best

    def predict(self, sequences, batch_size=32, attention=False):
        """Count what is asked for."""
        for sequence in sequences:
            self.asked += 1
            yield from super().predict([sequence])

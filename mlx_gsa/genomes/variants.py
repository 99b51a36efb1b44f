"""The effect of variants: a model's score with either allele, what it keeps, and the motifs made or broken."""

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import NamedTuple

import numpy as np

from mlx_gsa.dna.alphabet import encode
from mlx_gsa.errors import VariantError
from mlx_gsa.genomes.variant_kept import KeptChange, compare_kept, standing_out
from mlx_gsa.genomes.variant_motifs import MotifChange, VariantMotifs
from mlx_gsa.genomes.variant_windows import Change, Windows, change_of, cut_windows
from mlx_gsa.genomes.vcf import MISSING, Site, allele_kind

AT_ONCE = 128  # sites looked at together
REF_MISMATCH, NO_CHROM, OUTSIDE, SAME, TOO_LONG = "ref_mismatch", "no_chromosome", "outside", "same", "too_long"
SHORTEST, LONGEST, UNKNOWN = 100, 10_000, 1_000  # bp of a window by default
SURE = 100  # sites that all differ from the genome, after which it is certainly another one
SHOWN = 5  # sites that differ from the genome and are named


class Effect(NamedTuple):
    """What became of one allele of a site.

    ``skip`` says why it was not scored, and then the rest is None. ``ref``, ``alt`` and ``difference`` have shape
    (n_outputs,), label units or probabilities; ``raw_difference`` is before any squashing. ``kept`` is None for a model
    without a selector, ``motifs`` without motifs.
    """

    alt_text: str
    kind: str | None = None
    skip: str | None = None
    change: Change | None = None
    ref: np.ndarray | None = None
    alt: np.ndarray | None = None
    raw_difference: np.ndarray | None = None
    kept: KeptChange | None = None
    motifs: list[MotifChange] | None = None

    @property
    def difference(self) -> np.ndarray:
        """Alternative less reference, shape (n_outputs,)."""
        return self.alt - self.ref


class Mismatch(NamedTuple):
    """A site whose REF is not what the genome has; ``position`` is 1-based, as in the file."""

    chrom: str
    position: int
    ref: str
    genome: str


class VariantScorer:
    """Scores sites of a VCF with a model.

    Parameters
    ----------
    predictor : Predictor
    genome : Genome
    window : int
        Length of the sequence that the model sees, in bp.
    motifs : VariantMotifs, optional
    batch_size : int
        Sequences in one forward pass.

    Attributes
    ----------
    checked, mismatched : int
        Sites whose REF was compared with the genome, and those where it was another.
    mismatches : list of Mismatch
        The first few.
    unknown : dict of str to int
        Chromosomes that the genome lacks, with the number of sites on them.
    """

    def __init__(self, predictor, genome, window: int, motifs: VariantMotifs | None = None, batch_size: int = 32):
        self.predictor, self.genome, self.window, self.motifs = predictor, genome, window, motifs
        self.batch_size, self.checked, self.mismatched = batch_size, 0, 0
        self.mismatches: list[Mismatch] = []
        self.unknown: dict[str, int] = {}

    def score(self, sites: Iterable[Site], progress: Callable | None = None) -> Iterator[tuple[Site, list[Effect]]]:
        """Score sites in the order given; memory does not grow with their number.

        Parameters
        ----------
        sites : iterable of Site
        progress : callable, optional
            Called as ``progress(sites_done)``.

        Yields
        ------
        Site, list of Effect
            The site, and an effect for each ALT allele.

        Raises
        ------
        VariantError
            No REF is that of the genome, or no chromosome is in it.
        GenomeError
            The genome cannot be read.
        """
        sites, done = iter(sites), 0
        while batch := list(islice(sites, AT_ONCE)):
            planned = [self._plan(site) for site in batch]
            if self.checked >= SURE:
                self._check_assembly()
            effects = iter(self._effects([pair for of_site in planned for pair in of_site]))
            for site, of_site in zip(batch, planned, strict=True):
                yield site, list(islice(effects, len(of_site)))
            done += len(batch)
            if progress is not None:
                progress(done)
        self._check_assembly()

    def _plan(self, site) -> list[tuple[Effect, Windows | None]]:
        """Pair each allele with its windows, or with the reason why it has none."""
        reason = self._refusal(site)
        return [self._allele(site, alt, reason) for alt in site.alts]

    def _refusal(self, site):
        """Say why no allele of a site can be scored; None where it can."""
        if all(allele_kind(alt) == MISSING for alt in site.alts):
            return MISSING
        name = self.genome.resolve(site.chrom)
        if name is None:
            self.unknown[site.chrom] = self.unknown.get(site.chrom, 0) + 1
            return NO_CHROM
        end = site.start + len(site.ref)
        if site.start < 0 or end > self.genome.lengths[name]:
            return OUTSIDE
        self.checked += 1
        if np.array_equal(encode(site.ref)[0], self.genome.tokens(name, site.start, end)):
            return None
        self.mismatched += 1
        if len(self.mismatches) < SHOWN:
            found = self.genome.letters(name, site.start, end).tobytes().decode("ascii", "replace")
            self.mismatches.append(Mismatch(site.chrom, site.start + 1, site.ref, found))
        return REF_MISMATCH

    def _allele(self, site, alt, reason):
        reason = allele_kind(alt) or reason
        if reason:
            return Effect(alt, skip=reason), None
        change = change_of(site.start, site.ref, alt)
        if change.kind == "none":
            return Effect(alt, skip=SAME), None
        name = self.genome.resolve(site.chrom)
        length = self.genome.lengths[name]
        windows = cut_windows(change, lambda s, e: self.genome.tokens(name, s, e), length, self.window)
        return Effect(alt, change.kind, None if windows else TOO_LONG, change), windows

    def _effects(self, planned):
        """Fill in the effects of many alleles with one stream of predictions and one scan for motifs."""
        windows = [pair for _, pair in planned if pair]
        found = self._predictions([tokens for pair in windows for tokens in (pair.ref, pair.alt)])
        found = list(zip(found[::2], found[1::2], strict=True))
        kept = [standing_out(ref, alt) for ref, alt in found]
        motifs = self.motifs.compare(windows, kept) if self.motifs and windows else [None] * len(windows)
        filled = iter(zip(windows, found, kept, motifs, strict=True))
        return [self._filled(effect, *next(filled)) if pair else effect for effect, pair in planned]

    def _filled(self, effect, windows, pair, kept, motifs):
        ref, alt = pair
        kept = compare_kept(windows, *kept) if self.predictor.selects else None
        return effect._replace(
            ref=np.asarray(ref.prediction, np.float64), alt=np.asarray(alt.prediction, np.float64),
            raw_difference=np.asarray(alt.raw, np.float64) - ref.raw, kept=kept, motifs=motifs,
        )  # fmt: skip

    def _predictions(self, sequences):
        """Predict each distinct sequence once: the alleles of a site often share a reference window."""
        distinct = {tokens.tobytes(): tokens for tokens in sequences}
        made = self.predictor.predict(distinct.values(), batch_size=self.batch_size)
        by_text = dict(zip(distinct, made, strict=True))
        return [by_text[tokens.tobytes()] for tokens in sequences]

    def _check_assembly(self):
        """Raise if the file is certainly not of this genome."""
        if self.checked and self.mismatched == self.checked:
            first = self.mismatches[0]
            raise VariantError(
                "the reference alleles are not those of the genome", where=str(self.genome.path),
                expected=f"{first.ref[:20]} at {first.chrom}:{first.position:,}",
                found=f"{first.genome[:20]}; all {self.checked:,} sites differ",
                mend="Give the assembly that the variants were called on.",
            )  # fmt: skip
        if self.unknown and not self.checked:
            raise VariantError(
                "no chromosome of the VCF is in the genome", where=str(self.genome.path),
                expected=f"one of {', '.join(self.genome.names[:5])}", found=", ".join(list(self.unknown)[:5]),
                mend="Give the assembly that the variants were called on.",
            )  # fmt: skip


def default_window(config, lengths: np.ndarray | None = None) -> int:
    """Choose a window as long as what the model was trained on, within 100 to 10,000 bp.

    Parameters
    ----------
    config : ModelConfig
        Knows the typical length of its training records in most models.
    lengths : np.ndarray, shape (n,), optional
        Lengths of the training records, in bp.

    Returns
    -------
    int
        The median length; 1,000 where nothing is known.
    """
    if lengths is not None and len(lengths):
        typical = float(np.median(lengths))
    elif "reference_length" in config.model_fields_set:
        typical = config.reference_length
    elif "reference_budget" in config.model_fields_set and config.selects:
        typical = config.reference_budget / config.sparsity
    else:
        typical = UNKNOWN
    return int(np.clip(round(typical), SHORTEST, LONGEST))

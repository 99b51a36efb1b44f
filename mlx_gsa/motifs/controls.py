"""Counts of positions in motif sites, record by record: of the model, and of the three controls beside it."""

from typing import NamedTuple

import numpy as np

from mlx_gsa.dna.shuffle import dinucleotide_shuffles
from mlx_gsa.motifs.hits import Look, Pool, find_hits, look
from mlx_gsa.motifs.matched import expected_share, make_strata, matching_of
from mlx_gsa.motifs.sites import Cover, count_in_sites, cover_of, mark


class Counts(NamedTuple):
    """Of one cut, each array (n_records, n_motifs): positions in sites, and what each control has there.

    ``by_seed`` has shape (J, n_motifs): the sums over records of each untrained selector.
    """

    observed: np.ndarray
    matched: np.ndarray
    shuffled: np.ndarray
    untrained: np.ndarray
    by_seed: np.ndarray


class Counter:
    """Counts for one pool of records.

    Parameters
    ----------
    pool : Pool
    cover : Cover
        Sites of the motifs in it.
    seen : Look
        What the model makes of it.
    options : dict
        Of `look`: ``top``, ``seed``, ``batch_size``.
    """

    def __init__(self, pool: Pool, cover: Cover, seen: Look, options: dict):
        self.pool, self.cover, self.seen, self.options = pool, cover, seen, options
        self.strata = make_strata(pool)

    def observed(self) -> dict:
        """Count the positions that the model looks at; (n, M) by cut."""
        return self._of(self.seen, self.cover)

    def matched(self) -> dict:
        """Give what positions matched for record, location and local GC hold on average over all redraws."""
        shares = {cut: expected_share(self.strata, focus) for cut, focus in self.seen.focus.items()}
        return {cut: count_in_sites(self.cover, share) for cut, share in shares.items()}

    def matching(self) -> dict:
        """Say by cut how many positions could be matched."""
        return {cut: matching_of(self.strata, focus) for cut, focus in self.seen.focus.items()}

    def shuffled(self, predictor, number: int, scanner, report) -> dict:
        """Give the mean over shuffled copies, each seen by the model with its own kept positions."""
        rng, parts = np.random.default_rng([self.options["seed"], 11]), []
        for _ in range(number):
            report("shuffled")
            pool = Pool.of(dinucleotide_shuffles(self.pool.sequences(), rng))
            cover = cover_of(find_hits(pool, scanner), pool, len(scanner.motifs))
            parts.append(self._of(look(predictor, pool, **self.options), cover))
        return {cut: np.mean([part[cut] for part in parts], axis=0) for cut in self.seen.focus}

    def untrained(self, selectors, report) -> tuple[dict, dict]:
        """Give the mean over untrained selectors, and the sums over records of each: (J, M) by cut."""
        means, sums = dict.fromkeys(self.seen.focus, 0.0), {cut: [] for cut in self.seen.focus}
        for selector in selectors:
            report("untrained")
            for cut, counts in self._of(look(selector, self.pool, **self.options), self.cover).items():
                means[cut] = means[cut] + counts / len(selectors)
                sums[cut].append(counts.sum(0))
        return means, {cut: np.array(parts) for cut, parts in sums.items()}

    def _of(self, seen, cover):
        bases = len(self.pool.tokens)
        return {cut: count_in_sites(cover, mark(focus, bases)) for cut, focus in seen.focus.items()}


def by_group(values: np.ndarray, groups) -> np.ndarray:
    """Add up the rows of each group; shape (n_groups, M), float64.

    Parameters
    ----------
    values : np.ndarray, shape (n, M)
    groups : array_like, shape (n,)
    """
    _, member = np.unique(np.asarray(groups, dtype=str), return_inverse=True)
    order = np.argsort(member, kind="stable")
    first = np.flatnonzero(np.diff(member[order], prepend=-1))
    return np.add.reduceat(np.asarray(values, np.float64)[order], first, axis=0)

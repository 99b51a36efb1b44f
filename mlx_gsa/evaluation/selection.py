"""What the selector finds: sites touched by what is kept and by the top of the ranking, beside chance.

`SelectionTally` reads one sequence at a time and keeps a few numbers for each site and sequence, so ten
thousand sequences of 5 kb need no more memory than their sites; `selection_report.make_report` turns
them into tables.
"""

import math

import numpy as np

from mlx_gsa.errors import DatasetError, RunError
from mlx_gsa.evaluation.chance import chance_covered, chance_touched
from mlx_gsa.evaluation.prediction import auprc

FUNCTIONAL_ROLES = ("functional", "repressor")
"""Roles of sites that change the label."""

INTACT_ROLES = (*FUNCTIONAL_ROLES, "decoy_spacing")
"""Roles of planted sites whose core is whole, whether or not their place lets them act."""

TOP_SHARES = (0.005, 0.01, 0.02)
"""Shares of positions, by falling relevance, that are read as a ranking."""

NEAR_BP = 5
"""Largest distance in bp from a site that counts as near it."""


class SelectionTally:
    """Counts, sequence by sequence, of what was kept and where the sites are.

    Parameters
    ----------
    shares : tuple of float
        Shares q of a ranking to be read: the ceil(q x L) positions of highest relevance.
    near : int
        bp; a position at most this far from a site's first or last position is near it.
    seed : int
        Equal relevance is ranked at random, so that a constant relevance does as chance does.
    """

    def __init__(self, shares=TOP_SHARES, near=NEAR_BP, seed=0):
        self.shares, self.near = tuple(shares), near
        self._rng = np.random.default_rng(seed)
        self._site_rows, self._kinds, self._roles, self._sequence_rows = [], [], [], []

    def __len__(self):
        return len(self._sequence_rows)

    def add(self, relevance, kept, sites):
        """Count one sequence.

        Parameters
        ----------
        relevance : array_like, shape (L,)
            Relevance of each position; only its order matters.
        kept : array_like, integer, shape (k,)
            Kept positions, each once.
        sites : Sites or similar
            The sites of this sequence: arrays ``start``, ``end`` (0-based, half-open, in the sequence),
            ``kind`` and ``role``, each of shape (S,).

        Raises
        ------
        RunError
            Relevance is not finite, or a kept position is outside the sequence or twice there.
        DatasetError
            A site is outside the sequence.
        """
        relevance, kept = np.asarray(relevance, np.float64), np.asarray(kept, np.int64)
        start, end = np.asarray(sites.start, np.int64), np.asarray(sites.end, np.int64)
        role, number = np.asarray(sites.role, object), len(self)
        _check_selection(relevance, kept, number)
        _check_sites(start, end, len(relevance), number)
        cuts = self._cuts(relevance, kept)
        functional, intact = np.isin(role, FUNCTIONAL_ROLES), np.isin(role, INTACT_ROLES)
        self._site_rows.append(_site_rows(cuts, start, end, number))
        self._kinds.append(np.asarray(sites.kind, object))
        self._roles.append(role)
        self._sequence_rows.append(
            {
                "length": len(relevance),
                "budget": cuts.sum(1),
                "near_functional": self._near(cuts, start[functional], end[functional]),
                "near_intact": self._near(cuts, start[intact], end[intact]),
                "detector": _detector(relevance, start[functional], end[functional]),
            }
        )

    def site_table(self):
        """Gather one row per site.

        Returns
        -------
        dict of str to np.ndarray
            ``sequence``, ``kind``, ``role`` (S,); ``touched``, ``touched_chance`` (S, cuts), the first cut
            being the kept positions and the others the shares of the ranking; ``half``, ``half_chance`` (S,)
            of those kept.
        """
        n_cuts = 1 + len(self.shares)
        rows = np.concatenate([np.empty((0, 2 * n_cuts + 3)), *self._site_rows])
        return {
            "sequence": rows[:, 0].astype(int),
            "half": rows[:, 1],
            "half_chance": rows[:, 2],
            "touched": rows[:, 3 : 3 + n_cuts],
            "touched_chance": rows[:, 3 + n_cuts :],
            "kind": np.concatenate([np.empty(0, object), *self._kinds]),
            "role": np.concatenate([np.empty(0, object), *self._roles]),
        }

    def sequence_table(self):
        """Gather one row per sequence.

        Returns
        -------
        dict of str to np.ndarray
            ``length`` (n,); ``budget`` (n, cuts), positions of each cut; ``near_functional`` and
            ``near_intact`` (n, cuts, 2), of those the number near such a site and the number expected by
            chance; ``detector`` (n, 2), average precision and prevalence, nan where the sequence has no
            functional site.
        """
        return {name: np.array([row[name] for row in self._sequence_rows]) for name in self._sequence_rows[0]}

    def _cuts(self, relevance, kept):
        """Mark the kept positions and each top share of the ranking: boolean (cuts, L)."""
        length = len(relevance)
        cuts = np.zeros((1 + len(self.shares), length), bool)
        cuts[0, kept] = True
        budgets = [top_budget(share, length) for share in self.shares]
        ranking = self._ranking(relevance, max(budgets, default=0))
        for row, budget in enumerate(budgets, start=1):
            cuts[row, ranking[:budget]] = True
        return cuts

    def _ranking(self, relevance, budget):
        """Order the `budget` positions of highest relevance, ties at random."""
        if not budget:
            return np.empty(0, int)
        threshold = np.partition(relevance, len(relevance) - budget)[len(relevance) - budget]
        candidates = self._rng.permutation(np.flatnonzero(relevance >= threshold))
        return candidates[np.argsort(-relevance[candidates], kind="stable")][:budget]

    def _near(self, cuts, start, end):
        """Count the positions of each cut near a site, and how many chance would give: (cuts, 2)."""
        near = cover(
            np.maximum(start - self.near, 0), np.minimum(end + self.near, cuts.shape[1]), cuts.shape[1]
        )
        return np.stack([(cuts & near).sum(1), cuts.sum(1) * near.mean()], axis=1)


def top_budget(share, length) -> int:
    """Count the positions in the top share of a ranking, ceil(share x length) guarded against rounding."""
    return min(length, math.ceil(share * length - 1e-9))


def cover(start, end, length) -> np.ndarray:
    """Mark the positions inside any of the half-open spans [start, end): boolean (length,)."""
    steps = np.bincount(start, minlength=length + 1) - np.bincount(end, minlength=length + 1)
    return np.cumsum(steps[:length]) > 0


def _site_rows(cuts, start, end, number):
    """Describe each site as [sequence, half, half by chance, touched by each cut, the same by chance]."""
    length, budget, width = cuts.shape[1], cuts.sum(1), end - start
    before = np.concatenate([np.zeros((len(cuts), 1), int), np.cumsum(cuts, axis=1)], axis=1)
    inside = (before[:, end] - before[:, start]).T
    at_least = (width + 1) // 2
    half = np.stack([inside[:, 0] >= at_least, chance_covered(length, width, budget[0], at_least)], axis=1)
    chance = chance_touched(length, width[:, None], budget[None])
    return np.hstack([np.full((len(start), 1), number), half, inside > 0, chance])


def _detector(relevance, start, end):
    """Give average precision of relevance as a detector of site positions, and their prevalence."""
    inside = cover(start, end, len(relevance))
    return (auprc(inside, relevance), inside.mean()) if inside.any() else (np.nan, np.nan)


def _check_selection(relevance, kept, number):
    if relevance.ndim != 1 or not len(relevance) or not np.isfinite(relevance).all():
        raise RunError(
            "Relevance is not one finite number per position",
            where=f"sequence {number}",
            mend="The model has diverged: train again with a lower learning rate.",
        )
    if len(np.unique(kept)) != len(kept) or (
        len(kept) and not 0 <= kept.min() <= kept.max() < len(relevance)
    ):
        raise RunError(
            "Kept positions are not distinct positions of the sequence",
            where=f"sequence {number}",
            expected=f"each once, 0 to {len(relevance) - 1}",
            found=f"{len(kept)} positions",
        )


def _check_sites(start, end, length, number):
    if ((start < 0) | (end <= start) | (end > length)).any():
        raise DatasetError(
            "A site is outside its sequence",
            where=f"sequence {number}",
            expected=f"0 <= start < end <= {length}",
            mend="Prepare the data set again.",
        )

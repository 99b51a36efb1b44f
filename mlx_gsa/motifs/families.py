"""Matrices that look alike, put together: factors of one family share a motif, and one row is enough for it."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import squareform

from mlx_gsa.motifs.repeats import in_simple_repeat

ALIKE = 0.7  # mean similarity of two groups of matrices from which they are one family
SHARED = 0.5  # of a family's positions, from which it is an echo of another


class Family(NamedTuple):
    """Matrices of one family.

    ``best`` is the row that stands for it, ``rows`` those of all its matrices at all cuts, the best first. ``echo``
    names another family at whose sites most of its positions lie, empty without one: matrices that do not look alike
    may still match the same bases, as a half of a palindrome does. ``repeats`` is the share of its positions that lie
    in simple repeats, nan where not looked at.
    """

    best: object
    rows: tuple
    echo: str = ""
    repeats: float = float("nan")

    @property
    def names(self) -> list[str]:
        """Names of the other matrices, each once, by rank."""
        names = dict.fromkeys(row.name for row in self.rows)
        return [name for name in names if name != self.best.name]

    @property
    def enriched(self) -> bool:
        """Whether a matrix of it is enriched at some cut."""
        return self.best.enriched

    @property
    def associated(self) -> bool:
        """Whether a matrix of it is enriched at some cut and goes with the label of held-out records."""
        return any(row.associated for row in self.rows)


def similarity(motifs: Sequence) -> np.ndarray:
    """Compare every two matrices in their best alignment, on either strand.

    Parameters
    ----------
    motifs : sequence of Motif

    Returns
    -------
    np.ndarray, shape (M, M), float32
        Correlation of base probabilities about 0.25, taken over both matrices whole: where one overhangs, the other
        counts as uniform. 1 for the same matrix; a core shared by a short and a long matrix counts by its share of
        the information of both.
    """
    if not motifs:
        return np.zeros((0, 0), np.float32)
    widest = max(motif.width for motif in motifs)
    forward = np.zeros((len(motifs), widest, 4), np.float32)
    for row, motif in zip(forward, motifs, strict=True):
        row[: motif.width] = motif.ppm() - 0.25
    norms = np.sqrt((forward**2).sum((1, 2), keepdims=True))
    forward /= np.maximum(norms, 1e-9)
    flat, best = forward.reshape(len(motifs), -1), np.full((len(motifs), len(motifs)), -1, np.float32)
    for other in (forward, forward[:, ::-1, ::-1]):
        padded = np.zeros((len(motifs), 3 * widest, 4), np.float32)
        padded[:, widest : 2 * widest] = other
        for shift in range(2 * widest + 1):
            window = padded[:, shift : shift + widest].reshape(len(motifs), -1)
            np.maximum(best, flat @ window.T, out=best)
    return np.clip((best + best.T) / 2, -1, 1)


def group_alike(motifs: Sequence, alike: float = ALIKE) -> np.ndarray:
    """Cluster matrices by average linkage of their similarity.

    Parameters
    ----------
    motifs : sequence of Motif
    alike : float
        Mean similarity from which two clusters are joined.

    Returns
    -------
    np.ndarray, shape (M,), int
        Number of the cluster of each matrix.
    """
    if len(motifs) < 2:
        return np.ones(len(motifs), int)
    distance = np.maximum(1 - similarity(motifs), 0)
    np.fill_diagonal(distance, 0)
    return fcluster(linkage(squareform(distance, checks=False), "average"), 1 - alike, "distance")


def families_of(rows: Sequence, motifs: Sequence, alike: float = ALIKE) -> list[Family]:
    """Put the rows of alike matrices together.

    Parameters
    ----------
    rows : sequence of MotifRow
        The best first, as `enriched_motifs` returns them.
    motifs : sequence of Motif
        All that were scanned for.
    alike : float
        See `group_alike`.

    Returns
    -------
    list of Family
        By rank of the best row, which stands for the family; its id is the ``family`` of all its rows. Testing is not
        corrected again: q is over single matrices.
    """
    tested = {row.motif_id for row in rows}
    chosen = [motif for motif in motifs if motif.id in tested]
    number = dict(zip((motif.id for motif in chosen), group_alike(chosen, alike).tolist(), strict=True))
    groups: dict = {}
    for row in rows:
        groups.setdefault(number[row.motif_id], []).append(row)
    named = ([row._replace(family=group[0].motif_id) for row in group] for group in groups.values())
    return [Family(group[0], tuple(group)) for group in named]


def find_echoes(families: Sequence[Family], study, share: float = SHARED, looked_at: int = 50) -> list[Family]:
    """Mark the families that match the same bases as another one, and say how many of them are simple repeats.

    Parameters
    ----------
    families : sequence of Family
        The best first.
    study : Study
        What they come from.
    share : float
        Of a family's positions (of its best matrix, at the cut where that is best) that must lie in sites of the other,
        which has as many positions at that cut or more.
    looked_at : int
        Families looked at; those further down are left as they are.

    Returns
    -------
    list of Family
        In the order given.
    """
    leading, number = families[:looked_at], {motif.id: i for i, motif in enumerate(study.motifs)}
    covered = [_covered(study, number[family.best.motif_id]) for family in leading]
    marked, repeat = [], in_simple_repeat(study.pool)
    for i, family in enumerate(leading):
        focus = study.look.focus[family.best.cut]
        shares = [covered[i][focus] @ each[focus] for each in covered]
        mine = shares[i]
        sizes = [each[focus].sum() for each in covered]
        others = [j for j in range(len(leading)) if j != i and (sizes[j], -j) > (sizes[i], -i) and mine]
        best = max(others, key=lambda j: shares[j], default=None)
        is_echo = best is not None and shares[best] >= share * mine
        repeats = float(covered[i][focus] @ repeat[focus] / mine) if mine else float("nan")
        marked.append(family._replace(echo=leading[best].best.name if is_echo else "", repeats=repeats))
    return [*marked, *families[looked_at:]]


def _covered(study, motif) -> np.ndarray:
    """Mark the positions of the pool in a site of one motif, shape (bases,), float32."""
    mine, steps = study.hits.motif == motif, np.zeros(len(study.pool.tokens) + 1, np.int64)
    np.add.at(steps, study.hits.start[mine], 1)
    np.add.at(steps, study.hits.end[mine], -1)
    return (np.cumsum(steps[:-1]) > 0).astype(np.float32)

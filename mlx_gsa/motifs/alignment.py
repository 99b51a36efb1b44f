"""How alike two motif matrices are: the best offset and strand, and how well columns agree there."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from mlx_gsa.dna.motifs import Motif
from mlx_gsa.errors import MotifError

ALIKE = 0.75
"""Similarity from which two matrices count as one motif or as one family."""

INFORMATIVE = 0.25  # bits from which a column of a matrix counts as informative


class Alignment(NamedTuple):
    """Where a second matrix lies on a first.

    ``offset`` is the column of the first at which the second begins (negative: before it); ``reverse`` says whether
    the second is read on the other strand; ``similarity`` is in [-1, 1].
    """

    similarity: float
    offset: int
    reverse: bool


class Agreement(NamedTuple):
    """How well a matrix found agrees with the truth; columns that were not found agree with 0.

    ``full`` is the Pearson correlation of all probabilities over the truth's full width, columns beyond what was found
    taken as even; ``columns`` the mean of the Pearson correlations of single columns over the full width,
    ``informative`` their mean over the truth's columns of at least 0.25 bits; ``found`` the share of those columns
    that the matrix found reaches.
    """

    full: float
    columns: float
    informative: float
    found: float
    alignment: Alignment


def align(first: Motif, second: Motif) -> Alignment:
    """Find the offset and strand at which two matrices are most alike.

    Parameters
    ----------
    first, second : Motif

    Returns
    -------
    Alignment
        Its similarity is the cosine of the two matrices' probabilities less 1/4, taken over the union of their
        columns: columns of one alone count against it, by their information.
    """
    one = _centred(first)
    forward, reverse = (_best(one, other) for other in (_centred(second), _centred(second)[::-1, ::-1]))
    similarity, offset = max(forward, reverse)
    return Alignment(similarity, offset, reverse > forward)


def similarities(motif: Motif, motifs: Sequence[Motif]) -> np.ndarray:
    """Compare a matrix with many; shape (n,), see `align`."""
    return np.array([align(motif, other).similarity for other in motifs])


def agreement(found: Motif, truth: Motif) -> Agreement:
    """Say how well a matrix found agrees with the true one, at the best offset and strand.

    Parameters
    ----------
    found, truth : Motif

    Returns
    -------
    Agreement
    """
    alignment = align(truth, found)
    theirs = _centred(found)[::-1, ::-1] if alignment.reverse else _centred(found)
    laid = np.zeros((truth.width, 4))
    places = alignment.offset + np.arange(len(theirs))
    inside = (places >= 0) & (places < truth.width)
    laid[places[inside]] = theirs[inside]
    single = np.array([_cosine(a, b) for a, b in zip(laid, _centred(truth), strict=True)])
    informative = truth.column_information >= INFORMATIVE
    reached = np.isin(np.arange(truth.width), places)
    if not informative.any():
        informative[:] = True
    return Agreement(
        full=_cosine(laid.ravel(), _centred(truth).ravel()),
        columns=float(single.mean()),
        informative=float(single[informative].mean()),
        found=float(reached[informative].mean()),
        alignment=alignment,
    )


def best_agreement(found: Sequence[Motif], truths: Sequence[Motif]) -> tuple[Motif, Agreement] | None:
    """Return the motif that agrees best with one of the truths over its full width, and how well; None without any."""
    if not len(found) or not len(truths):
        return None
    return max(((motif, agreement(motif, truth)) for motif in found for truth in truths), key=lambda pair: pair[1].full)


def named(motifs: Sequence[Motif], name: str) -> list[Motif]:
    """Return the motifs of an identifier (with or without version) or a name, upper or lower case."""
    wanted = name.lower().strip()
    return [motif for motif in motifs if wanted in _names(motif)]


def leave_out(motifs: Sequence[Motif], names: Iterable[str], alike: float = ALIKE) -> tuple[list[Motif], list[Motif]]:
    """Take motifs out of a set, and every matrix like them: a relative would stand in for the one left out.

    Parameters
    ----------
    motifs : sequence of Motif
    names : iterable of str
        Identifiers (with or without version) or names, upper or lower case.
    alike : float
        Similarity from which a matrix is taken out too.

    Returns
    -------
    kept, left_out : list of Motif

    Raises
    ------
    MotifError
        No motif has that name.
    """
    out = []
    for name in names:
        of_name = named(motifs, name)
        if not of_name:
            raise MotifError("no such motif to leave out", expected="an identifier or a name in the set", found=name)
        out += of_name
    gone = [motif for motif in motifs if out and similarities(motif, out).max() >= alike]
    ids = {motif.id for motif in gone}
    return [motif for motif in motifs if motif.id not in ids], gone


def merge(first: Motif, second: Motif) -> Motif:
    """Add the counts of two matrices at their best alignment, over the columns of the first."""
    alignment = align(first, second)
    theirs = second.counts[::-1, ::-1] if alignment.reverse else second.counts
    counts = first.counts.copy()
    places = alignment.offset + np.arange(len(theirs))
    inside = (places >= 0) & (places < first.width)
    counts[places[inside]] += theirs[inside]
    return Motif(first.id, first.name, counts)


def _names(motif):
    """Return the lower-case names by which a motif may be called."""
    return {motif.id.lower(), motif.id.lower().rpartition(".")[0], motif.name.lower()} - {""}


def _centred(motif):
    """Return probabilities less 1/4, shape (W, 4): rows sum to zero."""
    return motif.ppm() - 0.25


def _best(one, other):
    """Return the highest cosine over all offsets, and the offset of `other` on `one`."""
    products = one @ other.T  # (W1, W2); an offset is a diagonal
    offsets = np.arange(-len(other) + 1, len(one))
    sums = np.array([np.trace(products, -offset) for offset in offsets])
    best = int(sums.argmax())
    scale = np.sqrt((one**2).sum() * (other**2).sum())
    return (float(sums[best] / scale) if scale > 0 else 0.0), int(offsets[best])


def _cosine(one, other):
    """Return the cosine, which is Pearson's r as rows sum to zero; 0 where one of them is even."""
    scale = np.sqrt((one**2).sum() * (other**2).sum())
    return float((one * other).sum() / scale) if scale > 0 else 0.0

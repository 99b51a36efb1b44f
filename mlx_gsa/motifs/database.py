"""What a database knows of windows and matrices: which windows one of its motifs explains, which matrix is closest."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import lightmotif
import numpy as np

from mlx_gsa.dna.alphabet import N
from mlx_gsa.dna.motifs import Motif, scoring_matrix, stripe
from mlx_gsa.motifs.alignment import ALIKE, similarities

CHANCE = 0.05  # that a window of random sequence is matched by any matrix of the database, at most
AT_ONCE = 20_000  # windows scanned in one call


class Closest(NamedTuple):
    """The matrix of a database that is most like a motif, and how much (see `alignment.align`)."""

    id: str
    name: str
    similarity: float

    @property
    def alike(self) -> bool:
        """Whether it is so much alike that the motif is no new one."""
        return self.similarity >= ALIKE


def closest_motif(motif: Motif, motifs: Sequence[Motif]) -> Closest | None:
    """Find the matrix of a database that is most like a motif; None in an empty database."""
    if not len(motifs):
        return None
    alike = similarities(motif, motifs)
    best = motifs[int(alike.argmax())]
    return Closest(best.id, best.name, float(alike.max()))


def explained_windows(
    windows, reach: int, motifs: Sequence[Motif], composition, p_value=None, progress: Callable | None = None
) -> np.ndarray:
    """Say which windows a motif of a database matches near their middle.

    Parameters
    ----------
    windows : np.ndarray, shape (n, W), uint8
    reach : int
        How far the middle of a hit may be from the middle of the window (bp).
    motifs : sequence of Motif
    composition : sequence of 4 floats
        Background that p-values are computed under.
    p_value : float, optional
        Of a hit. Without it 0.05 over the number of matrices, strands and places that are tried: 1e-6 for a thousand.
    progress : callable, optional
        ``progress(done, total, note)``, in motifs.

    Returns
    -------
    np.ndarray of bool, shape (n,)
    """
    explained = np.zeros(len(windows), bool)
    if not len(motifs) or not len(windows):
        return explained
    p_value = p_value or CHANCE / (2 * len(motifs) * (2 * reach + 1))
    spacer = max(motif.width for motif in motifs)
    apart = np.pad(windows, ((0, 0), (0, spacer)), constant_values=N)
    texts = [(first, stripe(apart[first : first + AT_ONCE].ravel())) for first in range(0, len(apart), AT_ONCE)]
    for number, motif in enumerate(motifs):
        for first, text in texts:
            for start in _hits(motif, text, composition, p_value):
                row, place = divmod(start, apart.shape[1])
                if abs(place + motif.width / 2 - windows.shape[1] / 2) <= reach:
                    explained[first + row] = True
        if progress:
            progress(number + 1, len(motifs), "matching windows with known motifs")
    return explained


def _hits(motif, text, composition, p_value):
    """Yield the starts of hits on either strand."""
    pwm = motif.pwm(composition)
    for matrix in (pwm, pwm[::-1, ::-1]):
        scoring = scoring_matrix(matrix, composition)
        threshold = scoring.score(p_value)
        # A matrix too weak for the p-value gets a threshold that even its best word may reach.
        if threshold <= matrix.max(axis=1).sum() and scoring.pvalue(threshold) <= p_value:
            yield from (hit.position for hit in lightmotif.scan(scoring, text, threshold=threshold))

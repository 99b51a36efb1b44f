"""The bases of synthetic sites: drawn from motif matrices, scored as a scan scores them, cores mutated."""

from dataclasses import dataclass

import numpy as np

from mlx_gsa.dna import motifs
from mlx_gsa.errors import ConfigError

N = 4
MARGIN = 1e-3  # bits by which the float64 scores here may differ from the scanner's float32 ones
BATCH, MAX_DRAWS = 1 << 15, 1 << 24
MAX_MUTATIONS = 200


@dataclass(frozen=True, eq=False)
class ScoredKind:
    """A kind of site with its matrix ready to draw from and to scan with.

    Attributes
    ----------
    name : str
    motif : Motif
    pwm : np.ndarray
        Log-odds in bits, shape (W, 4).
    threshold, decoy_ceiling : float
        Bits: a site scores at least `threshold`; a mutated core at most `decoy_ceiling`.
    strands : str
        ``"+"`` or ``"both"``.
    scanners : tuple of lightmotif.ScoringMatrix
        One per strand on which a site counts.
    """

    name: str
    motif: motifs.Motif
    pwm: np.ndarray
    threshold: float
    decoy_ceiling: float
    strands: str
    scanners: tuple

    @property
    def width(self):
        """Site length in bp."""
        return len(self.pwm)

    def score(self, texts):
        """Log-odds of sites, shape (m,), from their tokens, shape (m, W)."""
        return self.pwm[np.arange(self.width), texts].sum(axis=-1)

    def hits(self, striped):
        """Starts and strands of all windows that count as a site, planted or not."""
        found = [motifs.hits_above(scanner, striped, self.threshold)[0] for scanner in self.scanners]
        return np.concatenate(found), np.repeat(["+", "-"][: len(found)], [len(starts) for starts in found])


def score_kinds(grammar, composition):
    """Load the matrix of every kind and turn its p-values into scores.

    Parameters
    ----------
    grammar : Grammar
    composition : np.ndarray
        Shape (4,): background probabilities of A, C, G, T.

    Returns
    -------
    dict of str to ScoredKind

    Raises
    ------
    ConfigError
        If a motif is not in its library, or no site of it can reach its p-value.
    """
    libraries = {kind.library: None for kind in grammar.kinds.values()}
    for name in libraries:
        libraries[name] = {motif.id: motif for motif in motifs.load_motifs(name)}
    scored = {}
    for name, kind in grammar.kinds.items():
        motif = libraries[kind.library].get(kind.motif)
        if motif is None:
            raise ConfigError("no such motif", where=f"kinds.{name}", expected=f"an id in {kind.library}",
                              found=kind.motif)  # fmt: skip
        scored[name] = _score_kind(name, kind, motif, composition, grammar.decoy_min_p_value)
    return scored


def _score_kind(name, kind, motif, composition, decoy_min_p_value):
    """One kind with its scores and scanners."""
    pwm = motif.pwm(composition)
    both = [pwm] if kind.strands == "+" else [pwm, pwm[::-1, ::-1]]
    scanners = tuple(motifs.scoring_matrix(matrix, composition) for matrix in both)
    threshold, ceiling = (scanners[0].score(p) for p in (kind.max_p_value, decoy_min_p_value))
    best = pwm.max(axis=1).sum()
    if threshold + MARGIN > best or motifs.p_value_of(scanners[0], best) > kind.max_p_value:
        raise _unreachable(name, kind.motif, kind.max_p_value)
    if ceiling >= threshold:
        expected = "decoy_min_p_value well above max_p_value"
        raise ConfigError("mutated cores would still be sites", where=f"kinds.{name}", expected=expected)
    return ScoredKind(name, motif, pwm, threshold, ceiling, kind.strands, scanners)


def _unreachable(name, motif, p_value):
    """The error for a matrix too weak for its p-value."""
    return ConfigError(
        "sites drawn from the matrix do not reach the p-value",
        where=f"kinds.{name}",
        found=f"{motif} at max_p_value {p_value:g}",
        mend="Raise max_p_value, or take a longer or more informative matrix.",
    )


def draw_sites(kind, kinds, count, rng):
    """Draw sites of one kind, by rejection: base by base from the matrix, kept when a scan would call them.

    Parameters
    ----------
    kind : ScoredKind
    kinds : iterable of ScoredKind
        A draw that holds a whole site of another of these is rejected as well.
    count : int
    rng : np.random.Generator

    Returns
    -------
    np.ndarray
        uint8, shape (count, W), on the forward strand.

    Raises
    ------
    ConfigError
        If fewer than `count` of 16 million draws are good.
    """
    cumulative = np.cumsum(kind.motif.ppm(), axis=1)[:, :3]
    kept, n_kept, drawn = [np.empty((0, kind.width), np.uint8)], 0, 0
    while n_kept < count:
        if drawn >= MAX_DRAWS:
            raise _unreachable(kind.name, kind.motif.id, float(kind.scanners[0].pvalue(kind.threshold)))
        draw = rng.random((BATCH, kind.width, 1))
        texts = (draw >= cumulative).sum(axis=2, dtype=np.uint8)
        texts = texts[kind.score(texts) >= kind.threshold + MARGIN]
        texts = texts[~_hold_another(texts, kind, kinds)]
        kept.append(texts)
        n_kept, drawn = n_kept + len(texts), drawn + BATCH
    return np.concatenate(kept)[:count]


def _hold_another(texts, kind, kinds):
    """True for texts, shape (m, W), within which a site of another kind lies whole."""
    held = np.zeros(len(texts), bool)
    apart = np.pad(texts, ((0, 0), (0, 1)), constant_values=N)
    striped = motifs.stripe(apart.ravel())
    for other in kinds:
        if other.name != kind.name and apart.size >= other.width:
            held[other.hits(striped)[0] // (kind.width + 1)] = True
    return held


def mutate_cores(kind, texts, n_columns, rng):
    """Change the columns of highest information of each site until it scores as poorly as background.

    Parameters
    ----------
    kind : ScoredKind
    texts : np.ndarray
        uint8, shape (m, W).
    n_columns : int
        How many columns change; every one of them takes another base.
    rng : np.random.Generator

    Returns
    -------
    np.ndarray
        uint8, shape (m, W). On either strand none scores above the kind's `decoy_ceiling`.

    Raises
    ------
    ConfigError
        If so few columns cannot do it.
    """
    core = np.argsort(-kind.motif.column_information, kind="stable")[:n_columns]
    mutated, pending = texts.copy(), np.arange(len(texts))
    for _ in range(MAX_MUTATIONS):
        if not pending.size:
            return mutated
        shift = rng.integers(1, 4, (pending.size, core.size), dtype=np.uint8)
        mutated[pending[:, None], core] = (texts[pending[:, None], core] + shift) % 4
        best = np.maximum(kind.score(mutated[pending]), kind.score(3 - mutated[pending][:, ::-1]))
        pending = pending[best > kind.decoy_ceiling]
    raise ConfigError(
        "mutated cores still score like sites",
        where=f"kinds.{kind.name}",
        found=f"decoy_columns = {n_columns}",
        mend="Raise decoy_columns, or lower decoy_min_p_value.",
    )

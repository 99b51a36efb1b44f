"""Motif matrices (JASPAR and a user's own) and scanning DNA with them."""

import io
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import lightmotif
import numpy as np
from Bio import motifs as bio_motifs

from mlx_gsa.errors import MotifError

SHIPPED = ("vertebrates", "insects", "fungi", "plants", "promoter_elements")
UNIFORM = (0.25, 0.25, 0.25, 0.25)
PSEUDOCOUNT = 0.8
ROUNDING = 0.01  # bits to which lightmotif rounds scores before it looks a p-value up
_TEXT = bytes(b"ACGT"[i] if i < 4 else ord("N") for i in range(256))


@dataclass(frozen=True, eq=False)
class Motif:
    """A position frequency matrix: how often each base was seen at each position of a binding site.

    Parameters
    ----------
    id : str
        Matrix identifier with version, such as ``"MA0046.3"``.
    name : str
        Name of the factor or element, such as ``"HNF1A"``.
    counts : np.ndarray
        Float, shape (W, 4): position by base in the order A, C, G, T.

    Raises
    ------
    MotifError
        If the counts are not (W, 4) finite, non-negative numbers with something seen at each position.
    """

    id: str
    name: str
    counts: np.ndarray

    def __post_init__(self):
        counts = np.array(self.counts, dtype=np.float64)
        proper = counts.ndim == 2 and counts.shape[1] == 4 and counts.shape[0] > 0
        if not (proper and np.isfinite(counts).all() and (counts >= 0).all() and counts.sum(axis=1).all()):
            expected = "counts of A, C, G, T at each position"
            raise MotifError("not a motif matrix", where=self.id, expected=expected)
        object.__setattr__(self, "counts", counts)

    @property
    def width(self):
        """Length of a site in bp."""
        return len(self.counts)

    def ppm(self, pseudocount=0.0, background=UNIFORM):
        """Return the base probabilities, shape (W, 4).

        Parameters
        ----------
        pseudocount : float
            Total number of imaginary observations per position, shared out as the background has it.
        background : sequence of 4 floats
            Probabilities of A, C, G, T.
        """
        counts = self.counts + pseudocount * np.asarray(background)
        return counts / counts.sum(axis=1, keepdims=True)

    def pwm(self, background=UNIFORM, pseudocount=PSEUDOCOUNT):
        """Return the log-odds matrix log2(probability / background) in bits, shape (W, 4).

        Source: the pseudocount of 0.8 is what Nishida et al. 2009 (NAR 37:939) found best over JASPAR.
        """
        with np.errstate(divide="ignore"):  # without a pseudocount, a base never seen scores minus infinity
            return np.log2(self.ppm(pseudocount, background) / np.asarray(background))

    @cached_property
    def column_information(self):
        """Information of each position in bits (0-2), shape (W,), without small-sample correction."""
        ppm = self.ppm()
        return 2.0 + (ppm * np.log2(np.where(ppm > 0, ppm, 1.0))).sum(axis=1)

    @property
    def information_content(self):
        """Total information in bits."""
        return float(self.column_information.sum())

    @property
    def consensus(self):
        """The commonest base of each position."""
        return "".join("ACGT"[base] for base in self.counts.argmax(axis=1))

    def reverse_complement(self):
        """Return the motif as read on the other strand."""
        return Motif(self.id, self.name, self.counts[::-1, ::-1])


class MotifHit(NamedTuple):
    """A place where a motif matches: 0-based half-open `start`, `end`; `score` in bits; its p-value."""

    motif: Motif
    start: int
    end: int
    strand: str
    score: float
    p_value: float


def scoring_matrix(pwm, background=UNIFORM):
    """Return lightmotif's form of a log-odds matrix, in which N never matches.

    Parameters
    ----------
    pwm : np.ndarray
        Shape (W, 4), bits.
    background : sequence of 4 floats
        What p-values are computed under.
    """
    columns = {base: [float(score) for score in pwm[:, i]] for i, base in enumerate("ACGT")}
    columns["N"] = [-np.inf] * len(pwm)
    return lightmotif.ScoringMatrix(columns, background=dict(zip("ACGT", _frequencies(background), strict=True)))


def _frequencies(background):
    """Return shares that lightmotif takes: it adds them up in single precision, and refuses all but exactly 1."""
    a, c, g, t = (np.float32(share) for share in background)
    if a + c + t + g == 1 or abs(sum(map(float, background)) - 1) > 1e-6:  # its order; a wrong sum stays refused
        return [float(share) for share in background]
    steps = np.round(np.array(background, float) * 2**16)
    steps[steps.argmax()] += 2**16 - steps.sum()
    return (steps / 2**16).tolist()


def p_value_of(matrix, score):
    """Return the chance that a random window scores at least as high.

    lightmotif adds up rounded scores: the result is right to within a few words among the 4**W, and a margin sees
    to it that a perfect match does not get p = 0.
    """
    return float(matrix.pvalue(float(score) - ROUNDING))


def stripe(tokens):
    """Return uint8 tokens in the striped form that lightmotif scans; what is not A, C, G or T becomes N."""
    text = np.ascontiguousarray(tokens, np.uint8).tobytes().translate(_TEXT)
    return lightmotif.stripe(text.decode("ascii"))


def hits_above(matrix, striped, threshold):
    """Find every window whose score reaches a threshold.

    Returns
    -------
    positions : np.ndarray
        int64, ascending window starts.
    scores : np.ndarray
        float64, bits.
    """
    found = sorted((hit.position, hit.score) for hit in lightmotif.scan(matrix, striped, threshold=threshold))
    return np.array([hit[0] for hit in found], np.int64), np.array([hit[1] for hit in found], np.float64)


class _Strand(NamedTuple):
    """One motif on one strand: what to scan for, and from which score."""

    motif: Motif
    strand: str
    scoring: lightmotif.ScoringMatrix
    threshold: float

    def scan(self, striped, p_value):
        """Yield the hits in a striped sequence."""
        for start, score in zip(*hits_above(self.scoring, striped, self.threshold), strict=True):
            found = p_value_of(self.scoring, score)
            if found <= p_value:
                end = int(start) + self.motif.width
                yield MotifHit(self.motif, int(start), end, self.strand, float(score), found)


class MotifScanner:
    """Scan both strands of a sequence with many motifs, through lightmotif.

    Parameters
    ----------
    motifs : sequence of Motif
    p_value : float
        A window is a hit when random sequence of this composition scores as high with at most this
        probability.
        Motifs too weak to reach it have no hits.
    background : sequence of 4 floats
        Probabilities of A, C, G, T.

    Raises
    ------
    MotifError
        If `p_value` is not between 0 and 1.
    """

    def __init__(self, motifs, p_value=1e-4, background=UNIFORM):
        if not 0 < p_value < 1:
            raise MotifError("p-value out of range", expected="a number between 0 and 1", found=str(p_value))
        self.motifs, self.p_value = tuple(motifs), p_value
        self._strands = []
        for motif in self.motifs:
            pwm = motif.pwm(background)
            for strand, matrix in (("+", pwm), ("-", pwm[::-1, ::-1])):
                scoring = scoring_matrix(matrix, background)
                threshold = scoring.score(p_value) - ROUNDING
                self._strands.append(_Strand(motif, strand, scoring, threshold))

    def scan(self, tokens):
        """Return every hit, by start, then end, strand and motif.

        Parameters
        ----------
        tokens : np.ndarray
            uint8, shape (L,). N and PAD never match.

        Returns
        -------
        list of MotifHit
        """
        striped = stripe(tokens)
        fitting = [strand for strand in self._strands if strand.motif.width <= len(tokens)]
        hits = [hit for strand in fitting for hit in strand.scan(striped, self.p_value)]
        return sorted(hits, key=lambda hit: (hit.start, hit.end, hit.strand, hit.motif.id))

    def best_in(self, tokens, spans):
        """Return for each span the overlapping hit of lowest p-value, or None.

        Parameters
        ----------
        tokens : np.ndarray
            uint8, shape (L,).
        spans : sequence of (start, end)
            0-based, half-open. A hit counts when it shares at least half of the shorter of the two.

        Returns
        -------
        list of (MotifHit or None)
        """
        hits = self.scan(tokens)
        starts, ends = (np.array([getattr(hit, side) for hit in hits], np.int64) for side in ("start", "end"))
        p_values = np.array([hit.p_value for hit in hits])
        best = []
        for start, end in spans:
            shared = np.minimum(ends, end) - np.maximum(starts, start)
            near = np.flatnonzero(2 * shared >= np.minimum(ends - starts, end - start))
            best.append(hits[near[p_values[near].argmin()]] if near.size else None)
        return best


def load_motifs(path_or_name):
    """Load motif matrices that ship with the program, or from a file.

    Parameters
    ----------
    path_or_name : str or Path
        ``"vertebrates"``, ``"insects"``, ``"fungi"``, ``"plants"`` (JASPAR 2026 CORE),
        ``"promoter_elements"`` (JASPAR POLII), or a file in MEME, JASPAR or TRANSFAC format.

    Returns
    -------
    list of Motif

    Raises
    ------
    MotifError
        If there is no such file or name, or the file holds no readable matrix.

    Source: JASPAR, https://jaspar.elixir.no, CC BY 4.0; see ``assets/jaspar/README.md``.
    """
    path = _motif_path(path_or_name)
    try:
        text = path.read_text(encoding="utf-8")
        loaded = _parse(text, _format_of(text, path))
    except MotifError:
        raise
    except Exception as error:  # Biopython's parsers raise nearly any type on a bad file
        what = f"{type(error).__name__}: {error}"
        raise MotifError("unreadable motif file", where=str(path), found=what) from error
    if not loaded:
        raise MotifError("no motif in the file", where=str(path), expected="at least one matrix")
    return loaded


def _motif_path(path_or_name):
    if str(path_or_name) in SHIPPED:
        from mlx_gsa.assets import asset_path

        return asset_path(f"jaspar/{path_or_name}.meme")
    path = Path(path_or_name)
    if not path.is_file():
        sets = ", ".join(SHIPPED)
        raise MotifError("no such motif file or set", where=str(path), expected=f"a file, or one of {sets}")
    return path


def _format_of(text, path):
    """Biopython's name for the format, told from how the text begins."""
    if re.search(r"^MEME version", text, re.MULTILINE):
        return "minimal"
    if text.lstrip().startswith(">"):
        return "jaspar"
    if re.match(r"\s*(VV|AC|ID|NA|XX)\b", text):
        return "transfac"
    raise MotifError("unknown motif format", where=str(path), expected="MEME, JASPAR or TRANSFAC text")


def _parse(text, format):
    # Biopython keeps only the identifier of a MEME motif; its name stands after it on the same line.
    names = dict(re.findall(r"^MOTIF[ \t]+(\S+)[ \t]*(.*?)[ \t]*$", text, re.MULTILINE))
    loaded = []
    for order, motif in enumerate(bio_motifs.parse(io.StringIO(text), format)):
        described = motif if format == "transfac" else {}
        id = getattr(motif, "matrix_id", None) or described.get("ID") or described.get("AC") or motif.name
        id = id or f"motif_{order + 1}"
        name = described.get("NA") or names.get(id) or motif.name or id
        loaded.append(Motif(id, name, np.array([motif.counts[base] for base in "ACGT"]).T))
    return loaded

"""Sequences end to end, the motif hits in them as arrays, and which positions the model looks at."""

from collections.abc import Callable, Iterable
from typing import NamedTuple

import numpy as np

from mlx_gsa.dna.motifs import MotifScanner
from mlx_gsa.errors import RunError
from mlx_gsa.evaluation.selection import top_budget
from mlx_gsa.explain.motif_matches import scan_many

AT_ONCE = 256  # records scanned in one call
KEPT = "kept"


class Pool(NamedTuple):
    """Sequences laid end to end; position p of record r is position ``offsets[r] + p`` of the pool.

    ``tokens`` has shape (bases,), uint8; ``offsets`` shape (n + 1,), int64.
    """

    tokens: np.ndarray
    offsets: np.ndarray

    @classmethod
    def of(cls, sequences: Iterable[np.ndarray]) -> "Pool":
        """Join sequences, each shape (L,), uint8."""
        sequences = [np.asarray(tokens, np.uint8) for tokens in sequences]
        offsets = np.cumsum([0, *(len(tokens) for tokens in sequences)])
        return cls(np.concatenate([np.zeros(0, np.uint8), *sequences]), offsets)

    def __len__(self):
        return len(self.offsets) - 1

    @property
    def lengths(self) -> np.ndarray:
        """Length of each record in bp, shape (n,)."""
        return np.diff(self.offsets)

    def sequences(self) -> list[np.ndarray]:
        """Return the records one by one, as views."""
        return [self.tokens[a:b] for a, b in zip(self.offsets[:-1], self.offsets[1:], strict=True)]

    def composition(self) -> tuple[float, ...]:
        """Return the shares of A, C, G, T, the same on both strands, to a thousandth.

        They are multiples of 1 / 1024, so that they add up to 1 also in single precision, which lightmotif asks for.
        """
        counts = np.bincount(self.tokens, minlength=6)[:4] + 1.0
        weak = float(np.clip(round(512 * (counts[0] + counts[3]) / counts.sum()), 1, 511) / 1024)
        return (weak, 0.5 - weak, 0.5 - weak, weak)


class HitTable(NamedTuple):
    """Every hit of every motif, one row each; ``start`` and ``end`` are positions of the pool.

    ``record`` and ``motif`` are numbers, ``strand`` is ``+`` or ``-``, ``score`` in bits. Sorted by record and start.
    """

    record: np.ndarray
    motif: np.ndarray
    start: np.ndarray
    end: np.ndarray
    strand: np.ndarray
    score: np.ndarray


def find_hits(pool: Pool, scanner: MotifScanner) -> HitTable:
    """Scan both strands of all records.

    Parameters
    ----------
    pool : Pool
    scanner : MotifScanner
        Of motifs whose ids differ; building one takes longer than scanning 1,000 records of 300 bp.

    Returns
    -------
    HitTable
    """
    number = {motif.id: i for i, motif in enumerate(scanner.motifs)}
    sequences, rows = pool.sequences(), []
    for first in range(0, len(sequences), AT_ONCE):
        for record, hits in enumerate(scan_many(scanner, sequences[first : first + AT_ONCE]), start=first):
            offset = int(pool.offsets[record])
            rows += [
                (record, number[hit.motif.id], hit.start + offset, hit.end + offset, hit.strand, hit.score)
                for hit in hits
            ]
    columns = list(zip(*rows, strict=True)) or [()] * 6
    kinds = (np.int64, np.int64, np.int64, np.int64, "U1", np.float64)
    return HitTable(*(np.array(column, kind) for column, kind in zip(columns, kinds, strict=True)))


class Look(NamedTuple):
    """What a model makes of the records of a pool.

    ``predictions`` has shape (n, n_outputs); ``kept`` and ``relevance`` hold an array for each record; ``focus`` names
    sets of positions of the pool, ascending: ``"kept"``, and the top of the relevance ranking.
    """

    predictions: np.ndarray
    relevance: list
    kept: list
    focus: dict


def cut_names(top: float | None) -> tuple[str, ...]:
    """Name the sets of positions looked at: those kept, and the top share of the ranking."""
    return (KEPT,) if not top else (KEPT, f"top {100 * top:g} %")


def look(predictor, pool: Pool, top: float | None = 0.01, seed=0, batch_size=32, progress: Callable | None = None):
    """Run a model over the records of a pool.

    Parameters
    ----------
    predictor : Predictor
    pool : Pool
    top : float or None
        Share of each record's positions, by falling relevance, that is looked at besides all kept.
    seed : int
        Equal relevance is ranked at random.
    batch_size : int
    progress : callable, optional
        Called as ``progress(records_done)``.

    Returns
    -------
    Look

    Raises
    ------
    RunError
        If relevance is not finite.
    """
    rng, names = np.random.default_rng(seed), cut_names(top)
    predictions, relevance, kept, focus = [], [], [], {name: [np.zeros(0, np.int64)] for name in names}
    for number, found in enumerate(predictor.predict(pool.sequences(), batch_size=batch_size)):
        if not np.isfinite(found.relevance).all():
            raise RunError("relevance is not a finite number", where=f"sequence {number}", mend="Train again.")
        predictions.append(np.asarray(found.prediction, float))
        relevance.append(np.asarray(found.relevance, np.float32))
        kept.append(np.asarray(found.kept, np.int64))
        focus[KEPT].append(kept[-1] + pool.offsets[number])
        for name in names[1:]:
            order = np.lexsort((rng.random(len(found.relevance)), -found.relevance))
            best = np.sort(order[: top_budget(top, len(order))])
            focus[name].append(best + pool.offsets[number])
        if progress is not None:
            progress(number + 1)
    joined = {name: np.concatenate(parts) for name, parts in focus.items()}
    return Look(np.array(predictions), relevance, kept, joined)

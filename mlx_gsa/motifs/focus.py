"""Where a model looks: the peaks of its most relevant spans, windows around them, and places to compare with."""

from typing import NamedTuple

import numpy as np

from mlx_gsa.dna.alphabet import N
from mlx_gsa.explain.spans import find_spans, outstanding, signed_contribution

MAX_WEIGHT = 4.0


class Peaks(NamedTuple):
    """Peaks of relevance spans, by record and position.

    Attributes
    ----------
    record : np.ndarray of int64, shape (m,)
        Number of the record in the data set.
    position : np.ndarray of int64, shape (m,)
        Within the record (bp).
    weight : np.ndarray of float64, shape (m,)
        Gate at the peak times the absolute contribution of its span, over the median of all, in [0.25, 4].
    """

    record: np.ndarray
    position: np.ndarray
    weight: np.ndarray

    def select(self, mask):
        """Return the peaks that a boolean mask or an index array picks."""
        return Peaks(*(column[mask] for column in self))


def find_peaks(predictor, dataset, indices, *, most=None, batch_size=32, output=0, progress=None) -> Peaks:
    """Find the peaks of the spans that stand out in each record.

    Parameters
    ----------
    predictor : Predictor
    dataset : Dataset
    indices : array_like of int
        Numbers of the records.
    most : int, optional
        Spans per record at most, the most relevant; all that stand out otherwise.
    batch_size : int
    output : int
        Of several outputs the one whose contributions weigh.
    progress : callable, optional
        ``progress(done, total, note)``.

    Returns
    -------
    Peaks
        By record in the order given, then position.
    """
    indices, rows = [int(i) for i in indices], []
    stream = predictor.predict((dataset.sequence(i) for i in indices), batch_size=batch_size)
    for number, (index, prediction) in enumerate(zip(indices, stream, strict=True)):
        rows += [(index, *peak) for peak in _peaks_of(prediction, most, output)]
        if progress:
            progress(number + 1, len(indices), "finding peaks")
    table = np.array(rows, np.float64).reshape(-1, 3)
    weight = table[:, 2]
    typical = np.median(weight) if len(weight) else 0.0
    weight = np.clip(weight / typical, 1 / MAX_WEIGHT, MAX_WEIGHT) if typical > 0 else np.ones(len(weight))
    return Peaks(table[:, 0].astype(np.int64), table[:, 1].astype(np.int64), weight)


def _peaks_of(prediction, most, output):
    """Return position and weight of the peak of each span that stands out, by position."""
    contribution = signed_contribution(prediction.contribution, output)
    spans = find_spans(prediction.relevance, prediction.kept, contribution)
    spans = outstanding(spans, prediction.relevance)[:most]
    gate = dict(zip(prediction.kept.tolist(), prediction.gates.tolist(), strict=True))
    return sorted((span.peak, gate[span.peak] * span.weight) for span in spans)


def windows_at(dataset, record, position, reach) -> np.ndarray:
    """Cut windows out of records, N where they run over an end.

    Parameters
    ----------
    dataset : Dataset
    record, position : np.ndarray of int, shape (m,)
    reach : int
        Bases on either side of the position (bp).

    Returns
    -------
    np.ndarray, shape (m, 2 * reach + 1), uint8
    """
    places = position[:, None] + np.arange(-reach, reach + 1)
    inside = (places >= 0) & (places < dataset.lengths[record][:, None])
    tokens = dataset.tokens[np.where(inside, dataset.offsets[record][:, None] + places, 0)]
    return np.where(inside, tokens, N).astype(np.uint8)


def random_places(dataset, peaks: Peaks, rng, away=0) -> np.ndarray:
    """Draw for each peak a random position of its record.

    Parameters
    ----------
    dataset : Dataset
    peaks : Peaks
    rng : np.random.Generator
    away : int
        Least distance from every peak of the record (bp), halved until the record has room.

    Returns
    -------
    np.ndarray of int64, shape (m,)
    """
    drawn = np.zeros(len(peaks.record), np.int64)
    order = np.argsort(peaks.record, kind="stable")
    edges = np.flatnonzero(np.diff(peaks.record[order])) + 1
    for rows in np.split(order, edges) if len(order) else ():
        length = int(dataset.lengths[peaks.record[rows[0]]])
        free = _free(length, peaks.position[rows], away)
        drawn[rows] = rng.choice(free, len(rows), replace=len(free) < len(rows))
    return drawn


def _free(length, positions, away):
    """Return the positions of a record far enough from its peaks."""
    while away > 0:
        steps = np.zeros(length + 1, np.int64)
        np.add.at(steps, np.maximum(positions - away + 1, 0), 1)
        np.add.at(steps, np.minimum(positions + away, length), -1)
        free = np.flatnonzero(np.cumsum(steps[:length]) == 0)
        if len(free):
            return free
        away //= 2
    return np.arange(length)

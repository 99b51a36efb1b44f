"""From one or several measurements of a sequence to its labels, and to the weight that they deserve."""

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

LEAST, MOST = 0.2, 5.0  # bounds of a weight beside the mean of all: no record dominates, none is lost


class Measured(NamedTuple):
    """What one row says of its sequence.

    Attributes
    ----------
    values : list of list
        Of each output, what was measured: floats (one, or one per replicate), class names, or nothing.
    spreads : list of float or None
        Of each output, the stated standard deviation; NaN where it is missing, None where none is stated at all.
    weight : float or None
        The stated weight; None where none is stated at all.
    """

    values: list
    spreads: list | None = None
    weight: float | None = None


@dataclass
class Measurements:
    """Holds what was measured of every record; several rows may speak of the same one.

    Attributes
    ----------
    replicated : bool
        Whether records are measured more than once by design, so that their spread becomes a weight.
    merged : int
        Rows that were added to an earlier record.
    """

    replicated: bool = False
    merged: int = 0
    _rows: list = field(default_factory=list)

    def add(self, measured):
        """Take a row as a new record; return the number of the record."""
        self._rows.append([measured])
        return len(self._rows) - 1

    def merge(self, number, measured):
        """Take a row as a further measurement of an earlier record."""
        self._rows[number].append(measured)
        self.merged += 1

    def label(self, number, output=0):
        """Return a label of a record: the mean of what was measured, a class name, or NaN.

        Rows count by their stated weights where these are stated.
        """
        rows = self._rows[number]
        values = [value for row in rows for value in row.values[output]]
        if len(values) < 2:
            return values[0] if values else float("nan")
        counts = [row.weight for row in rows for _ in row.values[output]]
        stated = None not in counts and sum(counts) > 0
        return float(np.average(values, weights=counts if stated else None))

    def weights(self):
        """Return the weight of every record, or None where nothing tells records apart.

        Returns
        -------
        np.ndarray, shape (n,), float64, or None
            The stated weights, summed over the rows of a record; else `spread_weights`, averaged over the outputs
            that a record has.
        """
        if self._rows and self._rows[0][0].weight is not None:
            return np.array([sum(row.weight for row in rows) for rows in self._rows])
        stated = bool(self._rows) and self._rows[0][0].spreads is not None
        if not (stated or self.replicated or self.merged):
            return None
        outputs = range(len(self._rows[0][0].values))
        each = np.stack([self._weights_of(output) for output in outputs], axis=1)
        return np.nanmean(each, axis=1)

    def _weights_of(self, output):
        """Return the weight of every record by one output; NaN where it was not measured."""
        pairs = np.array([self._deviation(rows, output) for rows in self._rows], dtype=float)
        deviation, number = pairs[:, 0], pairs[:, 1]
        weights = np.full(len(pairs), np.nan)
        measured = number > 0
        weights[measured] = spread_weights(deviation[measured], number[measured])
        return weights

    @staticmethod
    def _deviation(rows, output):
        """Return standard deviation (NaN: not known) and number of the measurements of one record."""
        values = [value for row in rows for value in row.values[output]]
        between = float(np.var(values, ddof=1)) if len(values) > 1 else np.nan
        stated = [row.spreads[output] for row in rows if row.spreads is not None and row.values[output]]
        stated = [one for one in stated if np.isfinite(one)]
        if not stated:
            return between**0.5, len(values)
        return (float(np.mean(np.square(stated))) + np.nan_to_num(between)) ** 0.5, len(values)


def spread_weights(deviation, number):
    """Turn the spread of measurements into weights.

    ``w = 1 / v`` with ``v = (sd^2 + m) / n``, where m is the median of sd^2 over the records: the squared standard
    error of the mean, shrunk by as much again of a typical record, as a spread of two or three replicates is itself a
    poor measurement. The weights are divided by their mean and clipped to 0.2-5.

    Parameters
    ----------
    deviation : np.ndarray, shape (n,)
        Standard deviation of single measurements, in units of the label; NaN (one measurement only): taken as typical.
    number : np.ndarray, shape (n,)
        Measurements of each record, at least 1.

    Returns
    -------
    np.ndarray, shape (n,), float64

    Source: inverse-variance weighting, with the variance shrunk towards a common one in the manner of moderated
    statistics (Smyth 2004), here by a fixed half.
    """
    squared, number = np.square(np.asarray(deviation, float)), np.asarray(number, float)
    known = squared[np.isfinite(squared)]
    typical = (float(np.median(known)) or float(known.mean())) if known.size else 0.0
    variance = (np.where(np.isfinite(squared), squared, typical) + typical) / number
    weights = 1 / variance if typical > 0 else number.copy()
    return np.clip(weights / weights.mean(), LEAST, MOST)

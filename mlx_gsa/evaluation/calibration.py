"""Calibration: is a predicted probability the share of records that turn out so, a predicted value the mean measured.

A model may rank well and still say 0.99 where 0.8 would be right. Discrimination (AUROC) does not see that.
"""

from typing import NamedTuple

import numpy as np

from mlx_gsa.evaluation.bootstrap import Interval
from mlx_gsa.evaluation.outputs import measured

BINS, FEWEST = 10, 20
"""Most bins, and the fewest records of a bin."""
DRAWS = 500


class Point(NamedTuple):
    """One bin of a reliability picture: records whose predictions are alike.

    Attributes
    ----------
    predicted : float
        Mean prediction.
    observed : Interval
        Share of records that turned out so, with Wilson's 95 % interval; of values their mean, with Student's.
    n : int
    """

    predicted: float
    observed: Interval
    n: int

    def to_dict(self) -> dict:
        """Give the numbers by name."""
        return {"predicted": self.predicted, "observed": self.observed, "n": self.n}


class Calibration(NamedTuple):
    """How far predictions are from what was found.

    Attributes
    ----------
    kind : str
        ``probability`` (binary), ``top label`` (several classes: the probability of the one called) or ``value``.
    n : int
    numbers : dict
        Of probabilities: ``brier``; ``brier_constant``, that of always saying the classes' shares; ``ece``;
        ``ece_if_calibrated`` (Interval), what the same predictions would get by chance if they were right; and ``p``,
        how often they would get as much. Of values: ``slope`` and ``intercept`` of the labels on the predictions
        (Intervals; 1 and 0 if calibrated), ``mean_difference``, predictions less labels, and ``spread``, the standard
        deviation of the labels.
    points : list of Point
        By prediction, ascending.
    """

    kind: str
    n: int
    numbers: dict
    points: list

    def to_dict(self) -> dict:
        """Give everything by name."""
        return {"kind": self.kind, "n": self.n, **self.numbers, "points": self.points}


def calibrate(task, labels, predictions, bins=BINS, seed=0, level=0.95) -> Calibration:
    """Measure the calibration of one output.

    Parameters
    ----------
    task : {"regression", "binary", "multiclass"}
    labels : array_like, shape (n,)
    predictions : array_like, shape (n,) or (n, C)
        Values, probabilities of class 1, or of each class.
    bins : int
        At most so many bins of equally many records, fewer where those would have less than 20 each. Equal predictions
        are never split, so that bins may differ in size.
    seed : int
        Of the labels drawn for ``ece_if_calibrated``.
    level : float
        Of the intervals.

    Returns
    -------
    Calibration
        The expected calibration error, the mean distance of predicted and observed over bins weighted by records, is
        biased upwards: chance alone makes every bin differ, more so in small bins, so that a perfect model has one
        above 0, too. Hold it against ``ece_if_calibrated``. Binning hides what differs within a bin, which biases it
        the other way. Records are taken as independent.

    Source: Brier 1950; ECE with equal-count bins as in Nixon et al. 2019; the distribution if calibrated by drawing
    labels from the predictions, "consistency resampling" of Broecker & Smith 2007; slope and intercept as in Cox 1958;
    Wilson 1927 by `scipy.stats`.
    """
    labels, predictions = np.asarray(labels, float), np.asarray(predictions, float)
    if task == "regression":
        return _values(labels, predictions, bins, level)
    if task == "binary":
        brier = float(np.mean((predictions - labels) ** 2))
        share = labels.mean()
        return _probabilities("probability", labels, predictions, brier, share * (1 - share), bins, seed, level)
    truth = np.eye(predictions.shape[1])[labels.astype(int)]
    brier = float(((predictions - truth) ** 2).sum(1).mean())
    constant = float(((truth.mean(0) - truth) ** 2).sum(1).mean())
    called = predictions.argmax(1)
    right = (called == labels).astype(float)
    return _probabilities("top label", right, predictions.max(1), brier, constant, bins, seed, level)


def calibrate_outputs(task, outputs, labels, predictions, **options) -> dict:
    """Measure the calibration of each output; parameters as for `calibrate`.

    Returns
    -------
    dict of str to Calibration
        By output; of a single one the name is empty. An output without two labels is left out.
    """
    if not outputs:
        return {"": calibrate(task, labels, predictions, **options)}
    pairs = zip(outputs, measured(labels, predictions), strict=True)
    return {name: calibrate(task, label, made, **options) for name, (label, made, _) in pairs if len(label) > 1}


def bins_of(predictions, bins=BINS) -> np.ndarray:
    """Number the bin of each record: equally many each, equal predictions together; shape (n,), ascending from 0."""
    predictions = np.asarray(predictions, float)
    wanted = max(1, min(bins, len(predictions) // FEWEST))
    edges = np.quantile(predictions, np.arange(1, wanted) / wanted)
    return np.unique(np.searchsorted(edges, predictions, side="right"), return_inverse=True)[1].ravel()


def _probabilities(kind, outcomes, predictions, brier, constant, bins, seed, level):
    place = bins_of(predictions, bins)
    found, chance = _ece(place, outcomes[None], predictions)[0], _ece_if_calibrated(place, predictions, seed)
    low, high = np.quantile(chance, [(1 - level) / 2, (1 + level) / 2])
    numbers = {
        "brier": brier,
        "brier_constant": float(constant),
        "ece": float(found),
        "ece_if_calibrated": Interval(float(chance.mean()), float(low), float(high)),
        "p": float((1 + np.sum(chance >= found)) / (1 + len(chance))),
    }
    points = [_share_point(predictions[place == b], outcomes[place == b], level) for b in range(place.max() + 1)]
    return Calibration(kind, len(outcomes), numbers, points)


def _ece(place, outcomes, predictions):
    """Mean over records of how far their bin is off; outcomes of shape (draws, n) give shape (draws,)."""
    inside = np.eye(place.max() + 1)[place]
    return np.abs((outcomes - predictions) @ inside).sum(1) / len(predictions)


def _ece_if_calibrated(place, predictions, seed):
    rng = np.random.default_rng(seed)
    drawn = (rng.random(len(predictions)) < predictions for _ in range(DRAWS))
    return np.array([_ece(place, one[None].astype(float), predictions)[0] for one in drawn])


def _share_point(predictions, outcomes, level):
    from scipy.stats import binomtest

    hits, n = int(outcomes.sum()), len(outcomes)
    low, high = binomtest(hits, n).proportion_ci(level, method="wilson")
    return Point(float(predictions.mean()), Interval(hits / n, float(low), float(high)), n)


def _values(labels, predictions, bins, level):
    from scipy.stats import linregress, t

    nothing = Interval(np.nan, np.nan, np.nan)
    slope, intercept, n = nothing, nothing, len(labels)
    if n > 2 and np.ptp(predictions) > 0:
        line, reach = linregress(predictions, labels), float(t.ppf((1 + level) / 2, n - 2))
        slope, intercept = (
            Interval(float(value), float(value - reach * error), float(value + reach * error))
            for value, error in ((line.slope, line.stderr), (line.intercept, line.intercept_stderr))
        )
    place = bins_of(predictions, bins)
    points = [_mean_point(predictions[place == b], labels[place == b], level) for b in range(place.max() + 1)]
    numbers = {
        "slope": slope,
        "intercept": intercept,
        "mean_difference": float(predictions.mean() - labels.mean()),
        "spread": float(labels.std()),
    }
    return Calibration("value", n, numbers, points)


def _mean_point(predictions, labels, level):
    from scipy.stats import t

    n, mean = len(labels), float(labels.mean())
    reach = float(t.ppf((1 + level) / 2, n - 1) * labels.std(ddof=1) / np.sqrt(n)) if n > 1 else np.nan
    return Point(float(predictions.mean()), Interval(mean, mean - reach, mean + reach), n)

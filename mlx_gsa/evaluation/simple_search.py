"""The search behind the simple models: every penalty on every set of features, the best by validation kept."""

import warnings
from dataclasses import dataclass

import numpy as np

from mlx_gsa.errors import GsaError
from mlx_gsa.evaluation.prediction import METRICS

ASKED = "asked"
"""Name of the records to predict, beside "train" and "val"."""

_ITERATIONS = 1000


@dataclass(frozen=True, eq=False)
class SimpleModel:
    """A fitted simple model and what it predicts for one split.

    Attributes
    ----------
    name : str
        ``"k-mers"``, ``"gapped k-mers"``, ``"dinucleotides"`` or ``"GC content"``.
    choice : dict
        What the validation split chose: ``k`` (k-mers, gapped or not), ``window`` (gapped ones), ``penalty``, and the
        ``validation`` metric reached.
    predictions : np.ndarray, shape (n,) or (n, C)
        As the organism predicts: value, probability of class 1, or probability of each class.
    """

    name: str
    choice: dict
    predictions: np.ndarray


def require_sklearn():
    """Import what fits the simple models.

    Returns
    -------
    module
        ``sklearn.linear_model``.

    Raises
    ------
    GsaError
        scikit-learn is not installed.
    """
    try:
        from sklearn import linear_model
    except ImportError:
        raise GsaError(
            "Simple models need scikit-learn", mend="pip install 'mlx_gsa[baselines]' (the extra 'baselines')"
        ) from None
    return linear_model


class OutputSearch:
    """One search for each output, all on the same features.

    Parameters
    ----------
    dataset : Dataset
    rows : dict of str to np.ndarray of int
        Numbers of the records of "train", "val" and `ASKED`, those to predict.
    progress : callable or None
        ``progress(done, total, note)`` after each model fitted.
    total : int
        Models that will be fitted per output.
    """

    def __init__(self, dataset, rows, progress, total):
        self.names = dataset.outputs or [None]
        labels = np.asarray(dataset.labels).reshape(len(dataset), -1)
        self.report, self.done, self.total = progress or (lambda *_: None), 0, total * len(self.names)
        self.searches = [
            _Search(dataset, {part: labels[index, number] for part, index in rows.items()}, self._advance)
            for number in range(len(self.names))
        ]

    def _advance(self):
        self.done += 1
        self.report(self.done, self.total, "simple models")

    def add(self, name, choice, features, penalties):
        """Fit every penalty on features (n, F) of each part; the best of all that have this name is kept."""
        for search in self.searches:
            search.add(name, choice, features, penalties)

    def models(self):
        """Return what did best on validation: one `SimpleModel` per name, in the order they came."""
        if self.names == [None]:
            return list(self.searches[0].best.values())
        return [self._joined(name) for name in self.searches[0].best]

    def _joined(self, name):
        """Put what was found for each output together."""
        found = [search.best[name] for search in self.searches]
        choices = {output: model.choice for output, model in zip(self.names, found, strict=True)}
        return SimpleModel(name, {"by_output": choices}, np.stack([model.predictions for model in found], axis=1))


class _Search:
    """Fits every penalty on every set of features and keeps, per model name, what did best on validation."""

    def __init__(self, dataset, labels, advance):
        self.task, self.advance = dataset.task, advance
        self.known = {name: np.flatnonzero(~np.isnan(part)) for name, part in labels.items()}
        self.labels = {name: part[self.known[name]] for name, part in labels.items()}
        self.n_classes = len(dataset.classes) if dataset.task == "multiclass" else 2
        self.metric = next(iter(METRICS[dataset.task].values()))
        self.best = {}

    def add(self, name, choice, features, penalties):
        known = {part: _rows_of(features[part], self.known[part]) for part in ("train", "val")}
        for penalty in penalties:
            fitted = _fit(self.task, known["train"], self.labels["train"], penalty)
            # constant predictions have no correlation, and are then the worst choice
            found = np.nan_to_num(self.metric(self.labels["val"], self._predict(fitted, known["val"])), nan=-1.0)
            if name not in self.best or found > self.best[name].choice["validation"]:
                chosen = {**choice, "penalty": float(penalty), "validation": float(found)}
                self.best[name] = SimpleModel(name, chosen, self._predict(fitted, features[ASKED]))
            self.advance()

    def _predict(self, fitted, features):
        if self.task == "regression":
            return fitted.predict(features).astype(float)
        columns = np.zeros((features.shape[0], self.n_classes))
        columns[:, fitted.classes_.astype(int)] = fitted.predict_proba(features)  # a class may be absent from training
        return columns if self.task == "multiclass" else columns[:, 1]


def _rows_of(features, rows):
    """Pick rows; all of them without a copy."""
    return features if len(rows) == features.shape[0] else features[rows]


def _fit(task, features, labels, penalty):
    linear_model = require_sklearn()
    if task == "regression":
        return linear_model.Ridge(alpha=penalty).fit(features, labels)
    from sklearn.exceptions import ConvergenceWarning

    model = linear_model.LogisticRegression(C=1 / penalty, max_iter=_ITERATIONS)
    with warnings.catch_warnings():
        # a weakly penalised fit that has not converged is one of the choices, and validation judges it
        warnings.simplefilter("ignore", ConvergenceWarning)
        return model.fit(features, labels.astype(int))

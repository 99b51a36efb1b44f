"""Simple models beside a run: linear models on k-mer counts, and on GC content alone, fitted on the same split."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from mlx_gsa.dna.alphabet import gc_content
from mlx_gsa.errors import DatasetError, GsaError
from mlx_gsa.evaluation.bootstrap import bootstrap_intervals, paired_difference_intervals, paired_ratio_interval
from mlx_gsa.evaluation.kmer_features import centre, count_kmers, scale_counts
from mlx_gsa.evaluation.matching import compare_strata
from mlx_gsa.evaluation.outputs import intervals_by_output, metrics_of
from mlx_gsa.evaluation.prediction import METRICS

KS = (4, 5, 6)
PENALTIES = (1.0, 10.0, 100.0, 1e3, 1e4, 1e5)
"""Weights of the squared coefficients beside the summed loss over records; features have unit variance."""

_ITERATIONS = 1000
_ASKED = "asked"


@dataclass(frozen=True, eq=False)
class SimpleModel:
    """A fitted simple model and what it predicts for one split.

    Attributes
    ----------
    name : str
        ``"k-mers"`` or ``"GC content"``.
    choice : dict
        What the validation split chose: ``k`` (k-mers only), ``penalty``, and the ``validation`` metric reached.
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


def fit_simple_models(
    dataset, split="test", *, rows=None, ks=KS, penalties=PENALTIES, strands="both", scaling="log1p", progress=None
) -> list[SimpleModel]:
    """Fit linear models on the training split, choose on the validation split, predict another one.

    Logistic regression for classes (one penalty, all classes at once), ridge regression for values; the k-mer length
    and the penalty are those of the best leading metric on the validation split, which is never fitted.

    Parameters
    ----------
    dataset : Dataset
    split : str
        What to predict.
    rows : np.ndarray of int, optional
        Numbers of the records to predict, instead of all of the split.
    ks, penalties : sequence
        Choices.
    strands : {"both", "forward"}
        As for `count_kmers`.
    scaling : {"log1p", "frequency"}
        log(1 + count), or counts over their sum; either then has unit variance in the training split.
    progress : callable, optional
        ``progress(done, total, note)`` after each model fitted.

    Returns
    -------
    list of SimpleModel
        On k-mers, then on GC content.

    Raises
    ------
    GsaError
        scikit-learn is not installed, or an unknown scaling.
    DatasetError
        The training or validation split is empty, or training has one class only.

    Source: the k-mer baselines of Ghandi et al. 2014 (gkm-SVM), with a linear model instead of an SVM.
    """
    require_sklearn()
    rows = {_ASKED: dataset.indices(split) if rows is None else rows}
    rows |= {name: dataset.indices(name) for name in ("train", "val")}
    _check_rows(dataset, rows)
    search = _Outputs(dataset, rows, penalties, progress, total=(len(ks) + 1) * len(penalties))
    for k in ks:
        counts = {
            name: count_kmers((dataset.sequence(int(i)) for i in index), k, strands) for name, index in rows.items()
        }
        search.add("k-mers", {"k": int(k)}, scale_counts(counts, scaling))
    gc = {
        name: np.array([[gc_content(dataset.sequence(int(i)))] for i in index], np.float32)
        for name, index in rows.items()
    }
    search.add("GC content", {}, centre({name: np.nan_to_num(part, nan=0.5) for name, part in gc.items()}))
    return search.models()


def compare_simple_models(
    dataset,
    labels,
    predictions,
    split="test",
    *,
    rows=None,
    strata=(),
    strands="both",
    n=1000,
    seed=0,
    groups=None,
    level=0.95,
    progress: Callable | None = None,
) -> list[dict]:
    """Score simple models on a split, beside a model's predictions for it, all on the same resamples.

    Parameters
    ----------
    dataset : Dataset
    labels, predictions : np.ndarray, shape (n_records,) or (n_records, C)
        Of the split, in the order of ``dataset.indices(split)``, or of `rows`.
    strata : list of Stratum
        Within which to score, too (binary).
    split, rows, strands, progress
        As for `fit_simple_models`.
    n, seed, groups, level
        As for `bootstrap_interval`.

    Returns
    -------
    list of dict
        One per simple model: ``name``, ``choice``, ``metrics`` (Interval by name), ``difference`` (model less simple
        model, Interval by name), ``ratio`` (model over simple model, Interval of the leading metric), ``strata``, see
        `matching.compare_strata`, and ``predictions``. Of several outputs the metrics are means over them, and
        ``by_output`` holds those of each.

    Raises
    ------
    GsaError, DatasetError
        As for `fit_simple_models`.
    """
    options = {"n": n, "seed": seed, "groups": groups, "level": level}
    metrics = metrics_of(dataset.task, dataset.outputs)
    leading = next(iter(metrics.values()))
    return [
        {
            "name": simple.name,
            "choice": simple.choice,
            "metrics": bootstrap_intervals(metrics, labels, simple.predictions, **options),
            "difference": paired_difference_intervals(metrics, labels, predictions, simple.predictions, **options),
            "ratio": paired_ratio_interval(leading, labels, predictions, simple.predictions, **options),
            "strata": compare_strata(strata, labels, predictions, simple.predictions, **options),
            "by_output": intervals_by_output(dataset.task, dataset.outputs, labels, simple.predictions, **options),
            "predictions": simple.predictions,
        }
        for simple in fit_simple_models(dataset, split, rows=rows, strands=strands, progress=progress)
    ]


class _Outputs:
    """One search for each output, all on the same features."""

    def __init__(self, dataset, rows, penalties, progress, total):
        self.names = dataset.outputs or [None]
        labels = np.asarray(dataset.labels).reshape(len(dataset), -1)
        self.report, self.done, self.total = progress or (lambda *_: None), 0, total * len(self.names)
        self.searches = [
            _Search(dataset, {part: labels[index, number] for part, index in rows.items()}, penalties, self._advance)
            for number in range(len(self.names))
        ]

    def _advance(self):
        self.done += 1
        self.report(self.done, self.total, "simple models")

    def add(self, name, choice, features):
        for search in self.searches:
            search.add(name, choice, features)

    def models(self):
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

    def __init__(self, dataset, labels, penalties, advance):
        self.task, self.penalties, self.advance = dataset.task, penalties, advance
        self.known = {name: np.flatnonzero(~np.isnan(part)) for name, part in labels.items()}
        self.labels = {name: part[self.known[name]] for name, part in labels.items()}
        self.n_classes = len(dataset.classes) if dataset.task == "multiclass" else 2
        self.metric = next(iter(METRICS[dataset.task].values()))
        self.best = {}

    def add(self, name, choice, features):
        known = {part: _rows_of(features[part], self.known[part]) for part in ("train", "val")}
        for penalty in self.penalties:
            fitted = _fit(self.task, known["train"], self.labels["train"], penalty)
            # constant predictions have no correlation, and are then the worst choice
            found = np.nan_to_num(self.metric(self.labels["val"], self._predict(fitted, known["val"])), nan=-1.0)
            if name not in self.best or found > self.best[name].choice["validation"]:
                chosen = {**choice, "penalty": float(penalty), "validation": float(found)}
                self.best[name] = SimpleModel(name, chosen, self._predict(fitted, features[_ASKED]))
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


def _check_rows(dataset, rows):
    for name in ("train", "val"):
        if not len(rows[name]):
            raise DatasetError("The split is empty, so no simple model can be fitted", where=f"{dataset.path}, {name}")
    labels = np.asarray(dataset.labels).reshape(len(dataset), -1)
    for number, name in enumerate(dataset.outputs or [""]):
        where = f"{dataset.path}, {name}" if name else str(dataset.path)
        found = {part: labels[rows[part], number] for part in ("train", "val")}
        found = {part: values[~np.isnan(values)] for part, values in found.items()}
        if not all(len(values) for values in found.values()):
            raise DatasetError("The training or validation split has no such label", where=where)
        if dataset.task != "regression" and len(np.unique(found["train"])) < 2:
            raise DatasetError("The training split has one class only", where=where)

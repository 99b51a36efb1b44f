"""Simple models beside a run, on the same split: linear in counts of k-mers, of gapped k-mers, in composition."""

from collections.abc import Callable

import numpy as np

from mlx_gsa.dna.alphabet import gc_content
from mlx_gsa.errors import DatasetError
from mlx_gsa.evaluation.bootstrap import bootstrap_intervals, paired_difference_intervals, paired_ratio_interval
from mlx_gsa.evaluation.gapped_kmers import count_gapped_kmers
from mlx_gsa.evaluation.kmer_features import centre, count_kmers, scale_counts
from mlx_gsa.evaluation.matching import compare_strata
from mlx_gsa.evaluation.outputs import intervals_by_output, metrics_of
from mlx_gsa.evaluation.simple_search import ASKED, OutputSearch, SimpleModel, require_sklearn

KS = (4, 5, 6)
PENALTIES = (1.0, 10.0, 100.0, 1e3, 1e4, 1e5)
"""Weights of the squared coefficients beside the summed loss over records; features have unit variance."""

GAPPED = ((6, 4), (7, 4))
"""Windows in bp, and bases that matter in them."""

GAPPED_PENALTIES = (100.0, 1e3, 1e4, 1e5)
"""Fewer and stronger: neighbouring gapped k-mers say much the same, and there are thousands."""

__all__ = ["SimpleModel", "compare_simple_models", "fit_simple_models", "require_sklearn"]


def fit_simple_models(
    dataset, split="test", *, rows=None, ks=KS, penalties=PENALTIES, gapped=GAPPED, gapped_penalties=GAPPED_PENALTIES,
    strands="both", scaling="log1p", progress=None,
) -> list[SimpleModel]:  # fmt: skip
    """Fit linear models on the training split, choose on the validation split, predict another one.

    Logistic regression for classes (one penalty, all classes at once), ridge regression for values; the k-mer length,
    the window of gapped k-mers and the penalty are those of the best leading metric on the validation split, which is
    never fitted.

    Parameters
    ----------
    dataset : Dataset
    split : str
        What to predict.
    rows : np.ndarray of int, optional
        Numbers of the records to predict, instead of all of the split.
    ks, penalties : sequence
        Choices.
    gapped : sequence of (window, k)
        Choices of gapped k-mers, see `count_gapped_kmers`; an empty one leaves that model out.
    gapped_penalties : sequence
        Choices for them.
    strands : {"both", "forward"}
        As for `count_kmers`.
    scaling : {"log1p", "frequency"}
        log(1 + count), or counts over their sum; either then has unit variance in the training split.
    progress : callable, optional
        ``progress(done, total, note)`` after each model fitted.

    Returns
    -------
    list of SimpleModel
        On k-mers, on gapped k-mers, on dinucleotides, on GC content.

    Raises
    ------
    GsaError
        scikit-learn is not installed, or an unknown scaling.
    DatasetError
        The training or validation split is empty, or training has one class only.

    Source: the k-mer and gapped k-mer baselines of Ghandi et al. 2014 (gkm-SVM), with a linear model instead of an SVM.
    """
    require_sklearn()
    rows = {ASKED: dataset.indices(split) if rows is None else rows}
    rows |= {name: dataset.indices(name) for name in ("train", "val")}
    _check_rows(dataset, rows)
    total = (len(ks) + 2) * len(penalties) + len(gapped) * len(gapped_penalties)
    search = OutputSearch(dataset, rows, progress, total)

    def counted(count, *size):
        counts = {name: count(_sequences(dataset, index), *size, strands) for name, index in rows.items()}
        return scale_counts(counts, scaling)

    for k in ks:
        search.add("k-mers", {"k": int(k)}, counted(count_kmers, k), penalties)
    for window, k in gapped:
        features = counted(count_gapped_kmers, window, k)
        search.add("gapped k-mers", {"window": int(window), "k": int(k)}, features, gapped_penalties)
    search.add("dinucleotides", {"k": 2}, counted(count_kmers, 2), penalties)
    search.add("GC content", {}, centre({name: _gc(dataset, index) for name, index in rows.items()}), penalties)
    return search.models()


def _sequences(dataset, index):
    return (dataset.sequence(int(i)) for i in index)


def _gc(dataset, index):
    """GC content of each record as a column, a half where no base is known."""
    shares = np.array([[gc_content(sequence)] for sequence in _sequences(dataset, index)], np.float32)
    return np.nan_to_num(shares, nan=0.5)


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

"""Why a k-mer model is hard to beat on a data set: linear models by length of the word, strand, and way of counting."""

from itertools import product

import numpy as np

from mlx_gsa.evaluation.kmer_baseline import fit_simple_models
from mlx_gsa.evaluation.prediction import METRICS
from mlx_gsa.runtime import machine, versions

KS, STRANDS, SCALINGS = (4, 5, 6), ("both", "forward"), ("log1p", "frequency")


def compare_counts(dataset, min_lengths=()):
    """Fit linear models on every fold, one for each way of counting.

    Parameters
    ----------
    dataset : Dataset
        With folds.
    min_lengths : sequence of int
        Records of so many bp or more are also scored alone.

    Returns
    -------
    dict
        ``metric``; ``rows``, each with ``k``, ``strands``, ``counts``, and ``mean`` and ``folds`` of the leading metric
        by stratum; ``data_hash``, ``versions``, ``machine``.
    """
    name, metric = next(iter(METRICS[dataset.task].items()))
    rows = [
        {"k": k, "strands": strands, "counts": scaling, **_scores(dataset, metric, (k,), strands, scaling, min_lengths)}
        for strands, scaling, k in product(STRANDS, SCALINGS, KS)
    ]
    return {
        "metric": name, "data_hash": dataset.data_hash, "rows": rows, "versions": versions(), "machine": machine(),
    }  # fmt: skip


def _scores(dataset, metric, ks, strands, scaling, min_lengths):
    """Return the mean over folds, for all test records and for long ones."""
    least = {"all": 0} | {f"at least {length} bp": length for length in min_lengths}
    values = {name: [] for name in least}
    for fold in range(int(dataset.records.extra["fold"].max()) + 1):
        part = dataset.with_fold(fold)
        rows = part.indices("test")
        predictions = fit_simple_models(part, ks=ks, strands=strands, scaling=scaling)[0].predictions
        for name, length in least.items():
            chosen = part.lengths[rows] >= length
            values[name].append(float(metric(part.records.label[rows[chosen]], predictions[chosen])))
    return {"mean": {name: float(np.mean(each)) for name, each in values.items()}, "folds": values}

"""Why a k-mer model is hard to beat on a data set: linear models by length of the word, strand, and way of counting."""

from itertools import product

import numpy as np
from results_files import _write

from mlx_gsa.data.dataset import Dataset
from mlx_gsa.evaluation.kmer_baseline import fit_simple_models
from mlx_gsa.evaluation.prediction import METRICS
from mlx_gsa.runtime import machine, versions

KS, STRANDS, SCALINGS = (4, 5, 6), ("both", "forward"), ("log1p", "frequency")


def diagnose(each, folder, results, root):
    """Fit linear models on every fold, and write the mean of the leading metric over folds for each way of counting.

    Parameters
    ----------
    each : dict
        The experiment of a data set.
    folder, results, root : Path
        The prepared data set; where to write; the checkout.

    Returns
    -------
    str
        The file written.
    """
    dataset = Dataset.open(folder)
    name, metric = next(iter(METRICS[dataset.task].items()))
    rows = [
        {"k": k, "strands": strands, "counts": scaling, **_scores(dataset, metric, (k,), strands, scaling, each)}
        for strands, scaling, k in product(STRANDS, SCALINGS, KS)
    ]
    found = {"metric": name, "data_hash": dataset.data_hash, "rows": rows, "versions": versions(), "machine": machine()}
    return _write(results / f"{each['name']}-linear.json", found, root)


def _scores(dataset, metric, ks, strands, scaling, each):
    """Return the mean over folds, for all test records and for long ones."""
    values = {"all": []} | {f"at least {least} bp": [] for least in each.get("min_lengths", [])}
    for fold in range(int(dataset.records.extra["fold"].max()) + 1):
        part = dataset.with_fold(fold)
        rows = part.indices("test")
        predictions = fit_simple_models(part, ks=ks, strands=strands, scaling=scaling)[0].predictions
        for name in values:
            chosen = part.lengths[rows] >= (int(name.split()[2]) if name != "all" else 0)
            values[name].append(float(metric(part.records.label[rows[chosen]], predictions[chosen])))
    return {"mean": {name: float(np.mean(each)) for name, each in values.items()}, "folds": values}

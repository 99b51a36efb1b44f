"""Shuffled labels: the same recipe, trained on labels that say nothing, must find nothing.

Where a pipeline lets test labels through (into the first filters, the choice of the epoch, the split), a model trained
on shuffled labels still does better than chance. One such model may rank the test records well or badly by accident,
as whatever it learned (GC, say) may go with the real label or against it; so several are trained, and their mean is
asked.

Source: permutation tests for predictors, Ojala & Garriga 2010 (JMLR).
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
from scipy.stats import t as student

from mlx_gsa.audit.enriched import Enriched
from mlx_gsa.audit.outcome import FAIL, LEVEL, PASS, Check, between, units
from mlx_gsa.audit.work import cached, training_key
from mlx_gsa.config import RunConfig
from mlx_gsa.data.dataset import Dataset
from mlx_gsa.data.records import LABEL
from mlx_gsa.evaluation.bootstrap import Interval, bootstrap_interval
from mlx_gsa.evaluation.outputs import metrics_of
from mlx_gsa.inference.predictor import Predictor
from mlx_gsa.training.loop import BEST, Trainer
from mlx_gsa.training.setup import new_bundle

QUESTION = "Does the same recipe find nothing, where labels are shuffled and there is nothing to find?"
SHUFFLES = 3
Q = 0.05
_METRIC = {"regression": ("pearson", 0.0), "binary": ("auroc", 0.5), "multiclass": ("macro_auroc", 0.5)}


def shuffled_labels(
    predictor, dataset, config: RunConfig, work: Path, *, seed=0, shuffles=SHUFFLES, bootstrap=1000,
    enriched: Callable[[Predictor], Enriched] | None = None, progress=None,
) -> Check:  # fmt: skip
    """Train the run's recipe on shuffled labels and test it on the real ones.

    Parameters
    ----------
    predictor : Predictor
        The run's model, for comparison.
    dataset : Dataset
    config : RunConfig
        The run's recipe.
    work : Path
        Keeps the trained models.
    seed, shuffles, bootstrap : int
    enriched : callable, optional
        ``enriched(predictor)``: motifs enriched at what the first of these models selects and associated with the real
        label; none may be.
    progress : callable, optional
        ``progress(done, total, note)``.

    Returns
    -------
    Check
        Fails if the mean is above chance with its whole interval, or a motif is enriched and associated with the label.
    """
    name, chance = _METRIC[dataset.task]
    metric, rows = metrics_of(dataset.task, dataset.outputs)[name], dataset.indices("test")
    labels = dataset.labels[rows]
    options = {"n": bootstrap, "seed": seed, "groups": units(dataset, rows), "level": LEVEL}
    own = bootstrap_interval(metric, labels, _predictions(predictor, dataset, rows), **options)
    models = []
    for number in range(shuffles):
        models.append(_trained(dataset, config, work / f"shuffled-labels-{number}", [seed, number]))
        if progress:
            progress(number + 1, shuffles, "training on shuffled labels")
    intervals = [bootstrap_interval(metric, labels, _predictions(m, dataset, rows), **options) for m in models]
    mean = mean_of([one if np.isfinite(one.value) else Interval(chance, chance, chance) for one in intervals])
    numbers = {"metric": name, "chance": chance, "run": own, "shuffled": mean, "each": intervals, "records": len(rows)}
    why = f"{name} on the real test labels {between(mean)} over {shuffles} trainings, chance {chance:g}; "
    why += f"the run {between(own)}."
    found = enriched(models[0]) if enriched else Enriched("Motifs were not asked for.", None, 0, ())
    numbers["motifs"] = found._asdict()
    broken = mean.low > chance or bool(found.count)
    return Check("shuffled labels", QUESTION, FAIL if broken else PASS, f"{why} {found.words}", numbers)


def mean_of(intervals) -> Interval:
    """Return the mean over trainings and its interval: by Student's t over them; of a single one, its own."""
    if len(intervals) == 1:
        return intervals[0]
    values = np.array([one.value for one in intervals])
    half = student.ppf((1 + LEVEL) / 2, len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values))
    return Interval(float(values.mean()), float(values.mean() - half), float(values.mean() + half))


def with_shuffled_labels(dataset: Dataset, seed) -> Dataset:
    """Return a view of a data set whose labels are permuted among its training, and among its validation records.

    Test records get a label that says nothing, so that no training can see theirs. Nothing is written.

    Parameters
    ----------
    dataset : Dataset
    seed : int or list of int

    Returns
    -------
    Dataset
    """
    rng, records = np.random.default_rng(seed), dataset.records
    order = np.arange(len(records))
    for split in ("train", "val"):
        rows = dataset.indices(split)
        order[rows] = rows[rng.permutation(len(rows))]
    known = np.isfinite(records.labels).all(axis=1)
    order[dataset.indices("test")] = next(i for i in dataset.indices("train") if known[i] or not known.any())
    extra = {name: column[order] if name.startswith(LABEL) else column for name, column in records.extra.items()}
    view = Dataset(dataset.path, dataset.manifest, dataset.offsets)
    view.fold, view.records = dataset.fold, replace(records, label=records.label[order], extra=extra)
    return view


def _trained(dataset, config, folder, seed):
    """Train on shuffled labels, or read what was trained before."""
    recipe = config.model_copy(update={"training": config.training.model_copy(update={"seed": seed[1]})})

    def make(fresh):
        view = with_shuffled_labels(dataset, seed)
        bundle, _ = new_bundle(recipe, view)
        Trainer(bundle, recipe, view, fresh).run()

    cached(folder, training_key(recipe, dataset, shuffled=seed), make)
    return Predictor.from_folder(folder / BEST)


def _predictions(predictor, dataset, rows):
    found = np.array([one.prediction for one in predictor.predict((dataset.sequence(int(i)) for i in rows), 64)], float)
    if dataset.outputs:
        return found[:, [predictor.outputs.index(name) for name in dataset.outputs]]
    return found if dataset.task == "multiclass" else found[:, 0]

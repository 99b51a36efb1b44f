"""Evaluate a run on a split: how well it predicts, what it selects, and what it costs."""

from collections.abc import Callable

import numpy as np

from mlx_gsa.errors import DatasetError, RunError
from mlx_gsa.evaluation.bootstrap import bootstrap_intervals, paired_ratio_interval
from mlx_gsa.evaluation.calibration import calibrate_outputs
from mlx_gsa.evaluation.cost import compare_flops, compare_forward
from mlx_gsa.evaluation.fit import check_fit
from mlx_gsa.evaluation.kmer_baseline import compare_simple_models, require_sklearn
from mlx_gsa.evaluation.matching import make_strata, score_strata
from mlx_gsa.evaluation.outcome import LEVEL, Evaluation, evaluation_manifest
from mlx_gsa.evaluation.outputs import intervals_by_output, metrics_of
from mlx_gsa.evaluation.prediction import pearson
from mlx_gsa.evaluation.selection import SelectionTally
from mlx_gsa.evaluation.selection_report import make_report
from mlx_gsa.evaluation.verdict import judge

__all__ = ["Evaluation", "evaluate_run"]


def evaluate_run(
    run,
    dataset,
    split="test",
    bootstrap=1000,
    batch_size=32,
    measure_cost=True,
    progress: Callable | None = None,
    predictor=None,
    seed=0,
    by_group=False,
    baselines=False,
    min_length=0,
) -> Evaluation:
    """Evaluate a trained run on one split of a data set.

    The data may differ from what the run was trained on (external evaluation); ``manifest["same_data"]`` says
    so.

    Parameters
    ----------
    run : RunInfo
        Read here: ``path``, ``model_folder``, ``data_hash``, ``shipped``.
    dataset : Dataset
    split : {"test", "val", "train", "all"}
        ``all``: every record, as for a data set that the run was not trained on.
    bootstrap : int
        Resamples of each interval.
    batch_size : int
        Sequences per forward pass, also of the measurement.
    measure_cost : bool
        False: count operations but measure neither time nor memory.
    progress : callable, optional
        ``progress(done, total, note)`` after each sequence and when a new stage begins.
    predictor : Predictor, optional
        Instead of loading the run's.
    seed : int
        Of resampling and of ties in the relevance ranking.
    by_group : bool
        Resample whole groups of records for the prediction metrics.
    baselines : bool
        Fit simple models on the same split, too (needs scikit-learn).
    min_length : int
        Score only records of at least so many bp.

    Returns
    -------
    Evaluation

    Raises
    ------
    DatasetError
        The split is empty, or task or classes are not the model's.
    RunError
        The run has no model, or the model gives numbers that are not finite.
    GsaError
        `baselines` without scikit-learn.
    """
    if baselines:
        require_sklearn()  # before a long evaluation, not after it
    report = progress or (lambda done, total, note: None)
    predictor = predictor or _load(run)
    check_fit(predictor, dataset)
    indices = _indices(dataset, split, min_length)
    predictions, kept_share, tally = _predict(predictor, dataset, indices, batch_size, report, seed)
    labels = np.asarray(dataset.labels)[indices]
    groups = np.asarray(dataset.records.group)[indices] if by_group else None
    options = {"n": bootstrap, "seed": seed, "groups": groups, "level": LEVEL}
    report(len(indices), len(indices), "bootstrap")
    metrics = bootstrap_intervals(metrics_of(dataset.task, dataset.outputs), labels, predictions, **options)
    reachable = _reachable(dataset, indices, labels, predictions, options)
    selection = None if tally is None else make_report(tally, bootstrap, seed, LEVEL)
    strata = make_strata(dataset, indices, seed=seed)
    chosen = {"rows": indices, "strata": strata, "strands": predictor.config.strands, "progress": report, **options}
    beside = compare_simple_models(dataset, labels, predictions, split, **chosen) if baselines else None
    calibration = calibrate_outputs(dataset.task, dataset.outputs, labels, predictions, seed=seed, level=LEVEL)
    report(len(indices), len(indices), "cost")
    settings = {"seed": seed, "by_group": by_group, "baselines": baselines, "min_length": min_length}
    return Evaluation(
        task=dataset.task, split=split, classes=dataset.classes, outputs=dataset.outputs,
        ids=np.asarray(dataset.records.id)[indices], labels=labels, predictions=predictions,
        metrics=metrics, reachable=reachable, kept_share=kept_share, selection=selection,
        by_output=intervals_by_output(dataset.task, dataset.outputs, labels, predictions, **options),
        strata=score_strata(strata, labels, predictions, **options) or None,
        cost=_cost(predictor, dataset.lengths[indices], batch_size, measure_cost),
        manifest=evaluation_manifest(run, dataset, split, len(indices), bootstrap, batch_size, **settings)
        | {"architecture": predictor.config.architecture},
        baselines=beside, calibration=calibration,
        verdict=judge(dataset.task, labels, metrics, beside, calibration) if baselines else None,
    )  # fmt: skip


def _load(run):
    from mlx_gsa.inference.predictor import Predictor

    return Predictor.from_folder(run.model_folder)


def _indices(dataset, split, min_length):
    """Return the numbers of the records to score."""
    indices = dataset.indices(split)
    chosen = indices[dataset.lengths[indices] >= min_length]
    if not len(indices):
        raise DatasetError("The split is empty", where=f"{dataset.path}, {split}", mend="Choose another --split.")
    if not len(chosen):
        longest = f"at most {dataset.lengths[indices].max():,} bp"
        raise DatasetError(
            "No record is long enough", where=f"{dataset.path}, {split}", expected=f"{min_length:,} bp", found=longest,
            mend="Choose a smaller --min-length.",
        )  # fmt: skip
    return chosen


def _predict(predictor, dataset, indices, batch_size, report, seed):
    """Stream the split through the model: predictions, share kept, and the tally unless sites or selector lack."""
    sites = dataset.sites
    tally = SelectionTally(seed=seed) if sites is not None and predictor.config.selects else None
    outputs, n_kept, n_positions = [], 0, 0
    stream = predictor.predict((dataset.sequence(i) for i in indices), batch_size=batch_size)
    for done, (index, found) in enumerate(zip(indices, stream, strict=True), start=1):
        outputs.append(np.array(found.prediction, np.float64))
        n_kept, n_positions = n_kept + len(found.kept), n_positions + int(dataset.lengths[index])
        _check_output(outputs[-1], dataset.records.id[index])
        if tally is not None:
            tally.add(found.relevance, found.kept, sites.of(index))
        report(done, len(indices), "predict")
    outputs = np.stack(outputs)
    if dataset.outputs:
        outputs = outputs[:, [predictor.outputs.index(name) for name in dataset.outputs]]
    elif dataset.task != "multiclass":
        outputs = outputs[:, 0]
    return outputs, n_kept / n_positions, tally


def _check_output(output, record):
    if not np.isfinite(output).all():
        raise RunError(
            "A prediction is not a finite number",
            where=f"record {record}",
            mend="The model has diverged: train again with a lower learning rate.",
        )


def _reachable(dataset, indices, labels, predictions, options):
    clean = dataset.records.extra.get("clean_label")
    if clean is None or dataset.task != "regression" or dataset.outputs:
        return None
    clean = np.asarray(clean, float)[indices]
    best = bootstrap_intervals({"best_r": pearson}, labels, clean, **options)
    return best | {"share": paired_ratio_interval(pearson, labels, predictions, clean, **options)}


def _cost(predictor, lengths, batch_size, measure):
    length = int(np.median(lengths))
    return {
        "parameters": int(predictor.n_parameters),
        "flops": compare_flops(predictor.config, length, batch_size=batch_size),
        "measured": compare_forward(predictor.config, length, batch_size) if measure else None,
    }

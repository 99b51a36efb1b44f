"""Evaluate a run on a split: how well it predicts, what it selects, and what it costs."""

import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mlx_gsa.data.atomic import atomic_write_bytes, atomic_write_text
from mlx_gsa.errors import DatasetError, RunError
from mlx_gsa.evaluation.bootstrap import Interval, bootstrap_intervals, paired_ratio_interval
from mlx_gsa.evaluation.cost import compare_flops, compare_forward
from mlx_gsa.evaluation.fit import check_fit
from mlx_gsa.evaluation.kmer_baseline import compare_simple_models, require_sklearn
from mlx_gsa.evaluation.outputs import intervals_by_output, metrics_of
from mlx_gsa.evaluation.prediction import pearson
from mlx_gsa.evaluation.selection import SelectionTally
from mlx_gsa.evaluation.selection_report import SelectionReport, make_report
from mlx_gsa.runtime import machine, versions

FORMAT, FORMAT_VERSION = "mlx_gsa.evaluation", 1
LEVEL = 0.95


@dataclass(frozen=True)
class Evaluation:
    """Everything that was measured of one run on one split.

    Attributes
    ----------
    task, split : str
    classes : list of str or None
    ids, labels : np.ndarray, shape (n,)
        Labels of several outputs: (n, n_outputs), nan where not measured.
    predictions : np.ndarray, shape (n,), (n, n_outputs) or (n, C)
        Value, probability of class 1, of each of several outputs; or probability of each class.
    metrics : dict of str to Interval
        By the names of `prediction.METRICS`, the leading one first; of several outputs the mean over them.
    reachable : dict of str to Interval or None
        Where the noise-free label is known: ``best_r``, its Pearson r with the label, which no model can pass
        in expectation, and ``share``, the model's r over it.
    kept_share : float
        Positions kept over all positions.
    selection : SelectionReport or None
        None where the data set does not know its sites.
    cost : dict
        ``parameters``, ``flops`` (see `cost.compare_flops`), ``measured`` (see `cost.compare_forward`) or
        None.
    baselines : list of dict or None
        Simple models fitted on the same split, see `kmer_baseline.compare_simple_models`; None where not asked for.
    manifest : dict
        Run, data, split, seed, versions, machine and the command that repeats this.
    outputs : list of str or None
        Names of several outputs.
    by_output : dict of str to dict of str to Interval, or None
        The metrics of each of several outputs.
    """

    task: str
    split: str
    classes: list | None
    ids: np.ndarray
    labels: np.ndarray
    predictions: np.ndarray
    metrics: dict
    reachable: dict | None
    kept_share: float
    selection: SelectionReport | None
    cost: dict
    manifest: dict
    baselines: list | None = None
    outputs: list | None = None
    by_output: dict | None = None

    @property
    def name(self) -> str:
        """Name the files of this evaluation: "evaluation" for the run's own test split, else longer."""
        other_data = Path(self.manifest["dataset"]).name if self.manifest["same_data"] is False else ""
        return "-".join(part for part in ("evaluation", other_data, self.split.removeprefix("test")) if part)

    def to_dict(self) -> dict:
        """Give everything but the single predictions as what JSON can hold; nan becomes None."""
        return _jsonable(
            {
                "manifest": self.manifest,
                "task": self.task,
                "split": self.split,
                "n": len(self.labels),
                "metrics": self.metrics,
                "outputs": self.outputs,
                "by_output": self.by_output,
                "reachable": self.reachable,
                "kept_share": self.kept_share,
                "selection": self.selection and self.selection.to_dict(),
                "cost": self.cost,
                "baselines": self.baselines,
            }
        )

    def save(self, folder) -> list[Path]:
        """Write NAME.json and NAME-predictions.tsv, each whole or not at all.

        Parameters
        ----------
        folder : Path
            Made if missing.

        Returns
        -------
        list of Path
            The two files.
        """
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        paths = [folder / f"{self.name}.json", folder / f"{self.name}-predictions.tsv"]
        atomic_write_text(paths[0], json.dumps(self.to_dict(), indent=1, allow_nan=False) + "\n")
        # ids may hold bytes that are no UTF-8, kept as surrogates by the reader of the records
        atomic_write_bytes(paths[1], self.prediction_table().encode("utf-8", "surrogateescape"))
        return paths

    def prediction_table(self) -> str:
        """Lay out id, label and prediction of each record as tab-separated text.

        For several classes the prediction is the number of the likeliest, followed by each class's
        probability. Of several outputs the first has these names, each other one ``label:NAME`` and
        ``prediction:NAME``.
        """
        columns = {"id": self.ids, "label": self.labels, "prediction": self.predictions}
        for number, name in enumerate(self.outputs or ()):
            ending = f":{name}" if number else ""
            columns[f"label{ending}"] = self.labels[:, number]
            columns[f"prediction{ending}"] = self.predictions[:, number]
        if self.task == "multiclass":
            columns["prediction"] = self.predictions.argmax(1)
            names = self.classes or range(self.predictions.shape[1])
            columns |= {f"p_{name}": self.predictions[:, c] for c, name in enumerate(names)}
        texts = [[_text(value) for value in column.tolist()] for column in columns.values()]
        return "".join("\t".join(row) + "\n" for row in [list(columns), *zip(*texts, strict=True)])


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
) -> Evaluation:
    """Evaluate a trained run on one split of a data set.

    The data may differ from what the run was trained on (external evaluation); ``manifest["same_data"]`` says
    so.

    Parameters
    ----------
    run : RunInfo
        Read here: ``path``, ``model_folder``, ``data_hash``, ``shipped``.
    dataset : Dataset
    split : {"test", "val", "train"}
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
    indices = dataset.indices(split)
    if not len(indices):
        raise DatasetError("The split is empty", where=f"{dataset.path}, {split}", mend="Choose another --split.")
    predictions, kept_share, tally = _predict(predictor, dataset, indices, batch_size, report, seed)
    labels = np.asarray(dataset.labels)[indices]
    groups = np.asarray(dataset.records.group)[indices] if by_group else None
    options = {"n": bootstrap, "seed": seed, "groups": groups, "level": LEVEL}
    report(len(indices), len(indices), "bootstrap")
    metrics = bootstrap_intervals(metrics_of(dataset.task, dataset.outputs), labels, predictions, **options)
    reachable = _reachable(dataset, indices, labels, predictions, options)
    selection = None if tally is None else make_report(tally, bootstrap, seed, LEVEL)
    beside = _baselines(predictor, dataset, split, labels, predictions, options, report) if baselines else None
    report(len(indices), len(indices), "cost")
    return Evaluation(
        task=dataset.task,
        split=split,
        classes=dataset.classes,
        ids=np.asarray(dataset.records.id)[indices],
        labels=labels,
        predictions=predictions,
        metrics=metrics,
        reachable=reachable,
        kept_share=kept_share,
        selection=selection,
        cost=_cost(predictor, dataset.lengths[indices], batch_size, measure_cost),
        manifest=_manifest(run, dataset, split, len(indices), bootstrap, batch_size, seed, by_group, baselines),
        baselines=beside,
        outputs=dataset.outputs,
        by_output=intervals_by_output(dataset.task, dataset.outputs, labels, predictions, **options),
    )


def _load(run):
    from mlx_gsa.model.predictor import Predictor

    return Predictor.from_folder(run.model_folder)


def _predict(predictor, dataset, indices, batch_size, report, seed):
    """Stream the split through the model; keep predictions, share kept and the tally, None without sites."""
    sites = dataset.sites
    tally = None if sites is None else SelectionTally(seed=seed)
    outputs, n_kept, n_positions = [], 0, 0
    stream = predictor.predict((dataset.sequence(i) for i in indices), batch_size=batch_size)
    for done, (index, found) in enumerate(zip(indices, stream, strict=True), start=1):
        outputs.append(np.array(found.prediction, np.float64))
        n_kept, n_positions = n_kept + len(found.kept), n_positions + len(found.relevance)
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


def _baselines(predictor, dataset, split, labels, predictions, options, report):
    strands = predictor.config.strands
    return compare_simple_models(
        dataset, labels, predictions, split, strands=strands, progress=report, **options
    )


def _cost(predictor, lengths, batch_size, measure):
    length = int(np.median(lengths))
    return {
        "parameters": int(predictor.n_parameters),
        "flops": compare_flops(predictor.config, length, batch_size=batch_size),
        "measured": compare_forward(predictor.config, length, batch_size) if measure else None,
    }


def _manifest(run, dataset, split, n, bootstrap, batch_size, seed, by_group, baselines):
    same = None if run.data_hash is None else run.data_hash == dataset.data_hash
    command = (
        f"gsa evaluate {run.path} --data {dataset.path} --split {split} --bootstrap {bootstrap} --seed {seed}"
    )
    return {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "command": command + " --by-group" * by_group + " --baseline" * baselines,
        "run": str(run.path),
        "shipped_model": bool(run.shipped),
        "dataset": str(dataset.path),
        "data_hash": dataset.data_hash,
        "trained_on": run.data_hash,
        "same_data": same,
        "split": split,
        "n": n,
        "seed": seed,
        "bootstrap": bootstrap,
        "level": LEVEL,
        "by_group": by_group,
        "batch_size": batch_size,
        "versions": versions(),
        "machine": machine(),
    }


def _jsonable(value):
    if isinstance(value, Interval):
        return _jsonable(value.to_dict())
    if isinstance(value, dict):
        return {str(key): _jsonable(part) for key, part in value.items()}
    if isinstance(value, list | tuple | np.ndarray):
        return [_jsonable(part) for part in value]
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _text(value):
    return f"{value:.7g}" if isinstance(value, float) else str(value)

"""What an evaluation found, and how it is written: JSON, a table of predictions, the command that repeats it."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mlx_gsa.data.atomic import atomic_write_bytes, atomic_write_text
from mlx_gsa.evaluation.jsonable import jsonable
from mlx_gsa.evaluation.selection_report import SelectionReport
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
        None where the data set does not know its sites or the model has no selector.
    cost : dict
        ``parameters``, ``flops`` (see `cost.compare_flops`), ``measured`` (see `cost.compare_forward`) or
        None.
    baselines : list of dict or None
        Simple models fitted on the same split, see `kmer_baseline.compare_simple_models`; None where not asked for.
    strata : list of dict or None
        The same metrics within strata (GC-matched, per kind of negatives), see `matching.score_strata`; None unless the
        task is binary.
    manifest : dict
        Run, architecture, data, split, seed, versions, machine and the command that repeats this.
    calibration : dict of str to Calibration or None
        By output, of a single one by the empty name; see `calibration.calibrate`.
    verdict : list of dict or None
        Whether the model is good, see `verdict.judge`; None without simple models.
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
    strata: list | None = None
    outputs: list | None = None
    by_output: dict | None = None
    calibration: dict | None = None
    verdict: list | None = None

    @property
    def name(self) -> str:
        """Name the files of this evaluation: "evaluation" for the run's own test split, else longer."""
        other_data = Path(self.manifest["dataset"]).name if self.manifest["same_data"] is False else ""
        length = f"from{self.manifest['min_length']}bp" if self.manifest["min_length"] else ""
        return "-".join(part for part in ("evaluation", other_data, self.split.removeprefix("test"), length) if part)

    def to_dict(self) -> dict:
        """Give everything but the single predictions as what JSON can hold; nan becomes None."""
        return jsonable(
            {
                "manifest": self.manifest,
                "task": self.task,
                "split": self.split,
                "n": len(self.labels),
                "metrics": self.metrics,
                "reachable": self.reachable,
                "kept_share": self.kept_share,
                "selection": self.selection and self.selection.to_dict(),
                "cost": self.cost,
                "baselines": [_without(one, "predictions") for one in self.baselines or ()] or None,
                "outputs": self.outputs,
                "by_output": self.by_output,
                "strata": self.strata,
                "calibration": self._single_or_by_output(self.calibration),
                "verdict": self.verdict,
            }
        )

    def _single_or_by_output(self, found):
        """Give what was found of the one output, or of several by their names."""
        return found if self.outputs or not found else found[""]

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
        ``prediction:NAME``. Simple models add a column each by their name, where there is one number a record.
        """
        columns = {"id": self.ids, "label": self.labels, "prediction": self.predictions}
        for number, name in enumerate(self.outputs or ()):
            ending = f":{name}" if number else ""
            columns[f"label{ending}"] = self.labels[:, number]
            columns[f"prediction{ending}"] = self.predictions[:, number]
        for simple in self.baselines or ():
            if self.predictions.ndim == 1 and "predictions" in simple:
                columns[simple["name"]] = np.asarray(simple["predictions"])
        if self.task == "multiclass":
            columns["prediction"] = self.predictions.argmax(1)
            names = self.classes or range(self.predictions.shape[1])
            columns |= {f"p_{name}": self.predictions[:, c] for c, name in enumerate(names)}
        texts = [[_text(value) for value in column.tolist()] for column in columns.values()]
        return "".join("\t".join(row) + "\n" for row in [list(columns), *zip(*texts, strict=True)])


def evaluation_manifest(run, dataset, split, n, bootstrap, batch_size, seed, by_group, baselines, min_length):
    """Say what was evaluated, on what, with which settings, and the command that repeats it; a dict for JSON."""
    same = None if run.data_hash is None else run.data_hash == dataset.data_hash
    command = f"gsa evaluate {run.path} --data {dataset.path} --split {split} --bootstrap {bootstrap} --seed {seed}"
    length = f" --min-length {min_length}" if min_length else ""
    return {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "command": command + " --by-group" * by_group + " --baseline" * baselines + length,
        "run": str(run.path),
        "shipped_model": bool(run.shipped),
        "dataset": str(dataset.path),
        "data_hash": dataset.data_hash,
        "fold": dataset.fold,
        "trained_on": run.data_hash,
        "same_data": same,
        "split": split,
        "n": n,
        "seed": seed,
        "bootstrap": bootstrap,
        "level": LEVEL,
        "by_group": by_group,
        "min_length": min_length,
        "batch_size": batch_size,
        "versions": versions(),
        "machine": machine(),
    }


def _without(entries, name):
    """Return a dict without one of its entries."""
    return {key: value for key, value in entries.items() if key != name}


def _text(value):
    return f"{value:.7g}" if isinstance(value, float) else str(value)

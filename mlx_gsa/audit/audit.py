"""Audit a run: could we be fooling ourselves? Every check, one after the other, and what is kept of them."""

from collections.abc import Callable
from pathlib import Path

from mlx_gsa.audit import faithfulness as faithful
from mlx_gsa.audit import leak, shuffled, stability
from mlx_gsa.audit.enriched import count_enriched, known_sites, scanned_sites
from mlx_gsa.audit.outcome import FORMAT, FORMAT_VERSION, LEVEL, Audit, Check
from mlx_gsa.audit.random_weights import random_weights
from mlx_gsa.audit.revealed import train_judge
from mlx_gsa.audit.siblings import load_others, sibling_runs
from mlx_gsa.audit.work import cached, file_digest, load_judge, save_judge, training_key
from mlx_gsa.config import RunConfig, TrainingConfig, load_config
from mlx_gsa.errors import DatasetError
from mlx_gsa.evaluation.fit import check_fit
from mlx_gsa.inference.predictor import Predictor
from mlx_gsa.model.weights import MODEL_FILE
from mlx_gsa.runtime import machine, versions
from mlx_gsa.training.run import CONFIG

CHECKS = ("leak", "faithfulness", "stability", "randomisation")
QUICK = {"judge_bases": 3_000_000, "bases": 6_000_000, "shuffles": 1, "bootstrap": 300, "records": 150}
FULL = {
    "judge_bases": leak.BASES, "bases": faithful.BASES, "shuffles": shuffled.SHUFFLES, "bootstrap": 1000,
    "records": stability.RECORDS,
}  # fmt: skip


def audit_run(
    run, dataset, out: Path, *, checks=CHECKS, quick=False, seed=0, others=None, command="",
    progress: Callable | None = None,
) -> Audit:  # fmt: skip
    """Check a run in every way that could show it wrong.

    Parameters
    ----------
    run : RunInfo
        Read here: ``path``, ``model_folder``, ``data_hash``, ``shipped``.
    dataset : Dataset
        Split as the run was trained (see `split_as_trained`).
    out : Path
        ``out/work`` keeps the models that are trained here, and gives them back to an audit that asks the same.
    checks : sequence of str
        Some of `CHECKS`.
    quick : bool
        Fewer records, resamples and trainings.
    seed : int
    others : list of Path, optional
        Runs of the same variant, for the stability of what is chosen; without it those beside the run.
    command : str
        What repeats it, for the manifest.
    progress : callable, optional
        ``progress(done, total, note)``.

    Returns
    -------
    Audit

    Raises
    ------
    DatasetError
        A split is empty, or the data are of another task than the model.
    RunError
        There is no model, or another run does not fit.
    """
    predictor, settings = Predictor.from_folder(run.model_folder), QUICK if quick else FULL
    check_fit(predictor, dataset)
    _check_splits(dataset)
    paths = sibling_runs(run) if others is None else list(others)
    others = load_others(predictor, paths)
    bench = _Bench(run, predictor, dataset, Path(out) / "work", others, seed, settings, progress)
    made = {"leak": bench.leak, "faithfulness": bench.faithfulness, "stability": bench.stability}
    found = []
    for name in (name for name in CHECKS if name in checks):
        found += bench.randomisation() if name == "randomisation" else [made[name]()]
    manifest = {
        "format": FORMAT, "format_version": FORMAT_VERSION, "command": command, "run": str(run.path),
        "dataset": str(dataset.path), "data_hash": dataset.data_hash, "fold": dataset.fold, "trained_on": run.data_hash,
        "same_data": None if run.data_hash is None else run.data_hash == dataset.data_hash,
        "other_runs": [str(path) for path in paths], "seed": seed, "quick": quick, "settings": settings, "level": LEVEL,
        "versions": versions(), "machine": machine(),
    }  # fmt: skip
    return Audit(found, manifest)


def recipe_of(run, predictor) -> RunConfig:
    """Return the configuration of a run; for a model without one the default recipe around its own build."""
    path = Path(run.path) / CONFIG
    if path.is_file():
        return load_config(path)
    training = TrainingConfig(augment_reverse=predictor.config.anchor == "none")
    return RunConfig(model=predictor.config, training=training)


def _check_splits(dataset):
    for split in ("train", "val", "test"):
        if len(dataset.indices(split)) < 2:
            raise DatasetError(
                "too few records to audit on", where=f"{dataset.path}, {split}", expected="two or more",
                found=str(len(dataset.indices(split))), mend="Give a data set with three splits with --data.",
            )  # fmt: skip


class _Bench:
    """What all checks of one run share."""

    def __init__(self, run, predictor, dataset, work, others, seed, settings, progress):
        self.run, self.predictor, self.dataset, self.work, self.others = run, predictor, dataset, work, others
        self.seed, self.settings, self.progress = seed, settings, progress
        self.recipe = recipe_of(run, predictor)

    def leak(self) -> Check:
        return leak.label_leak(
            self.predictor, self.dataset, self.recipe, seed=self.seed, bootstrap=self.settings["bootstrap"],
            judge=self._judge,
        )  # fmt: skip

    def _judge(self, masks):
        bases, training = self.settings["judge_bases"], self.recipe.training.model_copy(update={"seed": self.seed})
        recipe, folder = self.recipe.model_copy(update={"training": training}), self.work / "judge"
        digest = file_digest(self.run.model_folder / MODEL_FILE)
        key = training_key(recipe, self.dataset, bases=bases, masks_of=digest)
        cached(folder, key, lambda f: save_judge(f, train_judge(recipe, self.dataset, masks, bases, self.progress)))
        return load_judge(folder)

    def faithfulness(self) -> Check:
        options = {"seed": self.seed, "bootstrap": self.settings["bootstrap"], "progress": self.progress}
        return faithful.faithfulness(self.predictor, self.dataset, bases=self.settings["bases"], **options)

    def stability(self) -> Check:
        known = known_sites(self.dataset)
        sites = known or (scanned_sites(self.dataset) if self.others else None)
        return stability.stability(
            self.predictor, self.dataset, self.others, sites=sites, planted=known is not None, seed=self.seed,
            records=self.settings["records"], bootstrap=self.settings["bootstrap"], progress=self.progress,
        )  # fmt: skip

    def randomisation(self) -> list[Check]:
        def enriched(model):
            return count_enriched(model, self.dataset, shuffled.Q, self.seed, progress=self.progress)

        options = {"seed": self.seed, "bootstrap": self.settings["bootstrap"]}
        labels = shuffled.shuffled_labels(
            self.predictor, self.dataset, self.recipe, self.work, shuffles=self.settings["shuffles"],
            enriched=enriched if self.predictor.config.selects else None, progress=self.progress, **options,
        )  # fmt: skip
        return [labels, random_weights(self.predictor, self.dataset, **options)]

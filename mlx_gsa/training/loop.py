"""The training loop: epochs of compiled steps, validation, best and last checkpoints."""

import time
from copy import deepcopy
from pathlib import Path

import mlx.core as mx
import numpy as np
from mlx.utils import tree_flatten, tree_map

from mlx_gsa.config import RunConfig
from mlx_gsa.data.batches import assemble, bucket_lengths, plan_epoch
from mlx_gsa.data.dataset import Dataset
from mlx_gsa.errors import RankError, RunError
from mlx_gsa.inference.predictor import Predictor
from mlx_gsa.inference.threads import one_blas_thread
from mlx_gsa.model.selector import budget
from mlx_gsa.model.weights import ModelBundle, save_model
from mlx_gsa.ranks import Ranks
from mlx_gsa.training.averaging import WeightAverage
from mlx_gsa.training.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from mlx_gsa.training.metrics_log import MetricsLog
from mlx_gsa.training.optimizer import build_optimizer
from mlx_gsa.training.setup import sparsity_at
from mlx_gsa.training.shards import n_shards, shards_of
from mlx_gsa.training.step import build_step, twins_of
from mlx_gsa.training.together import firsts, told
from mlx_gsa.training.validation import METRIC_NAMES, validate
from mlx_gsa.training.weighting import record_weights
from mlx_gsa.training.widths import step_width

BEST = "best"
_SAVE_EVERY = 60.0  # seconds between checkpoints within an epoch


class Trainer:
    """Trains one model in one run folder.

    Parameters
    ----------
    bundle : ModelBundle
        The model to train, as `new_bundle` builds it.
    config : RunConfig
    dataset : Dataset
    folder : Path
        Run folder; gets `best/`, `last/` and `metrics.jsonl`.
    observe : callable, optional
        Called with every row of `metrics.jsonl` as it is made, and with a row of kind "step" after each step.
    ranks : Ranks, optional
        The processes that train this model together; the first of them writes. By default this one is alone.

    Raises
    ------
    RankError
        If the shards of a step cannot be shared out evenly.
    """

    def __init__(
        self, bundle: ModelBundle, config: RunConfig, dataset: Dataset, folder: Path, observe=None,
        ranks: Ranks | None = None,
    ):  # fmt: skip
        self.bundle, self.config, self.dataset, self.folder = bundle, config, dataset, folder
        self.observe = observe or (lambda row: None)
        self.ranks = ranks or Ranks()
        self._twins = twins_of(bundle.model, config.training, self.ranks)
        settings = config.training
        shards_of(self.ranks.rank, self.ranks.size, n_shards(settings))
        self.rows = {split: dataset.indices(split) for split in ("train", "val")}
        self.lengths = dataset.lengths[self.rows["train"]]
        self.buckets = bucket_lengths(self.lengths)
        self.labels = bundle.scale.learned(dataset.labels)
        self.weights = record_weights(dataset, self.rows["train"], settings.use_weights)
        self.steps_per_epoch = len(self._plan(0))
        total_steps = self.steps_per_epoch * settings.epochs
        self.optimizer = build_optimizer(settings, bundle.model.trainable_parameters(), total_steps)
        self.optimizer.init(bundle.model.trainable_parameters())
        self.average = WeightAverage(bundle.model, settings.average * self.steps_per_epoch)
        self.log = MetricsLog(folder)
        self.progress = {"epoch": 0, "step": 0, "sums": [0.0] * 4, "norms": {}, "best": None, "since_best": 0}
        self._steps = {}

    def resume(self) -> None:
        """Go back to the last checkpoint of the run folder.

        Raises
        ------
        RunError
            If there is no checkpoint or it does not fit this model.
        """
        checkpoint = load_checkpoint(self.folder)
        mine = {name: value.shape for name, value in tree_flatten(self.bundle.model.parameters())}
        if mine != {name: value.shape for name, value in tree_flatten(checkpoint.model)}:
            raise RunError("checkpoint does not fit the configuration", where=str(self.folder))
        self.bundle.model.update(checkpoint.model)
        self.optimizer.state = checkpoint.optimizer
        self.average.weights = checkpoint.average
        self.progress = checkpoint.progress
        self.log.rewind(self.progress["epoch"])

    def run(self) -> dict:
        """Train to the end or until validation stops improving.

        Returns
        -------
        dict
            `epochs` trained, `best` (the row of the best epoch) and `stopped_early`.

        Raises
        ------
        KeyboardInterrupt, RankError
            After a checkpoint has been written.
        """
        with one_blas_thread():  # several cores have a shard each; and the numbers depend on none of them
            return self._run()

    def _run(self):
        settings = self.config.training
        self._start_alike()
        stopped = self._exhausted()
        self._whole = self._snapshot()
        try:
            while self.progress["epoch"] < settings.epochs and not stopped:
                self._epoch()
                stopped = self._exhausted()
        except (KeyboardInterrupt, RankError):
            self._save()
            raise
        best = self.progress["best"]
        return {"epochs": self.progress["epoch"], "best": best, "stopped_early": stopped}

    def _start_alike(self):
        """Give all ranks the state of the first, which may have come from a checkpoint that only it has."""
        self.ranks.mend = f"Go on from the last checkpoint with: gsa train --resume {self.folder}"
        trees = self.bundle.model.parameters(), self.optimizer.state, self.average.weights
        model, self.optimizer.state, self.average.weights = firsts(self.ranks, trees)
        self.bundle.model.update(model)
        self.progress = told(self.ranks, self.progress)

    def _epoch(self):
        epoch, started = self.progress["epoch"], time.monotonic()
        first, saved = self.progress["step"], started
        plan = self._plan(epoch)
        sparsity = sparsity_at(epoch, self.config)
        for number in range(first, len(plan)):
            self._step(epoch, number, sparsity, *plan[number])
            if time.monotonic() - saved > _SAVE_EVERY:
                self._save()
                saved = time.monotonic()
        self._finish_epoch(epoch, sparsity, started, len(plan) - first)

    def _step(self, epoch, number, sparsity, padded, members):
        settings, model_config = self.config.training, self.config.model
        generator = np.random.default_rng([settings.seed, epoch, number])
        rows = self.rows["train"][members]
        batch = assemble(
            self.dataset, rows, padded, settings.batch_size, generator,
            reverse=settings.augment_reverse, shift=settings.augment_shift,
        )  # fmt: skip
        widest = step_width(padded, sparsity, self.config)
        counts = budget(batch.lengths, sparsity, model_config.max_selected)
        inputs = (batch.tokens, batch.lengths, counts, self.labels[batch.indices], self._weights(batch))
        key = mx.random.key(settings.seed * 1_000_003 + epoch * 100_003 + number)
        main, local, norm, by_organ = self._compiled(padded, widest)(*map(mx.array, inputs), key)
        mx.eval(main, local, norm, by_organ, self.bundle.model.state, self.optimizer.state)
        self.average.update(self.bundle.model, epoch * self.steps_per_epoch + number)
        self._account(len(rows), main.item(), local.item(), norm.item(), by_organ)
        self.progress["step"] = number + 1
        self._whole = self._snapshot()
        self.observe(self._step_row(epoch, number, len(rows), sparsity))

    def _weights(self, batch):
        return batch.weights if self.weights is None else batch.weights * self.weights[batch.indices]

    def _compiled(self, padded, widest):
        key = (padded, widest)
        if key not in self._steps:
            self._steps[key] = build_step(
                self.bundle.model, self.optimizer, self.dataset.task, self.config.training, widest, self.ranks,
                self._twins,
            )  # fmt: skip
        return self._steps[key]

    def _account(self, n_records, main, local, norm, by_organ):
        if not np.isfinite(main + norm):
            raise RunError(
                "training diverged", where=f"epoch {self.progress['epoch'] + 1}", found=f"loss {main}, norm {norm}",
                mend="Lower training.learning_rate; the last good checkpoint is kept.",
            )  # fmt: skip
        sums, norms = self.progress["sums"], self.progress["norms"]
        for place, value in enumerate((main * n_records, local * n_records, norm, n_records)):
            sums[place] += value
        for organ, value in by_organ.items():
            norms[organ] = norms.get(organ, 0.0) + value.item()

    def _step_row(self, epoch, number, n_records, sparsity):
        seen = self.progress["sums"][3]
        return {
            "kind": "step", "epoch": epoch + 1, "step": number + 1, "steps": self.steps_per_epoch,
            "train_loss": self.progress["sums"][0] / seen, "records": n_records, "sparsity": sparsity,
        }  # fmt: skip

    def _finish_epoch(self, epoch, sparsity, started, n_steps):
        row = told(self.ranks, self._epoch_row(epoch, sparsity))
        self.progress.update(epoch=epoch + 1, step=0, sums=[0.0] * 4, norms={})
        self.bundle.model.update(firsts(self.ranks, self.bundle.model.parameters()))  # machines may round differently
        self._judge(row)
        seconds = time.monotonic() - started
        speed = n_steps * self.config.training.batch_size / seconds
        if self.ranks.is_first:
            self.log.append(row | {"seconds": round(seconds, 2), "records_per_second": round(speed, 1)})
        self._whole = self._snapshot()
        self._save()
        self.observe(row)

    def _epoch_row(self, epoch, sparsity):
        main, local, norm, seen = self.progress["sums"]
        steps = self.progress["step"]
        rates = [float(o.learning_rate) for o in self.optimizer.optimizers]
        row = {
            "kind": "epoch", "epoch": epoch + 1, "train_loss": main / seen, "train_local_loss": local / seen,
            "sparsity": sparsity, "learning_rate": rates[-1], "embedding_rate": rates[0],
            "grad_norm": {"total": norm / steps} | {k: v / steps for k, v in self.progress["norms"].items()},
        }  # fmt: skip
        if len(self.rows["val"]):
            predictor = Predictor(self._usable()).with_sparsity(sparsity)
            settings = self.config.training
            how = settings.batch_size, n_shards(settings), self.ranks
            loss, metric, each = validate(predictor, self.dataset, self.rows["val"], *how)
            name = METRIC_NAMES[self.dataset.task]
            row |= {"val_loss": loss, "val_metric": metric, "metric_name": f"mean {name}" if each else name}
            row |= {"val_metrics": each} if each else {}
        return row

    def _judge(self, row):
        """Keep the model if it is the best at the final budget; another budget does not count."""
        if row["sparsity"] != self.config.model.sparsity:
            return
        best = self.progress["best"]
        if best is None or "val_metric" not in row or row["val_metric"] > best["val_metric"]:
            if self.ranks.is_first:
                save_model(self.folder / BEST, self._usable())
            self.progress.update(best=row, since_best=0)
        else:
            self.progress["since_best"] += 1

    def _usable(self):
        """Return the bundle that is judged and saved: with averaged weights, where there are any."""
        return self.bundle._replace(model=self.average.model(self.bundle.model))

    def _exhausted(self):
        patience = self.config.training.patience
        return bool(patience) and self.progress["since_best"] >= patience

    def _snapshot(self):
        """Hold the state between two steps: Ctrl-C comes within one, when weights and progress do not fit."""
        trees = self.bundle.model.parameters(), self.optimizer.state, self.average.weights
        model, optimizer, average = tree_map(lambda x: x, trees)
        return Checkpoint(model, optimizer, deepcopy(self.progress), average)

    def _save(self):
        if self.ranks.is_first:
            save_checkpoint(self.folder, self._whole)

    def _plan(self, epoch):
        settings = self.config.training
        return plan_epoch(self.lengths, self.buckets, settings.batch_size, settings.seed, epoch)

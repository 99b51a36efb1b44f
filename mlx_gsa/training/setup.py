"""A new model fitted to its data before the first step: composition, budget, first filters, label scale."""

import mlx.core as mx
import numpy as np

from mlx_gsa.config import ModelConfig, RunConfig
from mlx_gsa.data.dataset import Dataset
from mlx_gsa.errors import DatasetError
from mlx_gsa.model.build import build_model
from mlx_gsa.model.cnn import matched_filters
from mlx_gsa.model.labels import LabelScale
from mlx_gsa.model.memory import require_memory
from mlx_gsa.model.organism import SparseOrganism
from mlx_gsa.model.selector import budget
from mlx_gsa.model.weights import ModelBundle
from mlx_gsa.training.discovery import DiscoveredFilter, discover_filters
from mlx_gsa.training.warm_start import warm_start

PARAMETER_LIMIT = 50_000
QUIET = 3.5  # threshold of a filter left random: it binds a few times in a kilobase


def new_bundle(
    config: RunConfig, dataset: Dataset, discover: bool = True
) -> tuple[ModelBundle, list[DiscoveredFilter]]:
    """Build the model of a configuration and start it from the training split alone.

    Parameters
    ----------
    config : RunConfig
    dataset : Dataset
        Only its training records are read.
    discover : bool
        False leaves the filters random: their weights are about to be loaded.

    Returns
    -------
    ModelBundle
    list of DiscoveredFilter
        The filters the stem starts from; empty with `initial_filters = "random"`.

    Raises
    ------
    DatasetError
        If the data set has no training record.
    RunError
        If this machine has too little memory for a batch of the longest of them.
    """
    rows = dataset.indices("train")
    if not len(rows):
        raise DatasetError("no training record", where=str(dataset.path), expected="split 'train'")
    settings = config.training
    widest = config.model.model_copy(update={"sparsity": max(config.model.sparsity, settings.start_sparsity)})
    require_memory(widest, min(settings.batch_size, len(rows)), int(dataset.lengths[rows].max()), training=True)
    mx.random.seed(settings.seed)
    model = build_model(fitted_config(config.model, dataset, rows))
    scale = LabelScale.fit(dataset.labels[rows], dataset.task)
    found = []
    if "stem" in model:
        model.stem.composition = mx.array(composition(dataset, rows, model.config.strands), dtype=mx.float32)
    if discover and model.config.selects and model.config.stem and settings.initial_filters == "kmers":
        targets = _targets(dataset, rows, scale)
        found = discover_filters(
            [dataset.sequence(int(i)) for i in rows], targets, model.config.n_channels, model.config.filter_width,
            settings.kmer_length, model.config.strands, seed=settings.seed, shortest=settings.shortest_kmer,
        )  # fmt: skip
        start_filters(model, found)
        warm_start(model, dataset, rows, targets, settings.seed)
    mx.eval(model.parameters())
    return ModelBundle(model, dataset.task, dataset.classes, scale, dataset.outputs), found


def fitted_config(config: ModelConfig, dataset: Dataset, rows) -> ModelConfig:
    """Set what the data decide: number of outputs, budget of the gated sum, length of a profile; the size of a CNN."""
    lengths = dataset.lengths[rows]
    kept = lengths if config.attention in ("full", "window") else budget(lengths, config.sparsity, config.max_selected)
    n_outputs = len(dataset.classes) if dataset.task == "multiclass" else len(dataset.outputs or ["label"])
    found = {"reference_budget": float(np.median(kept)), "reference_length": float(np.median(lengths))}
    fitted = config.model_copy(update={"n_outputs": n_outputs, **found})
    if config.architecture == "cnn" and config.cnn_filters is None:
        return fitted.model_copy(update={"cnn_filters": matched_filters(fitted)})
    return fitted


def composition(dataset: Dataset, rows, strands: str) -> np.ndarray:
    """Count the shares of A, C, G, T in these records, averaged over strands where both count; shape (4,)."""
    counts = sum(np.bincount(dataset.sequence(int(i)), minlength=6)[:4] for i in rows) + 1.0
    if strands == "both":
        counts = counts + counts[::-1]
    return counts / counts.sum()


def start_filters(model: SparseOrganism, found: list[DiscoveredFilter]) -> None:
    """Write discovered templates into the stem, through the embeddings as they are now.

    The embeddings of A, C, G, T are linearly independent, so their pseudo-inverse turns a template over bases into
    weights over channels that give exactly the template's responses.
    """
    bases = np.array(model.embeddings.bases)
    weight, gain = np.array(model.stem.weight), np.array(model.stem.gain)
    threshold = np.full_like(gain, QUIET)
    for channel, item in enumerate(found):
        weight[:, channel] = item.template @ np.linalg.pinv(bases).T
        threshold[channel], gain[channel] = item.threshold * item.gain, item.gain
    model.stem.threshold, model.stem.gain = mx.array(threshold), mx.array(gain)
    model.stem.weight = mx.array(weight.astype(np.float32))


def sparsity_at(epoch: int, config: RunConfig) -> float:
    """Return the share kept in an epoch: from `start_sparsity` to `model.sparsity`, geometrically.

    A budget may shrink or grow. Where few positions matter among thousands, attention finds out which belong together
    sooner among fewer.

    The last epoch is always at the final budget: only such an epoch can be the best.
    """
    end, start = config.model.sparsity, config.training.start_sparsity
    steps = min(round(config.training.anneal * config.training.epochs), config.training.epochs - 1)
    if start == end or epoch >= steps or not config.model.selects:
        return end
    return float(start * (end / start) ** (epoch / steps))


def _targets(dataset, rows, scale):
    labels = dataset.labels[rows]
    if dataset.task == "multiclass":
        return np.eye(len(dataset.classes))[labels.astype(int)]
    if labels.ndim == 1:
        return scale.learned(labels)[:, None].astype(np.float64)
    learned = scale.learned(labels).astype(np.float64)
    return np.where(np.isnan(learned), np.nanmean(learned, axis=0), learned)

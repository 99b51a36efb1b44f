"""Inference: sequences in, predictions with their relevance and kept positions out, in constant memory."""

from collections.abc import Iterable, Iterator
from itertools import groupby, islice
from pathlib import Path
from typing import NamedTuple

import mlx.core as mx
import numpy as np

from mlx_gsa.data.batches import inference_length, pad_rows
from mlx_gsa.errors import RunError
from mlx_gsa.inference.engine import Engine
from mlx_gsa.model.build import build_model
from mlx_gsa.model.labels import probabilities
from mlx_gsa.model.memory import affordable_rows, attending
from mlx_gsa.model.organism import OrganismOutput
from mlx_gsa.model.weights import ModelBundle, load_model

_WINDOW = 8  # batches read ahead, so that sequences of like length share one
_MOST_BASES = 2**21  # bp of a batch, whatever its size: 200-kb records go ten at a time
_MAX_PAIRS = 64_000_000  # kept x kept weights of one sequence that a map may hold


class Prediction(NamedTuple):
    """What the model says of one sequence; L its length, k the number of kept positions.

    A model without a selector keeps every position, and relevance, gates and contribution are None.
    """

    prediction: np.ndarray  # (n_outputs,) label units, or probabilities
    raw: np.ndarray  # (n_outputs,) before any squashing
    relevance: np.ndarray | None  # (L,)
    kept: np.ndarray  # (k,) int32 ascending
    gates: np.ndarray | None  # (k,) in [0, 1]
    contribution: np.ndarray | None  # (k, n_outputs), raw units
    weights: np.ndarray | None  # (k, k), row = query; rows sum to 1


class Predictor:
    """A trained model ready for use.

    Parameters
    ----------
    bundle : ModelBundle
        As `mlx_gsa.model.weights.load_model` returns it.
    """

    def __init__(self, bundle: ModelBundle):
        self.model, self.task, self.classes, self.scale, self.outputs = bundle
        self.model.eval()
        self._engine = None

    @classmethod
    def from_folder(cls, folder: Path | str) -> "Predictor":
        """Load the model in a folder (`RUN/best`, for instance)."""
        return cls(load_model(Path(folder)))

    @property
    def engine(self) -> Engine:
        """The fast path of this model; its weights are read when it is first asked for."""
        if self._engine is None:
            self._engine = Engine(self.model)
        return self._engine

    @property
    def config(self):
        """The `ModelConfig`."""
        return self.model.config

    @property
    def n_parameters(self) -> int:
        """Number of learned numbers."""
        return self.model.n_parameters()

    @property
    def selects(self) -> bool:
        """Whether the model has a selector, so that relevance and kept positions say something."""
        return self.config.selects

    def require_selector(self) -> None:
        """Refuse a model that keeps every position because it has no selector.

        Raises
        ------
        RunError
            The model is a convolutional rival.
        """
        if not self.selects:
            raise RunError(
                "the model has no selector, so no position can be shown or scored as kept",
                expected="architecture sparse", found=self.config.architecture, mend="Give a run of a sparse model.",
            )  # fmt: skip

    def with_sparsity(self, sparsity: float) -> "Predictor":
        """Return the same weights keeping another share of positions."""
        config = self.config.model_copy(update={"sparsity": sparsity})
        model = build_model(config)
        model.update(self.model.parameters())
        return Predictor(ModelBundle(model, self.task, self.classes, self.scale, self.outputs))

    def predict(self, sequences: Iterable[np.ndarray], batch_size: int = 32, attention: bool = False) -> Iterator:
        """Predict sequences one by one, in the order given.

        Parameters
        ----------
        sequences : iterable of np.ndarray uint8 (L,)
            Tokens; read ahead by at most eight batches.
        batch_size : int
            Sequences per forward pass.
        attention : bool
            Also return the attention weights among kept positions.

        Yields
        ------
        Prediction

        Raises
        ------
        RunError
            If an attention map would hold more than 64 million pairs (full attention on long sequences), or the model
            has none.
        """
        if attention:
            self.require_selector()
        stream = iter(sequences)
        fitting = self.config.model_copy(update={"neighbours": None}) if attention else self.config  # a map is square
        while window := _read_ahead(stream, _WINDOW * batch_size, lambda length: self._share(length, attention)):
            results = [None] * len(window)
            for padded, rows in _alike(window, batch_size, fitting):
                made = self._run([window[i] for i in rows], padded, attention)
                for row, prediction in zip(rows, made, strict=True):
                    results[row] = prediction
            yield from results

    def _run(self, sequences, padded, attention):
        n_rows = 1 << (len(sequences) - 1).bit_length()  # powers of two: few shapes to compile
        if self.engine.backend == "host":
            n_rows = len(sequences)
        tokens, lengths = pad_rows(sequences + sequences[-1:] * (n_rows - len(sequences)), padded)
        output = self.engine.run(tokens, lengths)
        weights = self._weights(tokens, output) if attention else None
        return [self._unpack(i, len(s), output, weights) for i, s in enumerate(sequences)]

    def can_map(self, length: int) -> bool:
        """Whether the attention among the kept positions of a sequence of `length` bp can be held as a square map."""
        return attending(self.config, inference_length(length)) ** 2 <= _MAX_PAIRS

    def _share(self, length, attention):
        """Return what a sequence takes of all that may be held at once."""
        pairs = attending(self.config, length) ** 2 if attention else 0
        return length / (_WINDOW * _MOST_BASES) + pairs / _MAX_PAIRS

    def _weights(self, tokens, output):
        if not self.can_map(tokens.shape[1]):
            found = f"{tokens.shape[1]:,} bp, of which {output.kept.shape[1]:,} kept"
            raise RunError("attention map too large", expected=f"at most {_MAX_PAIRS:,} pairs", found=found)
        arrays = OrganismOutput(*(None if part is None else mx.array(part) for part in output))
        return np.array(self.model.attention_map(mx.array(tokens), arrays))

    def _unpack(self, row, length, output, weights):
        used, raw = output.mask[row], output.prediction[row].copy()
        return Prediction(
            prediction=probabilities(self.task, raw, self.scale).astype(np.float32),
            raw=raw,
            relevance=_row(output.relevance, row, slice(length)),
            kept=output.kept[row][used],
            gates=_row(output.gates, row, used),
            contribution=_row(output.contribution, row, used),
            weights=None if weights is None else weights[row][np.ix_(used, used)],
        )


def _row(values, row, used):
    """Pick what is used of a row; a model without a selector has no such values."""
    return None if values is None else values[row][used].copy()


def _read_ahead(stream, count, share):
    """Take the next sequences: at most `count`, and no more once the shares of what may be held make 1."""
    window, held = [], 0.0
    for sequence in islice(stream, count):
        window.append(sequence)
        held += share(len(sequence))
        if held >= 1:
            break
    return window


def _alike(sequences, batch_size, config):
    """Group row numbers by padded length into batches that fit in memory."""
    padded = [inference_length(len(s)) for s in sequences]
    order = sorted(range(len(sequences)), key=padded.__getitem__)
    for length, rows in groupby(order, key=padded.__getitem__):
        members = list(rows)
        most = min(batch_size, max(1, _MOST_BASES // length))
        n_rows = affordable_rows(config, length, most) if config.selects else most
        for start in range(0, len(members), n_rows):
            yield length, members[start : start + n_rows]

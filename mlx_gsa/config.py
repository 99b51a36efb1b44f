"""Typed configuration: every default lives here and nowhere else.

A configuration file is TOML with the tables ``[model]``, ``[training]`` and ``[data]``; a flag overrides the file, the
file overrides the default, and the resolved configuration is written beside the weights.
"""

import difflib
import tomllib
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from mlx_gsa.errors import ConfigError

Architecture = Literal["sparse", "cnn", "cnn-large"]
Attention = Literal["softmax", "mlp", "full", "window", "random", "first"]

HalfWidth = Annotated[int, Field(ge=8)]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ModelConfig(_Frozen):
    """Sizes and switches of the organism (DNA in, regulatory strength out)."""

    architecture: Architecture = Field("sparse", description="cnn, cnn-large: convolutional rivals, see model/cnn.py")
    n_channels: int = Field(16, ge=2, multiple_of=2, description="number of stem filters, D")
    embedding_channels: int | None = Field(None, ge=4, description="width of the embeddings, or D")
    embeddings: Literal["learned", "one-hot", "random"] = Field("learned", description="the others are frozen")
    attention_channels: int | None = Field(None, ge=2, multiple_of=2, description="width of queries and keys, or D")
    context: tuple[HalfWidth, ...] = Field((), description="bp to either side of windows of context")
    context_kmer: int = Field(5, ge=2, le=6, description="length of the k-mers whose means are the context")
    context_channels: int = Field(4, ge=1, description="numbers learned per k-mer of the context")
    anchor: Literal["none", "start", "end", "centre"] = Field("none", description="from where distance counts")
    n_outputs: int = Field(1, ge=1, description="values predicted per sequence")
    stem: bool = Field(True, description="False: each position sees one nucleotide only (an ablation)")
    filter_width: int = Field(20, ge=1, le=64, description="bp seen by one stem filter")
    strands: Literal["both", "forward"] = Field("both", description="both: a filter fires on either strand")
    stem_kernel: Literal["auto", "lookup", "conv"] = Field("auto", description="two exact forms of the same stem")
    selector_hidden: int = Field(8, ge=1)
    approximator_hidden: int = Field(8, ge=1)
    attention: Attention = "softmax"
    distance: bool = Field(True, description="False: attention does not see how far apart two positions are")
    gate: bool = Field(True, description="False: the selector gets gradient from its local objective only")
    sparsity: float = Field(0.1, gt=0, le=1, description="share of positions kept")
    max_selected: int | None = Field(None, ge=1, description="upper limit of positions kept per sequence")
    neighbours: int | None = Field(None, ge=1, description="kept positions seen before and after; None: all kept")
    precision: Literal["float32", "mixed"] = Field("float32", description="mixed: pairs in bfloat16, on a GPU")
    window: int = Field(64, ge=1, description="bp on each side seen by attention='window'")
    n_global: int = Field(16, ge=0, description="most relevant positions seen by all under attention='window'")
    cnn_filters: int | None = Field(None, ge=1, description="of a cnn; None: as large as the sparse model of the rest")
    reference_budget: float = Field(64.0, gt=0, description="k in the 1/sqrt(k) of the gated sum, set from the data")
    reference_length: float = Field(1000.0, gt=0, description="bp covered by a profile, set from the data")

    @property
    def selects(self) -> bool:
        """True where there is a selector, whose relevance says which positions matter."""
        return self.architecture == "sparse"

    @property
    def embedding_width(self) -> int:
        """Channels of an embedding; without a stem the embeddings are the features."""
        return (self.embedding_channels or self.n_channels) if self.stem else self.n_channels

    @model_validator(mode="after")
    def _one_hot_fits(self):
        if self.embeddings == "one-hot" and self.embedding_width < 4:
            raise ValueError(f"model.embeddings = 'one-hot' needs 4 channels, there are {self.embedding_width}")
        return self

    @model_validator(mode="after")
    def _neighbours_fit(self):
        if self.neighbours is not None and self.attention in ("mlp", "full", "window"):
            raise ValueError(f"model.neighbours is for softmax among kept positions, not for '{self.attention}'")
        return self

    @model_validator(mode="after")
    def _precision_fits(self):
        if self.precision == "mixed" and (self.attention == "mlp" or not self.selects):
            raise ValueError("model.precision = 'mixed' is for softmax attention of a sparse model")
        return self

    @property
    def n_features(self) -> int:
        """What is known of a position: the filters, then the channels of every window of context."""
        return self.n_channels + self.context_channels * len(self.context)

    @property
    def attention_width(self) -> int:
        """Channels of queries, keys and values."""
        return self.attention_channels or self.n_channels


class TrainingConfig(_Frozen):
    """The training recipe; every rate is per step, every duration in epochs unless named otherwise."""

    epochs: int = Field(8, ge=1)
    batch_size: int = Field(32, ge=1, description="sequences per step")
    learning_rate: float = Field(3e-3, gt=0, description="base rate per step, after warm-up")
    embedding_rate: float = Field(5.0, gt=0, description="embeddings learn at this multiple of the base rate")
    weight_decay: float = Field(1e-4, ge=0)
    dropout: float = Field(0.0, ge=0, lt=1, description="share of filters silenced per sequence")
    average: float = Field(0.0, ge=0, description="epochs over which weights are averaged for use; 0 = none")
    warmup: float = Field(0.5, ge=0, description="epochs of linear warm-up")
    final_rate: float = Field(0.05, ge=0, le=1, description="cosine ends at this share of the base rate")
    clip_norm: float = Field(1.0, gt=0, description="gradients longer than this are scaled down to it")
    local_weight: float = Field(1.0, ge=0, description="weight of the selector's own objective")
    start_sparsity: float = Field(0.1, gt=0, le=1, description="share kept in the first epoch; moves to model.sparsity")
    anneal: float = Field(0.5, ge=0, le=1, description="share of the epochs over which the budget changes")
    initial_filters: Literal["kmers", "random"] = "kmers"
    kmer_length: int = Field(8, ge=4, le=10, description="length of the k-mers that start the filters")
    shortest_kmer: int | None = Field(None, ge=3, le=10, description="length at which the search gives up")
    augment_reverse: bool = Field(True, description="show each sequence on a random strand")
    augment_shift: int = Field(0, ge=0, description="drop up to this many bp at the ends, at random")
    use_weights: bool = Field(True, description="records count by their weights, where the data set has some")
    patience: int = Field(0, ge=0, description="epochs without improvement before stopping; 0 = never")
    shards: int = Field(2, ge=1, description="parts of a batch that cores or machines compute side by side")
    seed: int = Field(0, ge=0)

    @model_validator(mode="after")
    def _warmup_fits(self):
        if self.warmup > self.epochs:
            raise ValueError(f"warmup ({self.warmup} epochs) is longer than the training ({self.epochs} epochs)")
        return self


class DataConfig(_Frozen):
    """Where the sequences are."""

    path: str = "data/synthetic"
    fold: int | None = Field(None, ge=0, description="fold that tests, of a data set with folds; None: its own split")


class RunConfig(_Frozen):
    """Everything that `gsa train` needs to repeat a run."""

    model: ModelConfig = ModelConfig()
    training: TrainingConfig = TrainingConfig()
    data: DataConfig = DataConfig()

    @model_validator(mode="after")
    def _kmers_fit(self):
        k, width = self.training.kmer_length, self.model.filter_width
        if self.model.stem and self.training.initial_filters == "kmers" and k > width:
            raise ValueError(f"training.kmer_length ({k} bp) is longer than model.filter_width ({width} bp)")
        if self.model.anchor != "none" and self.training.augment_reverse:
            raise ValueError(f"model.anchor = '{self.model.anchor}' needs training.augment_reverse = false")
        return self


def load_config(path: Path | str | None = None, overrides: dict | None = None) -> RunConfig:
    """Read a configuration file and lay overrides over it.

    Parameters
    ----------
    path : path, optional
        TOML file, or the name of a recipe that ships in ``configs/training``; without it the defaults are used.
    overrides : dict, optional
        ``{"table.key": value}``; values may be strings in TOML notation.

    Returns
    -------
    RunConfig

    Raises
    ------
    ConfigError
        If the file cannot be read, a key is unknown or a value is out of range.
    """
    tables = _read_toml(_found(Path(path))) if path is not None else {}
    for key, value in (overrides or {}).items():
        _set(tables, key, value)
    try:
        return RunConfig.model_validate(tables)
    except ValidationError as error:
        raise _readable(error, path) from None


def parse_assignments(assignments) -> dict:
    """Turn ``["training.epochs=3"]`` into ``{"training.epochs": 3}``; a bare key is looked up in every table."""
    parsed = {}
    for assignment in assignments:
        key, separator, value = assignment.partition("=")
        if not separator:
            raise ConfigError("setting without a value", where=assignment, expected="key=value")
        parsed[_full_key(key.strip())] = _toml_value(value.strip())
    return parsed


def dump_config(config: RunConfig) -> str:
    """Write a configuration as TOML text that `load_config` reads back to the same object."""
    lines = []
    for table, values in config.model_dump(exclude_none=True).items():
        lines += [f"[{table}]", *(f"{key} = {_to_toml(value)}" for key, value in values.items()), ""]
    return "\n".join(lines)


def _found(path):
    """Return a file as it was named, or the shipped recipe of that name where there is no such file."""
    if path.suffix or path.exists() or len(path.parts) > 1:
        return path
    from mlx_gsa.configs import config_path

    return config_path(f"training/{path}.toml")


def _read_toml(path):
    try:
        return tomllib.loads(path.read_text())
    except FileNotFoundError:
        raise ConfigError("configuration file not found", where=str(path)) from None
    except OSError as error:
        raise ConfigError("configuration file cannot be read", where=str(path), found=str(error)) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError("configuration file is not TOML", where=str(path), found=str(error)) from None


def _full_key(key):
    if "." in key:
        return key
    homes = [name for name, field in RunConfig.model_fields.items() if key in field.annotation.model_fields]
    return f"{homes[0]}.{key}" if homes else key


def _set(tables, key, value):
    table, _, name = key.partition(".")
    if not name:
        raise ConfigError("unknown setting", where=key, mend=_nearest(key))
    tables.setdefault(table, {})[name] = value


def _toml_value(text):
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def _to_toml(value):
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        escaped = value.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}"'
    if isinstance(value, tuple):
        return f"[{', '.join(_to_toml(item) for item in value)}]"
    return repr(value)


def _readable(error, path):
    first = error.errors()[0]
    key = ".".join(str(part) for part in first["loc"])
    where = f"{key} in {path}" if key and path else key or path
    if first["type"] == "extra_forbidden":
        return ConfigError("unknown setting", where=where, mend=_nearest(key))
    if first["type"] == "value_error":
        return ConfigError("settings do not fit each other", where=where, found=str(first["ctx"]["error"]))
    return ConfigError("setting out of range", where=where, expected=first["msg"], found=repr(first.get("input")))


def _nearest(key):
    known = [f"{t}.{n}" for t, field in RunConfig.model_fields.items() for n in field.annotation.model_fields]
    names = {name.split(".")[1]: name for name in known}
    close = difflib.get_close_matches(key.split(".")[-1], names, n=1, cutoff=0.5)
    return f"Did you mean {names[close[0]]}?" if close else "Known settings: " + ", ".join(known)

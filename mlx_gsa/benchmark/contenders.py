"""Who is measured: one entry for each rival, with what it runs in and where it takes part."""

from dataclasses import dataclass, field

SECTIONS = ("forward", "step", "attention", "stem", "scan", "linear", "processes")
MLX, TORCH = "mlx", "torch"


@dataclass(frozen=True)
class Contender:
    """One rival.

    Attributes
    ----------
    name, label : str
        In files, and for readers.
    runs_in : {"mlx", "torch"}
        Which kind of process measures it.
    sections : tuple of str
        Where it takes part.
    settings : dict
        Of the model, beside the sparsity.
    selects : bool
        Whether the share of positions kept changes what it does.
    engine : bool
        Whether the folded fast path runs it, not the training path.
    reference : str
        Contender of MLX whose outputs it has to give.
    """

    name: str
    label: str
    runs_in: str
    sections: tuple
    settings: dict = field(default_factory=dict)
    selects: bool = False
    engine: bool = False
    reference: str | None = None


CAPPED = {"max_selected": 256}
CONTENDERS = (
    Contender("fast", "sparse, fast path", MLX, ("forward", "scan"), selects=True, engine=True, reference="sparse"),
    Contender("sparse", "sparse, training path", MLX, ("forward", "step", "attention", "scan", "processes"),
              selects=True),
    Contender("full", "full attention, MLX fused", MLX, ("forward", "step", "attention"), {"attention": "full"}),
    Contender("window", "window attention", MLX, ("forward", "step", "attention"), {"attention": "window"}),
    Contender("cnn", "CNN of equal size", MLX, ("forward", "step"), {"architecture": "cnn"}),
    Contender("torch-sparse", "sparse, PyTorch", TORCH, ("forward", "step", "attention"), selects=True,
              reference="sparse"),
    Contender("torch-dense", "full attention, PyTorch fused", TORCH, ("forward", "step", "attention"),
              {"attention": "full"}, reference="full"),
    Contender("lookup-stem", "k-mer look-ups, MLX", MLX, ("stem",), {"stem_kernel": "lookup"}),
    Contender("conv-stem", "convolution, MLX", MLX, ("stem",), {"stem_kernel": "conv"}),
    Contender("torch-stem", "the faster of both, PyTorch", TORCH, ("stem",), reference="sparse"),
    Contender("fast-capped", "sparse, fast path, at most 256 kept", MLX, ("linear",), CAPPED, engine=True),
    Contender("sparse-capped", "sparse, training path, at most 256 kept", MLX, ("linear",), CAPPED),
)  # fmt: skip


def find(name: str) -> Contender:
    """Return the contender of that name."""
    return next(each for each in CONTENDERS if each.name == name)


def taking_part(section: str) -> list[Contender]:
    """List the contenders of a section."""
    return [each for each in CONTENDERS if section in each.sections]

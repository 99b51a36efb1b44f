"""What is measured: cells of section, contender, length, sparsity and threads; and which of them cannot be."""

from dataclasses import dataclass

from mlx_gsa.benchmark.contenders import CONTENDERS, TORCH, Contender, find, taking_part
from mlx_gsa.evaluation.jsonable import jsonable

LENGTHS = (500, 1000, 2000, 5000, 10_000, 20_000, 50_000, 100_000, 200_000)
SPARSITIES = (0.01, 0.05, 0.1, 0.2, 1.0)
KEPT = 0.1  # the share of the headline
HEADLINE_LENGTHS = (2000, 5000)  # both numbers of threads are tried here; elsewhere the better one is used
LINEAR_LENGTHS = (2000, 5000, 10_000, 20_000, 50_000, 100_000, 200_000)
MEGABASE = 1_000_000
BATCH, BATCH_BP = 32, 64_000  # sequences and bp of a batch, at most
STRIDES, SCAN_BP = (500, 2000), 2_000_000
QUICK_LENGTHS = (250, 500, 1000)
GRID_SECTIONS = ("forward", "step", "attention", "stem")


@dataclass(frozen=True)
class Cell:
    """One thing to measure.

    Attributes
    ----------
    section, contender : str
    length : int
        bp; of a scan the length of the sequence.
    sparsity : float
        Share kept; `KEPT` where it changes nothing.
    batch : int
        Sequences per call; of a scan the stride in bp.
    threads : int or None
        Of BLAS and OpenMP; None: the better of those that were tried nearby.
    """

    section: str
    contender: str
    length: int
    sparsity: float = KEPT
    batch: int = BATCH
    threads: int | None = None

    @property
    def key(self) -> str:
        """Name the cell, the same in every run."""
        threads = "best" if self.threads is None else self.threads
        return f"{self.section}/{self.contender}/{self.length}/{self.sparsity:g}/{self.batch}/{threads}"

    @property
    def rival(self) -> Contender:
        """Return the contender."""
        return find(self.contender)

    @property
    def at_headline(self) -> bool:
        """Whether this is one of the cells that the headline is made of."""
        return self.section != "linear" and self.length in HEADLINE_LENGTHS and self.sparsity == KEPT

    def settings(self) -> dict:
        """Return the settings of the model."""
        return {"sparsity": self.sparsity} | self.rival.settings


@dataclass(frozen=True)
class Plan:
    """What is asked of a benchmark.

    Attributes
    ----------
    sections : tuple of str
    lengths : tuple of int
        bp.
    sparsities : tuple of float
    threads : tuple of int
        Numbers of threads tried at the lengths of the headline.
    seconds : float
        Timed calls of a cell add up to about this; `headline_seconds` for those of the headline.
    cap : float
        Seconds that a call may be expected to take; a cell beyond is not run.
    scan_bp : int
        Length of the sequence that is scanned.
    quick : bool
    """

    sections: tuple
    lengths: tuple = LENGTHS
    sparsities: tuple = SPARSITIES
    threads: tuple = (1, 2)
    seconds: float = 0.3
    headline_seconds: float = 2.0
    cap: float = 8.0
    scan_bp: int = SCAN_BP
    quick: bool = False

    @classmethod
    def make(cls, sections, quick=False, lengths=None, sparsities=None, threads=(1, 2)) -> "Plan":
        """Make a plan from what was asked for; a quick one is small, and its numbers rough."""
        if not quick:
            return cls(tuple(sections), tuple(lengths or LENGTHS), tuple(sparsities or SPARSITIES), tuple(threads))
        small = {"seconds": 0.05, "headline_seconds": 0.1, "cap": 0.5, "scan_bp": 100_000, "quick": True}
        shares = tuple(sparsities or (KEPT,))
        return cls(tuple(sections), tuple(lengths or QUICK_LENGTHS), shares, tuple(threads)[:1], **small)

    def to_dict(self) -> dict:
        """Give the plan as what JSON can hold."""
        return jsonable(vars(self))


def batch_of(length: int, rival: Contender) -> int:
    """Return the sequences of a batch: as many as make 64 kb, at most 32; 1 for full attention on what is long.

    A step of full attention over a single long sequence is work enough, and more would not fit.
    """
    is_full = rival.settings.get("attention") == "full"
    return 1 if is_full and length > max(HEADLINE_LENGTHS) else max(1, min(BATCH, BATCH_BP // length))


def cells_of(plan: Plan) -> list[Cell]:
    """List what is measured, in order: of each section the lengths of the headline first, then from short to long.

    Rivals at one length are neighbours, so what else the machine does meets them alike.
    """
    found = []
    for section in plan.sections:
        if section in GRID_SECTIONS:
            for length in sorted(plan.lengths, key=lambda each: (each not in HEADLINE_LENGTHS, each)):
                found += _at_length(plan, section, length)
        elif section == "scan":
            found += [
                Cell(section, each.name, plan.scan_bp, batch=stride, threads=n)
                for stride in STRIDES for each in taking_part(section) for n in plan.threads[:1]
            ]  # fmt: skip
        elif section == "linear":
            series = QUICK_LENGTHS if plan.quick else LINEAR_LENGTHS
            lengths = [length for length in (*series, MEGABASE) if _in_linear(plan, length)]
            found += [
                Cell(section, each.name, length, batch=1, threads=plan.threads[0])
                for length in lengths for each in taking_part(section)
            ]  # fmt: skip
    return found


def _in_linear(plan, length):
    return length in plan.lengths or (length == MEGABASE and max(LINEAR_LENGTHS) in plan.lengths)


def _at_length(plan, section, length):
    """Yield the cells of a length: all rivals at `KEPT`, then those that select at the other shares."""
    for sparsity in sorted({KEPT, *plan.sparsities}, key=lambda each: (each != KEPT, each)):
        for rival in taking_part(section):
            if sparsity not in (plan.sparsities if rival.selects else (KEPT,)):
                continue
            tried = plan.threads if length in HEADLINE_LENGTHS and sparsity == KEPT else (None,)
            for threads in tried:
                yield Cell(section, rival.name, length, sparsity, batch_of(length, rival), threads)


def needed_bytes(cell: Cell) -> int:
    """Estimate the memory of a cell, by the shapes (see `model.memory.batch_bytes`); 0 where it depends on none.

    PyTorch's fused attention never holds the scores; MLX's on a CPU does.
    """
    from mlx_gsa.config import ModelConfig
    from mlx_gsa.model.memory import batch_bytes

    if cell.section in ("scan", "stem") or cell.rival.settings.get("architecture") == "cnn":
        return 0
    settings = cell.settings()
    if cell.rival.runs_in == TORCH and (settings.get("attention") == "full" or cell.length * cell.sparsity > 2500):
        settings = {"attention": "window", "window": 1, "n_global": 0} if "attention" in settings else (
            settings | {"neighbours": 1})  # fmt: skip
    return batch_bytes(ModelConfig(**settings), cell.batch, cell.length, training=cell.section == "step")


def operations(cell: Cell) -> float:
    """Count the operations of one call of a cell, for the time of a longer one to be guessed from a shorter one's."""
    from mlx_gsa.config import ModelConfig
    from mlx_gsa.evaluation.cost import count_flops

    config = ModelConfig(**({"stem_kernel": "lookup"} | cell.settings()))
    form = config.stem_kernel
    counted = count_flops(config, cell.length, stem_form=form, batch_size=cell.batch)
    if cell.section == "attention":
        return cell.batch * (counted["projections"] + counted["attention"])
    return cell.batch * (counted["stem"] if cell.section == "stem" else counted["total"])


def guessed_seconds(cell: Cell, shorter: dict[Cell, float]) -> float | None:
    """Guess how long a call will take from the nearest shorter cell alike, by operations; None without one.

    Parameters
    ----------
    cell : Cell
    shorter : dict of Cell to float
        Seconds of cells that were measured.
    """
    alike = [c for c in shorter if (c.section, c.contender, c.sparsity) == (cell.section, cell.contender, cell.sparsity)
             and c.length < cell.length]  # fmt: skip
    if not alike:
        return None
    nearest = max(alike, key=lambda c: (c.length, -shorter[c]))
    return shorter[nearest] * operations(cell) / operations(nearest)


def contender_names(plan: Plan) -> list[str]:
    """Name those that take part in a plan, in the order of the list."""
    return [each.name for each in CONTENDERS if set(each.sections) & set(plan.sections)]

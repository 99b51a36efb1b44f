"""What the cells of a benchmark say: seconds per sequence, ratios with their spread, exponents, the headline."""

from mlx_gsa.benchmark.contenders import taking_part
from mlx_gsa.benchmark.fits import exponent
from mlx_gsa.benchmark.grid import HEADLINE_LENGTHS, KEPT, MEGABASE
from mlx_gsa.benchmark.run import MEASURED, TOLERANCE

FAIR_BLAS = ("loaded", "not needed")
FIT_FROM = 2000  # bp: below it a call's fixed costs weigh
RIVALS = ("full", "torch-dense", "torch-sparse")


class Table:
    """The measured cells of a benchmark, looked up by what they are.

    Parameters
    ----------
    found : dict
        As `run.Benchmark.run` gives it.
    """

    def __init__(self, found: dict):
        self.found, self.cells = found, found["cells"]

    def all_of(self, section, contender, length=None, sparsity=None) -> list[dict]:
        """List cells, measured or not."""
        return [
            cell for cell in self.cells
            if (cell["section"], cell["contender"]) == (section, contender)
            and length in (None, cell["length"]) and sparsity in (None, cell["sparsity"])
        ]  # fmt: skip

    def best(self, section, contender, length, sparsity=KEPT) -> dict | None:
        """Return the cell of the number of threads that was fastest, or None where nothing was measured."""
        measured = [c for c in self.all_of(section, contender, length, sparsity) if c["status"] == MEASURED]
        return min(measured, key=lambda cell: cell["seconds"], default=None)

    def told(self, section, contender, length) -> dict | None:
        """Return what is to be shown at `KEPT`: the fastest cell, else one that says why nothing was measured."""
        best = self.best(section, contender, length)
        return best or next(iter(self.all_of(section, contender, length, KEPT)), None)

    def ratio(self, section, slow, fast, length) -> dict | None:
        """Return how many times as fast the second is per sequence: ``value``, ``low``, ``high``; None if not measured.

        The bounds hold the quartiles of one against those of the other.
        """
        one, other = self.best(section, slow, length), self.best(section, fast, length)
        if one is None or other is None:
            return None
        seconds = [per_sequence(cell) for cell in (one, other)]
        (low, value, high), (least, middle, most) = seconds
        return {"value": value / middle, "low": low / most, "high": high / least}

    def saved(self, key, sparse, full, length, section="forward") -> float | None:
        """Return the share of ``flops``, ``peak_bytes`` or ``rss_bytes`` per sequence that the first does without."""
        cells = self.best(section, sparse, length), self.best(section, full, length)
        if None in cells or any(cell.get(key) is None for cell in cells):
            return None
        own, others = (cell[key] / cell["batch"] for cell in cells)
        return 1 - own / others if others else None

    def growth(self, section, contender, key) -> dict | None:
        """Fit how ``seconds``, ``flops`` or a memory grows with length, from 2 kb on; None below three lengths."""
        lengths = sorted({cell["length"] for cell in self.all_of(section, contender, None, KEPT)})
        first = FIT_FROM if len([length for length in lengths if length >= FIT_FROM]) > 2 else 0
        points = [(length, self.best(section, contender, length)) for length in lengths if first <= length < MEGABASE]
        points = [(length, cell[key] / cell["batch"]) for length, cell in points if cell and cell.get(key)]
        return exponent(*zip(*points, strict=True)) if len(points) > 2 else None


def per_sequence(cell: dict) -> tuple[float, float, float]:
    """Return lower quartile, median and upper quartile of the seconds per sequence; of a single call all three it."""
    parts = (cell["low"], cell["seconds"], cell["high"])
    return tuple((cell["seconds"] if part is None else part) / cell["batch"] for part in parts)


def bytes_of(cell: dict) -> int | None:
    """Return the peak memory of a cell: resident memory or MLX's own count, whichever is more; None if neither."""
    return max((cell[key] for key in ("rss_bytes", "peak_bytes") if cell.get(key) is not None), default=None)


def refusal(found: dict) -> str | None:
    """Say why these measurements may not be headlined, or None."""
    blas = found["facts"]["blas"]
    if blas["status"] not in FAIR_BLAS:
        return f"the dense rival ran on {blas['name']} ({blas['status']}): no fair rival"
    wrong = [
        f"{name} ({variant})" for name, variants in found["checks"].items() for variant, errors in variants.items()
        if not max(errors.values()) <= TOLERANCE
    ]  # fmt: skip
    if wrong:
        return f"outputs differ from the program's by more than {TOLERANCE:g}: {', '.join(wrong)}"
    return None


def ours(found: dict, section: str) -> str:
    """Name the contender that stands for the program: the fast path where it takes part and was measured."""
    names = [each.name for each in taking_part(section)]
    table = Table(found)
    measured = [name for name in ("fast", "sparse") if name in names
                and any(cell["status"] == MEASURED for cell in table.all_of(section, name))]  # fmt: skip
    return measured[0] if measured else "sparse"


def summarise(found: dict) -> dict:
    """Draw the ratios and exponents from the cells.

    Parameters
    ----------
    found : dict
        As `run.Benchmark.run` gives it.

    Returns
    -------
    dict
        ``headline``: ratios by section, rival and length, or None with ``headline_refused``, why; ``growth``:
        exponents by section, contender and quantity.
    """
    why, table = refusal(found), Table(found)
    ratios = {
        section: {
            rival: {str(length): table.ratio(section, rival, ours(found, section), length)
                    for length in HEADLINE_LENGTHS}
            for rival in RIVALS
        }
        for section in ("forward", "step")
    }  # fmt: skip
    measured = any(each for by_rival in ratios.values() for lengths in by_rival.values() for each in lengths.values())
    why = why or (None if measured else "no length of the headline was measured")
    return {"headline": None if why else ratios, "headline_refused": why, "growth": _growth(found, table)}


def _growth(found, table):
    named = {(cell["section"], cell["contender"]) for cell in found["cells"] if cell["section"] != "scan"}
    quantities = ("seconds", "flops", "peak_bytes", "rss_bytes")
    fits = {
        f"{section}/{contender}": {key: table.growth(section, contender, key) for key in quantities}
        for section, contender in sorted(named)
    }
    return {name: fit for name, fit in fits.items() if any(fit.values())}

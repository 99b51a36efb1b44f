"""How the page and the command line write measurements."""

from mlx_gsa.benchmark.run import FAILED, MEASURED, MISSING, TOO_LARGE, TOO_SLOW
from mlx_gsa.benchmark.summary import bytes_of, per_sequence


def milliseconds(seconds: float) -> str:
    """Write seconds as milliseconds with three digits."""
    value = 1000 * seconds
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def gigabytes(count: float | None) -> str:
    """Write bytes as MB or GB; "–" for None."""
    if count is None:
        return "–"
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.{0 if count >= 1e7 else 1}f} MB"


def duration(seconds: float) -> str:
    """Write a long time in the unit that fits it."""
    for size, unit in ((86400, "days"), (3600, "h"), (60, "min")):
        if seconds >= 1.5 * size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.1f} s"


def times(ratio: dict | None) -> str:
    """Write a ratio with its bounds."""
    return "–" if ratio is None else f"{ratio['value']:.1f}x ({ratio['low']:.1f} to {ratio['high']:.1f})"


def span(fit: dict | None) -> str:
    """Write an exponent with its interval."""
    return "–" if fit is None else f"{fit['value']:.2f} ({fit['low']:.2f} to {fit['high']:.2f})"


def cell_words(cell: dict | None) -> str:
    """Write what was measured of a cell, or why nothing was."""
    if cell is None:
        return "–"
    if cell["status"] == MEASURED:
        low, middle, high = map(milliseconds, per_sequence(cell))
        return f"{middle} ({low} to {high}); {gigabytes(bytes_of(cell))}"
    return {
        TOO_LARGE: f"does not fit (needs {gigabytes(cell.get('needs'))})",
        TOO_SLOW: f"not run: would take about {duration(cell.get('would_take') or 0)}",
        MISSING: "PyTorch is not installed", FAILED: f"failed: {cell.get('why')}",
    }[cell["status"]]  # fmt: skip

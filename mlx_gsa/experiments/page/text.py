"""How the pages write numbers, intervals and tables."""

from mlx_gsa.evaluation.markdown import machine_line, table

__all__ = [
    "NAMES", "NOT_YET", "machine_line", "percent", "plain", "ranked", "selected", "small", "table",
]  # fmt: skip

NOT_YET = "not run yet"
NAMES = {
    "pearson": "Pearson r", "spearman": "Spearman r", "r2": "R²", "auroc": "AUROC", "auprc": "AUPRC",
    "accuracy": "accuracy", "mcc": "MCC", "macro_auroc": "macro AUROC",
}  # fmt: skip


def selected(run, name):
    """Give the rows of one of the selection tables of a run; none where sites are not known."""
    return (run["evaluation"].get("selection") or {}).get(name) or []


def ranked(run, cut):
    """Give the row of the ranking table for one cut, or None."""
    return next((row for row in selected(run, "ranking") if row["cut"] == cut), None)


def percent(interval):
    """Write an interval of shares in per cent."""
    return _between(interval, lambda x: f"{100 * x:.1f}") + " %"


def plain(interval, digits=3):
    """Write an interval of numbers."""
    return _between(interval, lambda x: f"{x:.{digits}f}")


def small(p):
    """Write a p- or q-value; "–" for None."""
    if p is None:
        return "–"
    return f"{p:.3f}" if p >= 0.001 else ("< 1e-300" if p == 0 else f"{p:.1g}")


def _between(interval, form):
    """Write a value with its interval; None, which stands for nan, as a dash."""
    value, low, high = ("–" if interval.get(key) is None else form(interval[key]) for key in ("value", "low", "high"))
    return value if (low, high) == ("–", "–") else f"{value} ({low} to {high})"

"""What `gsa evaluate` says of calibration and of whether the model is good."""

from rich.panel import Panel
from rich.text import Text

from mlx_gsa.cli.console import console, table

HOW = "Is this model good? Add --baseline: it fits simple models on the same split and answers that."


def calibration_rows(calibration):
    """Lay out calibration as rows of the table of metrics.

    Parameters
    ----------
    calibration : dict of str to Calibration
        By output.

    Returns
    -------
    list of (str, str)
    """
    return [(f"{what}{f', {name}' if name else ''}", text) for name, each in calibration.items()
            for what, text in _numbers(each.numbers)]  # fmt: skip


def _numbers(numbers):
    if "ece" in numbers:
        chance = numbers["ece_if_calibrated"]
        yield "calibration error (ECE)", f"{numbers['ece']:.3f}, if calibrated {chance.low:.3f}–{chance.high:.3f}"
        yield "Brier score", f"{numbers['brier']:.3f}, of the classes' shares {numbers['brier_constant']:.3f}"
    else:
        for name in ("slope", "intercept"):
            part = numbers[name]
            yield f"calibration {name}", f"{part.value:.3f} ({part.low:.3f} to {part.high:.3f})"


def show_verdict(verdict):
    """Print the verdict: a loud panel where the model is in doubt, then every question.

    Parameters
    ----------
    verdict : list of dict or None
        As `evaluation.verdict.judge` makes it; None where no simple models were fitted.
    """
    if verdict is None:
        console.print(HOW, markup=False)
        return
    alarms = [row for row in verdict if row["alarm"]]  # not the first row, which sums up
    if alarms:
        lines = "".join(f"{row['question']} {row['answer'].upper()}\n  {row['because']}\n" for row in alarms)
        advice = "What this model has learned need not be motifs: look at the GC-matched records and other controls."
        title = "WARNING: a simple model may do as well"
        console.print(Panel(Text(lines + advice, style="bold red"), title=title, border_style="red", expand=False))
    rows = [(row["question"], row["answer"], row["because"]) for row in verdict]
    console.print(table(None, ["question", "answer", "because"], rows))

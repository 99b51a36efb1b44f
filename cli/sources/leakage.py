"""What the leakage report says, in a few lines."""

from mlx_gsa.cli.console import console


def show_leakage(dataset):
    """Print the verdict on leakage between the splits, what it rests on, and what to do."""
    report = dataset.leakage
    if report is None:
        return
    style = "green" if report["verdict"] == "clean" else "bold red"
    console.print(f"Leakage: {report['verdict']}", style=style)
    for line in leakage_lines(report):
        console.print(line, markup=False, highlight=False, soft_wrap=True)


def leakage_lines(report):
    """Return the report in plain words: the reasons for an alarm, else the figures behind `clean`."""
    lines = [f"  {reason}" for reason in report["reasons"]]
    if not lines:
        lines = [f"  {_figures(name, part)}" for name, part in report["splits"].items()]
    return lines + [f"  {text}" for text in (*report["notes"], report["mend"]) if text]


def _figures(name, part):
    """Write the figures of one split in one line."""
    sampled = f" ({part['compared']:,} looked at)" if part["compared"] < part["records"] else ""
    nearest = part["nearest_similarity"]
    return (
        f"{name}{sampled}: {part['share']['similar']:.1%} similar to a train record, "
        f"{part['share']['near_duplicates']:.1%} near-duplicates, {part['copies']:,} copies, "
        f"{part['overlap_bp']:,} bp overlap; nearest in train: median {nearest['median']:.2f}, "
        f"99th percentile {nearest['p99']:.2f}"
    )

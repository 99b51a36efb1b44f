"""What `gsa benchmark` shows: the bars, the headline, and a table of each section that fits 80 columns."""

from mlx_gsa.benchmark.bars import UNKNOWN, judge, scan_speeds
from mlx_gsa.benchmark.contenders import find, taking_part
from mlx_gsa.benchmark.grid import HEADLINE_LENGTHS
from mlx_gsa.benchmark.page import TITLES
from mlx_gsa.benchmark.run import MEASURED, MISSING, TOO_LARGE, TOO_SLOW
from mlx_gsa.benchmark.summary import Table, bytes_of, per_sequence, summarise
from mlx_gsa.benchmark.words import duration, gigabytes, milliseconds, times
from mlx_gsa.cli.console import console, facts, table


def show(found: dict) -> None:
    """Print a benchmark."""
    measured = found["facts"]
    blas, torch = measured["blas"], measured["torch"]
    console.print(facts("This machine", [
        ("Device", f"{measured['device']}, {found['manifest']['machine']['cores']} cores"),
        ("BLAS", f"{blas.get('version') or blas['name']} ({blas['status']}), {measured['gemm_gflops']:g} GFLOP/s"),
        ("Memory", f"{measured['bandwidth']['triad']:.0f} GB/s"),
        ("PyTorch", torch.get("torch") or torch["missing"]),
        ("Load", f"{measured['load_before']:.1f} before, {measured['load_after']:.1f} after"),
        ("Energy", measured["energy"]),
    ]))  # fmt: skip
    for section in found["plan"]["sections"]:
        if section not in ("scan", "processes"):
            console.print(section_table(found, section))
    _show_scan(found)
    _show_headline(found)
    bars = judge(found)
    rows = [(bar.what, bar.asked, bar.found, bar.verdict) for bar in bars if bar.verdict != UNKNOWN]
    if rows:
        left = f"{len(bars) - len(rows)} more need what was not measured here" if len(rows) < len(bars) else None
        console.print(table("Bars", ("what", "bar", "measured", ""), rows, left))


def section_table(found: dict, section: str):
    """Lay out a section: milliseconds and memory per sequence, one column for each length, one row for each rival."""
    lookup = Table(found)
    lengths = sorted({cell["length"] for cell in found["cells"] if cell["section"] == section})
    rows = []
    for rival in taking_part(section):
        rows.append([rival.name, *(_cell(lookup.told(section, rival.name, length)) for length in lengths)])
    caption = "ms and peak memory per sequence; >: would take, M: would need"
    return table(TITLES[section], ("", *(_kilobases(length) for length in lengths)), rows, caption)


def _cell(cell):
    if cell is None:
        return "–"
    if cell["status"] == MEASURED:
        size = bytes_of(cell)
        return f"{milliseconds(per_sequence(cell)[1])}\n{gigabytes(size / cell['batch'] if size else None)}"
    return {TOO_LARGE: f"M {gigabytes(cell.get('needs'))}", TOO_SLOW: f"> {duration(cell.get('would_take') or 0)}",
            MISSING: "no torch"}.get(cell["status"], cell["status"])  # fmt: skip


def _kilobases(length):
    return f"{length / 1000:g} kb" if length < 1_000_000 else f"{length / 1e6:g} Mb"


def _show_scan(found):
    rows = [(find(name).label, stride, speed) for (name, stride), speed in scan_speeds(found).items()]
    if rows:
        console.print(table("Scan, tiles of 2 kb", ("", "stride (bp)", "Mbp/s"), rows))


def _show_headline(found):
    summary = summarise(found)
    if summary["headline"] is None:
        console.print(f"No ratio is headlined: {summary['headline_refused']}.", markup=False)
        return
    rows = [
        (f"{section}, {find(rival).label}", *(times(lengths[str(length)]) for length in HEADLINE_LENGTHS))
        for section, rivals in summary["headline"].items() for rival, lengths in rivals.items()
    ]  # fmt: skip
    console.print(table("Times as fast as", ("", *map(_kilobases, HEADLINE_LENGTHS)), rows))

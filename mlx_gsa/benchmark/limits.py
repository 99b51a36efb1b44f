"""Scan and several processes: how fast, and what limits it, beside the bandwidth of the memory."""

from mlx_gsa.benchmark.bars import scan_speeds
from mlx_gsa.benchmark.contenders import find
from mlx_gsa.benchmark.run import MEASURED
from mlx_gsa.benchmark.traffic import scan_bytes
from mlx_gsa.evaluation.markdown import table


def limits_section(found: dict) -> str:
    """Write the sections on scans and on several processes."""
    return "\n".join(part for part in (_scan(found), _processes(found)) if part)


def _scan(found):
    speeds = scan_speeds(found)
    if not speeds:
        return ""
    bandwidth, peak = found["facts"]["bandwidth"]["triad"], found["facts"]["gemm_gflops"]
    cells = {(c["contender"], c["batch"]): c for c in found["cells"]
             if c["section"] == "scan" and c["status"] == MEASURED}  # fmt: skip
    rows = []
    for (name, stride), speed in sorted(speeds.items(), key=lambda item: (item[0][1], -item[1])):
        moved, cell = scan_bytes(2000, stride), cells[name, stride]
        gflops = cell["flops"] / cell["seconds"] / 1e9
        rows.append([
            find(name).label, f"{stride:,}", f"{speed:.2f}", f"{3100 / speed / 60:.0f} min",
            f"{moved['steps']:,.0f}", f"{bandwidth * 1e3 / moved['steps']:.1f}",
            f"{speed * moved['steps'] / bandwidth / 1e3:.0%}", f"{gflops:.1f} ({gflops / peak:.0%} of a product's)",
        ])  # fmt: skip
    head = ["", "stride (bp)", "Mbp/s", "human genome", "bytes per bp", "bound of memory, Mbp/s", "of it reached"]
    least = scan_bytes(2000, 500)["least"]
    text = (
        f"Tiles of 2 kb, 10 % kept, both strands; random sequence of {found['plan']['scan_bp'] / 1e6:g} Mb. The bound "
        f"of memory: {bandwidth:.0f} GB/s over the bytes that the steps write and read if no cache held anything. "
        f"Tokens in and predictions out alone are {least:.2f} bytes per bp, which memory carries at "
        f"{bandwidth * 1e3 / least:,.0f} Mbp/s: no scan is limited by that.\n\n"
    )
    return "## Scan\n\n" + text + table([*head, "GFLOP/s"], rows)


ROWS = (
    ("one", None, "one process, one core"), ("lanes", "lanes_ratio", "one process, its shards on two streams"),
    ("two", "ratio", "two processes, each on its own data, nothing exchanged"),
    ("ranks", "ranks_ratio", "`mlx.launch -n 2`: two ranks share each step and exchange gradients"),
)  # fmt: skip


def _processes(found):
    measured = found.get("processes")
    if not measured:
        return ""
    rows = [
        [label, ", ".join(f"{each:.0f}" for each in measured[key]), f"{measured[ratio]:.2f}x" if ratio else ""]
        for key, ratio, label in ROWS if measured[key]
    ]  # fmt: skip
    missing = f"\nTwo ranks could not be measured: {measured['why']}.\n" if measured["why"] else ""
    where = f"at {measured['length']:,} bp, batch {measured['batch']}"
    text = f"Records per second {where}, by turns; one BLAS thread each."
    return f"## Training in two processes\n\n{text}\n\n" + table(["", "rounds", "over one"], rows) + missing

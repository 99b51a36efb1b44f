"""The bars that the program set itself: measured values held against them, by code and not by hand."""

from dataclasses import dataclass

from mlx_gsa.benchmark.contenders import taking_part
from mlx_gsa.benchmark.grid import LINEAR_LENGTHS, MEGABASE
from mlx_gsa.benchmark.run import MEASURED
from mlx_gsa.benchmark.summary import Table, ours, refusal

MET, MISSED, UNKNOWN = "met", "missed", "not measured"


@dataclass(frozen=True)
class Bar:
    """One bar and what was measured.

    Attributes
    ----------
    what, asked, found : str
        In words.
    verdict : {"met", "missed", "not measured"}
    """

    what: str
    asked: str
    found: str
    verdict: str


def judge(found: dict) -> list[Bar]:
    """Hold a benchmark against every bar.

    Parameters
    ----------
    found : dict
        As `run.Benchmark.run` gives it.

    Returns
    -------
    list of Bar
    """
    return [*_ratios(found), *_savings(found), *_growths(found), _megabase(found), *_scan(found), _processes(found)]


RATIOS = (
    ("forward", "full", 2000, 20), ("forward", "full", 5000, 40),
    ("forward", "torch-dense", 2000, 5), ("forward", "torch-dense", 5000, 10),
    ("forward", "torch-sparse", 2000, 1), ("forward", "torch-sparse", 5000, 1),
    ("step", "torch-sparse", 2000, 1), ("step", "torch-sparse", 5000, 1),
)  # fmt: skip
_RIVALS = {"full": "MLX full attention", "torch-dense": "PyTorch dense, fused SDPA",
           "torch-sparse": "the same sparse model in PyTorch"}  # fmt: skip
_SECTIONS = {"forward": "end-to-end forward", "step": "training step"}
LEAST_FLOPS_SAVED, LEAST_MEMORY_SAVED, MOST_GROWTH, LEAST_SCAN, LEAST_PROCESSES = 0.95, 0.90, 1.05, 5.0, 1.6
MOST_MEGABASE = 2e9  # bytes


def _ratios(found):
    unfair = refusal(found)
    for section, rival, length, least in RATIOS:
        what = f"sparse 10 % over {_RIVALS[rival]}, {_SECTIONS[section]}, {length / 1000:g} kb"
        ratio = Table(found).ratio(section, rival, ours(found, section), length)
        text = None if ratio is None else f"{ratio['value']:.2f}x ({ratio['low']:.2f} to {ratio['high']:.2f})"
        value = None if ratio is None else ratio["value"]
        if unfair and rival == "full" and text:
            value, text = None, f"{text}, but {unfair}"
        yield _bar(what, f">= {least}x", text, value, lambda x, least=least: x >= least)


def _savings(found):
    table = Table(found)
    for key, sparse, words, least in (
        ("flops", "sparse", "FLOPs below full attention, 5 kb", LEAST_FLOPS_SAVED),
        ("peak_bytes", "sparse", "peak memory below full attention, 5 kb (training path, MLX's own count)",
         LEAST_MEMORY_SAVED),
        ("rss_bytes", "fast", "peak memory below full attention, 5 kb (fast path, resident)", LEAST_MEMORY_SAVED),
    ):  # fmt: skip
        value = table.saved(key, sparse, "full", 5000)
        yield _bar(words, f">= {least:.0%}", value and f"{value:.1%}", value, lambda x, least=least: x >= least)


def _growths(found):
    table = Table(found)
    for key, words in (("seconds", "time"), ("rss_bytes", "resident memory")):
        for name, path in (("fast-capped", "fast path"), ("sparse-capped", "training path")):
            lengths = {cell["length"] for cell in table.all_of("linear", name)}
            fit = table.growth("linear", name, key) if lengths >= {min(LINEAR_LENGTHS), max(LINEAR_LENGTHS)} else None
            text = fit and f"{fit['value']:.2f} ({fit['low']:.2f} to {fit['high']:.2f})"
            yield _bar(f"exponent of {words} over length, 2 to 200 kb, at most 256 kept, {path}",
                       f"<= {MOST_GROWTH}", text, fit and fit["value"], lambda x: x <= MOST_GROWTH)  # fmt: skip


def _megabase(found):
    cells = [c for c in found["cells"] if c["section"] == "linear" and c["length"] == MEGABASE
             and c["status"] == MEASURED and c["rss_bytes"] is not None]  # fmt: skip
    value = max(cell["rss_bytes"] for cell in cells) if len(cells) == len(taking_part("linear")) else None
    return _bar("1 Mb in one forward, resident memory, both paths", "<= 2 GB", value and f"{value / 1e9:.2f} GB",
                value, lambda x: x <= MOST_MEGABASE)  # fmt: skip


def _scan(found):
    speeds = scan_speeds(found)
    for stride, words in ((500, "each base in four tiles"), (2000, "each base in one tile")):
        value = speeds.get((ours(found, "scan"), stride))
        what = f"scan, tiles of 2 kb, stride {stride:,} ({words}), 10 % kept, both strands, all cores"
        text = value and f"{value:.2f} Mbp/s"
        yield _bar(what, f">= {LEAST_SCAN:g} Mbp/s", text, value, lambda x: x >= LEAST_SCAN)


def scan_speeds(found: dict) -> dict[tuple[str, int], float]:
    """Return 10^6 bp per second by contender and stride."""
    cells = [cell for cell in found["cells"] if cell["section"] == "scan" and cell["status"] == MEASURED]
    return {(cell["contender"], cell["batch"]): cell["bp"] / cell["seconds"] / 1e6 for cell in cells}


def _processes(found):
    measured = found.get("processes") or {}
    ratio = measured.get("ranks_ratio") or measured.get("ratio")
    how = "mlx.launch -n 2, each step shared" if measured.get("ranks_ratio") else "each on its own data"
    return _bar("two processes over one that has one core, training", f">= {LEAST_PROCESSES:g}x",
                ratio and f"{ratio:.2f}x ({how})", ratio, lambda x: x >= LEAST_PROCESSES)  # fmt: skip


def _bar(what, asked, text, value, holds):
    verdict = UNKNOWN if value is None else MET if holds(value) else MISSED
    return Bar(what, asked, text or "not measured", verdict)

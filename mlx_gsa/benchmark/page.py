"""docs/performance.md from a saved benchmark and from nothing else: no number on that page is typed."""

from mlx_gsa.benchmark.bars import MISSED, judge
from mlx_gsa.benchmark.contenders import SECTIONS, taking_part
from mlx_gsa.benchmark.grid import HEADLINE_LENGTHS, KEPT
from mlx_gsa.benchmark.limits import limits_section
from mlx_gsa.benchmark.summary import Table, bytes_of, ours, per_sequence, summarise
from mlx_gsa.benchmark.words import cell_words, gigabytes, milliseconds, span, times
from mlx_gsa.evaluation.markdown import machine_line, table

HEAD = """# Performance

Made by `{command}` from [{source}]({source}) (`gsa benchmark --render-only` makes the page again without a run); every
number below comes from that file. Times are medians of warm calls with quartiles in brackets, per sequence; every rival
ran in a process of its own, with the number of threads and the form that were fastest for it.
"""
TITLES = {
    "forward": "End-to-end forward pass", "step": "Training step", "attention": "Attention alone",
    "stem": "Stem alone", "scan": "Scan", "linear": "Long sequences, at most 256 positions kept",
    "processes": "Training in two processes",
}  # fmt: skip
CAPTIONS = {
    "scaling": "Seconds, operations and peak memory per sequence of a forward pass, by length; fitted exponents.",
    "roofline": "Operations per second over operations per byte, of forward passes over 2 kb and 5 kb; bytes are "
    "counted from the shapes, every array written and read once. The roof is the matrix product and the memory "
    "bandwidth that were measured on this machine.",
    "pareto": "Time of a forward pass against its peak memory and against the share of positions kept, 2 kb.",
}


def render_page(found: dict, source: str, pictures: dict[str, str]) -> str:
    """Write the page.

    Parameters
    ----------
    found : dict
        As `run.load` gives it.
    source : str
        Where the file is, seen from the page.
    pictures : dict of str to str
        Path from the page by name.

    Returns
    -------
    str
        Markdown.
    """
    parts = [HEAD.format(command=found["manifest"]["command"], source=source), _machine(found), _headline(found)]
    parts += [_bars(found), _pictures(pictures)]
    grids = [name for name in SECTIONS if name in found["plan"]["sections"] and name not in ("scan", "processes")]
    parts += [section_text(found, name) for name in grids]
    parts += [limits_section(found), _growth(found), _checks(found)]
    return "\n".join(part for part in parts if part)


def _machine(found):
    manifest, facts = found["manifest"], found["facts"]
    blas = facts["blas"]
    speed = f"Matrix product {facts['gemm_gflops']:g} GFLOP/s; memory {facts['bandwidth']['triad']:.0f} GB/s (triad)"
    torch = facts["torch"].get("torch")
    threads = ", ".join(map(str, facts["threads_tried"]))
    lines = [
        f"Device {facts['device']}; BLAS {blas.get('version') or blas['name']} ({blas['status']}); {speed}. "
        f"Threads tried: {threads}. {'PyTorch ' + torch if torch else facts['torch']['missing']}. "
        f"Energy: {facts['energy']}. Load of the machine {facts['load_before']:.1f} before, "
        f"{facts['load_after']:.1f} after; {manifest['seconds'] / 60:.0f} min of measuring.",
        machine_line(manifest["machine"], manifest["versions"]) + f" Commit {manifest['commit'] or 'unknown'}, "
        f"{manifest['created'][:10]}.",
    ]
    return "\n\n".join(lines) + "\n"


def _headline(found):
    summary = summarise(found)
    if summary["headline"] is None:
        return f"**No ratio is headlined: {summary['headline_refused']}.**\n"
    return "## In short\n\n" + headline_table(summary["headline"]) + "\n"


def headline_table(headline: dict) -> str:
    """Lay out how many times as fast the program is, by rival and length."""
    labels = {"full": "full attention, MLX fused", "torch-dense": "full attention, PyTorch fused SDPA",
              "torch-sparse": "the same sparse model in PyTorch"}  # fmt: skip
    head = ["times as fast as", *(f"{name}, {n / 1000:g} kb" for name in headline for n in HEADLINE_LENGTHS)]
    rows = [[label, *(times(headline[name][rival][str(n)]) for name in headline for n in HEADLINE_LENGTHS)]
            for rival, label in labels.items()]  # fmt: skip
    return table(head, rows)


def _bars(found):
    bars = judge(found)
    rows = [[bar.what, bar.asked, bar.found, f"**{bar.verdict}**" if bar.verdict == MISSED else bar.verdict]
            for bar in bars]  # fmt: skip
    return "## The bars\n\n" + table(["what", "bar", "measured", ""], rows)


def _pictures(pictures):
    return "\n".join(f"![{name}]({path})\n\n*{CAPTIONS[name]}*\n" for name, path in pictures.items())


def section_text(found: dict, section: str) -> str:
    """Write a section: every contender over lengths at 10 % kept, then over the shares kept."""
    parts = [f"## {TITLES[section]}\n", _over_lengths(found, section)]
    if section in ("forward", "step", "attention") and len(found["plan"]["sparsities"]) > 1:
        parts.append(_over_shares(found, section))
    return "\n".join(parts)


def _over_lengths(found, section):
    lookup, rivals = Table(found), taking_part(section)
    lengths = sorted({cell["length"] for cell in found["cells"] if cell["section"] == section})
    rows = []
    for length in lengths:
        rows.append([f"{length:,}", *(cell_words(lookup.told(section, each.name, length)) for each in rivals)])
    kept = "" if section in ("stem", "linear") else f", {KEPT:.0%} kept where a model selects"
    return f"Milliseconds per sequence; peak memory per batch{kept}.\n\n" + table(
        ["bp", *(rival.label for rival in rivals)], rows
    )


def _over_shares(found, section):
    lookup, rows = Table(found), []
    rivals = [each for each in taking_part(section) if each.selects]
    for length in (n for n in HEADLINE_LENGTHS if n in found["plan"]["lengths"]):
        for sparsity in found["plan"]["sparsities"]:
            cells = [lookup.best(section, rival.name, length, sparsity) for rival in rivals]
            rows.append([f"{length:,}", f"{sparsity:.0%}", *(_short(cell) for cell in cells)])
    return table(["bp", "kept", *(f"{rival.label} (ms)" for rival in rivals)], rows) if rows else ""


def _short(cell):
    return "–" if cell is None else f"{milliseconds(per_sequence(cell)[1])}, {gigabytes(bytes_of(cell))}"


def _growth(found):
    named = {f"{section}/{rival.name}": f"{TITLES[section]}: {rival.label}"
             for section in SECTIONS for rival in taking_part(section)}  # fmt: skip
    fits = summarise(found)["growth"]
    keys = ("seconds", "flops", "peak_bytes", "rss_bytes")
    rows = [[named[name], *(span(fits[name][key]) for key in keys)] for name in named if name in fits]
    if not rows:
        return ""
    text = "Exponent of length, 1 = linear, 2 = quadratic, from a line through the logarithms (95 %), from 2 kb on:\n\n"
    return "## Growth\n\n" + text + table(["", "time", "operations", "MLX peak", "resident"], rows)


def _checks(found):
    rows = [[name, variant, *(f"{errors[key]:.1e}" if key in errors else "" for key in ("output", "gradient"))]
            for name, variants in found["checks"].items() for variant, errors in variants.items()]  # fmt: skip
    text = "Outputs and gradients of the rivals against those of the training path, relative to their size; with the "
    text += f"same weights and sequences. `{ours(found, 'forward')}` stands for the program in the forward pass.\n\n"
    return "## The same numbers\n\n" + text + table(["", "form", "outputs", "gradients"], rows)

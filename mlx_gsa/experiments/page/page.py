"""docs/results.md from the files of docs/results and from nothing else: no number on that page is typed."""

import os
from pathlib import Path

from mlx_gsa.experiments.criteria import judge
from mlx_gsa.experiments.page.claims import claims_section
from mlx_gsa.experiments.page.earlier import earlier_section
from mlx_gsa.experiments.page.sections import sweep_section
from mlx_gsa.experiments.page.speed import speed_section
from mlx_gsa.experiments.page.text import NOT_YET, machine_line, table
from mlx_gsa.experiments.results import Results

ORDER = ("full", "standard", "quick", "ci")  # the first that is there is shown whole
SHOWN = ("full", "standard", "quick")  # the smallest scale is a test of the machinery, not a result
HEAD = """# Results

Made by `gsa reproduce` from the files in [docs/results](results) (`--render-only` makes the page again without a run);
every number below comes from one of them, and each of those names its configuration, data hash, seed, versions and
machine. A value is followed by its 95 % interval; what went against a claim is shown as plainly as what went for it.
"""
CAPTIONS = {
    "retention": "Score over that of full attention, by the share of positions kept; intervals over test records.",
    "pareto": "Score against operations of a forward pass for one sequence. Dashed: what nothing cheaper reaches.",
    "planted": "Planted sites touched by the positions kept and by the top of the relevance ranking, beside chance and "
    "beside decoys; one run.",
    "ablation": "One part changed at a time. Filled circles and squares: the interval leaves out zero.",
    "learning": "Validation score by epoch; the band reaches from the lowest to the highest seed.",
    "calibration": "Observed share of positives by predicted probability; 95 % intervals.",
    "scaling": "Seconds, operations and peak memory of a forward pass by length, with fitted exponents.",
    "heatmap": "Who attends to whom in one test sequence: planted sites, relevance, contribution, attention among kept "
    "positions.",
    "enrichment": "Motifs enriched at the kept positions.",
}


def render_page(folder, criteria, pictures=None):
    """Write the page of results.

    Parameters
    ----------
    folder : Path
        docs/results: SCALE/results.json and, of older commits, earlier/EXPERIMENT; any of them may be missing.
    criteria : list of dict
        From `criteria.load_criteria`.
    pictures : dict of str to str, optional
        Name of each picture of the scale shown whole to its path relative to the page.

    Returns
    -------
    str
        Markdown.
    """
    scales = load_scales(folder)
    parts = [HEAD]
    for number, (name, results) in enumerate((n, r) for n, r in scales.items() if n in SHOWN):
        rows = judge(results, criteria, results.facts["scale"].get("names", {}))
        whole = number == 0
        parts.append(f"## The claims of the plan, scale `{name}`\n\n{_made(results)}\n\n{claims_section(rows)}")
        parts += [_figures(pictures or {})] if whole else []
        parts += [sweep_section(results, sweep) for sweep in results.sweeps] if whole else []
        parts += [speed_section(results.file("speed.json"))] if whole else []
        parts += [_provenance(name, results)]
    if not set(SHOWN) & set(scales):
        parts.append(f"No scale was reproduced: {NOT_YET}.\n")
    return "\n".join(part for part in [*parts, earlier_section(Path(folder) / "earlier")] if part).rstrip() + "\n"


def load_scales(folder):
    """Read the results of every scale that is there, the largest first."""
    folder = Path(folder)
    return {name: Results(folder / name) for name in ORDER if (folder / name / "results.json").is_file()}


def _made(results):
    facts = results.facts
    where = f"`{facts['command']}` at commit {facts['commit'] or 'unknown'}, {facts['created'][:10]}"
    missing = "".join(f" *{name}: {why}.*" for name, why in facts.get("missing", {}).items())
    return f"{facts['scale'].get('purpose', '').strip()} Made by {where}.{missing}".strip()


def _figures(pictures):
    if not pictures:
        return ""
    lines = [f"![{name}]({path})\n\n*{CAPTIONS[name.partition('-')[0]]}*\n" for name, path in pictures.items()]
    return "\n".join(["## Figures\n", *lines])


def _provenance(name, results):
    """Commands, data, versions and machines of a scale."""
    lines = [f"## Commands, data, machine of `{name}`\n"]
    rows, machines = [], {machine_line(results.facts["machine"], results.facts["versions"]): None}
    for sweep in results.sweeps:
        for data in results.data_names(sweep):
            found = results.data(sweep, data)
            if found:
                seeds = sorted({str(run["seed"]) for run in found["runs"]})
                commits = sorted({_commit(run) for run in found["runs"]} - {""})
                hashed = (found["data_hash"] or "")[:12]
                rows.append([f"{sweep}/{data}", len(found["runs"]), ", ".join(seeds), hashed, ", ".join(commits)])
                machines[machine_line(found["machine"], found["versions"])] = None
    lines += [table(["sweep/data", "runs", "seeds", "data hash", "commits"], rows)] if rows else []
    lines += [f"Every command of every run is in `docs/results/{name}/SWEEP/DATA.json` (`made_by`).\n"]
    return "\n".join([*lines, *(f"{each}\n" for each in machines)])


def _commit(run):
    return ((run.get("made_by") or {}).get("train") or {}).get("commit") or ""


def relative_pictures(written, page):
    """Give the paths of pictures as the page names them."""
    return {name: Path(os.path.relpath(path, Path(page).parent)).as_posix() for name, path in written.items()}

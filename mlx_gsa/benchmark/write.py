"""Write what a benchmark found: the file, the page and its pictures."""

import json
from pathlib import Path

from mlx_gsa.benchmark.contenders import find, taking_part
from mlx_gsa.benchmark.grid import HEADLINE_LENGTHS, KEPT
from mlx_gsa.benchmark.page import render_page
from mlx_gsa.benchmark.run import load
from mlx_gsa.benchmark.summary import Table, bytes_of, per_sequence, summarise
from mlx_gsa.benchmark.traffic import forward_bytes
from mlx_gsa.data.atomic import atomic_write_text
from mlx_gsa.evaluation.jsonable import jsonable
from mlx_gsa.explain.figures.performance import build_costs, build_roofline
from mlx_gsa.explain.figures.results.scaling import build_scaling
from mlx_gsa.explain.figures.style import save_figure

FILE, PAGE = "benchmark.json", "performance.md"
PUBLISHED = Path("results/performance") / FILE  # below docs
IMAGES = Path("images/performance")


def save(found: dict, path: Path) -> Path:
    """Write a benchmark with its summary, one line per cell; the folder is made if missing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    found = jsonable({**found, **summarise(found)})
    cells = ",\n  ".join(json.dumps(cell, allow_nan=False) for cell in found.pop("cells"))
    text = json.dumps(found | {"cells": []}, indent=1, allow_nan=False)
    atomic_write_text(path, text.replace('"cells": []', f'"cells": [\n  {cells}\n ]') + "\n")
    return path


def write_page(file: Path, page: Path) -> list[Path]:
    """Write the page of a saved benchmark and its pictures.

    Parameters
    ----------
    file : Path
        As `save` wrote it.
    page : Path
        Markdown; pictures go to ``images/performance`` beside it.

    Returns
    -------
    list of Path
        What was written.
    """
    found = load(file)
    pictures = draw_pictures(found, page.parent / IMAGES)
    source = file.resolve().relative_to(page.parent.resolve()).as_posix()
    paths = {name: path.relative_to(page.parent).as_posix() for name, path in pictures.items()}
    atomic_write_text(page, render_page(found, source, paths))
    return [page, *pictures.values()]


def draw_pictures(found: dict, folder: Path) -> dict[str, Path]:
    """Draw what can be drawn of a benchmark; returns the path of each picture by name."""
    made = {"scaling": _scaling(found), "roofline": _roofline(found), "pareto": _costs(found)}
    made = {name: figure for name, figure in made.items() if figure is not None}
    if made:
        folder.mkdir(parents=True, exist_ok=True)
    return {name: save_figure(figure, folder / f"{name}.svg")[0] for name, figure in made.items()}


def _scaling(found):
    """Draw time, operations and memory over length, of those that were measured at three lengths or more."""
    table, series = Table(found), []
    for rival in taking_part("forward"):
        fits = {name: table.growth("forward", rival.name, key)
                for name, key in (("time", "seconds"), ("flops", "flops"), ("memory", "rss_bytes"))}  # fmt: skip
        lengths = sorted({cell["length"] for cell in table.all_of("forward", rival.name, None, KEPT)})
        cells = [cell for length in lengths if (cell := table.best("forward", rival.name, length))]
        if None not in fits.values():
            rows = [{"length": c["length"], "seconds": per_sequence(c)[1], "flops": c["flops"] / c["batch"],
                     "peak_bytes": bytes_of(c) / c["batch"]} for c in cells]  # fmt: skip
            series.append({"label": rival.label, "batch_size": 1, "rows": rows, **fits})
    return build_scaling(series, intervals=True, height=5.2) if series else None


def _roofline(found):
    points = []
    for rival in taking_part("forward"):
        cells = [Table(found).best("forward", rival.name, length) for length in _drawn(found)]
        points += [_point(cell) for cell in cells if cell and "architecture" not in rival.settings]
    facts = found["facts"]
    return build_roofline(points, facts["gemm_gflops"], facts["bandwidth"]["triad"]) if points else None


def _point(cell):
    from mlx_gsa.config import ModelConfig
    from mlx_gsa.evaluation.cost import kept_count
    from mlx_gsa.model.memory import pairs_of_each

    rival = find(cell["contender"])
    config = ModelConfig(**({"sparsity": cell["sparsity"]} | rival.settings))
    kept = kept_count(config, cell["length"])
    moved = forward_bytes(cell["length"], kept, pairs_of_each(config, kept), config.n_channels,
                          scores_held=not rival.engine and rival.name != "torch-dense")  # fmt: skip
    return {"label": rival.label, "flops": cell["flops"] / cell["batch"], "bytes": moved,
            "seconds": per_sequence(cell)[1]}  # fmt: skip


def _costs(found):
    length = next(iter(_drawn(found)), None)
    if length is None:
        return None
    table, rivals, shares = Table(found), [], {}
    for rival in taking_part("forward"):
        cell = table.best("forward", rival.name, length)
        if cell and bytes_of(cell):
            rivals.append({"label": rival.label, "seconds": per_sequence(cell)[1],
                           "bytes": bytes_of(cell) / cell["batch"]})  # fmt: skip
        if rival.selects:
            cells = [table.best("forward", rival.name, length, share) for share in found["plan"]["sparsities"]]
            shares[rival.label] = [(c["sparsity"], per_sequence(c)[1]) for c in cells if c]
    return build_costs(rivals, {name: points for name, points in shares.items() if points}) if rivals else None


def _drawn(found):
    """Lengths of the headline that were measured, else the longest of the plan."""
    lengths = found["plan"]["lengths"]
    return [length for length in HEADLINE_LENGTHS if length in lengths] or sorted(lengths)[-1:]

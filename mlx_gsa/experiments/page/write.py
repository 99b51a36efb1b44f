"""Write docs/results.md with its figures, docs/datasets.md and the README's table from the files in docs/results."""

from pathlib import Path

from mlx_gsa.configs import config_path
from mlx_gsa.data.atomic import atomic_write_text
from mlx_gsa.experiments.criteria import judge, load_criteria
from mlx_gsa.experiments.page.claims import short_table
from mlx_gsa.experiments.page.datasets import earlier_sets, render_datasets
from mlx_gsa.experiments.page.page import load_scales, relative_pictures, render_page
from mlx_gsa.experiments.page.readme import fill_readme
from mlx_gsa.experiments.page.real_sets import real_sets
from mlx_gsa.experiments.pictures import draw_pictures

SHOWN, REAL = ("full", "standard", "quick"), "real"


def write_pages(results, page, criteria=None):
    """Write everything that is made of results.

    Parameters
    ----------
    results : Path
        docs/results.
    page : Path
        docs/results.md; pictures go to images/results beside it, datasets.md beside it where ``results`` has data sets,
        and the table of claims into ../README.md where there is one.
    criteria : Path, optional
        The claims; those that ship without it.

    Returns
    -------
    list of Path
        What was written.
    """
    results, page = Path(results), Path(page)
    claims = load_criteria(criteria or config_path("reproduce/criteria.toml"))
    scales = [found for name, found in load_scales(results).items() if name in SHOWN]
    pictures = draw_pictures(scales[0], page.parent / "images/results") if scales else {}
    atomic_write_text(page, render_page(results, claims, relative_pictures(pictures, page)))
    written = [page, *pictures.values()]
    found, source = _data_sets(results, scales)
    if found:
        written.append(page.with_name("datasets.md"))
        atomic_write_text(written[-1], render_datasets(found, source))
    readme = page.parent.parent / "README.md"
    if readme.is_file() and scales:
        rows = judge(scales[0], claims, scales[0].facts["scale"].get("names", {}))
        fill_readme(readme, short_table(rows).rstrip())
        written.append(readme)
    return written


def _data_sets(results, scales):
    """Give what was found of the real data sets, by the largest scale that has them, and where that is."""
    for found in scales:
        sets = real_sets(found, REAL)
        if any(result for _, result in sets):
            return sets, f"results/{found.folder.name}/{REAL}"
    return earlier_sets(results / "datasets"), "results/datasets"

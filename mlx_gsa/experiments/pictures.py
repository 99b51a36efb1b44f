"""From the results of a scale to its figures: which numbers go into which picture."""

import re
from pathlib import Path

from mlx_gsa.errors import GsaError
from mlx_gsa.experiments.example import example_input
from mlx_gsa.experiments.page.text import NAMES, selected
from mlx_gsa.explain.figures.heatmap import build_attention_heatmap
from mlx_gsa.explain.figures.motif_logos import build_motif_enrichment
from mlx_gsa.explain.figures.results import (
    build_ablation,
    build_calibration,
    build_learning,
    build_pareto,
    build_planted,
    build_retention,
    build_scaling,
)
from mlx_gsa.explain.figures.style import save_figure

CUTS = ("kept", "top 1 %")
MOST_PANELS, MOST_MOTIFS = 3, 8
CONTROLS = ("matched", "shuffled", "untrained")


class MissingLibrary(GsaError):
    """A library that only one picture needs is not installed."""


def draw_pictures(results, folder):
    """Draw every figure for which there are results.

    Parameters
    ----------
    results : Results
    folder : Path
        To write NAME.svg into.

    Returns
    -------
    dict of str to Path
        Name of the picture to its file, in the order of the page.
    """
    asked = results.facts["scale"].get("figures", {})
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    written = {}
    for name, build in _BUILDERS.items():
        path = folder / f"{name}.svg"
        try:
            figure = build(results, asked.get(name, {}))
        except MissingLibrary:
            figure = None
            written |= {name: path} if path.is_file() else {}  # as it was drawn where the library is
        if figure is not None:
            written[name] = save_figure(figure, path)[0]
    return written


def _retention(results, asked):
    """One line per data set; ``where`` names sweep/data, ``full`` the rival."""
    series = []
    for where in asked.get("where", ()):
        sweep, data = where.split("/")
        part = results.comparison(sweep, data)
        points = _retained(part, _names(asked.get("full", "full")), asked.get("prefix", "sparse")) if part else []
        if points:
            series.append({"label": results.title(sweep, data), "points": points})
    return build_retention(series) if series else None


def _retained(part, full, prefix):
    return [
        {"kept": part["models"][pair["first"]]["kept_share"], "retention": pair["retention"]}
        for pair in part["comparisons"]
        if pair["second"] in full and pair.get("retention") and pair["first"].startswith(prefix)
        and part["models"][pair["first"]].get("kept_share")
    ]  # fmt: skip


def _pareto(results, asked):
    panels = []
    for where in asked.get("where", ())[:MOST_PANELS]:
        sweep, data = where.split("/")
        part = results.comparison(sweep, data)
        found = part["models"] if part else {}
        points = [_point(name, model, asked.get("kinds", {})) for name, model in found.items()]
        models = [point for point in points if point]
        if models:
            panels.append({"title": results.title(sweep, data), "metric": NAMES[part["metric"]], "models": models})
    return build_pareto(panels) if panels else None


def _point(name, model, kinds):
    if not model.get("flops"):
        return None
    # "sparse" stands for sparse-10 and sparse10, too, but "random" not for random-embeddings.
    kind = next((kind for kind, names in kinds.items() if re.sub(r"-?[\d.]+$", "", name) in names), None)
    if kind is None:
        return None
    kept = model.get("kept_share") or 1
    label = f"{100 * kept:.2g} %" if kept < 1 else ""
    return {"label": label, "kind": kind, "flops": model["flops"], "score": model["mean"]}


def _planted(results, asked):
    """Sites of the first seed of one variant; ``where`` = sweep/data/variant."""
    if "where" not in asked:
        return None
    runs = results.runs(*asked["where"].split("/"))
    if not runs or not selected(runs[0], "kinds"):
        return None
    panels = []
    for cut in CUTS:
        decoys = {row["kind"]: row["decoy"] for row in selected(runs[0], "decoys") if row["cut"] == cut}
        rows = [row for row in selected(runs[0], "kinds") if row["cut"] == cut]
        kinds = [{**row, "chance": row["recall_chance"], "decoy": decoys.get(row["kind"])} for row in rows]
        title = "all kept positions" if cut == "kept" else f"{cut} by relevance"
        panels.append({"title": title, "kinds": kinds})
    return build_planted(panels)


def _ablation(results, asked):
    """Differences of all variants of some sweeps to their reference; ``where`` = list of sweep/data."""
    rows, metric, references = [], None, _names(asked.get("reference", ()))
    for where in asked.get("where", ()):
        part = results.comparison(*where.split("/"))
        for pair in (part or {"comparisons": ()})["comparisons"]:
            sign = 1 if pair["second"] in references else -1
            other, reference = (pair["first"], pair["second"])[::sign]
            if reference in references and part["models"][other]["kind"] == "run":
                metric = NAMES[part["metric"]]
                rows.append({"label": part["models"][other]["label"], "difference": _turned(pair["difference"], sign)})
    unique = list({row["label"]: row for row in rows}.values())
    return build_ablation(unique, metric, asked.get("label", " or ".join(references))) if unique else None


def _enrichment(results, asked):
    """Best families of known motifs of one variant; ``where`` = sweep/data/variant."""
    if "where" not in asked:
        return None
    runs = [run for run in results.runs(*asked["where"].split("/")) if run.get("motifs")]
    if not runs:
        return None
    families = runs[0]["motifs"]["families"][:MOST_MOTIFS]
    rows = [_family(family) for family in sorted(families, key=lambda family: not family["enriched"])]
    try:
        return build_motif_enrichment(rows)
    except GsaError as error:
        raise MissingLibrary(error.what, mend=error.mend) from None


def _family(family):
    best = family["best"]
    more = f" and {len(family['others'])} more" if family.get("others") else ""
    against = {
        name: {"enrichment": [best[name]["enrichment"][key] for key in ("value", "low", "high")], "q": best[name]["q"]}
        for name in CONTROLS
    }
    note = f"{best['motif_id']}, {best['cut']}, in {best['rate']:.0%} of records"
    return {"label": best["name"] + more, "note": note, "ppm": family["matrix"], **against}


def _names(value):
    return [value] if isinstance(value, str) else list(value)


def _turned(interval, sign):
    """Return the interval of the difference the other way round, where asked."""
    low, high = (interval["low"], interval["high"]) if sign > 0 else (-interval["high"], -interval["low"])
    return {"value": sign * interval["value"], "low": low, "high": high}


def _learning(results, asked):
    panels = []
    for where in asked.get("where", ())[:MOST_PANELS]:
        sweep, data = where.split("/")
        variants = []
        for variant in asked["variants"]:
            runs = results.runs(sweep, data, variant)
            if runs:
                curves = [[row["val_metric"] for row in run["epochs"]] for run in runs]
                variants.append({"label": runs[0]["label"] or variant, "curves": curves})
        part = results.comparison(sweep, data)
        if variants and part:
            panels.append({"title": results.title(sweep, data), "metric": NAMES[part["metric"]], "variants": variants})
    return build_learning(panels) if panels else None


def _calibration(results, asked):
    series = []
    for where in asked.get("where", ()):
        sweep, data, variant = where.split("/")
        for run in results.runs(sweep, data, variant)[:1]:
            bins = (run["evaluation"].get("calibration") or {}).get("points")
            if bins and run["evaluation"]["calibration"]["kind"] == "probability":
                series.append({"label": results.title(sweep, data), "bins": bins})
    return build_calibration(series) if series else None


def _scaling(results, asked):
    speed = results.file("speed.json")
    return build_scaling(speed["series"]) if speed and speed["series"] else None


def _heatmap(results, asked):
    found = results.file("example.json")
    return build_attention_heatmap(example_input(found)) if found else None


_BUILDERS = {
    "retention": _retention, "pareto": _pareto, "planted": _planted, "ablation": _ablation, "learning": _learning,
    "calibration": _calibration, "scaling": _scaling, "heatmap": _heatmap, "enrichment": _enrichment,
}  # fmt: skip

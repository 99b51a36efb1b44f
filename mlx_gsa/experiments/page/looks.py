"""Tables of what models look at and whether it can be trusted: motifs, novel motifs, spacing, the audit."""

from mlx_gsa.experiments.page.text import plain, small, table

FAMILIES = 8
CONTROLS = ("matched", "shuffled", "untrained")


def motif_table(results, sweep, data):
    """Lay out the best families of known motifs of each run that was tested for them."""
    parts = []
    for run in _having(results, sweep, data, "motifs"):
        found = run["motifs"]
        rows = [_family_row(family) for family in found["families"][:FAMILIES]]
        head = ["family", "positions", "share of records", *(f"times {name}" for name in CONTROLS), "q", "enriched"]
        manifest = found["manifest"]
        cuts = "; ".join(f"{each['enriched_families']} in {cut}" for cut, each in found["cuts"].items())
        said = f"Known motifs ({manifest['motifs']}) of {_named(run)}, {manifest['n_records']:,} records;"
        said += f" enriched families: {cuts} (q < {found['alpha']:g} against all three controls)."
        parts.append(f"{said}\n\n" + table(head, rows))
    return "\n".join(parts)


def _family_row(family):
    best = family["best"]
    others = f" and {len(family['others'])} more" if family.get("others") else ""
    effects = [plain(best[name]["enrichment"], 1) for name in CONTROLS]
    yes = "**yes**" if family["enriched"] else "no"
    return [f"{best['name']}{others}", best["cut"], f"{best['rate']:.1%}", *effects, small(best["q"]), yes]


def novel_table(results, sweep, data):
    """Lay out the motifs that were discovered, new ones first, with what of them holds on the test records."""
    parts = []
    for run in _having(results, sweep, data, "novel"):
        found = run["novel"]
        rows = [_novel_row(each) for each in found["motifs"][:FAMILIES]]
        head = ["consensus", "new", "closest known", "sites", *(f"times {name}" for name in CONTROLS), "q, test"]
        said = f"Motifs discovered at kept positions of {_named(run)}: {found['n_novel']} new and confirmed"
        parts.append(f"{said} on {found['test_records']:,} test records.\n\n" + table(head, rows))
    return "\n".join(parts)


def _novel_row(each):
    closest = each["closest"] or {}
    known = f"{closest.get('name', '')}" if each["known"] else "none"
    test = each["test"]
    effects = [plain(test[name]["enrichment"], 1) if test else "" for name in CONTROLS]
    return [each["consensus"], "**yes**" if each["novel"] else "no", known, each["sites"], *effects, small(each["q"])]


def spacing_table(results, sweep, data):
    """Lay out pairs of motifs with the distances at which both are kept beyond the null."""
    parts = []
    for run in _having(results, sweep, data, "spacing"):
        rows = [_pair_row(pair) for pair in run["spacing"]["pairs"]]
        head = ["motifs", "kept pairs", "bp between the sites", "times the null", "q"]
        if rows:
            parts.append(f"Distances of motifs that are both kept, {_named(run)}:\n\n" + table(head, rows))
    return "\n".join(parts)


def _pair_row(pair):
    names, count = f"{pair['first']['name']}, {pair['second']['name']}", f"{pair['pairs']:,}"
    if not pair["peaks"]:
        return [names, count, "none beyond the null" if pair["tested"] else "too few to test", "", ""]
    peak = min(pair["peaks"], key=lambda each: each["q"])
    gap = f"{peak['gap_low']:.0f} to {peak['gap_high']:.0f}"
    return [names, count, gap, f"{peak['enrichment']:.1f} x", small(peak["q"])]


def audit_table(results, sweep, data):
    """Lay out every check of the audit of each run that was audited."""
    parts = []
    for run in _having(results, sweep, data, "audit"):
        rows = [[each["question"], f"**{each['verdict']}**", each["why"]] for each in run["audit"]["checks"]]
        parts.append(f"Audit of {_named(run)}:\n\n" + table(["question", "verdict", "why"], rows))
    return "\n".join(parts)


def _having(results, sweep, data, name):
    return [run for run in results.runs(sweep, data) if run.get(name)]


def _named(run):
    fold = f", fold {run['fold']}" if run["fold"] is not None else ""
    return f"“{run['label'] or run['variant']}” (seed {run['seed']}{fold})"
